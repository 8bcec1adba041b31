"""What is said of small trees is what was written down; `make golden` writes it down anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from golden.trees import CASES, told

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_said_of_it_is_what_was_written_down(case: Path, tmp_path: Path) -> None:
    assert told(case, tmp_path) == (case / "expected.txt").read_text("utf-8")


def test_there_are_twenty_at_least_and_no_two_say_the_same() -> None:
    assert len(CASES) >= 20
    assert len({(case / "expected.txt").read_text("utf-8") for case in CASES}) == len(CASES)
