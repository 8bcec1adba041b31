"""The last step: video.update makes the video visible.

Before the first update of an upload the file is looked at once more: if it changed, its old revision is
not published either. From the moment an update may have taken effect (`publish_offered`, written before
it leaves), the decision stands: it is repeated until OK answers, whatever becomes of the file, so that
one revision never gets two videos.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import UNFINISHED, Failure, State
from okdrop.errors import GaveUp, Halted, SourceChanged, TicketDead, Trouble, UploadError
from okdrop.inbox.source import Source
from okdrop.ledger import StaleVersion
from okdrop.metadata import render
from okdrop.pipeline.parts import SOURCE_GONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Drop, Upload
    from okdrop.metadata import Metadata
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts

_FIRST: Final = -62_000_000_000
_LAST: Final = 253_000_000_000
"""Seconds since the epoch, a little within the years 5 and 9987: room for every time zone."""


def moment(mtime_ns: int) -> datetime:
    """A file's modification time in UTC; for one that no calendar has, as file systems may, the nearest."""
    seconds = min(max(mtime_ns // 10**9, _FIRST), _LAST)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


class Finalizer:
    """Publishes what is whole.

    Args:
        parts: what all stages share.
        finals: ids that wait for video.update.
        line: where an upload goes back to when OK has lost its video.
        opened: uploads of this run that have no end yet.
        look_again: told of a file that changed, so that its new revision is found.
    """

    def __init__(
        self, parts: Parts, finals: Line, line: Line, opened: OpenUploads, look_again: Callable[[Drop], None]
    ) -> None:
        self._parts: Final = parts
        self._finals: Final = finals
        self._line: Final = line
        self._opened: Final = opened
        self._look_again: Final = look_again

    async def work(self) -> None:
        """Go on until the line is closed or the brake is pulled."""
        while (number := await self._finals.get()) is not None and await self._parts.brake.wait_until_free():
            try:
                await self.publish(number)
            except StaleVersion as stale:
                # Somebody else wrote the row: cancelled, superseded, renamed. Theirs stands.
                if stale.current.state in UNFINISHED:
                    self._finals.put(number)
                else:
                    self._parts.tally.add(stale.current.state)
                    self._opened.end(number)

    async def publish(self, number: int) -> None:
        """One try at one upload."""
        row = await self._parts.ledger.get(number)
        if row is None or row.state is not State.FINALIZING or row.ticket is None:
            self._opened.end(number)
            return
        offered_before = row.publish_offered
        try:
            metadata = self._metadata(row)
            row = await self._commit_to(row)
            await self._update(row, metadata)
        except UploadError as error:
            maybe_done = isinstance(error, Trouble) and error.maybe_done
            await self._refused(row.with_(publish_offered=offered_before or maybe_done), error)
            return
        row = await self._parts.ledger.write(
            row.to(State.PUBLISHED, publish_offered=False, troubles=0, retry_at=None, failure=None)
        )
        self._parts.tally.add(State.PUBLISHED)
        self._parts.emit(
            events.UploadPublished(
                upload=row.id,
                video_id=row.ticket.video_id if row.ticket else "",
                path=events.shown(row.drop.path),
                size=row.drop.revision.size,
            )
        )
        self._opened.end(number)

    def _metadata(self, row: Upload) -> Metadata:
        drop = row.drop
        return render(
            self._parts.settings_of(drop),
            drop.path,
            drop.folder,
            size=drop.revision.size,
            modified=moment(drop.revision.mtime_ns),
            title=drop.title,
        )

    async def _commit_to(self, row: Upload) -> Upload:
        """Look at the file a last time; from here on this revision is the one that is published."""
        if row.publish_offered:
            return row
        digest = row.digest
        try:
            source = await Source.open(row.drop.path, row.drop.revision)
            digest = digest or await source.digest()
            await source.check()
        except SourceChanged as changed:
            if changed.code != SOURCE_GONE:
                raise
            # Gone is not changed: OK holds the only copy there may be. It is published.
        except GaveUp:
            # It cannot be read any more, but every byte of it was, and OK holds them.
            digest = None
        return await self._parts.ledger.write(row.with_(publish_offered=True, digest=digest))

    async def _update(self, row: Upload, metadata: Metadata) -> None:
        if row.ticket is not None:
            await self._parts.client.update(
                row.ticket.video_id,
                title=metadata.title,
                description=metadata.description,
                tags=metadata.tags,
                privacy=metadata.privacy,
            )

    async def _refused(self, row: Upload, error: UploadError) -> None:
        """Not published: by the verdict."""
        if isinstance(error, SourceChanged):
            await self._parts.supersede(row)
            self._look_again(row.drop)
            self._opened.end(row.id)
        elif isinstance(error, Halted):
            await self._parts.ledger.write(row, note=error.message)
            self._parts.halt(error)
            self._finals.put(row.id)
        elif isinstance(error, Trouble):
            await self._again(row, error)
        elif isinstance(error, TicketDead):
            await self._start_over(row, error)
        else:
            await self._fail(row, error)

    async def _fail(self, row: Upload, error: UploadError) -> None:
        # The ticket stays: `retry` publishes it, and sends nothing again.
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        await self._parts.fail(row, failure)
        self._opened.end(row.id)

    async def _again(self, row: Upload, error: Trouble) -> None:
        if error.tries is not None and row.troubled(error.code).repeats >= error.tries:
            await self._fail(row, error)
            return
        row, delay = await self._parts.put_off(row, error)
        self._finals.put(row.id, delay)

    async def _start_over(self, row: Upload, error: TicketDead) -> None:
        """OK knows no such video: its bytes have to be sent again."""
        anew = row.to(
            State.UPLOADING, ticket=None, mode=None, offered_all=False, publish_offered=False, received=0
        )
        row, delay = await self._parts.put_off(anew, error)
        self._line.put(row.id, delay)
