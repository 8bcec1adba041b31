"""How to cut what is missing into segments.

A segment is big enough that requests are few and small enough that a lost answer is cheap. 2 MiB over
four connections is what the server's own family uses (protocol.md 4.1, K3).
"""

from __future__ import annotations

import dataclasses
from typing import Final

from okdrop.protocol.ranges import ByteRange, ByteRanges

SEGMENT_SIZE: Final = 2 * 1024 * 1024
CONNECTIONS: Final = 4
SMALLEST_SEGMENT: Final = 64 * 1024
_HALVINGS: Final = 32
CANARY_SIZE: Final = 256 * 1024

ALIGNMENT: Final = 1024 * 1024
"""Large segments end at multiples of so many bytes: the file is read and hashed in such blocks."""

_TAIL: Final = 16
"""Near the end segments become as small as this part of a segment, but no smaller than a canary."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to cut: `segment_size` in bytes, `connections` segments of one upload at once.

    With `in_one` nothing is cut: the whole file goes in one request (`multipart`).
    """

    segment_size: int = SEGMENT_SIZE
    connections: int = CONNECTIONS
    in_one: bool = False

    def next_segment(
        self, missing: ByteRanges, losses: int = 0, *, share: int | None = None
    ) -> ByteRange | None:
        """The next segment from the front of what is missing; None when nothing is.

        After `losses` segments in a row that were lost it is halved as often: a host in trouble, or a line
        too weak for a whole segment, costs little then.

        It is no larger than a connection's `share` of what is left, in bytes: near the end all have work,
        and none is waited for.

        A rest shorter than a quarter of a segment goes along, rather than cost a request of its own.
        """
        if not missing:
            return None
        gap = missing.spans[0]
        size = max(self.segment_size >> min(losses, _HALVINGS), min(self.segment_size, SMALLEST_SEGMENT))
        if share is not None:
            size = min(size, max(-(-share // SMALLEST_SEGMENT) * SMALLEST_SEGMENT, self._tail))
        stop = gap.stop if len(gap) - size < size // 4 else _aligned(gap.start, size)
        return ByteRange(gap.start, stop)

    @property
    def _tail(self) -> int:
        return min(self.segment_size, max(CANARY_SIZE, self.segment_size // _TAIL))

    def canary(self, missing: ByteRanges) -> ByteRange | None:
        """The lone segment behind a gap that tells whether the host takes segments out of order.

        It begins one segment after the first missing byte; None when the file has too little left to
        gain from several connections.
        """
        if self.connections == 1 or not missing:
            return None
        first = missing.spans[0].start + self.segment_size
        for gap in missing:
            start = max(first, gap.start)
            if start < gap.stop:
                return ByteRange(start, min(start + min(CANARY_SIZE, self.segment_size), gap.stop))
        return None


def _aligned(start: int, size: int) -> int:
    """Where a segment of about `size` bytes ends."""
    stop = start + size
    even = stop - stop % ALIGNMENT
    return even if even - start > size // 2 else stop
