"""Whoever may not go on is in nobody's way, and costs nothing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.errors import Halted, Trouble
from okdrop.ledger import orders
from okdrop.pipeline.accounts import call_of
from okdrop.pipeline.owed import AT_ONCE
from okdrop.pipeline.posting import Posting
from okdrop.pipeline.teller import Teller
from okdrop.publication import Draft

if TYPE_CHECKING:
    from okdrop.drop import Upload
    from pipeline.bench import Bench

KIDS = "kids"
DEAD = Halted("the token is dead", code="api_102")
LIMIT = Trouble("too many calls", code="api_8", retry_after=60.0)


@pytest.fixture
async def bench(set_up: Any) -> Bench:
    made: Bench = await set_up(posting=Posting(friends_first=True), stays=True)
    made.parts = dataclasses.replace(made.parts, clients={KIDS: made.parts.client})
    made.teller = Teller(made.parts)
    return made


async def released(bench: Bench, *accounts: str) -> list[Upload]:
    """Videos of these accounts that are to be made public, in this order."""
    rows = []
    for number, account in enumerate(accounts):
        row = await bench.done(f"{number}.mp4", 65_536 + number)
        await bench.ledger.write(row.with_(account=account))
        assert (await orders.release(bench.ledger, row.id)).done
        rows.append(await bench.row(row.id))
        bench.clock.ahead += 1.0
    return rows


async def drafts(bench: Bench) -> list[str]:
    """Whose videos friends alone see."""
    rows = await bench.ledger.uploads()
    return [row.account for row in rows if row.publication.draft is not None]


def hold(bench: Bench, how: str) -> None:
    if how == "halted":
        bench.parts.brake.halt(DEAD, account=KIDS)
    else:
        bench.parts.breakers.failed(0, call_of(bench.parts, KIDS)[0], LIMIT)


def let_go(bench: Bench, how: str) -> None:
    if how == "halted":
        bench.parts.brake.release(KIDS)
    else:
        bench.clock.ahead += 3600.0  # one tries, for all


@pytest.mark.parametrize("how", ["halted", "in trouble"])
async def test_an_account_that_is_held_holds_its_own_alone_and_costs_nothing(bench: Bench, how: str) -> None:
    theirs = await released(bench, *[KIDS] * (AT_ONCE + 1), "", "")
    hold(bench, how)
    assert await bench.teller.round()
    assert await drafts(bench) == [KIDS] * (AT_ONCE + 1)
    for _ in range(3):
        assert not await bench.teller.round()
    assert await bench.ledger.uploads(ids=[row.id for row in theirs[: AT_ONCE + 1]]) == theirs[: AT_ONCE + 1]
    assert bench.told(events.ChoreTrouble) == []
    let_go(bench, how)
    while await bench.teller.round():
        pass
    assert await drafts(bench) == []


@pytest.mark.parametrize("how", ["halted", "in trouble"])
async def test_a_run_that_ends_leaves_what_is_held_and_tells_the_others(bench: Bench, how: str) -> None:
    await released(bench, *[KIDS] * (AT_ONCE + 1), *[""] * (AT_ONCE + 1))
    hold(bench, how)
    await bench.teller.run_to_the_end()
    assert await drafts(bench) == [KIDS] * (AT_ONCE + 1)


async def test_one_that_tries_for_all_lets_all_go_in_a_run_that_ends(bench: Bench) -> None:
    await released(bench, *[KIDS] * (AT_ONCE + 2))
    hold(bench, "in trouble")
    bench.clock.ahead += 3600.0
    await bench.teller.run_to_the_end()
    assert await drafts(bench) == []


async def test_each_is_asked_of_once_however_many_there_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = await released(bench, *[""] * (3 * AT_ONCE))
    asked: list[int] = []
    ask = bench.ledger.to_be_told

    async def noted(*arguments: Any, at_most: int, **keywords: Any) -> list[int]:
        asked.append(at_most)
        return await ask(*arguments, at_most=at_most, **keywords)

    monkeypatch.setattr(bench.ledger, "to_be_told", noted)
    with bench.faults.active("api_error", code=454, method="video.update") as fault:
        await bench.teller.run_to_the_end()
    assert fault.fired == len(rows)
    assert asked == [AT_ONCE] * 4


async def test_what_somebody_else_writes_meanwhile_is_in_nobodys_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = await released(bench, *[""] * (AT_ONCE + 1))
    tell = bench.teller.tell
    told: list[int] = []

    async def passed_over(number: int) -> bool:
        told.append(number)
        return number == rows[-1].id and await tell(number)

    monkeypatch.setattr(bench.teller._owed, "_tell", passed_over)
    await bench.teller.run_to_the_end()
    assert sorted(told) == [row.id for row in rows]
    last = await bench.row(rows[-1].id)
    assert last.publication.draft is None
    assert (await bench.row(rows[0].id)).publication.draft is Draft.RELEASE
