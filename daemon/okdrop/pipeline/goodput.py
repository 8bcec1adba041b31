"""How many bytes a second come through to a host, lately; for the eye and for whoever measures."""

from __future__ import annotations

import math
from typing import Final

SPAN: Final = 10.0
"""Seconds after which what came through counts for little more than a third."""

SHORTEST: Final = 1.0
"""Seconds that a first measurement is taken to have lasted, at least."""


class Goodput:
    """A mean that forgets. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._at: float | None = None
        self._began = 0.0

    def add(self, count: int, *, seconds: float, now: float) -> None:
        """So many bytes came through, within the last so many seconds."""
        if self._at is None:
            self._at = self._began = now - seconds
        self._forget(now)
        self._sum += count

    def per_second(self, now: float) -> float:
        """Bytes a second, as it is now."""
        if self._at is None:
            return 0.0
        self._forget(now)
        watched = max(now - self._began, SHORTEST)
        return self._sum / (SPAN * -math.expm1(-watched / SPAN))

    def _forget(self, now: float) -> None:
        if self._at is not None and now > self._at:
            self._sum *= math.exp((self._at - now) / SPAN)
            self._at = now
