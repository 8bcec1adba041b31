"""What comes through, lately."""

from __future__ import annotations

import pytest

from okdrop.pipeline.goodput import SPAN, Goodput


@pytest.mark.parametrize("lasts", [1.0, 4.0])
def test_an_even_flow_is_told_as_it_is_from_the_beginning_on(lasts: float) -> None:
    goodput = Goodput()
    for number in range(1, 40):
        goodput.add(int(1000 * lasts), seconds=lasts, now=100.0 + number * lasts)
        assert goodput.per_second(100.0 + number * lasts) == pytest.approx(1000, rel=0.25)


def test_what_came_long_ago_counts_for_nothing() -> None:
    goodput = Goodput()
    assert goodput.per_second(5.0) == 0.0
    goodput.add(10_000, seconds=1.0, now=100.0)
    assert goodput.per_second(100.0 + 10 * SPAN) < 1.0
