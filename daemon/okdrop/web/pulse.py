"""What moves, told to one listener every so often: where the bytes of uploads are, and how quickly they go.

It is no event: nothing happened, it is looked up when it is due. What is as it was is not told again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST: Final = 100
LONGEST: Final = 60_000
"""Milliseconds between two of them; both included."""


class Pulse:
    """One listener's.

    Args:
        every: seconds.
        look: what there is to tell.
        monotonic: seconds.
    """

    def __init__(
        self, every: float, look: Callable[[], dict[str, Any]], monotonic: Callable[[], float]
    ) -> None:
        self._every: Final = every
        self._look: Final = look
        self._monotonic: Final = monotonic
        self._due = monotonic()
        self._last = b""

    @property
    def wait(self) -> float:
        """Seconds until it is due; 0: now."""
        return max(0.0, self._due - self._monotonic())

    @property
    def again(self) -> bytes:
        """What was told last, for whoever takes silence for the end."""
        return self._last

    def block(self) -> bytes:
        """What is to be sent now that it is due; nothing where all is as it was."""
        self._due = self._monotonic() + self._every
        block = f"event: pulse\ndata: {json.dumps(self._look())}\n\n".encode()
        if block == self._last:
            return b""
        self._last = block
        return block
