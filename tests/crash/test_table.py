"""Every point at which the process can die, one by one; and what OK, the ledger and the disk say then."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from crash import sites
from crash.scenarios import NOT_VISITED, SCENARIOS, Scenario
from crash.world import MOMENTS, Life, Point, World, assert_lives_on, laid
from okdrop.client import Client
from okdrop.events import TicketLost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def gone_through(scenario: Scenario, place: Path, blank: Path, *points: Point) -> list[Life]:
    """Go through a scenario: a life that ends at each point, then one that comes to its end.

    Returns:
        The lives, but for those that prepared it.
    """
    async with laid(place, blank=blank, **scenario.world) as world:
        digests = await scenario.prepare(world)
        before, lost = len(world.lives), set[str]()
        scenario.begin(world)
        for point in points:
            if (await world.live(point, stays_until=condition(scenario, world))).died:
                assert_lives_on(world, {} if scenario.loses_its_file else digests)
                lost |= unknown(world)
        await world.live(stays_until=condition(scenario, world))
        if lost and scenario.tells_what_is_lost:
            told = [event for life in world.lives for event in life.events if isinstance(event, TicketLost)]
            assert len(told) == len(lost)
        if scenario.mend is not None:
            await scenario.mend(world)
            await world.live()
        assert {video["id"] for video in world.litter} <= lost | set(world.orphans())
        await scenario.verdict(world, digests, len(lost))
        return world.lives[before:]


def condition(scenario: Scenario, world: World) -> Callable[[], bool] | None:
    until = scenario.stays_until
    return None if until is None else lambda: until(world)


def unknown(world: World) -> set[str]:
    """Entries at OK that the ledger knows nothing of."""
    known = {row.ticket.video_id for row in world.rows() if row.ticket is not None} | set(world.orphans())
    return {video["id"] for video in world.litter} - known


def to_die_at(scenario: Scenario, life: Life) -> list[Point]:
    """The points of a scenario, as a life that met no death came by them."""
    wanted = life.fate.chains
    return [
        point
        for point in life.fate.points
        if scenario.all_points or scenario.visits & set(wanted.get(point.kind, ()))
    ]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_whatever_the_process_dies_at(
    scenario: Scenario, tmp_path: Path, blank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target, value in scenario.patches.items():
        monkeypatch.setattr(target, value)
    whole, *_ = await gone_through(scenario, tmp_path / "whole", blank)
    assert scenario.visits <= set(itertools.chain.from_iterable(whole.fate.chains.values()))
    points = to_die_at(scenario, whole)
    assert points
    for number, point in enumerate(points):
        try:
            life, *_ = await gone_through(scenario, tmp_path / str(number), blank, point)
            assert life.died or (scenario.varies and point.number > 1)
        except BaseException as error:
            error.add_note(f"the process died {point}")
            raise


def test_every_write_is_visited_or_has_a_reason() -> None:
    """A write that is new in the code needs a scenario that comes by it."""
    written = {site.name for site in sites.sites()}
    visited = {name for scenario in SCENARIOS for name in scenario.visits}
    assert visited | set(NOT_VISITED) == written
    assert not visited & set(NOT_VISITED)


def test_every_call_of_the_client_has_its_moments() -> None:
    calls = {name for name in vars(Client) if not name.startswith("_")}
    questions_of_a_run = {"current_user", "clock_skew", "has_accepted"}  # nothing is told OK by them
    assert set(MOMENTS) == calls - questions_of_a_run
