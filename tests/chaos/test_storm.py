"""A few storms of fixed seeds, so that the harness itself is sound; `make chaos` has many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos import draw, verdict
from chaos.storm import storm

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = (2, 18, 21)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", draw.MODES)
@pytest.mark.parametrize("seed", SEEDS)
async def test_after_the_storm_every_file_is_published_once(seed: int, mode: str, tmp_path: Path) -> None:
    schedule = draw.schedule(seed, mode)
    facts = await storm(schedule, tmp_path / "storm")
    assert verdict.judge(facts) == [], f"again: make chaos SEED={seed} MODE={mode}\n{schedule}"
