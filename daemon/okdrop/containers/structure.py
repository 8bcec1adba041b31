"""What is said of a file by its own structure, and what each judge of a container needs for that."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Final, TypeAlias

Read: TypeAlias = Callable[[int, int], bytes]
"""Gives the bytes of a file from an offset on, as many as asked for, or fewer at its end."""

MOST_STEPS: Final = 100_000
"""Parts of a file that are walked over at most: a recording of a day in fragments of a second fits."""

_KILO: Final = 1000
_SHORT: Final = 10  #: a figure below it is shown with a decimal


class Standing(enum.Enum):
    """Is the whole of it there?"""

    WHOLE = "whole"
    NOT_WHOLE = "not whole"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What a file's structure says of it.

    Attributes:
        container: what kind of file it is, in a person's words; "" where that is not known.
        standing: whether all is there that the structure promises.
        reason: what is missing, in a person's words, or why that cannot be told; "" if it is whole.
    """

    container: str
    standing: Standing
    reason: str = ""


def whole(container: str) -> Structure:
    """Everything that its structure promises is there."""
    return Structure(container=container, standing=Standing.WHOLE)


def not_whole(container: str, reason: str) -> Structure:
    """Something that belongs to it is missing."""
    return Structure(container=container, standing=Standing.NOT_WHOLE, reason=reason)


def unknown(container: str, reason: str) -> Structure:
    """Its structure does not say."""
    return Structure(container=container, standing=Standing.UNKNOWN, reason=reason)


def cut(container: str, part: str, missing: int) -> Structure:
    """A part of it runs past the end of the file by so many bytes."""
    return not_whole(container, f"{part} ends {_bytes(missing)} past the end of the file")


def _bytes(count: int) -> str:
    amount, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < _KILO:
            break
        amount, unit = amount / _KILO, larger
    if unit == "bytes":
        return f"{count} byte" + "s" * (count != 1)
    return f"{amount:.{1 if amount < _SHORT else 0}f} {unit}"
