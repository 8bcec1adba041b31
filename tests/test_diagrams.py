"""The documents show what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("diagrams", DOCS / "diagrams.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


diagrams = _load()
DRAWN = [document for document in sorted(DOCS.rglob("*.md")) if ": generated -->" in document.read_text()]


@pytest.mark.parametrize("document", DRAWN, ids=lambda document: document.name)
def test_what_is_drawn_is_up_to_date(document: Path) -> None:
    text = document.read_text()
    assert diagrams.drawn(text) == text, "run `make diagrams`"


def test_what_programs_may_ask_is_up_to_date() -> None:
    assert diagrams.CONTRACT.read_text() == diagrams.contract_text(), "run `make diagrams`"


@pytest.mark.parametrize("name", diagrams.PAINTERS)
def test_every_painter_has_its_place(name: str) -> None:
    assert any(f"<!-- {name}: generated -->" in document.read_text() for document in DRAWN)


def test_a_stale_block_is_drawn_anew_and_all_else_is_left() -> None:
    stale = "before\n<!-- state-table: generated -->\nold\n<!-- state-table: end -->\nafter\n"
    new = diagrams.drawn(stale)
    assert new.startswith("before\n<!-- state-table: generated -->\n\n| from |")
    assert new.endswith("<!-- state-table: end -->\nafter\n")
    assert "old" not in new
