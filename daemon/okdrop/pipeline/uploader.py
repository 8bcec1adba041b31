"""The workers: each takes an id from the line and sees that upload through to an outcome.

The outcome of an attempt becomes a state of the row: whole → finalizing, released → back into the line,
drained → as it is, an error → by its verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import SOURCE_GONE, UNFINISHED, Failure, State, too_small
from okdrop.errors import Halted, SourceChanged, Trouble, UploadError
from okdrop.inbox.source import Source
from okdrop.ledger import StaleVersion
from okdrop.pipeline.attempt import DRAINED, WHOLE, Attempt, Outcome, Released
from okdrop.pipeline.line import IN_OTHER_HANDS
from okdrop.pipeline.parts import SOURCE_AWAY
from okdrop.pipeline.sessions import DIED_ASKING, may_have_died_asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Drop, Upload
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts

USELESS_TICKET: Final = frozenset({"ticket_expired", "upload_host_refused", "video_unclear", SOURCE_GONE})
"""Failures after which another try begins with a new ticket."""


class Uploader:
    """Takes uploads from one line and hands whole ones to the next.

    Args:
        parts: what all stages share.
        line: ids that wait for their bytes to be sent.
        finals: ids that wait for video.update.
        opened: uploads of this run that have no end yet.
        look_again: told of a file that changed, so that its new revision is found.
    """

    def __init__(
        self, parts: Parts, line: Line, finals: Line, opened: OpenUploads, look_again: Callable[[Drop], None]
    ) -> None:
        self._parts: Final = parts
        self._line: Final = line
        self._finals: Final = finals
        self._opened: Final = opened
        self._look_again: Final = look_again
        self._away: Final[set[int]] = set()

    def folder_is_back(self) -> None:
        """What waits for a file that is away need not wait longer."""
        for number in self._away:
            self._line.put(number)
        self._away.clear()

    async def work(self) -> None:
        """Go on until the line is closed or the brake is pulled."""
        while (number := await self._line.get()) is not None:
            with self._opened.taken(number) as is_ours:
                if not is_ours:
                    self._line.put(number, IN_OTHER_HANDS)
                    continue
                if not await self._parts.brake.wait_until_free():
                    return
                await self._upload_or_yield(number)

    async def _upload_or_yield(self, number: int) -> None:
        try:
            await self.upload(number)
        except StaleVersion as stale:
            # Somebody else wrote the row: cancelled, superseded, renamed. Theirs stands.
            self._pass_on(stale.current)

    def _pass_on(self, row: Upload) -> None:
        """Put an upload where its state belongs, which may not be here."""
        if row.state is State.FINALIZING:
            self._finals.put(row.id)
        elif row.state in UNFINISHED and not row.held:
            self._line.put(row.id)
        else:
            if row.id in self._opened:
                self._parts.taken_away(row)
            self._opened.end(row.id)

    async def upload(self, number: int) -> None:
        """One attempt at one upload."""
        self._away.discard(number)
        row = await self._parts.ledger.get(number)
        if row is None:
            self._opened.end(number)
            return
        if row.held or row.state not in {State.QUEUED, State.UPLOADING}:
            self._pass_on(row)
            return
        if (failure := too_small(row.drop.revision.size)) is not None:  # a person handed it back
            await self._parts.fail(row, failure)
            self._opened.end(number)
            return
        try:
            source = await Source.open(row.drop.path, row.drop.revision)
        except UploadError as error:
            await self._end(row, error)
            return
        row = await self._take_up(row)
        started = self._parts.monotonic()
        attempt = Attempt(self._parts, row, source)
        self._opened.on_let_go(number, attempt.let_go)
        try:
            outcome = await attempt.run()
            await self._end(attempt.row, outcome, seconds=self._parts.monotonic() - started)
        except StaleVersion:
            if attempt.homeless_video:
                await self._parts.ledger.add_orphan(attempt.homeless_video)
            raise

    async def _take_up(self, row: Upload) -> Upload:
        taken = row.with_(attempts=row.attempts + 1, retry_at=None)
        if row.state is State.QUEUED:
            taken = taken.to(State.UPLOADING)
        died_asking = may_have_died_asking(row)
        row = await self._parts.ledger.write(taken, note=DIED_ASKING if died_asking else "")
        if died_asking:
            self._parts.emit(events.TicketLost(upload=row.id, reason=DIED_ASKING))
        self._parts.emit(
            events.UploadStarted(
                upload=row.id,
                path=events.shown(row.drop.path),
                size=row.drop.revision.size,
                attempt=row.attempts,
            )
        )
        return row

    async def _end(self, row: Upload, outcome: Outcome, *, seconds: float = 0.0) -> None:
        """Write the outcome and pass the upload on."""
        if isinstance(outcome, UploadError):
            await self._end_by(row, await self._parts.only_away(row, outcome))
        elif outcome == WHOLE:
            await self._whole(row, seconds)
        elif isinstance(outcome, Released):
            await self._parts.ledger.write(row)
            self._line.put(row.id, outcome.delay)
        elif outcome == DRAINED:
            await self._parts.ledger.write(_set_down(row))
            self._line.put(row.id)

    async def _end_by(self, row: Upload, error: UploadError) -> None:
        """Write what stands in the way, by the error's verdict."""
        if isinstance(error, Halted):
            await self._parts.ledger.write(_set_down(row), note=error.message)
            self._parts.halt(row, error)
            self._line.put(row.id)
        elif isinstance(error, Trouble):
            # The file cannot be looked at now (a mount that hangs, or is away): another time.
            row, delay = await self._parts.put_off(row, error)
            self._line.put(row.id, delay)
            if error.code == SOURCE_AWAY:
                self._away.add(row.id)
        elif isinstance(error, SourceChanged) and error.code != SOURCE_GONE:
            await self._parts.supersede(row)
            self._look_again(row.drop)
            self._opened.end(row.id)
        else:
            await self._failed(row, error)

    async def _whole(self, row: Upload, seconds: float) -> None:
        row = await self._parts.ledger.write(
            row.to(State.FINALIZING, received=row.drop.revision.size, troubles=0, retry_at=None)
        )
        if row.ticket is not None:
            self._parts.emit(
                events.UploadWhole(
                    upload=row.id,
                    video_id=row.ticket.video_id,
                    size=row.drop.revision.size,
                    bytes_sent=row.bytes_sent,
                    seconds=round(seconds, 3),
                )
            )
        self._finals.put(row.id)

    async def _failed(self, row: Upload, error: UploadError) -> None:
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        orphan = ""
        if error.code in USELESS_TICKET and row.ticket is not None:
            orphan = row.ticket.video_id
            row = row.with_(ticket=None, mode=None, offered_all=False, received=0)
        await self._parts.fail(row, failure, orphan=orphan)
        if error.code == SOURCE_GONE:
            self._look_again(row.drop)  # it may be back already, or come back
        self._opened.end(row.id)


def _set_down(row: Upload) -> Upload:
    """How an upload waits whose turn ended early; without a ticket it has not begun (`sessions`)."""
    return row.to(State.QUEUED) if row.ticket is None else row
