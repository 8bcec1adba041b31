"""The planted defects still fit the code, so that `make planted` is about the package of today."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from chaos.planted import DEFECTS, TESTS, plant

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.planted import Defect


def test_every_defect_is_listed_and_no_other() -> None:
    text = (TESTS.parent / "docs" / "reliability.md").read_text().partition("## Planted defects")[2]
    assert re.findall(r"^\| ([^|`]+) \| [`-]", text, re.MULTILINE) == [defect.name for defect in DEFECTS]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_can_be_planted(defect: Defect, tmp_path: Path) -> None:
    plant(defect, tmp_path)
    for module, *_ in defect.edits:
        ast.parse((tmp_path / "okdrop" / module).read_text())
    assert all((TESTS / target).exists() for target in defect.tests)
