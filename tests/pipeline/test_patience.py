"""How long an attempt waits: told by what the row says of the next try, and by who is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from okdrop.drop import State
from okdrop.errors import Doubt, GaveUp, TicketDead, Trouble
from okdrop.pipeline.patience import LONGEST, Patience, Released
from okdrop.pipeline.proof import Proof
from okdrop.pipeline.record import Record
from okdrop.protocol.messages import NoAnswer, UrlDead
from okdrop.protocol.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench

LONG = 300.0


@pytest.fixture
async def bench(set_up: Callable[..., Awaitable[Bench]]) -> Bench:
    return await set_up(first_delay=LONG, max_delay=LONG)


async def waiting(bench: Bench, session: Session | None = None) -> tuple[Patience, Record]:
    row = await bench.taken()
    row = await bench.ledger.write(row.to(State.UPLOADING, attempts=1))
    size = row.drop.revision.size
    session = session or Session(size, bench.parts.plan)
    record = Record(bench.parts, row, session, Proof(size))
    return Patience(bench.parts, record, session, lambda: None), record


async def test_a_long_wait_lets_the_worker_go(bench: Bench) -> None:
    patience, record = await waiting(bench)
    assert not patience.is_waiting
    assert await patience.meet(TicketDead("gone")) is None
    assert patience.is_waiting
    assert patience.released == Released(LONG)
    assert record.row.retry_at is not None


async def test_the_first_doubt_is_asked_about_at_once(bench: Bench) -> None:
    patience, _ = await waiting(bench)
    await patience.meet(Doubt("stored, or not?"))
    assert patience.released is None
    assert not patience.is_waiting


async def test_the_same_trouble_on_another_connection_is_no_second_one(bench: Bench) -> None:
    patience, record = await waiting(bench)
    await patience.meet(Trouble("cut", code="no_answer"))
    await patience.meet(Trouble("cut", code="no_answer"))
    assert record.row.troubles == 1


async def test_one_try_too_many_is_the_end(bench: Bench) -> None:
    patience, _ = await waiting(bench)
    end = await patience.meet(Trouble("not taken yet", code="api_100", tries=1))
    assert isinstance(end, GaveUp)
    assert end.code == "api_100"


async def test_a_question_about_the_video_is_not_put_off_for_long(bench: Bench) -> None:
    session = Session(1, bench.parts.plan)
    session.next_steps()
    session.ticket_issued(None)
    [step] = session.next_steps()
    session.segment_answered(step.span, NoAnswer("cut"))  # type: ignore[union-attr]
    session.next_steps()
    dead = session.probe_answered(UrlDead(404))
    assert dead is not None
    assert session.asks_about_video
    patience, record = await waiting(bench, session)
    await patience.meet(dead)
    assert patience.released is None
    assert record.row.retry_at is not None
    assert (record.row.retry_at - bench.clock.now()).total_seconds() <= LONGEST
