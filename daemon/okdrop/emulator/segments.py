"""POST on an upload URL: segments in the renewable mode, one form in the simple (protocol.md 1, 4, 5)."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from aiohttp import web

from okdrop.emulator import accounts, line
from okdrop.emulator.fault_table import SEGMENT, Fault
from okdrop.emulator.forms import FORM, FormFile
from okdrop.emulator.gate import Gate, Refusal, unsatisfiable
from okdrop.emulator.intake import Intake
from okdrop.emulator.ranges import ContentRange, Spans
from okdrop.emulator.videos import Manner

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from okdrop.emulator.videos import Video


@dataclasses.dataclass(frozen=True, slots=True)
class _Stop:
    """A body is not to be taken to its end: after so many bytes, this happens."""

    fault: Fault
    after: int


class SegmentDesk:
    """Takes bytes."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._writers: set[int] = set()
        self.in_flight = 0
        self.max_in_flight = 0

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Bytes of a file: a segment, or a whole form.

        Raises:
            LineCut: there is nobody to answer any more.
        """
        span = ContentRange.parse(request.headers.get("Content-Range", ""))
        is_form = request.content_type == FORM
        position = 0 if is_form else span.start if span else None
        intake = Intake(self._gate.video_of(request), position)
        with self._in_flight(request, intake) as answered:
            try:
                video = self._gate.admit(request, SEGMENT)
                _check_manner(video, Manner.MULTIPART if is_form else Manner.RENEWABLE)
                take = self._take_form if is_form else self._take_segment
                response = await take(request, intake, video)
            except Refusal as refusal:
                response = await self._refuse(request, refusal, intake)
            answered.append(response.status)
            return response

    @contextlib.contextmanager
    def _in_flight(self, request: web.Request, intake: Intake) -> Iterator[list[int]]:
        """Count a request from its head to its answer, and keep what came of it."""
        answered: list[int] = []
        video, began = intake.video, self._gate.clock()
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        if video is not None:
            video.traffic.in_flight += 1
            video.traffic.max_in_flight = max(video.traffic.max_in_flight, video.traffic.in_flight)
        try:
            yield answered
        finally:
            self.in_flight -= 1
            if video is not None:
                video.traffic.in_flight -= 1
                video.traffic.segments += intake.received > 0
                video.note_whole(self._gate.clock())
                status = answered[0] if answered else 0
                self._gate.log(video, request, status, intake.received, began=began)
                self._gate.store.save(video)

    async def _refuse(self, request: web.Request, refusal: Refusal, intake: Intake) -> web.Response:
        """Answer at once, then read and count what comes nevertheless."""
        await self._gate.pause(SEGMENT, intake.video)
        response = web.Response(status=refusal.status, headers=refusal.headers, text=refusal.body)
        await line.answer_now(request, response)
        async for block in line.blocks(request.content.read, self._rate(request, intake.video)):
            intake.count(block)
        return response

    def _rate(self, request: web.Request, video: Video | None) -> float:
        """Bytes a second that this connection is read at; 0: as fast as may be."""
        slow = self._gate.faults.take("slow", SEGMENT, "" if video is None else str(video.id))
        rate = slow.number("rate") if slow else self._gate.options.bytes_per_second
        if rate:
            line.narrow(request, rate / line.NARROW_PER_SECOND)
        return rate

    # --- the renewable mode ---------------------------------------------------------------------------

    async def _take_segment(self, request: web.Request, intake: Intake, video: Video) -> web.Response:
        if request.content_length == 0 and "Content-Range" not in request.headers:
            return self._account_of(video)
        span = _checked(request, video)
        video.take_up(Manner.RENEWABLE)
        stop = self._stop(video, span.size)
        with self._turn(request, video, span):
            video.total = span.total
            taken = await intake.store(
                line.blocks(request.content.read, self._rate(request, video)),
                video,
                self._gate.store,
                stop_after=stop.after if stop else None,
                keep_partial=self._gate.options.keep_partial,
            )
        if stop and not taken:
            raise await self._stopped(request, stop.fault)
        return await self._finish(request, video, self._answer(request, video))

    def _account_of(self, video: Video) -> web.Response:
        """The single mode's status query: a POST without a body (protocol.md 4.1, K4)."""
        account = accounts.Account(video.held, video.total)
        return web.Response(status=200 if video.is_whole else 201, headers=accounts.last_known_byte(account))

    @contextlib.contextmanager
    def _turn(self, request: web.Request, video: Video, span: ContentRange) -> Iterator[None]:
        """In the sequential mode: the next byte only, and one request at a time.

        Raises:
            Refusal: 416, the turn is another's, or another byte's.
        """
        if self._gate.is_parallel(request):
            yield
            return
        if video.id in self._writers or span.start != video.held.prefix:
            raise unsatisfiable(video)
        self._writers.add(video.id)
        try:
            yield
        finally:
            self._writers.discard(video.id)

    def _stop(self, video: Video, size: int) -> _Stop | None:
        """Whether, and where, this body is cut or left lying: before its last byte at the latest."""
        for name in ("cut_after_bytes", "stall"):
            if switch := self._gate.faults.take_switch(name, SEGMENT, str(video.id)):
                after = switch.fault.integer("bytes")
                return _Stop(
                    switch.fault, switch.chance.randrange(size) if after < 0 else min(after, size - 1)
                )
        return None

    async def _stopped(self, request: web.Request, fault: Fault) -> line.LineCut:
        if fault.name == "stall":
            line.stop_reading(request)
            return await line.hang(request, fault.number("seconds"), self._gate.stopping)
        return line.cut(request)

    def _answer(self, request: web.Request, video: Video) -> web.Response:
        """200 to the segment that completes the file, 201 to any other, with what is held."""
        faults, name = self._gate.faults, str(video.id)
        video.note_whole(self._gate.clock())
        video.history.append(video.held)
        lie = "never_200" if video.is_whole else "early_200"
        final = video.is_whole != (faults.take(lie, SEGMENT, name) is not None)
        status = 200 if final else 201
        if faults.take("no_account", SEGMENT, name):
            return web.Response(status=status)
        account = accounts.account_of(video, faults, SEGMENT)
        if not self._gate.is_parallel(request):
            return web.Response(status=status, headers=accounts.last_known_byte(account))
        listing = ",".join(account.held.listing(account.total))
        return web.Response(status=status, headers={"Range": listing}, text=listing)

    async def _finish(self, request: web.Request, video: Video, response: web.Response) -> web.Response:
        """Give the answer, unless a fault has it otherwise: everything is stored by now."""
        faults, name = self._gate.faults, str(video.id)
        self._gate.store.save(video)
        if video.is_whole and (death := faults.take("url_dies_on_completion", SEGMENT, name)):
            video.ticket.dead_status = death.integer("status")
            if death.flag("lose_answer"):
                raise line.cut(request)
        if faults.take("error_500_after_storing", SEGMENT, name):
            raise Refusal(500, "trouble")
        if faults.take("lost_answer", SEGMENT, name):
            raise line.cut(request)
        await self._gate.linger(request, SEGMENT, video)
        return response

    # --- the simple mode ------------------------------------------------------------------------------

    async def _take_form(self, request: web.Request, intake: Intake, video: Video) -> web.Response:
        """One file in one request; it cannot be resumed, so a cut leaves nothing (protocol.md 1.2).

        A URL that has its file already takes another one's bytes, counts them, and keeps what it has.
        """
        file = FormFile(request, self._gate.options.maximum_form_size)
        await file.begin()
        video.take_up(Manner.MULTIPART)
        stop = self._stop(video, max(1, video.declared_size or request.content_length or 1))
        blocks = line.blocks(file.read, self._rate(request, video))
        if video.is_whole:
            async for block in blocks:
                intake.count(block)
            await file.end()
        else:
            await self._store_form(request, intake, video, file, blocks, stop)
        return await self._finish(request, video, web.Response(text="<retval>1</retval>"))

    async def _store_form(
        self,
        request: web.Request,
        intake: Intake,
        video: Video,
        file: FormFile,
        blocks: AsyncGenerator[bytes, None],
        stop: _Stop | None,
    ) -> None:
        """Keep the file if all of it comes, and nothing otherwise.

        Raises:
            Refusal: the form is no good, or its file is not as long as was declared.
            LineCut: a fault cut it.
        """
        try:
            taken = await intake.store(
                blocks,
                video,
                self._gate.store,
                stop_after=stop.after if stop else None,
                keep_partial=False,
            )
            if stop and not taken:
                raise await self._stopped(request, stop.fault)
            await file.end()
            _check_size(video, intake.received)
        except (Refusal, line.LineCut):
            video.held = Spans()
            raise
        self._gate.store.resize(video, intake.received)
        video.total = intake.received
        video.note_whole(self._gate.clock())


def _check_size(video: Video, size: int) -> None:
    """Compare what came in one request with what was declared.

    Raises:
        Refusal: 400, it is another size.
    """
    if video.declared_size not in (0, size):
        raise Refusal(400, "size")


def _check_manner(video: Video, manner: Manner) -> None:
    """One URL is used one way: which one, its first bytes said.

    Raises:
        Refusal: 415 (protocol.md 4.2), it was another.
    """
    if video.manner not in (Manner.UNKNOWN, manner):
        raise Refusal(415, "mode")


def _checked(request: web.Request, video: Video) -> ContentRange:
    """What the head of a segment says it brings.

    Raises:
        Refusal: 412 without the headers the host wants, 411 or 416 where lengths are missing or differ,
            400 where the range cannot be read or speaks of a file of another size.
    """
    if not {"Content-Disposition", "Content-Range"} <= request.headers.keys():
        raise Refusal(412, "headers")
    if request.content_length is None:
        raise Refusal(411, "length")
    span = ContentRange.parse(request.headers["Content-Range"])
    if span is None or span.total != (video.size or span.total):
        raise Refusal(400, "content range")
    if span.size != request.content_length:
        raise unsatisfiable(video)
    return span
