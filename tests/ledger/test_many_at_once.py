"""What is asked and written of many files at once equals what would be asked and written one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.making import Clock, drop
from okdrop.drop import State
from okdrop.ledger import Ledger

if TYPE_CHECKING:
    from okdrop.drop import Drop, Upload

PATHS = [b"/srv/drop/a", b"/srv/drop/b", b"/srv/drop/c"]
drops = st.builds(
    drop,
    st.sampled_from(PATHS),
    size=st.sampled_from([20_000, 30_000]),
    mtime_ns=st.integers(1, 2),
    inode=st.integers(1, 3),
)
states = st.sampled_from(State)


async def stored(ledger: Ledger, found: list[tuple[Drop, State]]) -> None:
    for one, state in found:
        if one in await ledger.unknown([one]):
            await ledger.add(one, state=state)


@given(st.lists(st.tuples(drops, states), max_size=5), st.lists(drops, max_size=5))
@settings(max_examples=40)
async def test_judging_many_is_judging_each(found: list[tuple[Drop, State]], asked: list[Drop]) -> None:
    async with await Ledger.open("sqlite://", now=Clock()) as ledger:
        await stored(ledger, found)
        assert await ledger.judge_all(asked) == [await ledger.judge(one) for one in asked]


def essence(row: Upload) -> Upload:
    return row.with_(id=0, version=0)


@given(
    st.lists(st.tuples(drops, states), max_size=5),
    st.lists(drops, max_size=3, unique_by=lambda one: one.path),
    states,
)
@settings(max_examples=40)
async def test_adding_many_is_adding_each_that_is_unknown(
    found: list[tuple[Drop, State]], new: list[Drop], state: State
) -> None:
    async with (
        await Ledger.open("sqlite://", now=Clock()) as many,
        await Ledger.open("sqlite://", now=Clock()) as single,
    ):
        for ledger in (many, single):
            await stored(ledger, found)
        unknown = await single.unknown(new)
        assert await many.add_all(new, state=state, held=True, note="at once") == len(unknown)
        for one in unknown:
            await single.add(one, state=state, held=True, note="at once")
        rows = [
            sorted((essence(row) for row in await ledger.uploads()), key=repr) for ledger in (many, single)
        ]
        assert rows[0] == rows[1]
        for row in await many.uploads():
            assert [step.to_state for step in await many.history(row.id)][-1] is row.state


async def test_rows_that_are_added_at_once_have_each_their_own_history(ledger: Ledger) -> None:
    found = [drop(b"/srv/drop/%d" % number, inode=number) for number in range(1200)]
    assert await ledger.add_all(found, state=State.CANCELLED, note="lay there") == 1200
    assert await ledger.add_all(found, state=State.CANCELLED, note="lay there") == 0
    rows = await ledger.uploads()
    assert [row.drop for row in rows] == found
    for row in rows[::400]:
        [step] = await ledger.history(row.id)
        assert (step.upload_id, step.from_state, step.to_state, step.note) == (
            row.id,
            None,
            State.CANCELLED,
            "lay there",
        )


async def test_what_is_held_is_released_by_folder_or_altogether(ledger: Ledger, clock: Clock) -> None:
    held = [drop(b"/srv/drop/%d" % number, inode=number) for number in range(3)]
    await ledger.add_all(held, held=True)
    other = await ledger.add(drop(b"/srv/drop/free", inode=9))
    clock.forward(seconds=1)
    assert await ledger.release(["/srv/elsewhere"]) == 0
    assert await ledger.release(["/srv/drop"]) == 3
    assert await ledger.release() == 0
    *rows, free = await ledger.uploads()
    assert [(row.held, row.version, row.updated_at) for row in rows] == [(False, 2, clock())] * 3
    assert free == other
    assert (await ledger.history(rows[0].id))[-1].note == "released by hand"


async def test_another_revision_of_what_is_held_is_held(ledger: Ledger) -> None:
    """A touch, or a writer that goes on, is no word of a person."""
    await ledger.add_all([drop(mtime_ns=1)], held=True)
    touched = await ledger.add(drop(mtime_ns=2))
    await ledger.add_all([drop(mtime_ns=3)])
    assert [row.state for row in await ledger.uploads()] == [State.SUPERSEDED] * 2 + [State.QUEUED]
    assert touched.held
    assert await ledger.release() == 1
    assert not (await ledger.add(drop(mtime_ns=4))).held


async def test_what_was_cancelled_while_it_was_held_does_not_hold_another_revision(ledger: Ledger) -> None:
    row = await ledger.add(drop(mtime_ns=1), held=True)
    await ledger.write(row.to(State.CANCELLED))
    assert not (await ledger.add(drop(mtime_ns=2))).held


async def test_what_was_cancelled_while_it_was_held_is_not_released(ledger: Ledger) -> None:
    row = await ledger.add(drop(), held=True)
    await ledger.write(row.to(State.CANCELLED))
    assert await ledger.release() == 0


async def test_a_row_may_begin_with_a_digest(ledger: Ledger) -> None:
    row = await ledger.add(drop(), state=State.PUBLISHED, digest=b"d" * 32)
    assert await ledger.get(row.id) == row
    assert row.digest == b"d" * 32
