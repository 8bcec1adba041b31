"""Steps that follow from events: written with them, found without a walk, taken once they are closed."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ledger.making import START, drop, ticket
from okdrop.drop import State
from okdrop.errors import LedgerError
from okdrop.ledger import StaleVersion
from okdrop.steps import Kind, NewStep, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.making import Clock
    from okdrop.drop import Upload
    from okdrop.ledger import Ledger

LANE = "hook:x"


def step(key: str = "a", *, upload: int | None = None, lane: str = LANE) -> NewStep:
    return NewStep(key=key, lane=lane, kind=Kind.HOOK, event="published", payload="{}", upload=upload)


def planned(_before: Upload | None, after: Upload) -> Sequence[NewStep]:
    """A step for whatever is written."""
    return [step(f"{after.id}-{after.version}-{after.state}", upload=after.id)]


async def test_a_write_and_what_follows_from_it_are_one(ledger: Ledger) -> None:
    woken: list[bool] = []
    ledger.follow_by(planned, lambda: woken.append(True))
    row = await ledger.add(drop())
    row = await ledger.write(row.to(State.UPLOADING))
    assert [one.key for one in await ledger.steps_of(row.id)] == ["1-1-queued", "1-2-uploading"]
    assert len(woken) == 2
    with pytest.raises(StaleVersion):
        await ledger.write(row.with_(version=1))
    assert len(await ledger.steps_of(row.id)) == 2


async def test_what_is_refused_brings_no_step(ledger: Ledger) -> None:
    await ledger.add(drop())
    ledger.follow_by(planned, lambda: None)
    with pytest.raises(LedgerError):
        await ledger.add(drop())
    assert await ledger.next_step(LANE) is None


async def test_the_plan_is_told_what_was_and_what_is(ledger: Ledger) -> None:
    told: list[tuple[Any, Any]] = []

    def plan(before: Upload | None, after: Upload) -> Sequence[NewStep]:
        told.append((before and before.state, after.state))
        return []

    ledger.follow_by(plan, lambda: pytest.fail("nothing was written"))
    row = await ledger.add(drop())
    await ledger.write(row.to(State.UPLOADING, ticket=ticket()))
    assert told == [(None, State.QUEUED), (State.QUEUED, State.UPLOADING)]


async def test_a_key_is_written_once(ledger: Ledger) -> None:
    assert await ledger.add_steps([step("a"), step("a"), step("b")]) == 2
    assert await ledger.add_steps([step("a")]) == 0


async def test_steps_come_in_the_order_in_which_they_are_due(ledger: Ledger, clock: Clock) -> None:
    await ledger.add_steps([step("a"), step("b"), step("other", lane="files")])
    first = await ledger.next_step(LANE)
    assert first is not None
    assert (first.key, first.tries, first.done_at) == ("a", 0, None)
    clock.forward(seconds=5)
    await ledger.put_off_steps([first.id], due_at=clock(), said="no answer", output="x")
    second = await ledger.next_step(LANE)
    assert second is not None
    assert second.key == "b"
    await ledger.close_steps([second.id], Outcome.DONE, said="exit code 0")
    third = await ledger.next_step(LANE)
    assert third is not None
    assert (third.key, third.tries, third.said, third.output) == ("a", 1, "no answer", "x")
    assert third.due_at == clock()


async def test_what_waits_in_a_lane_is_told_in_the_order_that_is_asked_for(
    ledger: Ledger, clock: Clock
) -> None:
    urgent = dataclasses.replace(step("halted"), event="halted")
    other = dataclasses.replace(step("failed"), event="failed")
    await ledger.add_steps([step("a"), step("b"), other, urgent, step("other", lane="files")])
    order = {"first": ["halted"], "last": ["confirmed", "published"]}
    first, second, third, fourth = await ledger.waiting_in(LANE, at_most=10, **order)
    assert [one.event for one in (first, second)] == ["halted", "failed"]
    assert [one.event for one in (third, fourth)] == ["published", "published"]
    assert first.created_at == first.due_at == clock()
    found = await ledger.waiting_in(LANE, at_most=2, **order)
    assert [one.id for one in found] == [first.id, second.id]
    unordered = await ledger.waiting_in(LANE, at_most=10)
    assert [one.id for one in unordered] == sorted(one.id for one in (first, second, third, fourth))
    assert [one.key for one in await ledger.steps([fourth.id, first.id])] == ["b", "halted"]
    assert await ledger.steps([]) == []


async def test_when_something_was_told_is_known_and_what_was_told_in_one_counts_once(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.add_steps([step(key) for key in "abcd"] + [step("other", lane="files")])
    a, b, c, d = (one.id for one in await ledger.waiting_in(LANE, at_most=10))
    (other,) = await ledger.waiting_in("files", at_most=10)
    clock.forward(seconds=5)
    first = clock()
    await ledger.close_steps([a, b], Outcome.DONE)
    await ledger.close_steps([other.id], Outcome.DONE)
    clock.forward(seconds=5)
    await ledger.close_steps([c], Outcome.DONE)
    await ledger.close_steps([d], Outcome.GIVEN_UP)
    assert await ledger.told_since(LANE, START) == [first, clock()]
    assert await ledger.told_since(LANE, first) == [clock()]


async def test_what_is_put_off_together_is_due_together(ledger: Ledger, clock: Clock) -> None:
    await ledger.add_steps([step("a"), step("b")])
    waiting = await ledger.waiting_in(LANE, at_most=10)
    due_at = clock() + timedelta(minutes=1)
    await ledger.put_off_steps([one.id for one in waiting], due_at=due_at, said="no answer")
    assert {one.due_at for one in await ledger.waiting_in(LANE, at_most=10)} == {due_at}


async def test_what_is_closed_stays_closed(ledger: Ledger) -> None:
    await ledger.add_steps([step()])
    one = await ledger.next_step(LANE)
    assert one is not None
    await ledger.close_steps([one.id], Outcome.FAILED, said="exit code 7", output="boom")
    await ledger.put_off_steps([one.id], due_at=START, said="again")
    await ledger.close_steps([one.id], Outcome.DONE)
    await ledger.replan_step(one.id, "[]")
    assert await ledger.next_step(LANE) is None
    assert await ledger.lanes() == []


async def test_what_is_closed_tells_how(ledger: Ledger, clock: Clock) -> None:
    row = await ledger.add(drop())
    await ledger.add_steps([step(upload=row.id)])
    one = await ledger.next_step(LANE)
    assert one is not None
    await ledger.replan_step(one.id, '{"more": 1}')
    await ledger.close_steps([one.id], Outcome.FAILED, said="exit code 7", output="boom")
    (closed,) = await ledger.steps_of(row.id)
    assert (closed.outcome, closed.said, closed.output) == (Outcome.FAILED, "exit code 7", "boom")
    assert (closed.done_at, closed.tries, closed.payload) == (clock(), 1, '{"more": 1}')


async def test_a_lane_that_nobody_serves_is_dropped_as_a_whole(ledger: Ledger) -> None:
    await ledger.add_steps([step("a"), step("b"), step("c", lane="files")])
    assert await ledger.lanes() == ["files", LANE]
    assert await ledger.drop_lane(LANE, said="not configured") == 2
    assert await ledger.lanes() == ["files"]


async def test_only_what_was_closed_long_ago_is_forgotten(ledger: Ledger, clock: Clock) -> None:
    row = await ledger.add(drop())
    await ledger.add_steps([step("old", upload=row.id), step("open", upload=row.id)])
    one = await ledger.next_step(LANE)
    assert one is not None
    await ledger.close_steps([one.id], Outcome.DONE)
    assert await ledger.forget_steps(before=clock(), at_most=10) == 0
    clock.forward(days=1)
    assert await ledger.forget_steps(before=clock(), at_most=10) == 1
    assert [left.key for left in await ledger.steps_of(row.id)] == ["open"]


# --- pruning ------------------------------------------------------------------------------------------


async def moved(ledger: Ledger, clock: Clock, name: bytes, **changes: Any) -> Upload:
    row = await ledger.add(drop(name, inode=hash(name) % 10**9))
    row = await ledger.write(row.to(State.UPLOADING, ticket=ticket(name.decode())))
    row = await ledger.write(row.to(State.FINALIZING))
    facts = {"moved_to": b"/kept" + name, "moved_at": clock(), "confirmed_at": clock()} | changes
    return await ledger.write(row.to(State.PUBLISHED, **facts))


async def test_only_what_was_moved_and_confirmed_and_still_lies_there_may_be_pruned(
    ledger: Ledger, clock: Clock
) -> None:
    due = await moved(ledger, clock, b"/srv/drop/due")
    await moved(ledger, clock, b"/srv/drop/unconfirmed", confirmed_at=None)
    await moved(ledger, clock, b"/srv/drop/kept", moved_at=None)
    await moved(ledger, clock, b"/srv/drop/removed", removed_at=clock())
    refused = await moved(ledger, clock, b"/srv/drop/refused")
    await ledger.write(refused.to(State.FAILED))
    clock.forward(days=1)
    young = await moved(ledger, clock, b"/srv/drop/young")
    assert await ledger.prunable("/srv/drop", before=clock(), at_most=10) == [due.id]
    assert await ledger.prunable("/elsewhere", before=clock(), at_most=10) == []
    clock.forward(days=1)
    assert await ledger.prunable("/srv/drop", before=clock(), at_most=10) == [due.id, young.id]
    assert await ledger.prunable("/srv/drop", before=clock(), at_most=1) == [due.id]
