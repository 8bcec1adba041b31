"""How many connections pay: tried against hosts that exist in numbers alone."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.protocol.pace import ENOUGH, LARGEST, MIB, SMALLEST, Pace

STEP = 0.01  # seconds
BUDGET = 16


@dataclasses.dataclass(slots=True)
class Segment:
    """One that is out."""

    size: int
    began: float
    left: float
    beside: float = 0.0  # the sum over its steps of how many were out
    answer_in: float = 0.0


@dataclasses.dataclass(slots=True)
class Line:
    """A host that gives each connection at most `each` bytes a second, at the end of a line of `whole`."""

    each: float
    whole: float
    answer: float = 0.04
    noise: float = 0.0
    now: float = 0.0
    stored: float = 0.0
    out: list[Segment] = dataclasses.field(default_factory=list)
    chance: random.Random = dataclasses.field(default_factory=lambda: random.Random(7))

    def carry(self, pace: Pace, seconds: float) -> float:
        """Keep as many segments out as the pace wants; returns the goodput, in bytes a second."""
        before, end = self.stored, self.now + seconds
        while self.now < end:
            while len(self.out) < pace.connections:
                self.out.append(Segment(pace.segment_size, self.now, pace.segment_size))
            self._step()
            for segment in [one for one in self.out if one.left <= 0 and one.answer_in <= 0]:
                self.out.remove(segment)
                self.stored += segment.size
                seconds_out = self.now - segment.began
                together = segment.beside * STEP / seconds_out
                pace.stored(segment.size, seconds=seconds_out, together=together, now=self.now)
        return (self.stored - before) / seconds

    def _step(self) -> None:
        self.now += STEP
        sending = [segment for segment in self.out if segment.left > 0]
        rate = min(self.each, self.whole / max(1, len(sending)))
        for segment in self.out:
            segment.beside += len(self.out)
            if segment.left > 0:
                segment.left -= rate * STEP * (1 + self.noise * self.chance.uniform(-1, 1))
                segment.answer_in = self.answer
            else:
                segment.answer_in -= STEP


@pytest.mark.parametrize("each", [0.3 * MIB, MIB, 4 * MIB, 20 * MIB])
def test_where_each_connection_is_limited_all_that_there_may_be_are_used(each: float) -> None:
    pace, line = Pace(most=BUDGET), Line(each=each, whole=1e12)
    line.carry(pace, max(8.0, 24 * MIB / each))
    assert pace.connections == BUDGET
    line.carry(pace, 20)  # segments grow to their size
    assert line.carry(pace, 60) >= 0.95 * BUDGET * each


@pytest.mark.parametrize("whole", [0.2 * MIB, MIB, 10 * MIB, 100 * MIB])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_where_one_connection_fills_the_line_there_are_no_more_than_two(whole: float, noise: float) -> None:
    pace, line = Pace(most=BUDGET), Line(each=1e12, whole=whole, answer=0.0, noise=noise)
    line.carry(pace, max(10.0, 40 * MIB / whole))
    assert pace.connections <= 2


def test_where_five_fill_it_there_are_about_five() -> None:
    pace, line = Pace(most=BUDGET), Line(each=2 * MIB, whole=10 * MIB)
    line.carry(pace, 30)
    assert pace.is_settled
    assert 5 <= pace.connections <= 8
    assert line.carry(pace, 25) >= ENOUGH * 10 * MIB


def test_a_line_that_became_wider_is_noticed() -> None:
    pace, line = Pace(most=BUDGET), Line(each=1e12, whole=4 * MIB)
    line.carry(pace, 20)
    assert pace.connections <= 2
    line.each, line.whole = 4 * MIB, 1e12
    line.carry(pace, 200)
    assert pace.connections == BUDGET


def test_a_segment_lasts_some_seconds_once_it_is_known_how_fast_they_go() -> None:
    pace, line = Pace(most=BUDGET), Line(each=3 * MIB, whole=1e12)
    line.carry(pace, 60)
    assert 2 <= pace.segment_size / (3 * MIB) <= 5


def test_trouble_that_tells_of_load_halves_them_and_lets_it_rest() -> None:
    pace, line = Pace(most=BUDGET), Line(each=4 * MIB, whole=1e12)
    line.carry(pace, 20)
    pace.overloaded(now=line.now)
    assert pace.connections == BUDGET // 2
    line.carry(pace, 20)
    assert pace.connections == BUDGET // 2, "not at once"
    line.carry(pace, 500)
    assert pace.connections == BUDGET, "but some day"


def test_what_was_remembered_is_the_first_try() -> None:
    assert Pace(most=BUDGET, remembered=12).connections == 12
    assert Pace(most=4, remembered=12).connections == 4
    assert Pace(most=1).connections == 1


@pytest.mark.parametrize("remembered", [1, 2, 12, BUDGET])
def test_what_was_remembered_is_kept_where_it_still_pays(remembered: int) -> None:
    pace, line = Pace(most=BUDGET, remembered=remembered), Line(each=4 * MIB, whole=remembered * 4 * MIB)
    line.carry(pace, 60)
    assert pace.is_settled
    assert pace.connections == remembered


@pytest.mark.parametrize("remembered", [8, 12, BUDGET])
def test_what_was_remembered_and_pays_no_more_is_given_up(remembered: int) -> None:
    """At the most there may be, too, from where no doubling is left to be tried."""
    pace, line = Pace(most=BUDGET, remembered=remembered), Line(each=1e12, whole=4 * MIB)
    line.carry(pace, 200)
    assert pace.connections <= 3


def test_more_than_was_remembered_is_tried_some_day() -> None:
    pace, line = Pace(most=BUDGET, remembered=2), Line(each=4 * MIB, whole=1e12)
    line.carry(pace, 500)
    assert pace.connections == BUDGET


@given(
    st.lists(
        st.tuples(
            st.integers(1, 1 << 30),
            st.floats(0, 1e4, allow_nan=False),
            st.floats(0, 64, allow_nan=False),
            st.booleans(),
        ),
        max_size=80,
    ),
    st.integers(1, 16),
)
def test_whatever_comes_the_bounds_hold(told: list[tuple[int, float, float, bool]], most: int) -> None:
    pace, now = Pace(most=most), 0.0
    for size, seconds, together, is_overloaded in told:
        now += seconds
        if is_overloaded:
            pace.overloaded(now=now)
        else:
            pace.stored(size, seconds=seconds, together=together, now=now)
        assert 1 <= pace.connections <= most
        assert SMALLEST <= pace.segment_size <= LARGEST
        assert pace.segment_size % MIB == 0
