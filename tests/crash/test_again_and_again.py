"""A process that dies, then dies again while it recovers: any few deaths, at any points."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crash.scenarios import SCENARIOS, Scenario, gone_through
from crash.world import Point, When
from okdrop.ledger import Ledger

WAYS = [scenario for scenario in SCENARIOS if scenario.all_points]

DEATHS = st.lists(
    st.builds(Point, kind=st.just(""), number=st.integers(1, 16), when=st.sampled_from(When)),
    min_size=2,
    max_size=4,
)
"""Each at the n-th thing that its life does; 16 is about how many there are on the longest way."""


@pytest.mark.parametrize("scenario", WAYS, ids=lambda scenario: scenario.name)
@settings(max_examples=8)
@given(deaths=DEATHS)
def test_no_row_of_deaths_publishes_twice_or_loses_a_file(scenario: Scenario, deaths: list[Point]) -> None:
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(died_again_and_again(scenario, Path(place), deaths))


async def died_again_and_again(scenario: Scenario, place: Path, deaths: list[Point]) -> None:
    blank = place / "blank.db"
    async with await Ledger.open(f"sqlite:///{blank}"):
        pass
    await gone_through(scenario, place / "world", blank, *deaths)
