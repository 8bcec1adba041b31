from __future__ import annotations

from e2e.conftest import start

__all__ = ["start"]
