"""Numbers as a person reads them, the same in the table, the document and the plots; and sizes as given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bench.figures import Unit

if TYPE_CHECKING:
    from bench.figures import Figure, Spread

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

_SIZE: Final = re.compile(r"(\d+)\s*(|B|KiB|MiB|GiB)")
_UNITS: Final = {"": 1, "B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}
_HUNDRED: Final = 100


def size_of(text: str) -> int:
    """Bytes, of `64MiB` and the like.

    Raises:
        ValueError: it is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no size: write it like 64MiB")
    return int(found[1]) * _UNITS[found[2]]


def sized(count: float) -> str:
    """Bytes in the largest unit that leaves a whole number, or else one decimal."""
    for name, unit in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return f"{count:g} bytes"


def number(value: float, unit: Unit) -> str:
    """One number with its unit."""
    match unit:
        case Unit.SHARE:
            return f"{value * _HUNDRED:.3g} %"
        case Unit.BYTES_PER_SECOND:
            return f"{value / MIB:.3g} MiB/s"
        case Unit.TIMES:
            return f"{value:.2f} ×"
        case Unit.BYTES:
            return f"{value:,.0f} bytes"
        case Unit.COUNT:
            return f"{value:,.4g}"
        case _:
            return f"{value:.3g} {unit}"


def spread(found: Spread, unit: Unit) -> str:
    """The middle half and how many measurements there are; nothing to say of one."""
    if found.count == 1:
        return "1"
    low, high = number(found.quarter, unit), number(found.three_quarters, unit)
    return f"{low.removesuffix(f' {unit}')} to {high}, of {found.count}"


def aim(figure: Figure) -> str:
    """What it should be."""
    if figure.aim is None:
        return ""
    if figure.aim == 0:
        return "0"
    return f"{'≥' if figure.at_least else '≤'} {number(figure.aim, figure.unit)}"


def verdict(figure: Figure) -> str:
    """Whether the aim is met."""
    return {True: "yes", False: "no", None: ""}[figure.holds]
