"""What is made ready ahead: its ticket is known before it waits, and good when it is used, or given up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.inbox.source import Source
from okdrop.pipeline.ahead import AGES_UNUSED
from okdrop.pipeline.attempt import DRAINED, WHOLE, Attempt
from okdrop.pipeline.slots import Slots
from pipeline.bench import SEGMENT, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from okdrop.pipeline.slots import Slot
    from pipeline.bench import Bench


class Ready:
    """An upload that was made ready while another has the only slot."""

    def __init__(self, bench: Bench, attempt: Attempt, busy: Slot) -> None:
        self.bench, self.attempt, self.busy = bench, attempt, busy
        self.outcome = asyncio.create_task(attempt.run())
        self.number = attempt.row.id

    @property
    def video(self) -> str:
        ticket = self.bench.written(self.number).ticket
        return "" if ticket is None else ticket.video_id

    async def waits(self) -> str:
        await until(lambda: bool(self.video) and self.busy._slots is not None and self._is_ready())
        return self.video

    def _is_ready(self) -> bool:
        return self.attempt._ahead._slot.wake is not None


@contextlib.asynccontextmanager
async def ready(bench: Bench) -> AsyncIterator[Ready]:
    slots = Slots(1)
    row = await bench.taken()
    row = await bench.ledger.write(row.to(State.UPLOADING, attempts=1))
    source = await Source.open(row.drop.path, row.drop.revision)
    async with slots.next() as busy:
        busy.ready(lambda: None)
        busy.note(ends_soon=True)
        async with slots.next() as slot:
            made = Ready(bench, Attempt(bench.parts, row, source, slot), busy)
            yield made
            await made.outcome


async def test_its_ticket_is_in_the_ledger_while_it_waits_and_no_byte_leaves(bench: Bench) -> None:
    async with ready(bench) as one:
        video = await one.waits()
        assert [(each["id"], each["received"]) for each in bench.emulator.videos()] == [(video, 0)]
        assert bench.written(one.number).tickets == 1
        assert one.attempt.seconds == 0.0
        one.busy.leave()
        assert await one.outcome == WHOLE
        assert one.attempt.seconds > 0.0
    assert [each["id"] for each in bench.emulator.videos()] == [video]
    assert await bench.ledger.orphans() == []


async def test_a_ticket_that_lay_for_too_long_is_given_up_for_another(bench: Bench) -> None:
    async with ready(bench) as one:
        old = await one.waits()
        bench.clock.ahead += AGES_UNUSED + 1
        one.busy.leave()
        assert await one.outcome == WHOLE
        row = one.attempt.row
    assert row.ticket is not None
    assert (row.tickets, row.ticket.video_id != old) == (1, True)
    assert await bench.ledger.orphans() == [old]
    assert [told.video_id for told in bench.told(events.TicketAbandoned)] == [old]
    received = {each["id"]: each["received"] for each in bench.emulator.videos()}
    assert received[old] == 0


async def test_a_ticket_that_lay_for_less_is_used(bench: Bench) -> None:
    async with ready(bench) as one:
        video = await one.waits()
        bench.clock.ahead += AGES_UNUSED - 10
        one.busy.leave()
        assert await one.outcome == WHOLE
    assert [each["id"] for each in bench.emulator.videos()] == [video]


@pytest.mark.parametrize("end", ["pulled", "let go"])
async def test_what_ends_while_it_waits_keeps_its_ticket_and_sends_nothing(bench: Bench, end: str) -> None:
    async with ready(bench) as one:
        video = await one.waits()
        if end == "pulled":
            bench.parts.brake.pull()
        else:
            one.attempt.let_go()
        assert await one.outcome == DRAINED
    row = one.attempt.row
    assert row.ticket is not None
    assert (row.ticket.video_id, row.received) == (video, 0)
    assert [each["received"] for each in bench.emulator.videos()] == [0]


async def test_a_halted_pool_makes_nothing_ready(set_up: Callable[..., Awaitable[Bench]]) -> None:
    """The first one meets dead credentials; from there on nobody asks, whatever slot is free."""
    bench = await set_up(stays=True)
    bench.faults.set("api_error", code=102, method="video.getUploadUrl")
    for number in range(6):
        await bench.taken(f"{number}.mp4", SEGMENT)
    work = [asyncio.create_task(bench.uploader.work()) for _ in range(Slots.hands(1))]
    await until(lambda: bench.parts.brake.holds)
    calls = bench.emulator.summary()["calls"]["video.getUploadUrl"]
    bench.faults.clear()
    for _ in range(50):
        await asyncio.sleep(0)
    assert bench.emulator.summary()["calls"]["video.getUploadUrl"] == calls <= 2
    await ended(bench, work)


async def test_one_that_is_sent_for_long_has_nothing_made_ready_behind_it(bench: Bench) -> None:
    """A ticket would only age meanwhile."""
    asked: list[int] = []

    def note(_video: str) -> None:
        asked.append(bench.emulator.summary()["videos"])

    bench.faults.taps["segment"] = note
    for number in range(2):
        await bench.taken(f"{number}.mp4")
    work = [asyncio.create_task(bench.uploader.work()) for _ in range(Slots.hands(1))]
    await until(lambda: len(bench.told(events.UploadWhole)) == 2)
    assert asked[0] == 1
    await ended(bench, work)


async def ended(bench: Bench, work: list[asyncio.Task[Any]]) -> None:
    bench.parts.brake.pull()
    bench.line.close()
    await asyncio.gather(*work)
