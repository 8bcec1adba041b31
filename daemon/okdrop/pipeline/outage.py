"""While nobody can be reached, one chore asks for all: what waits for an answer is not asked in vain.

open ──► a question reached nobody ──► closed: that chore asks again, after a pause that grows to a minute
  ▲                                       │   the others wait, and cost nothing
  └── it was answered: the others go on ◄─┘
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 60.0
"""Seconds between two questions to whom nobody could reach."""

LATER: Final = math.inf
"""As a delay: until somebody was reached."""


class Outage:
    """Whether OK can be reached, as far as the chores have seen.

    Args:
        go_on: puts a chore that waited back into its line.
        chance: a random number in [0, 1).
    """

    def __init__(self, go_on: Callable[[int], object], *, chance: Callable[[], float]) -> None:
        self._go_on: Final = go_on
        self._chance: Final = chance
        self._asks: int | None = None  # whoever asks for all; None: OK can be reached
        self._waiting: Final[dict[int, None]] = {}
        self._pauses = 0

    def holds(self, upload: int) -> bool:
        """Whether this one waits for the answer that another is to get."""
        return self._asks not in (None, upload)

    def wait(self, upload: int) -> float:
        """This one goes on once somebody was reached."""
        self._waiting[upload] = None
        return LATER

    def nobody(self, upload: int) -> float:
        """This one reached nobody; returns how many seconds until it asks again, LATER where another does."""
        if self.holds(upload):
            return self.wait(upload)
        self._asks = upload
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._pauses)
        self._pauses = min(self._pauses + 1, 10)
        return longest * (1.0 + self._chance()) / 2.0

    def somebody(self) -> None:
        """OK answered: whoever waits goes on."""
        self._asks, self._pauses = None, 0
        waiting = [*self._waiting]
        self._waiting.clear()
        for upload in waiting:
            self._go_on(upload)

    def leave(self, upload: int) -> None:
        """This one asks no more, answered or not: if it asked for all, the next one does."""
        if self._asks == upload:
            self._asks = next(iter(self._waiting), None)
            if self._asks is not None:
                del self._waiting[self._asks]
                self._go_on(self._asks)
