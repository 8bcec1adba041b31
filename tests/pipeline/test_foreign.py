"""Orders that other processes write into the ledger are heeded beside the work."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING

import pytest

from okdrop import events, orders
from okdrop.config.model import Order
from okdrop.drop import Failure, State
from okdrop.errors import Trouble
from okdrop.ledger import Ledger
from okdrop.pipeline.foreign import ForeignWrites
from okdrop.pipeline.line import Line
from okdrop.pipeline.precedence import Precedence
from pipeline.bench import SEGMENT, SIZE, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from okdrop.ledger import Outstanding
    from pipeline.bench import Bench

NO = Failure(code="bad_file", message="no")


def heeding(bench: Bench) -> ForeignWrites:
    return ForeignWrites(bench.parts, bench.line, bench.finals, bench.opened, look_every=0.01)


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    """The orders heeded and one worker of each kind, as in a daemon."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(work())
            for work in (heeding(bench).run, bench.uploader.work, bench.uploader.work, bench.finalizer.work)
        ]
        yield
        for task in tasks:
            task.cancel()


async def failed(bench: Bench) -> int:
    row = await bench.taken()
    await bench.line.get()
    await bench.parts.fail(row, NO)
    bench.opened.end(row.id)
    return row.id


async def state(bench: Bench, number: int) -> State:
    return (await bench.row(number)).state


async def test_what_is_handed_back_is_taken_up_and_published(bench: Bench) -> None:
    number = await failed(bench)
    async with running(bench):
        await orders.retry(bench.ledger_url, [number])
        await until(lambda: bench.parts.tally[State.PUBLISHED] == 1)
    assert [told.upload for told in bench.told(events.UploadTakenUp)] == [number]


async def test_a_write_of_our_own_is_no_order(bench: Bench) -> None:
    async with running(bench):
        row = await bench.taken()
        await until(lambda: bench.parts.tally[State.PUBLISHED] == 1)
    assert bench.told(events.UploadTakenUp) == []
    assert row.id not in bench.opened


async def test_what_is_open_is_not_taken_up_twice(bench: Bench) -> None:
    row = await bench.taken()
    for _ in range(3):
        await heeding(bench).look()
    assert bench.told(events.UploadTakenUp) == []
    assert await bench.line.get() == row.id
    bench.line.close()
    assert await bench.line.get() is None


async def test_a_new_row_is_in_line_once_whoever_is_first(bench: Bench) -> None:
    """The intake's row is committed a moment before the intake itself goes on."""
    drop = bench.drop(bench.file())
    row = await bench.ledger.add(drop)
    await heeding(bench).look()
    assert bench.opened.begin(row.id) is False  # so the intake puts nothing in line
    assert await bench.line.get() == row.id


async def test_what_is_held_waits_until_a_person_says_go(bench: Bench) -> None:
    row = await bench.ledger.add(bench.drop(bench.file()), held=True)
    await heeding(bench).look()
    assert row.id not in bench.opened
    await bench.ledger.write(row.with_(held=False))
    await heeding(bench).look()
    assert await bench.line.get() == row.id


async def test_what_waits_is_due_at_its_new_time(bench: Bench) -> None:
    row = await bench.taken()
    assert await bench.line.get() == row.id
    row, _ = await bench.parts.put_off(row, Trouble("no line", code="no_answer"))
    bench.line.put(row.id, 600.0)
    await bench.ledger.write(row.with_(retry_at=None))
    await heeding(bench).look()
    assert await asyncio.wait_for(bench.line.get(), 5) == row.id


async def test_what_waits_is_let_go_when_it_is_cancelled(bench: Bench) -> None:
    row = await bench.taken()
    assert await bench.line.get() == row.id
    bench.line.put(row.id, 600.0)
    await orders.cancel(bench.ledger_url, [row.id])
    await heeding(bench).look()
    assert row.id not in bench.opened
    assert [told.upload for told in bench.told(events.UploadCancelled)] == [row.id]
    assert bench.parts.tally[State.CANCELLED] == 1


async def test_what_is_in_flight_is_cut_when_it_is_cancelled(bench: Bench) -> None:
    with bench.faults.active("stall"):
        async with running(bench):
            row = await bench.taken()
            await until(lambda: bench.emulator.summary()["in_flight"] > 0)
            await orders.cancel(bench.ledger_url, [row.id])
            await until(lambda: bench.parts.tally[State.CANCELLED] == 1)
            await until(lambda: not bench.emulator.summary()["in_flight"])
    assert await state(bench, row.id) is State.CANCELLED
    assert len(bench.told(events.UploadCancelled)) == 1
    (video,) = bench.emulator.videos()
    assert await bench.ledger.orphans() == [video["id"]]


async def test_a_ticket_that_no_row_took_becomes_an_orphan(bench: Bench) -> None:
    with bench.faults.active("stall_answer", method="video.getUploadUrl", seconds=0.2):
        async with running(bench):
            row = await bench.taken()
            await until(lambda: bench.emulator.summary()["calls"].get("video.getUploadUrl", 0) == 1)
            await orders.cancel(bench.ledger_url, [row.id])
            await until(lambda: bench.parts.tally[State.CANCELLED] == 1)
    assert await state(bench, row.id) is State.CANCELLED


async def test_cancelled_and_handed_back_at_once_it_goes_on_anew(bench: Bench) -> None:
    with bench.faults.active("stall", times=4):
        async with running(bench):
            row = await bench.taken()
            await until(lambda: bench.emulator.summary()["in_flight"] > 0)
            await orders.cancel(bench.ledger_url, [row.id])
            await orders.retry(bench.ledger_url, [row.id])
            bench.faults.clear()
            # The attempt finds out when it writes, or is let go; either way the row goes on.
            bench.opened.let_go(row.id)
            await until(lambda: bench.parts.tally[State.PUBLISHED] == 1)
    (video,) = bench.published
    assert (video["received"], video["held_bytes_resent"]) == (SIZE, 0)


@pytest.mark.parametrize("turn", range(3))
async def test_an_order_at_any_moment_is_followed(bench: Bench, turn: int) -> None:
    """Cancelled at the first, second, third segment."""
    heads: list[str] = []
    bench.faults.taps["segment"] = heads.append
    async with running(bench), await Ledger.open(bench.ledger_url, lock=False):
        row = await bench.taken()
        await until(lambda: len(heads) > turn)
        await orders.cancel(bench.ledger_url, [row.id])
        await until(lambda: row.id not in bench.opened)
    assert await state(bench, row.id) in {State.CANCELLED, State.PUBLISHED}


async def test_what_a_worker_is_about_to_end_is_looked_at_once_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled and handed back between a worker's look at the row and its word that this was the end."""
    row = await bench.taken()
    assert await bench.line.get() == row.id
    unfinished, ordered = bench.ledger.outstanding, asyncio.Event()

    async def found() -> list[Outstanding]:
        rows = await unfinished()
        if ordered.is_set():
            ordered.clear()
            asyncio.get_running_loop().call_soon(bench.opened.end, row.id)  # right after this look
        return rows

    monkeypatch.setattr(bench.ledger, "outstanding", found)
    await orders.cancel(bench.ledger_url, [row.id])
    await orders.retry(bench.ledger_url, [row.id])
    ordered.set()
    heeded = asyncio.create_task(heeding(bench).run())
    assert await asyncio.wait_for(bench.line.get(), 5) == row.id
    heeded.cancel()
    assert row.id in bench.opened


async def test_an_upload_that_stands_in_line_twice_is_in_one_hand(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in ("uploader", "finalizer"):
        monkeypatch.setattr(f"okdrop.pipeline.{stage}.IN_OTHER_HANDS", 0.01)
    row = await bench.taken()
    for _ in range(3):
        bench.line.put(row.id)
    async with running(bench):
        await until(lambda: bench.parts.tally[State.PUBLISHED] == 1)
        bench.line.close()
    assert len(bench.told(events.UploadStarted)) == 1
    (video,) = bench.emulator.videos()
    assert (video["updates"], video["held_bytes_resent"]) == (1, 0)


async def test_what_another_process_adds_stands_in_line_in_its_order(bench: Bench) -> None:
    bench = dataclasses.replace(bench, line=Line(Precedence(Order.SMALLEST, lambda _folder: 0)))
    rows = [
        await bench.ledger.add(bench.drop(bench.file(f"{size}.mp4", size * SEGMENT))) for size in (3, 1, 2)
    ]
    await ForeignWrites(bench.parts, bench.line, bench.finals, bench.opened).look()
    assert [await bench.line.get() for _ in rows] == [rows[1].id, rows[2].id, rows[0].id]
