"""One upload in the hands of a worker: carries out what its session asks for, until there is an end.

The session decides, the client carries out, the ledger remembers. Whatever has to survive a crash is in
the ledger before the step that depends on it begins (`_write_ahead`): the ticket before the first byte,
"every byte was offered" before the last bytes leave. A file that goes in one request reaches that point
within the request: its last block waits for the ledger.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop import events
from okdrop.errors import Doubt, GaveUp, LocalProtocolError, Trouble, UploadError
from okdrop.ledger import StaleVersion
from okdrop.pipeline.meter import Meter
from okdrop.pipeline.sender import Sender
from okdrop.pipeline.sessions import host_of, session_of, ticket_for, vital
from okdrop.protocol import messages as m

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from okdrop.drop import Mode, Ticket, Upload
    from okdrop.inbox.source import Source
    from okdrop.pipeline.parts import Parts
    from okdrop.protocol.ranges import ByteRange

PATIENCE: Final = 5.0
"""Seconds a worker waits out with the upload in its hands; for a longer wait it takes up another."""

PROGRESS_EVERY: Final = 2.0
"""Seconds between two notes of progress in the ledger; they are for the eye only."""

WHOLE: Final = "whole"
DRAINED: Final = "drained"


@dataclasses.dataclass(frozen=True, slots=True)
class Released:
    """Come back in `delay` seconds; another upload may have the worker meanwhile."""

    delay: float


Outcome: TypeAlias = str | Released | UploadError
_Landing: TypeAlias = Callable[[], UploadError | None]
"""Tells the session what came of a step; returns what stands in the way, if anything."""


class Attempt:
    """Drives one session to an outcome."""

    def __init__(self, parts: Parts, row: Upload, source: Source) -> None:
        self.row = row
        self._parts: Final = parts
        self._source: Final = source
        self._stored = row
        self._session: Final = session_of(row, parts.plan)
        self._resumes = row.ticket is not None and not parts.plan.in_one
        self._meter: Final = Meter(parts.emit, parts.monotonic, upload=row.id, counted=self._session)
        self._sender: Final = Sender(
            parts, source, row.drop, self._session, self._put_on_line, self._part_of_file_leaves
        )
        self._best = row.received
        self._landings: Final[asyncio.Queue[_Landing | None]] = asyncio.Queue()
        self._ended: UploadError | None = None
        self._out = 0
        self._not_before = 0.0
        self._release: float | None = None
        self._let_go = False
        self._noted_at = parts.monotonic()
        self._writing: Final = asyncio.Lock()

    async def run(self) -> Outcome:
        """Go on until the file is whole, or something ends or interrupts it.

        Returns:
            `WHOLE`, `DRAINED`, `Released`, or the error that ends it (never a `Trouble`).

        Raises:
            StaleVersion: somebody else wrote the row; `homeless_video` tells what is left behind.
        """
        forget = self._parts.brake.listen(self._wake)
        tasks: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.TaskGroup() as group:
                outcome = await self._drive_while_ours(group, tasks)
                for task in tasks:
                    task.cancel()
        finally:
            forget()
        if isinstance(outcome, StaleVersion):
            raise outcome
        self.row = self._as_known()
        return outcome

    def let_go(self) -> None:
        """Somebody else wrote the row: stop at once, and cut what is in flight."""
        self._let_go = True
        self._wake()

    @property
    def homeless_video(self) -> str:
        """The video id of a ticket that the ledger has not taken; "" where there is none."""
        ticket = self.row.ticket
        return "" if ticket is None or ticket == self._stored.ticket else ticket.video_id

    async def _drive_while_ours(
        self, group: asyncio.TaskGroup, tasks: set[asyncio.Task[None]]
    ) -> Outcome | StaleVersion:
        # Carried out as a value: raised within the group it would come out wrapped in an exception group.
        try:
            return await self._drive(group, tasks)
        except StaleVersion as stale:
            return stale

    async def _drive(self, group: asyncio.TaskGroup, tasks: set[asyncio.Task[None]]) -> Outcome:
        while True:
            steps = await self._next_steps() if self._may_begin() else []
            for step in steps:
                if isinstance(step, m.Publish):
                    return WHOLE
                if isinstance(step, m.GiveUp):
                    return GaveUp(step.message, code=step.code, hint=step.hint)
                self._begin(step, group, tasks)
            if (interrupted := self._interruption()) is not None:
                return interrupted
            landing = await self._landings.get()
            if landing is not None:
                await self._land(landing)
            if self._ended is not None:
                return self._ended

    def _begin(self, step: m.Step, group: asyncio.TaskGroup, tasks: set[asyncio.Task[None]]) -> None:
        self._out += 1
        task = group.create_task(self._carry_out(step))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _interruption(self) -> Outcome | None:
        if self._out and not self._let_go:
            return None
        if self._release is not None:
            return Released(self._release)
        return DRAINED if self._let_go or self._parts.brake.holds else None

    def _may_begin(self) -> bool:
        waiting = self._release is not None or self._parts.monotonic() < self._not_before
        return not (waiting or self._let_go or self._parts.brake.holds)

    async def _next_steps(self) -> list[m.Step]:
        steps = self._session.next_steps()
        if any(isinstance(step, m.RequestTicket) for step in steps) and self.row.ticket is not None:
            await self._abandon_ticket(self.row.ticket)
        await self._write_ahead()
        return steps

    # --- what the ledger has to know -----------------------------------------------------------------

    def _as_known(self) -> Upload:
        session = self._session
        return self.row.with_(
            tickets=session.tickets,
            mode=session.mode if self.row.ticket is not None else None,
            offered_all=session.offered_all and self.row.ticket is not None,
            strikes=session.strikes,
            received=session.received if self.row.ticket is not None else 0,
            bytes_sent=session.sent,
        )

    async def _write_ahead(self) -> None:
        async with self._writing:  # a request under way may have something to write, too
            known = self._as_known()
            if vital(known) != vital(self._stored):
                await self._write(known)

    @property
    def _note_is_due(self) -> bool:
        return self._parts.monotonic() - self._noted_at >= PROGRESS_EVERY

    async def _note_progress(self) -> None:
        async with self._writing:
            await self._write(self._as_known())

    async def _write(self, row: Upload, *, note: str = "", orphan: str = "") -> None:
        self._keep(await self._parts.ledger.write(row, note=note, orphan=orphan))

    def _keep(self, written: Upload) -> None:
        self.row = self._stored = written
        self._noted_at = self._parts.monotonic()

    async def _abandon_ticket(self, ticket: Ticket) -> None:
        afresh = {"mode": None, "offered_all": False, "received": 0, "retry_at": None}
        row = self._as_known().with_(ticket=None, **afresh)
        await self._write(row, note="the ticket was abandoned", orphan=ticket.video_id)
        self._parts.emit(
            events.TicketAbandoned(
                upload=self.row.id, video_id=ticket.video_id, reason="a new one is asked for"
            )
        )

    # --- carrying out --------------------------------------------------------------------------------

    async def _carry_out(self, step: m.Step) -> None:
        try:
            landing = await self._perform(step)
        except Trouble as error:
            landing = functools.partial(self._not_answered, error)
        except UploadError as error:
            landing = functools.partial(self._end, error)
        except StaleVersion as stale:
            landing = functools.partial(_raise, stale)
        self._landings.put_nowait(landing)

    async def _perform(self, step: m.Step) -> _Landing:
        ticket = self.row.ticket
        match step:
            case m.RequestTicket():
                return await self._request_ticket()
            case m.Probe() if ticket is not None:
                answer = await self._parts.client.probe(
                    ticket, total=self._session.size, mode=self._session.mode
                )
                return functools.partial(self._session.probe_answered, answer)
            case m.AskVideo() if ticket is not None:
                status = await self._parts.client.video_status(ticket.video_id)
                return functools.partial(self._video_is, status)
            case m.SendSegment(span) if ticket is not None:
                return await self._send(span, self._sender.segment(ticket, span))
            case m.SendFile(span) if ticket is not None:
                return await self._send(span, self._sender.file(ticket, span))
        raise LocalProtocolError(f"{type(step).__name__} without a ticket")

    async def _request_ticket(self) -> _Landing:
        ticket = await ticket_for(self._parts, self.row)
        prior = await self._parts.ledger.host_mode(host_of(ticket))
        return functools.partial(self._ticket_issued, ticket, prior)

    async def _send(self, span: ByteRange, sending: Awaitable[m.SegmentAnswer]) -> _Landing:
        answer: m.SegmentAnswer
        before = self._session.sent
        try:
            answer = await sending
        except Trouble as error:  # the source is busy: to the session a segment like any other that was cut
            answer = m.NoAnswer(error.message, sent=self._session.sent > before)
        return functools.partial(self._segment_answered, span, answer)

    def _put_on_line(self, span: ByteRange, count: int) -> None:
        self._session.put_on_line(count)
        self._meter.handed(span, count)

    async def _part_of_file_leaves(self, *, last: bool) -> None:
        """A block of a file that goes in one request is about to leave; before the last, the ledger knows."""
        if last:
            self._session.last_bytes_leave()
            await _to_the_end(self._write_ahead())
        elif self._note_is_due:
            await _to_the_end(self._note_progress())

    # --- landings: what came of a step, told to the session ------------------------------------------

    def _end(self, error: UploadError) -> UploadError:
        self._ended = error
        return error

    def _not_answered(self, error: Trouble) -> UploadError:
        self._session.not_answered()
        return error

    def _ticket_issued(self, ticket: Ticket, prior: Mode | None) -> None:
        self._session.ticket_issued(prior)
        self._best = 0
        self.row = self.row.with_(ticket=ticket)
        self._parts.emit(
            events.TicketIssued(
                upload=self.row.id,
                video_id=ticket.video_id,
                host=host_of(ticket),
                number=self._session.tickets,
            )
        )

    def _video_is(self, status: m.VideoStatus) -> None:
        self._session.video_is(status)

    def _segment_answered(self, span: ByteRange, answer: m.SegmentAnswer) -> UploadError | None:
        error = self._session.segment_answered(span, answer)
        self._meter.landed(span)
        if error is None:
            self._parts.emit(
                events.SegmentStored(
                    upload=self.row.id,
                    start=span.start,
                    stop=span.stop,
                    received=self._session.received,
                    size=self._session.size,
                )
            )
        return error

    async def _land(self, landing: _Landing) -> None:
        self._out -= 1
        error = landing()
        if self._ended is not None:
            return
        await self._note_finding()
        if error is not None:
            await self._meet(error)
        else:
            await self._made_progress()

    async def _note_finding(self) -> None:
        finding = self._session.take_finding()
        ticket = self.row.ticket
        if finding is None or ticket is None:
            return
        await self._parts.ledger.remember_host(host_of(ticket), finding.mode)
        self._parts.emit(
            events.ModeProven(
                upload=self.row.id,
                host=host_of(ticket),
                mode=finding.mode or "unknown",
                reason=finding.reason,
            )
        )

    async def _made_progress(self) -> None:
        if self._resumes:
            self._resumes = False
            self._parts.emit(
                events.UploadResumed(
                    upload=self.row.id, received=self._session.received, size=self._session.size
                )
            )
        if self._session.received > self._best:  # only bytes are progress: an answered question is none
            self._best = self._session.received
            due = self.row.retry_at if self._release is not None else None
            self.row = self.row.with_(troubles=0, retry_at=due)
        if self._note_is_due:
            await self._note_progress()

    async def _meet(self, error: UploadError) -> None:
        """Wait before the next step, as the backoff says; what is in flight goes on meanwhile."""
        now = self._parts.monotonic()
        wait = error.retry_after if isinstance(error, Trouble) else None
        if now < self._not_before and (wait is None or now + wait <= self._not_before):
            return  # the same trouble on another connection, and nobody asks for a longer wait
        again = self.row.troubled(error.code)
        if isinstance(error, Trouble) and error.tries is not None and again.repeats >= error.tries:
            self._ended = GaveUp(error.message, code=error.code, hint=error.hint)
            return
        asks_first = again.troubles == 1 and isinstance(error, Doubt)
        written, delay = await self._parts.put_off(self._as_known(), error, at_once=asks_first)
        self._keep(written)
        self._not_before = now + delay
        if delay > PATIENCE:
            self._release = delay
        else:
            asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._landings.put_nowait(None)


def _raise(stale: StaleVersion) -> UploadError | None:
    raise stale


async def _to_the_end(writing: Coroutine[object, object, None]) -> None:
    """Write from within a request; an early answer cancels its body, but not what is half written.

    It may be cancelled more than once, by the request and by whoever gives it up: what comes after must
    find the row as it was written.
    """
    task = asyncio.ensure_future(writing)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        task.result()
        return
    if not task.cancelled():
        task.exception()  # looked at; whoever writes next meets it again
    raise cancelled
