"""Axes of a plot: from numbers to places, and the marks along them."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDE = 20.0
"""From this ratio of the largest to the least on, an axis is logarithmic."""

_MARKS = 5
_MOST_DECADES = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """One axis, from `low` to `high`; logarithmic ones reach from one power of ten to another."""

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def over(cls, values: Iterable[float]) -> Axis:
        """The axis that shows all of these, none of them negative.

        Raises:
            ValueError: there is none.
        """
        found = sorted(values)
        if not found:
            raise ValueError("nothing to show")
        least, most = found[0], found[-1]
        if least > 0 and most / least >= _WIDE:
            return cls(10.0 ** math.floor(math.log10(least)), 10.0 ** math.ceil(math.log10(most)), True)
        step = _step(most or 1.0)
        return cls(0.0, step * math.ceil((most or 1.0) / step), False)

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        if self.logarithmic:
            return math.log10(value / self.low) / math.log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def marks(self) -> list[float]:
        """Where the numbers stand."""
        if not self.logarithmic:
            step = _step(self.high)
            return [step * number for number in range(round(self.high / step) + 1)]
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        every = -(-(last - first) // _MOST_DECADES)
        return [10.0**power for power in range(first, last + 1, every)]


def _step(most: float) -> float:
    """A round number that goes a few times into the most."""
    size: float = 10.0 ** math.floor(math.log10(most))
    for factor in (0.1, 0.2, 0.5, 1.0, 2.0):
        if most / (size * factor) <= _MARKS:
            return size * factor
    return size * 2.0


def worded(mark: float) -> str:
    """A mark as it is written at the axis."""
    return f"{mark:,.0f}" if mark >= 1 and mark == round(mark) else f"{mark:g}"
