"""The workers: each takes an id from the line and sees that upload through to an outcome.

There are more of them than uploads are sent at once: some make the next ones ready (`pipeline.slots`), some
write down what came of the last. So the line waits neither for a ticket nor for the ledger.

The outcome of an attempt becomes a state of the row: whole → finalizing, released → back into the line,
drained → as it is, an error → by its verdict.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import (
    NO_STRIKES,
    SOURCE_GONE,
    TICKETS_PER_REVISION,
    UNFINISHED,
    Failure,
    State,
    too_small,
)
from okdrop.errors import Halted, SourceChanged, Trouble, UploadError
from okdrop.ledger import StaleVersion
from okdrop.pipeline.accounts import admits, with_its_account
from okdrop.pipeline.attempt import DRAINED, WHOLE, Attempt, Outcome
from okdrop.pipeline.describing import Describing
from okdrop.pipeline.line import IN_OTHER_HANDS
from okdrop.pipeline.parts import SOURCE_AWAY, SOURCE_MISSED
from okdrop.pipeline.patience import Released
from okdrop.pipeline.places import naming
from okdrop.pipeline.sessions import DIED_ASKING, may_have_died_asking, place_of, places_of
from okdrop.pipeline.slots import Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Drop, Ticket, Upload
    from okdrop.inbox.source import Source
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.twins import Twins

USELESS_TICKET: Final = frozenset({"ticket_expired", "upload_host_refused", "video_unclear", SOURCE_GONE})
"""Failures after which another try begins with a new ticket."""

HOPELESS: Final = 900.0
"""Seconds without a sign of life from a host after which an upload of which it holds nothing leaves it."""

SPARE_TICKETS: Final = TICKETS_PER_REVISION - 2
"""Tickets after which none is spent on a dead host any more: passing trouble is never final."""


class Uploader:
    """Takes uploads from one line and hands whole ones to the next.

    Args:
        parts: what all stages share.
        line: ids that wait for their bytes to be sent.
        finals: ids that wait for video.update.
        opened: uploads of this run that have no end yet.
        look_again: told of a file that changed, so that its new revision is found.
        twins: knows whether an equal file is published, or on its way before this one.
        at_once: how many uploads are sent at once.
    """

    def __init__(
        self,
        parts: Parts,
        line: Line,
        finals: Line,
        opened: OpenUploads,
        look_again: Callable[[Drop], None],
        twins: Twins,
        *,
        at_once: int = 1,
    ) -> None:
        self._parts: Final = parts
        self._line: Final = line
        self._finals: Final = finals
        self._opened: Final = opened
        self._look_again: Final = look_again
        self._twins: Final = twins
        self._slots: Final = Slots(at_once)
        self._describing: Final = Describing(parts)
        parts.brake.on_release(opened.account_is_back)
        self._away: Final[set[int]] = set()
        self._missed: Final[dict[int, float]] = {}

    def folder_is_back(self) -> None:
        """What waits for a file that is away need not wait longer."""
        for number in self._away:
            self._line.put(number)
        self._away.clear()

    async def work(self) -> None:
        """Go on until the line is closed or the brake is pulled."""
        goes_on = True
        while goes_on:
            async with self._slots.next() as slot:
                goes_on = await self._work_once(slot)

    async def _work_once(self, slot: Slot) -> bool:
        """Take what is next in line; returns whether there may be more."""
        if (number := await self._line.get()) is None:
            return False
        with self._opened.taken(number) as is_ours:
            if not is_ours:
                self._line.put(number, IN_OTHER_HANDS)
                return True
            if not await self._parts.brake.wait_until_free():
                return False
            if self._opened.park_again(number, self._line, self._parts.brake.is_halted_for):
                return True
            await self._upload_or_yield(number, slot)
        return True

    async def _upload_or_yield(self, number: int, slot: Slot) -> None:
        try:
            await self.upload(number, slot)
        except StaleVersion as stale:
            # Somebody else wrote the row: cancelled, superseded, renamed. Theirs stands.
            self._pass_on(stale.current)
        finally:
            self._parts.breakers.leave(number)

    def _pass_on(self, row: Upload) -> None:
        """Put an upload where its state belongs, which may not be here."""
        if row.state is State.FINALIZING:
            self._finals.put(row.id)
        elif row.state in UNFINISHED and not row.held:
            self._line.put(row.id)
        else:
            if row.id in self._opened:
                self._parts.taken_away(row)
            self._end_of(row.id)

    def _end_of(self, number: int) -> None:
        self._missed.pop(number, None)
        self._opened.end(number)

    async def upload(self, number: int, slot: Slot | None = None) -> None:
        """One attempt at one upload.

        Args:
            number: its id.
            slot: leave to make it ready, then to send; None: it sends at once.
        """
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
        row = await with_its_account(self._parts, row)
        if not admits(self._parts, row, self._line, self._opened):
            return
        row = await self._away_from_dead_host(row)
        if self._has_to_wait(row):
            return
        try:
            source = await self._parts.open_source(row)
            admitted = await self._twins.admit(row, source)
        except UploadError as error:
            await self._end(row, error)
            return
        self._missed.pop(number, None)
        if admitted is not None:
            try:
                await self._attempt(await self._take_up(admitted, source), source, slot or Slot())
            finally:
                self._twins.leaves_worker(admitted)

    async def _attempt(self, row: Upload, source: Source, slot: Slot) -> None:
        number = row.id
        leaves = await self._parts.ledger.leaves(row) if row.ticket is not None else b""
        attempt = Attempt(self._parts, row, source, slot, leaves)
        self._opened.on_let_go(number, attempt.let_go)
        try:
            async with source.held(naming(self._parts.places, row.drop)):
                with self._opened.carried(number, attempt):
                    outcome = await attempt.run()
            await self._end(attempt.row, outcome, seconds=attempt.seconds, deleted=source.was_deleted)
        except StaleVersion:
            if attempt.homeless_video:
                await self._parts.ledger.add_orphan(attempt.homeless_video, account=row.account)
            raise

    async def _away_from_dead_host(self, row: Upload) -> Upload:
        """Ask for another host, where that costs no byte, and OK had time to find out."""
        ticket, breakers = row.ticket, self._parts.breakers
        if ticket is None or row.offered_all or row.tickets > SPARE_TICKETS:
            return row
        if row.received and not self._is_expired(ticket):
            return row
        waited = (self._parts.now() - ticket.issued_at).total_seconds()
        if min(waited, breakers.open_for(place_of(ticket))) < HOPELESS:
            return row
        row = row.with_(ticket=None, mode=None, strikes=NO_STRIKES)
        row = await self._parts.ledger.write(row, note="its host is dead", orphan=ticket.video_id)
        self._parts.emit(
            events.TicketAbandoned(upload=row.id, video_id=ticket.video_id, reason="its host is dead")
        )
        return row

    def _is_expired(self, ticket: Ticket) -> bool:
        return ticket.expires_at is not None and ticket.expires_at <= self._parts.now()

    def _has_to_wait(self, row: Upload) -> bool:
        """Whether a place that it needs is in trouble; it comes back once that is well."""
        breakers = self._parts.breakers
        if row.ticket is None and (crowd := breakers.crowded(row.id, beside=max(0, self._slots.ahead - 1))):
            breakers.wait(row.id, crowd, self._line, patient=True)
            return True
        if place := breakers.holds(row.id, *places_of(self._parts, row)):
            breakers.wait(row.id, place, self._line)
        return bool(place)

    async def _take_up(self, row: Upload, source: Source) -> Upload:
        # Device and inode as they are numbered now: a rename is known by them.
        drop = dataclasses.replace(row.drop, revision=source.revision)
        moved_to = row.moved_to if source.path == row.moved_to else None
        taken = row.with_(
            attempts=row.attempts + 1, retry_at=None, waits_for=None, drop=drop, moved_to=moved_to
        )
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
                account=row.account,
            )
        )
        return row

    async def _end(
        self, row: Upload, outcome: Outcome, *, seconds: float = 0.0, deleted: bool = False
    ) -> None:
        """Write the outcome and pass the upload on; `deleted`: the file is known to be no more."""
        self._line.note(row)  # it may have begun
        if isinstance(outcome, UploadError):
            error = await self._parts.only_away(row, outcome)
            await self._end_by(row, error if deleted else self._only_missed(row, error))
        elif outcome == WHOLE:
            await self._whole(row, seconds)
        elif isinstance(outcome, Released):
            await self._parts.ledger.write(row if row.retry_at is not None else _set_down(row))
            self._come_back(row, outcome)
        elif outcome == DRAINED:
            await self._parts.ledger.write(_set_down(row))
            self._line.put(row.id)

    def _only_missed(self, row: Upload, error: UploadError) -> UploadError:
        """A file that is gone may come back, or have another name, which a look through its folder finds.

        Returns:
            The error as it was, or the passing trouble that it is for a while: the ticket is kept.
        """
        place = self._parts.places.get(row.drop.folder)
        if error.code != SOURCE_GONE or place is None:
            return error
        now = self._parts.monotonic()
        if now - self._missed.setdefault(row.id, now) >= place.patience:
            return error
        return Trouble(
            f"{error.message}; for {place.patience:g} seconds it is looked for under other names",
            code=SOURCE_MISSED,
            hint="put it back, or cancel the upload",
        )

    def _come_back(self, row: Upload, released: Released) -> None:
        if released.held:
            self._parts.breakers.wait(row.id, released.place, self._line)
            return
        self._line.put(row.id, released.delay)
        if released.place:
            self._parts.breakers.delayed(row.id, released.place, self._line)

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
            self._end_of(row.id)
        else:
            await self._failed(row, error)

    async def _whole(self, row: Upload, seconds: float) -> None:
        row = await self._describing.with_words(row)  # it may be long until it is published
        row = await self._parts.ledger.write(
            row.to(State.FINALIZING, received=row.drop.revision.size, troubles=0, retry_at=None)
        )
        if row.ticket is not None:
            self._parts.breakers.succeeded(row.id, place_of(row.ticket))
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
        self._end_of(row.id)


def _set_down(row: Upload) -> Upload:
    """How an upload waits whose turn ended early; without a ticket it has not begun (`sessions`)."""
    return row.to(State.QUEUED) if row.ticket is None else row
