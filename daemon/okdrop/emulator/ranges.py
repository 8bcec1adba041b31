"""Which bytes of a file are held, and what a Content-Range header says.

Spans are half-open pairs `(start, stop)`; closed ends exist in `ContentRange.parse` and `Spans.listing`
alone (RFC 9110, 14.4).
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from typing import Final, Self

_CONTENT_RANGE: Final = re.compile(
    r"(?:bytes[ =]\s*)?(\d{1,18})-(\d{0,18})/(\d{1,18})", re.ASCII | re.IGNORECASE
)


@dataclasses.dataclass(frozen=True, slots=True)
class ContentRange:
    """The bytes from `start` up to, not including, `stop` of a file of `total` bytes."""

    start: int
    stop: int
    total: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `bytes A-B/T`, or `bytes A-/T` for all the rest; the unit may lack (protocol.md 4.2).

        Returns:
            None where the text says nothing of the kind, or names bytes no file has.
        """
        match = _CONTENT_RANGE.fullmatch(text.strip())
        if match is None:
            return None
        first, last, total = match.groups()
        stop = int(last) + 1 if last else int(total)
        if not int(first) < stop <= int(total):
            return None
        return cls(int(first), stop, int(total))

    @property
    def size(self) -> int:
        """How many bytes it names."""
        return self.stop - self.start


@dataclasses.dataclass(frozen=True, slots=True)
class Spans:
    """A set of bytes: sorted, disjoint, not touching."""

    items: tuple[tuple[int, int], ...] = ()

    def add(self, start: int, stop: int) -> Spans:
        """This set and the bytes `start` up to, not including, `stop`."""
        if start >= stop:
            return self
        left = bisect.bisect_left(self.items, start, key=lambda item: item[1])
        right = bisect.bisect_right(self.items, stop, key=lambda item: item[0])
        if left < right:
            start = min(start, self.items[left][0])
            stop = max(stop, self.items[right - 1][1])
        return Spans((*self.items[:left], (start, stop), *self.items[right:]))

    def below(self, stop: int) -> Spans:
        """The bytes of this set before `stop`."""
        return Spans(tuple((first, min(last, stop)) for first, last in self.items if first < stop))

    def overlap(self, start: int, stop: int) -> int:
        """How many of the bytes `start` up to, not including, `stop` are in this set."""
        return sum(max(0, min(stop, last) - max(start, first)) for first, last in self.items)

    @property
    def size(self) -> int:
        """How many bytes are in this set."""
        return sum(last - first for first, last in self.items)

    @property
    def prefix(self) -> int:
        """How many bytes are held before the first gap."""
        return self.items[0][1] if self.items and self.items[0][0] == 0 else 0

    def listing(self, total: int | None) -> list[str]:
        """Each span as the wire writes it, `0-9/100`, or `0-9` where no total is given."""
        suffix = "" if total is None else f"/{total}"
        return [f"{first}-{last - 1}{suffix}" for first, last in self.items]
