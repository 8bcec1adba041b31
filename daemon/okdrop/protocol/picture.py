"""Where the bytes of an upload are at a moment: held, in flight, lost on the way, sent again. For the eye.

Pure, and bounded: a picture of a host that keeps a thousand crumbs names the largest of them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop.protocol.ranges import ByteRanges

if TYPE_CHECKING:
    from okdrop.drop import Mode
    from okdrop.protocol.ranges import ByteRange

NOTHING: Final = ByteRanges()

MOST: Final = 256
"""Spans of one kind that are named: more than a strip on a screen can show."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One upload's bytes. What is in none of these is still to be sent."""

    size: int  #: bytes of the file
    sent: int  #: bytes put on the line so far, those sent again too
    mode: Mode | None  #: how its host takes them; None: that is being found out
    held: ByteRanges  #: OK acknowledged them
    in_flight: tuple[ByteRange, ...]  #: each is a segment on its way
    doubtful: ByteRanges = NOTHING  #: their answer was lost: OK is asked whether it has them
    again: ByteRanges = NOTHING  #: they left more than once, on this ticket

    @property
    def received(self) -> int:
        """Bytes that OK holds, as far as is known."""
        return self.held.size


def largest(ranges: ByteRanges, at_most: int = MOST) -> tuple[ByteRange, ...]:
    """The largest spans of a set, in their order."""
    if len(ranges.spans) <= at_most:
        return ranges.spans
    return tuple(sorted(sorted(ranges, key=len, reverse=True)[:at_most]))
