"""Which bytes: spans of a file, and sets of them.

Two rules:

1. Inside, a span is half-open: `ByteRange(0, 10)` are the ten bytes 0…9. Closed ends exist only on the
   wire, in `parse` and `format`, so that off-by-one has one place to live (RFC 9110, 14.4).
2. A `ByteRanges` is in normal form, always: sorted, disjoint, not touching, no empty span.
   Equal sets are therefore equal values.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SPAN: Final = re.compile(
    r"(?:bytes[ =:]\s*)?(\d{1,19})-(\d{1,19})(?:/(\d{1,19}|\*))?", re.ASCII | re.IGNORECASE
)
_SEPARATOR: Final = re.compile(r"[,;\s]+", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """The bytes from `start` up to, not including, `stop`; never empty.

    Raises:
        ValueError: the span is empty or begins before 0.
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"no such span: {self.start}:{self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def last(self) -> int:
        """The index of the last byte, as the wire counts."""
        return self.stop - 1

    def content_range(self, total: int) -> str:
        """The value of a Content-Range header: `bytes 0-9/100` (RFC 9110, 14.4)."""
        return f"bytes {self.start}-{self.last}/{total}"


class MalformedRangesError(ValueError):
    """The text is no list of ranges."""


@dataclasses.dataclass(frozen=True, slots=True)
class ByteRanges:
    """A set of bytes, as spans in normal form. Make one with `of` or `parse`."""

    spans: tuple[ByteRange, ...] = ()

    def __post_init__(self) -> None:
        if any(left.stop >= right.start for left, right in zip(self.spans, self.spans[1:], strict=False)):
            raise ValueError("spans not in normal form")

    @classmethod
    def of(cls, spans: Iterable[ByteRange]) -> Self:
        """Bring any spans (overlapping, touching, in any order) into normal form."""
        merged: list[ByteRange] = []
        for span in sorted(spans):
            if merged and span.start <= merged[-1].stop:
                merged[-1] = ByteRange(merged[-1].start, max(merged[-1].stop, span.stop))
            else:
                merged.append(span)
        return cls(tuple(merged))

    @classmethod
    def prefix(cls, count: int) -> Self:
        """The first `count` bytes."""
        return cls((ByteRange(0, count),)) if count > 0 else cls()

    @classmethod
    def parse(cls, text: str) -> tuple[Self, int | None]:
        """Read `A-B/T,C-D/T` (comma, semicolon or white space between; `bytes` and `/T` optional).

        Returns:
            The set and the total, None where no span names it.

        Raises:
            MalformedRangesError: not of that form, a span runs backwards or past the total, or two
                spans name different totals.
        """
        unit_bound = re.sub(r"(?i)bytes\s+", "bytes=", text.strip())
        parts = [part for part in _SEPARATOR.split(unit_bound) if part]
        if not parts:
            raise MalformedRangesError("no range in it")
        spans: list[ByteRange] = []
        totals: set[int] = set()
        for part in parts:
            match = _SPAN.fullmatch(part)
            if match is None:
                raise MalformedRangesError("not a range")
            first, last, total = match.groups()
            if int(last) < int(first):
                raise MalformedRangesError("a range runs backwards")
            spans.append(ByteRange(int(first), int(last) + 1))
            if total is not None and total != "*":
                totals.add(int(total))
        if len(totals) > 1:
            raise MalformedRangesError("two totals")
        ranges = cls.of(spans)
        total_size = totals.pop() if totals else None
        if total_size is not None and ranges.spans[-1].stop > total_size:
            raise MalformedRangesError("a range runs past the total")
        return ranges, total_size

    def format(self, total: int) -> str:
        """The family's form: `0-9/100,20-29/100`; empty for the empty set."""
        return ",".join(f"{span.start}-{span.last}/{total}" for span in self.spans)

    def __iter__(self) -> Iterator[ByteRange]:
        return iter(self.spans)

    def __bool__(self) -> bool:
        return bool(self.spans)

    @property
    def size(self) -> int:
        """How many bytes are in the set."""
        return sum(map(len, self.spans))

    def __or__(self, other: ByteRanges | ByteRange) -> ByteRanges:
        more = (other,) if isinstance(other, ByteRange) else other.spans
        return ByteRanges.of((*self.spans, *more))

    def __and__(self, other: ByteRanges) -> ByteRanges:
        return self - (self - other)

    def __sub__(self, other: ByteRanges | ByteRange) -> ByteRanges:
        holes = (other,) if isinstance(other, ByteRange) else other.spans
        rest: list[ByteRange] = []
        first = 0  # holes before this one end before the span at hand: both lists are walked once
        for span in self.spans:
            while first < len(holes) and holes[first].stop <= span.start:
                first += 1
            rest += _outside(span, holes, first)
        return ByteRanges(tuple(rest))

    def missing(self, size: int) -> ByteRanges:
        """What lacks of a file of `size` bytes."""
        return ByteRanges.prefix(size) - self

    def contains(self, other: ByteRanges | ByteRange) -> bool:
        """Whether every byte of `other` is in this set."""
        whole = ByteRanges((other,)) if isinstance(other, ByteRange) else other
        return not whole - self

    def __str__(self) -> str:
        return ",".join(f"{span.start}:{span.stop}" for span in self.spans) or "nothing"


def _outside(span: ByteRange, holes: tuple[ByteRange, ...], first: int) -> Iterator[ByteRange]:
    """What of a span lies in no hole, from the hole numbered `first` on."""
    at = span.start
    for index in range(first, len(holes)):
        hole = holes[index]
        if hole.start >= span.stop:
            break
        if hole.start > at:
            yield ByteRange(at, hole.start)
        at = hole.stop
    if at < span.stop:
        yield ByteRange(at, span.stop)
