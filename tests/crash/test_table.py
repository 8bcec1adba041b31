"""Every point at which the process can die, one by one; and what OK, the ledger and the disk say then."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crash import sites
from crash.scenarios import NOT_VISITED, SCENARIOS, Scenario, gone_through
from crash.world import MOMENTS, Life, Point
from okdrop.client import Client
from okdrop.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"


def to_die_at(scenario: Scenario, life: Life) -> list[Point]:
    """The points of a scenario, as a life that met no death came by them."""
    wanted = life.fate.chains
    return [
        point
        for point in life.fate.points
        if scenario.all_points or scenario.visits & set(wanted.get(point.kind, ()))
    ]


PARTS = 4
"""A long way is gone in so many tests, each of which takes every so-manieth of its points."""


def in_parts() -> Iterator[Any]:
    for scenario in SCENARIOS:
        parts = PARTS if scenario.all_points else 1
        for part in range(parts):
            name = f"{scenario.name} {part + 1}/{parts}" if parts > 1 else scenario.name
            yield pytest.param(scenario, slice(part, None, parts), id=name)


@pytest.mark.parametrize(("scenario", "part"), [*in_parts()])
async def test_whatever_the_process_dies_at(
    scenario: Scenario, part: slice, tmp_path: Path, blank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target, value in scenario.patches.items():
        monkeypatch.setattr(target, value)
    whole, *_ = await gone_through(scenario, tmp_path / "whole", blank)
    assert scenario.visits <= set(itertools.chain.from_iterable(whole.fate.chains.values()))
    points = to_die_at(scenario, whole)[part]
    assert points
    for number, point in enumerate(points):
        try:
            life, *_ = await gone_through(scenario, tmp_path / str(number), blank, point)
            assert life.died or (scenario.varies and point.number > 1)
        except BaseException as error:
            error.add_note(f"the process died {point}")
            raise


def test_every_write_and_every_call_is_visited_or_has_a_reason() -> None:
    """What is new in the code needs a scenario that comes by it."""
    done = {site.name for site in sites.sites()} | set(MOMENTS)
    visited = {name for scenario in SCENARIOS for name in scenario.visits}
    assert visited | set(NOT_VISITED) == done
    assert not visited & set(NOT_VISITED)


def test_every_method_of_the_ledger_that_writes_is_known_to_write() -> None:
    assert sites.writing(Ledger) == sites.WRITES


def test_every_call_of_the_client_has_its_moments() -> None:
    calls = {name for name in vars(Client) if not name.startswith("_")}
    questions_of_a_run = {
        "current_user",
        "clock_skew",
        "credentials_end",
        "has_accepted",
    }  # nothing is told OK by them
    assert set(MOMENTS) == calls - questions_of_a_run


def test_the_decision_names_ways_that_there_are() -> None:
    page = (DECISIONS / "0019-exactly-once.md").read_text()
    rows = [row.rsplit("|", 2)[1] for row in page.splitlines() if row.startswith("|")]
    named = {name for row in rows for name in re.findall(r'"([^"]+)"', row)}
    assert named
    assert named <= {scenario.name for scenario in SCENARIOS}
