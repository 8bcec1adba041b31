from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.axes import Axis, worded

positive = st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20)


@given(st.one_of(positive, st.lists(st.just(0.0), min_size=1)))
def test_every_value_lies_on_the_axis_and_in_its_order(values: list[float]) -> None:
    axis = Axis.over(values)
    places = [axis.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert -1e-9 <= places[0] <= places[-1] <= 1 + 1e-9


@given(positive)
def test_marks_are_few_round_and_on_the_axis(values: list[float]) -> None:
    axis = Axis.over(values)
    marks = axis.marks()
    assert 2 <= len(marks) <= 8
    assert all(-1e-9 <= axis.place(mark) <= 1 + 1e-9 for mark in marks)
    assert all(len(f"{mark:.3g}".strip("0.").partition("e")[0].strip("0.")) == 1 for mark in marks[1:2])


def test_wide_ranges_are_logarithmic() -> None:
    assert Axis.over([1.0, 100.0]) == Axis(1.0, 100.0, True)
    assert Axis.over([1.0, 4096.0]).marks() == [1, 10, 100, 1000, 10_000]
    assert Axis.over([60.0, 100.0]).low == 0


def test_zero_has_no_logarithm() -> None:
    assert not Axis.over([0.0, 1000.0]).logarithmic


def test_an_axis_shows_something() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Axis.over([])


@pytest.mark.parametrize(("mark", "text"), [(1000.0, "1,000"), (0.25, "0.25"), (2.0, "2"), (0.0, "0")])
def test_marks_are_written_short(mark: float, text: str) -> None:
    assert worded(mark) == text
