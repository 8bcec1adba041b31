from __future__ import annotations

import json

from chaos.summary import Outcome, Summary, replay

FAILED = Outcome(
    seed=7, mode="parallel", complaints=("lost",), counts={"files": 2, "kills": 1}, fired={"stall": 3}
)
WELL = Outcome(
    seed=8, mode="sequential", counts={"files": 3}, fired={"stall": 1, "slow": 2}, notes=("no disk",)
)
SUMMARY = Summary(outcomes=(FAILED, WELL), seconds=12.34)


def test_figures_add_up() -> None:
    assert SUMMARY.counts == {"files": 5, "kills": 1}
    assert SUMMARY.fired == {"stall": 4, "slow": 2}


def test_a_failing_storm_says_how_to_have_it_again() -> None:
    assert replay(FAILED) == "make chaos SEED=7 MODE=parallel"
    assert replay(FAILED) in str(SUMMARY)
    assert replay(WELL) not in str(SUMMARY)
    assert FAILED.line.startswith("FAILED")
    assert WELL.line.startswith("ok")


def test_what_was_left_out_is_never_silent() -> None:
    assert "left out in 1 storms: no disk" in str(SUMMARY)


def test_the_whole_is_json() -> None:
    plain = json.loads(json.dumps(SUMMARY.plain()))
    assert plain["failed"] == [{"seed": 7, "mode": "parallel", "why": ["lost"]}]
    assert plain["left_out"] == {"no disk": 1}
    assert (plain["storms"], plain["seconds"]) == (2, 12.3)
