"""What the ledger knows of an upload in a worker's hands, and when it is written."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from okdrop.drop import State
from okdrop.errors import LedgerError, Trouble
from okdrop.ledger import StaleVersion
from okdrop.pipeline.proof import Proof
from okdrop.pipeline.record import Record, to_the_end
from okdrop.pipeline.sessions import session_of
from okdrop.protocol import messages as m
from okdrop.protocol.ranges import ByteRanges
from pipeline.bench import SEGMENT, SIZE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench


async def record_on(bench: Bench) -> Record:
    row = await bench.taken()
    row = await bench.ledger.write(row.to(State.UPLOADING, attempts=1))
    proof = Proof(row.drop.revision.size)
    return Record(bench.parts, row, session_of(row, bench.parts.plan), proof)


async def test_what_is_not_vital_waits_for_the_next_note(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up()
    record = await record_on(bench)
    before = record.row.version
    record.has(troubles=3)
    await record.write_ahead()
    assert bench.written(record.row.id).version == before
    await record.note_progress()
    assert bench.written(record.row.id).troubles == 3


async def test_a_ticket_is_homeless_until_it_is_written(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up()
    record = await record_on(bench)
    ticket = await bench.parts.client.request_ticket(file_name="clip.mp4", size=1 << 20, group_id="")
    record.has(ticket=ticket)
    assert record.homeless_video == ticket.video_id
    await record.write_ahead()
    assert record.homeless_video == ""
    assert bench.written(record.row.id).ticket == ticket


async def test_a_ticket_that_is_abandoned_leaves_an_orphan(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up()
    record = await record_on(bench)
    ticket = await bench.parts.client.request_ticket(file_name="clip.mp4", size=1 << 20, group_id="")
    record.has(ticket=ticket)
    await record.write_ahead()
    await record.abandon(ticket)
    assert bench.written(record.row.id).ticket is None
    assert await bench.ledger.orphans(tries_below=1) == [ticket.video_id]


async def test_what_ok_held_is_not_unlearned_before_ok_was_heard_again(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    """Else an upload that was resumed while its host is away looks as if nothing of it were there."""
    bench = await set_up()
    row = await bench.taken()
    ticket = await bench.parts.client.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
    row = await bench.ledger.write(row.to(State.UPLOADING, ticket=ticket, tickets=1, received=SEGMENT))
    session = session_of(row, bench.parts.plan)
    record = Record(bench.parts, row, session, Proof(SIZE))
    assert session.next_steps() == [m.Probe()]
    assert session.probe_answered(m.NoAnswer("the host cannot be reached")) is not None
    await record.put_off(Trouble("the host cannot be reached"), at_once=False, at_most=math.inf)
    assert bench.written(row.id).received == SEGMENT
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.Held(m.Account(ByteRanges.prefix(7))))
    await record.note_progress()
    assert bench.written(row.id).received == 7, "then its word counts, even where it is less"


async def test_a_row_that_somebody_else_wrote_is_not_written_over(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up()
    record = await record_on(bench)
    await bench.orders(record.row.id, State.CANCELLED)
    with pytest.raises(StaleVersion):
        await record.note_progress()
    assert bench.written(record.row.id).state is State.CANCELLED


@pytest.mark.parametrize("fails", [False, True])
async def test_a_write_that_began_is_seen_to_its_end_though_its_request_is_cut(*, fails: bool) -> None:
    """Else nobody knows the row's version, and the next write is taken for somebody else's."""
    begun, goes_on = asyncio.Event(), asyncio.Event()
    written: list[bool] = []

    async def writing() -> None:
        begun.set()
        await goes_on.wait()
        written.append(True)
        if fails:
            raise LedgerError("full")

    task = asyncio.ensure_future(to_the_end(writing()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert written == [True]
