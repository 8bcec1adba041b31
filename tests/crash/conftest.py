from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from crash import sites
from okdrop.client import line
from okdrop.ledger import Ledger
from okdrop.pipeline import attempt

if TYPE_CHECKING:
    from pathlib import Path

_tls = functools.cache(line._tls)


@pytest.fixture(autouse=True)
def _one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the system's authorities once for all tests: that takes longer than a life."""
    monkeypatch.setattr(line, "_tls", _tls)


@pytest.fixture(autouse=True)
def _writes_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a request writes while its body leaves is written by a task of its own."""
    monkeypatch.setattr(attempt, "to_the_end", sites.on_behalf(attempt.to_the_end))


@pytest.fixture
async def blank(tmp_path: Path) -> Path:
    """A ledger that nothing was written to."""
    path = tmp_path / "blank.db"
    async with await Ledger.open(f"sqlite:///{path}"):
        pass
    return path
