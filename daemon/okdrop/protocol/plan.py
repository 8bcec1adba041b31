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
CANARY_SIZE: Final = 256 * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to cut: `segment_size` in bytes, `connections` segments of one upload at once."""

    segment_size: int = SEGMENT_SIZE
    connections: int = CONNECTIONS

    def next_segment(self, missing: ByteRanges) -> ByteRange | None:
        """The next segment from the front of what is missing; None when nothing is.

        A rest shorter than a quarter of a segment goes along, rather than cost a request of its own.
        """
        if not missing:
            return None
        gap = missing.spans[0]
        rest = len(gap) - self.segment_size
        stop = gap.stop if rest < self.segment_size // 4 else gap.start + self.segment_size
        return ByteRange(gap.start, stop)

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
