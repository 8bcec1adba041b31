"""One upload in the hands of a worker: carries out what its session asks for, until there is an end.

The session decides, the client carries out, the ledger remembers. Whatever has to survive a crash is in
the ledger before the step that depends on it begins (`pipeline.record`).

Without a slot it asks for a ticket, and waits (`pipeline.ahead`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop import events
from okdrop.errors import GaveUp, LedgerError, LocalProtocolError, SourceChanged, Trouble, UploadError
from okdrop.ledger import StaleVersion
from okdrop.pipeline.accounts import call_of, client_of
from okdrop.pipeline.ahead import Ahead
from okdrop.pipeline.meter import Meter
from okdrop.pipeline.patience import Patience, Released
from okdrop.pipeline.proof import Proof
from okdrop.pipeline.record import Record, to_the_end
from okdrop.pipeline.sender import Sender
from okdrop.pipeline.sessions import host_of, place_of, places_of, session_of, ticket_for
from okdrop.pipeline.tidings import Tidings
from okdrop.pipeline.underway import Sending
from okdrop.protocol import messages as m
from okdrop.protocol.ranges import ByteRanges

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from okdrop.drop import Mode, Ticket, Upload
    from okdrop.inbox.source import Source
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.slots import Slot
    from okdrop.protocol.ranges import ByteRange

WHOLE: Final = "whole"
DRAINED: Final = "drained"


Outcome: TypeAlias = str | Released | UploadError
_Landing: TypeAlias = Callable[[], UploadError | None]
"""Tells the session what came of a step; returns what stands in the way, if anything."""


class Attempt:
    """Drives one session to an outcome.

    Args:
        parts: what all stages share.
        row: the upload, taken up.
        source: its file.
        slot: tells when bytes may leave.
        leaves: the hashes that an earlier attempt kept (`okdrop.leaves.Leaves`).
    """

    def __init__(self, parts: Parts, row: Upload, source: Source, slot: Slot, leaves: bytes = b"") -> None:
        self._parts: Final = parts
        self._source: Final = source
        self._session: Final = session_of(row, parts.plan)
        self._proof: Final = Proof(row.drop.revision.size, leaves)
        self._record: Final = Record(parts, row, self._session, self._proof)
        self._patience: Final = Patience(parts, self._record, self._session, self._wake)
        self._ahead: Final = Ahead(slot, self._session, self._record, parts.monotonic, self._wake)
        self._resumes = row.ticket is not None and not parts.plan.in_one
        self._meter: Final[Meter[ByteRange]] = Meter(
            parts.emit, parts.monotonic, upload=row.id, counted=self._session
        )
        self._sender: Final = Sender(
            parts,
            source,
            row,
            self._session,
            self._put_on_line,
            self._part_of_file_leaves,
            self._proof,
        )
        self._tidings: Final = Tidings(parts, row.id)
        self._best = row.received
        self._landings: Final[asyncio.Queue[_Landing | None]] = asyncio.Queue()
        self._ended: UploadError | None = None
        self._out = 0
        self._let_go = False

    async def run(self) -> Outcome:
        """Go on until the file is whole, or something ends or interrupts it.

        Returns:
            `WHOLE`, `DRAINED`, `Released`, or the error that ends it (never a `Trouble`).

        Raises:
            StaleVersion: somebody else wrote the row; `homeless_video` tells what is left behind.
        """
        brake, pacing = self._parts.brake, self._parts.pacing
        enter = self._parts.underway.enter(self.row.id, self._look)
        forget = [brake.listen(self._wake), pacing.listen(self._wake), enter]
        tasks: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.TaskGroup() as group:
                outcome = await self._drive_while_ours(group, tasks)
                for task in tasks:
                    task.cancel()
        finally:
            for one in forget:
                one()
            pacing.left(self.row.id)
            self._ahead.leave()
        if isinstance(outcome, StaleVersion):
            raise outcome
        if isinstance(outcome, Released):
            await self._patience.let_go()
        await self._record.take_stock()
        return outcome

    def let_go(self) -> None:
        """Somebody else wrote the row: stop at once, and cut what is in flight."""
        self._let_go = True
        self._wake()

    async def follow(self) -> None:
        """See whether the file has another name by now; if so, the ledger has it on return."""
        with contextlib.suppress(UploadError, StaleVersion):  # the next step meets them, too
            await self._source.check()
            await self._note_name()
        if self._ended is not None:
            self._wake()

    @property
    def row(self) -> Upload:
        """The upload as it is known now."""
        return self._record.row

    @property
    def homeless_video(self) -> str:
        """The video id of a ticket that the ledger has not taken; "" where there is none."""
        return self._record.homeless_video

    @property
    def seconds(self) -> float:
        """How long it has had a slot."""
        return self._ahead.seconds

    def _look(self) -> Sending:
        row = self.row
        return Sending(
            upload=row.id,
            path=row.drop.path,
            host=place_of(row.ticket) if row.ticket is not None else "",
            picture=self._session.picture,
            on_line=self._meter.on_line,
        )

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
            steps = await self._next_steps() if await self._may_begin() else []
            for step in steps:
                if isinstance(step, m.Publish):
                    return WHOLE
                if isinstance(step, m.GiveUp):
                    return GaveUp(step.message, code=step.code, hint=step.hint)
                self._begin(step, group, tasks)
            self._ahead.look()
            if (interrupted := self._interruption()) is not None:
                return interrupted
            landing = await self._landings.get()
            if landing is not None:
                await self._land(landing)
            if self._ended is not None:
                return self._ended

    def _begin(self, step: m.Step, group: asyncio.TaskGroup, tasks: set[asyncio.Task[None]]) -> None:
        if isinstance(step, m.RequestTicket | m.AskVideo) and self._patience.is_held(*self._call):
            self._session.not_answered()
            return
        self._out += 1
        task = group.create_task(self._carry_out(step))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _interruption(self) -> Outcome | None:
        if self._out and not self._let_go:
            return None
        if self._patience.released is not None:
            return self._patience.released
        return DRAINED if self._let_go or self._is_braked else None

    @property
    def _is_braked(self) -> bool:
        return self._parts.brake.holds_for(self.row.account)

    @property
    def _call(self) -> tuple[str, str]:
        return call_of(self._parts, self.row.account)

    async def _may_begin(self) -> bool:
        if self._patience.is_waiting or self._let_go or self._is_braked:
            return False
        if not await self._ahead.may_go_on():
            return False
        if self._session.is_with_ok or self._session.received == self._session.size:
            return True  # a call is out, or comes next, or no byte is missing: no host is in the way
        return not self._patience.is_held(*places_of(self._parts, self.row))

    async def _next_steps(self) -> list[m.Step]:
        self._keep_pace()
        steps = self._session.next_steps()
        if any(isinstance(step, m.RequestTicket) for step in steps) and self.row.ticket is not None:
            await self._record.abandon(self.row.ticket)
        await self._record.write_ahead()
        return steps

    def _keep_pace(self) -> None:
        if (ticket := self.row.ticket) is not None:
            is_proven = self._session.mode is not None
            plan, place = self._parts.plan, place_of(ticket)
            self._session.replan(self._parts.pacing.plan(plan, self.row.id, place, is_proven=is_proven))

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
                client = client_of(self._parts, self.row.account)
                answer = await client.probe(ticket, total=self._session.size)
                return functools.partial(self._probe_answered, place_of(ticket), answer)
            case m.AskVideo() if ticket is not None:
                with self._parts.breakers.calling(self.row.id, self._call):
                    client = client_of(self._parts, self.row.account)
                    status = await client.video_status(ticket.video_id)
                return functools.partial(self._video_is, status)
            case m.SendSegment(span) if ticket is not None:
                return await self._send(place_of(ticket), span, self._sender.segment(ticket, span))
            case m.SendFile(span) if ticket is not None:
                return await self._send(place_of(ticket), span, self._sender.file(ticket, span))
        raise LocalProtocolError(f"{type(step).__name__} without a ticket")

    async def _request_ticket(self) -> _Landing:
        group_id = self._parts.group_of(self.row.drop)
        with self._parts.breakers.calling(self.row.id, self._call):
            ticket = await ticket_for(self._parts, self.row, group_id)
        prior = await self._parts.ledger.host_mode(host_of(ticket))
        return functools.partial(self._ticket_issued, ticket, prior)

    async def _send(self, place: str, span: ByteRange, sending: Awaitable[m.SegmentAnswer]) -> _Landing:
        answer: m.SegmentAnswer | None = None
        before = self._session.sent
        self._parts.pacing.began(self.row.id, place, span)
        try:
            answer = await sending
        except Trouble as error:  # the source is busy: to the session a segment like any other that was cut
            cut = m.NoAnswer(error.message, sent=self._session.sent > before)
            return functools.partial(self._segment_answered, "", span, cut)
        finally:
            self._parts.pacing.ended(self.row.id, place, span, answer)
        return functools.partial(self._segment_answered, place, span, answer)

    def _put_on_line(self, span: ByteRange, count: int) -> None:
        self._session.put_on_line(count)
        self._meter.handed(span, count)

    async def _part_of_file_leaves(self, *, last: bool) -> None:
        """A block of a file that goes in one request is about to leave; before the last, the ledger knows."""
        self._ahead.look()
        if last:
            self._session.last_bytes_leave()
            await to_the_end(self._record.write_ahead())
        elif self._record.is_due:
            await to_the_end(self._record.note_progress())

    # --- landings: what came of a step, told to the session ------------------------------------------

    def _end(self, error: UploadError) -> UploadError:
        self._ended = error
        return error

    def _not_answered(self, error: Trouble) -> UploadError:
        self._session.not_answered()
        return error

    def _ticket_issued(self, ticket: Ticket, prior: Mode | None) -> None:
        self._session.ticket_issued(prior)
        self._ahead.ticket_issued()
        self._best = 0
        self._proof.forget()
        self._record.has(ticket=ticket, digest=None)
        self._tidings.ticket_issued(ticket, number=self._session.tickets, account=self.row.account)

    def _video_is(self, status: m.VideoStatus) -> UploadError | None:
        return self._session.video_is(status)

    def _probe_answered(self, place: str, answer: m.ProbeAnswer) -> UploadError | None:
        error = self._session.probe_answered(answer)
        self._tidings.probe_answered(place, error)
        return error

    def _segment_answered(self, place: str, span: ByteRange, answer: m.SegmentAnswer) -> UploadError | None:
        held = (self._session.held & ByteRanges((span,))).size
        error = self._session.segment_answered(span, answer)
        self._meter.landed(span)
        self._proof.landed(span, stored=error is None)
        self._tidings.segment_answered(place, error)
        if error is None:
            received, size = self._session.received, self._session.size
            self._tidings.segment_stored(span, received=received, size=size, held=held)
        return error

    async def _land(self, landing: _Landing) -> None:
        self._out -= 1
        error = landing()
        if self._ended is not None:
            return
        await self._note_name()
        await self._note_finding()
        if error is not None:
            self._ended = await self._patience.meet(error)
        else:
            await self._made_progress()

    async def _note_name(self) -> None:
        """The file was followed to another name: the ledger knows it by that from here on."""
        try:
            await self._record.renamed(self._source.path)
        except LedgerError as error:
            if error.code != "ledger_known":
                raise
            name = events.shown(self._source.path)
            self._ended = self._ended or SourceChanged(f"{name} has an upload of its own")

    async def _note_finding(self) -> None:
        finding = self._session.take_finding()
        ticket = self.row.ticket
        if finding is None or ticket is None:
            return
        await self._parts.ledger.remember_host(host_of(ticket), finding.mode)
        self._tidings.mode_proven(ticket, finding)

    async def _made_progress(self) -> None:
        if self._resumes:
            self._resumes = False
            self._tidings.resumed(received=self._session.received, size=self._session.size)
        if self._session.received > self._best:  # only bytes are progress: an answered question is none
            self._best = self._session.received
            due = self.row.retry_at if self._patience.released is not None else None
            self._record.has(troubles=0, retry_at=due)
        if self._record.is_due:
            await self._record.note_progress()

    def _wake(self) -> None:
        self._landings.put_nowait(None)


def _raise(stale: StaleVersion) -> UploadError | None:
    raise stale
