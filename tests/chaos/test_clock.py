"""The wrong clock is wrong where the daemon looks, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from chaos.storm import CLOCK

if TYPE_CHECKING:
    from pathlib import Path

_ASKED = """
import json, time
from datetime import UTC, datetime
now = datetime.now(UTC)
told = [time.time(), time.time_ns() / 1e9, now.timestamp(), time.monotonic(), isinstance(now, datetime)]
print(json.dumps(told))
"""


@pytest.mark.parametrize("offset", [-86_400, 0, 7200])
def test_the_wall_clock_is_off_and_the_monotonic_one_is_right(offset: int, tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text(str(offset))
    environment = os.environ | {"PYTHONPATH": CLOCK, "CHAOS_CLOCK": str(file)}
    asked = subprocess.run(
        [sys.executable, "-c", _ASKED], env=environment, capture_output=True, text=True, check=True
    )
    *walls, monotonic, is_datetime = json.loads(asked.stdout)
    assert all(abs(wall - time.time() - offset) < 60 for wall in walls)
    assert abs(monotonic - time.monotonic()) < 60
    assert is_datetime
