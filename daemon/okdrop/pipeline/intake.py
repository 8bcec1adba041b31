"""What becomes of a settled file: a new upload, or nothing, since it is known, moved, or published already.

The ledger's judgement is by the facts of `stat`; only where those leave a doubt (same path and size,
another mtime) are contents compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import UNFINISHED, State, too_small
from okdrop.errors import LedgerError, UploadError
from okdrop.inbox.revision import revision_at
from okdrop.inbox.source import Source
from okdrop.ledger import Known, Moved, New, StaleVersion, Suspect

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Drop, Upload
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts


TOLD: Final = 10_000
"""Files that are remembered as told to be known."""


class Intake:
    """Writes settled files into the ledger, then into the line.

    Args:
        parts: what all stages share.
        line: where ids of new uploads go.
        opened: uploads of this run that have no end yet.
    """

    def __init__(self, parts: Parts, line: Line, opened: OpenUploads) -> None:
        self._parts: Final = parts
        self._line: Final = line
        self._opened: Final = opened
        self._told: Final[dict[bytes, int]] = {}

    async def take(
        self, drop: Drop, *, compare_later: Callable[[Drop, Upload], None] | None = None
    ) -> Upload | None:
        """Judge a settled file.

        Args:
            drop: the file.
            compare_later: takes a file whose contents have to be compared, which may last; whoever gives
                it calls `compare` for each.

        Returns:
            Its row, new or known; None: it is compared later.
        """
        match await self._parts.ledger.judge(drop):
            case Known(upload=upload):
                return self._known(drop, upload)
            case Moved(upload=upload):
                return await self._moved(drop, upload)
            case Suspect(upload=upload) if compare_later is not None and upload.digest is not None:
                compare_later(drop, upload)
                return None
            case Suspect(upload=upload):
                return await self.compare(drop, upload)
            case New():
                return await self._add(drop)

    def _known(self, drop: Drop, upload: Upload) -> Upload:
        if self._told.get(drop.path) == upload.id:
            return upload  # another name of an upload under way comes by at each scan
        if len(self._told) >= TOLD:
            self._told.clear()
        self._told[drop.path] = upload.id
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
        """A rename: an upload on its way goes on under the new name."""
        old_name_holds = revision_at(upload.drop.path) == drop.revision  # then it is a second hard link
        if upload.state not in UNFINISHED or old_name_holds:
            return self._known(drop, upload)
        try:
            return await self._parts.ledger.write(upload.with_(drop=drop), note="the file was renamed")
        except StaleVersion:
            return await self._anew(drop)  # its worker wrote in between: judge it as it stands now
        except LedgerError as error:
            return await self._anew_if_known(drop, error)

    async def _anew(self, drop: Drop) -> Upload:
        match await self._parts.ledger.judge(drop):
            case Known(upload=upload):
                return self._known(drop, upload)
            case Moved(upload=upload):
                return await self._moved(drop, upload)
            case Suspect() | New():
                return await self._add(drop)

    async def _anew_if_known(self, drop: Drop, error: LedgerError) -> Upload:
        """Another process gave this revision a row after it was judged here."""
        if error.code != "ledger_known":
            raise error
        return await self._anew(drop)

    async def compare(self, drop: Drop, published: Upload) -> Upload:
        """The same path and size with another mtime: the same bytes are not sent again."""
        if published.digest is not None:
            try:
                source = await Source.open(drop.path, drop.revision)
                same = await source.digest() == published.digest
            except UploadError:
                same = False  # not proven: the upload itself will say what is wrong with the file
            if same:
                return await self._duplicate(drop, published)
        return await self._anew(drop)

    async def _duplicate(self, drop: Drop, published: Upload) -> Upload:
        original = published.duplicate_of or published.id
        note = f"the same bytes as upload {original}"
        try:
            row = await self._parts.ledger.add(drop, state=State.DUPLICATE, duplicate_of=original, note=note)
        except LedgerError as error:
            return await self._anew_if_known(drop, error)
        self._parts.tally.add(State.DUPLICATE)
        self._parts.emit(events.UploadDuplicate(upload=row.id, path=events.shown(drop.path), of=original))
        return row

    async def _add(self, drop: Drop) -> Upload:
        failure = too_small(drop.revision.size)
        try:
            if failure is None:
                row = await self._parts.ledger.add(drop, note="settled")
            else:
                row = await self._parts.ledger.add(
                    drop, state=State.FAILED, failure=failure, note=failure.message
                )
        except LedgerError as error:
            return await self._anew_if_known(drop, error)
        if failure is not None:
            self._parts.tally.add(State.FAILED)
            self._parts.tell_failure(row)
            return row
        self._parts.emit(
            events.FileSettled(upload=row.id, path=events.shown(drop.path), size=drop.revision.size)
        )
        self._opened.begin(row.id)
        self._line.put(row.id)
        return row
