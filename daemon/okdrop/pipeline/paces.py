"""What paid to a host is written down, and recalled by the next run: it begins with what paid last.

For a day, like the mode of a host. The number is no promise: the host's first segments are asked whether half
of it would do, and load halves it at once; then the new number is what is remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.ledger import PACE_LIFE

if TYPE_CHECKING:
    from okdrop.pipeline.parts import Parts


class Paces:
    """Writes down what was found.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts

    async def run(self) -> None:
        """Go on until cancelled."""
        changed = self._parts.pacing.changed
        while True:
            await changed.wait()
            changed.clear()
            await self.note()

    async def note(self) -> None:
        """Write what is not written yet."""
        for host, connections in self._parts.pacing.take_news().items():
            await self._parts.ledger.remember_pace(host, connections)


async def recall_paces(parts: Parts) -> None:
    """Begin with what paid in an earlier run, as far as that is not too long ago."""
    now = parts.now()
    for host, (connections, learned_at) in (await parts.ledger.paces()).items():
        left = PACE_LIFE - abs(now - learned_at)
        parts.pacing.recall(host, connections, seconds=left.total_seconds())
