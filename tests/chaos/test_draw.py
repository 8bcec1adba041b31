"""A seed is a storm: the same each time, and many of them have everything."""

from __future__ import annotations

import itertools

import pytest

from chaos import draw, plan, weather

MANY = [draw.schedule(seed, mode) for seed, mode in itertools.product(range(60), draw.MODES)]
ACTS = [step.do for schedule in MANY for step in schedule.steps]


def test_the_same_seed_is_the_same_storm() -> None:
    assert draw.schedule(7, "parallel") == draw.schedule(7, "parallel")
    assert str(draw.schedule(7, "parallel")) == str(draw.schedule(7, "parallel"))
    assert draw.schedule(7, "parallel") != draw.schedule(7, "sequential")
    assert draw.schedule(7, "parallel") != draw.schedule(8, "parallel")


def test_storms_in_a_row_have_every_fault() -> None:
    enough = -(-len(weather.MENU) // draw.FAULTS_OF_A_STORM)
    for first in range(10):
        drawn = {fault for seed in range(first, first + enough) for fault in draw.faults_of(seed)}
        assert drawn == set(weather.MENU)


def test_every_kind_of_act_is_drawn() -> None:
    assert {type(act) for act in ACTS} == set(plan.Act.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("after", ["keep", "move", "delete"])
@pytest.mark.parametrize("upload_mode", ["renewable", "multipart"])
def test_every_way_of_running_is_drawn(after: str, upload_mode: str) -> None:
    assert any((each.after, each.upload_mode) == (after, upload_mode) for each in MANY)


def test_files_come_in_every_way_and_no_content_comes_twice() -> None:
    drops = [act for act in ACTS if isinstance(act, plan.Drop)]
    assert {drop.way for drop in drops} == {"rename", "hold", "reopen"}
    assert all(drop.size >= draw.SMALLEST for drop in drops)
    for schedule in MANY:
        contents = [
            step.do.content for step in schedule.steps if isinstance(step.do, plan.Drop | plan.Rewrite)
        ]
        assert len(contents) == len(set(contents))


def test_hostile_names_are_names_of_files() -> None:
    names = {act.name for act in ACTS if isinstance(act, plan.Drop)}
    assert any(len(name) == 255 for name in names)
    assert any(b"\n" in name for name in names)
    assert any(b"\xff" in name for name in names)
    assert all(len(part) <= 255 for name in names for part in name.split(b"/"))


def test_daemons_are_killed_drained_and_run_once() -> None:
    ends = [act for act in ACTS if isinstance(act, plan.End)]
    assert {end.signal for end in ends} == {"KILL", "TERM"}
    assert {end.once for end in ends} == {True, False}
    assert any(end.fresh is not None for end in ends)
