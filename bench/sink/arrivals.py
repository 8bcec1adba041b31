"""When bytes came, to a hundredth of a second: the account that a limit on the line is judged by."""

from __future__ import annotations

import threading
import time
from typing import Final

TICKS_PER_SECOND: Final = 100


class Arrivals:
    """Counts bytes of bodies by the moment at which they were read. May be called from any thread."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._ticks: Final[dict[int, int]] = {}

    def note(self, count: int) -> None:
        """So many bytes were read just now."""
        tick = int(time.monotonic() * TICKS_PER_SECOND)
        with self._lock:
            self._ticks[tick] = self._ticks.get(tick, 0) + count

    def taken(self) -> list[list[int]]:
        """What came since the last time: [hundredths of a second, bytes], oldest first; then forget it."""
        with self._lock:
            told = [[tick, count] for tick, count in sorted(self._ticks.items())]
            self._ticks.clear()
        return told
