"""Of any set of equal uploads somebody may go on, and nobody waits in a circle."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ledger.making import START, drop, ticket
from okdrop.drop import UNFINISHED, State, Upload
from okdrop.pipeline.turns import PATIENCE, first_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def row(number: int, state: State = State.QUEUED, **changes: object) -> Upload:
    made = Upload(id=number, drop=drop(), state=state, version=1, created_at=START, updated_at=START)
    return made.with_(**changes)


@st.composite
def rows(draw: st.DrawFn) -> list[Upload]:
    return [
        row(
            number,
            draw(st.sampled_from(State)),
            ticket=draw(st.sampled_from([None, ticket()])),
            held=draw(st.booleans()),
            troubles=draw(st.integers(0, 1)),
            last_trouble=draw(st.sampled_from(["source_away", "api_busy"])),
            retry_at=draw(st.sampled_from([None, START, START + 2 * PATIENCE])),
        )
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]


def waits(all_rows: Sequence[Upload], closed: set[int]) -> dict[int, int]:
    """Who waits for whom."""
    found = {}
    for one in all_rows:
        others = [other for other in all_rows if other is not one]
        first = first_of(one, others, now=START, is_open=lambda number: number not in closed)
        if one.state in UNFINISHED and first is not None:
            found[one.id] = first.id
    return found


@given(all_rows=rows(), closed=st.sets(st.integers(1, 6)))
def test_nobody_waits_in_a_circle_or_for_what_has_an_end(all_rows: list[Upload], closed: set[int]) -> None:
    graph, by_id = waits(all_rows, closed), {one.id: one for one in all_rows}
    for one, first in graph.items():
        assert by_id[first].state in UNFINISHED
        assert first not in closed
        seen, at = {one}, first
        while at in graph:
            assert at not in seen
            seen.add(at)
            at = graph[at]


@given(all_rows=rows())
def test_all_that_wait_wait_for_one(all_rows: list[Upload]) -> None:
    """The first of all: so its end wakes them all."""
    assert len(set(waits(all_rows, set()).values())) <= 1


def test_what_is_whole_comes_first_then_what_has_begun_then_the_older() -> None:
    whole, begun = row(4, State.FINALIZING), row(3, State.UPLOADING, ticket=ticket())
    older, younger = row(1), row(2)
    order = [whole, begun, older, younger]
    for place, one in enumerate(order):
        others = [other for other in order if other is not one]
        first = first_of(one, others, now=START, is_open=lambda _: True)
        assert first is (None if place == 0 else whole)
    assert first_of(younger, [begun, older], now=START, is_open=lambda _: True) is begun
    assert first_of(younger, [older], now=START, is_open=lambda _: True) is older


def test_patience_is_bounded() -> None:
    def waited_for(later: timedelta) -> bool:
        first = row(1, retry_at=START + later)
        return first_of(row(2), [first], now=START, is_open=lambda _: True) is not None

    assert waited_for(PATIENCE)
    assert not waited_for(PATIENCE + timedelta(seconds=1))
