from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import SCHEMA, Curve, Figure, Report, Spread, Unit, ratios

if TYPE_CHECKING:
    from bench.figures import Finding

measured = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=20)


@given(measured)
def test_a_spread_is_in_order_and_lies_within_what_was_measured(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.least <= spread.quarter <= spread.median <= spread.three_quarters <= spread.most
    assert (spread.least, spread.most, spread.count) == (min(values), max(values), len(values))
    assert spread.median == pytest.approx(statistics.median(values))


@given(measured)
def test_the_order_of_measurements_says_nothing(values: list[float]) -> None:
    assert Spread.of(values) == Spread.of(reversed(values))


def test_of_nothing_there_is_no_spread() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Spread.of([])


def test_a_ratio_is_taken_pair_by_pair() -> None:
    """The second pair met a machine ten times as slow: that says nothing of either."""
    assert ratios([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == Spread.of([2.0, 2.0, 2.0])


def test_an_odd_one_out_makes_no_pair() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("aim", "at_least", "holds"),
    [(None, True, None), (2.0, True, True), (2.1, True, False), (2.0, False, True), (1.9, False, False)],
)
def test_an_aim_holds_at_its_very_value(aim: float | None, *, at_least: bool, holds: bool | None) -> None:
    figure = Figure(row="a", name="b", value=Spread.of([2.0]), unit=Unit.TIMES, aim=aim, at_least=at_least)
    assert figure.holds is holds


def report() -> Report:
    spread = Spread.of([1.0, 2.0, 4.0])
    findings: list[Finding] = [
        Figure(row="tls", name="CPU", value=spread, unit=Unit.TIMES, aim=1.5, reference="curl"),
        Curve(
            row="sizes",
            name="cost by size",
            x="MiB",
            y="s",
            series={"okdrop": [(1.0, spread), (4.0, spread)]},
        ),
    ]
    return Report(date="2026-01-02", machine={"cores": "2"}, given={"PAIRS": "3"}, findings=findings)


def test_what_is_kept_as_json_comes_back_as_it_was() -> None:
    assert Report.from_json(json.loads(json.dumps(report().to_json()))) == report()


def test_json_of_another_schema_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="run the benchmark again"):
        Report.from_json(report().to_json() | {"schema": SCHEMA + 1})
