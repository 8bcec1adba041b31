"""What becomes of a settled file: a new upload, or nothing, since it is known, moved, or published already.

The ledger's judgement is by the facts of `stat`; only where those leave a doubt (same path and size,
another mtime) are contents compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.config.watch import After
from okdrop.drop import UNFINISHED, Chore, State, too_small
from okdrop.errors import UploadError
from okdrop.inbox.revision import revision_at
from okdrop.inbox.source import Source
from okdrop.ledger import Known, Moved, New, StaleVersion, Suspect

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Drop, Upload
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts


class Intake:
    """Writes settled files into the ledger, then into the line.

    Args:
        parts: what all stages share.
        line: where ids of new uploads go.
        opened: uploads of this run that have no end yet.
        has_chore: told of a duplicate whose file is to be moved.
    """

    def __init__(
        self, parts: Parts, line: Line, opened: OpenUploads, has_chore: Callable[[Upload], None]
    ) -> None:
        self._parts: Final = parts
        self._line: Final = line
        self._opened: Final = opened
        self._has_chore: Final = has_chore

    async def take(self, drop: Drop) -> Upload:
        """Judge a settled file; returns its row, new or known."""
        match await self._parts.ledger.judge(drop):
            case Known(upload=upload):
                return self._known(drop, upload)
            case Moved(upload=upload):
                return await self._moved(drop, upload)
            case Suspect(upload=upload):
                return await self._compare(drop, upload)
            case New():
                return await self._add(drop)

    def _known(self, drop: Drop, upload: Upload) -> Upload:
        self._parts.emit(
            events.FileKnown(
                upload=upload.id,
                path=events.shown(drop.path),
                state=upload.state.value,
                video_id=upload.ticket.video_id if upload.ticket is not None else "",
            )
        )
        return upload

    async def _moved(self, drop: Drop, upload: Upload) -> Upload:
        """A rename: an upload on its way goes on under the new name, and so does what is to do after it."""
        old_name_holds = revision_at(upload.drop.path) == drop.revision  # then it is a second hard link
        goes_on = upload.state in UNFINISHED or (upload.chore is not None and upload.moved_to is None)
        if not goes_on or old_name_holds:
            return self._known(drop, upload)
        try:
            return await self._parts.ledger.write(upload.with_(drop=drop), note="the file was renamed")
        except StaleVersion:
            return await self.take(drop)  # its worker wrote in between: judge it as it stands now

    async def _compare(self, drop: Drop, published: Upload) -> Upload:
        """The same path and size with another mtime: the same bytes are not sent again."""
        if published.digest is not None:
            try:
                source = await Source.open(drop.path, drop.revision)
                same = await source.digest() == published.digest
            except UploadError:
                same = False  # not proven: the upload itself will say what is wrong with the file
            if same:
                return await self._duplicate(drop, published)
        return await self._add(drop)

    async def _duplicate(self, drop: Drop, published: Upload) -> Upload:
        original = published.duplicate_of or published.id
        # Moved as the first one was. Not deleted: nobody asks OK about the video on its account.
        moves = self._parts.afterwards_of(drop).after is After.MOVE
        row = await self._parts.ledger.add(
            drop,
            state=State.DUPLICATE,
            duplicate_of=original,
            chore=Chore.MOVE if moves else None,
            note=f"the same bytes as upload {original}",
        )
        self._parts.tally.add(State.DUPLICATE)
        self._parts.emit(events.UploadDuplicate(upload=row.id, path=events.shown(drop.path), of=original))
        self._has_chore(row)
        return row

    async def _add(self, drop: Drop) -> Upload:
        size = drop.revision.size
        if (failure := too_small(size)) is not None:
            row = await self._parts.ledger.add(
                drop, state=State.FAILED, failure=failure, note=failure.message
            )
            self._parts.tally.add(State.FAILED)
            self._parts.tell_failure(row)
            return row
        row = await self._parts.ledger.add(drop, note="settled")
        self._parts.emit(events.FileSettled(upload=row.id, path=events.shown(drop.path), size=size))
        if self._opened.begin(row.id):
            self._line.put(row.id)
        return row
