"""What every benchmark is given: sizes, a place on the disk, and how to measure in turns."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from bench.words import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_BLOCK: Final = 4 * MIB
_STAMP: Final = 16
"""Random bytes that make a file another one than it was."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One run of the benchmark.

    Args:
        root: everything it writes lies below.
        size: bytes of the file that is sent whole; the largest is four times that.
        files: how many wait, or were published; others are a part of that.
        pairs: how often each is measured beside its reference.
        say: tells a person what is under way.
    """

    root: Path
    size: int
    files: int
    pairs: int
    say: Callable[[str], object]

    def place(self, name: str) -> Path:
        """A fresh folder of this name."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.root))

    def in_turns(self, competitors: Mapping[str, Callable[[], T]], *, rounds: int = 0) -> dict[str, list[T]]:
        """Measure each once a round, the next round beginning with another; `pairs` rounds unless told.

        What the machine does beside it meets all of them alike, and nobody always comes first.
        """
        found: dict[str, list[T]] = {name: [] for name in competitors}
        names = list(competitors)
        for turn in range(rounds or self.pairs):
            self.say(f"round {turn + 1} of {rounds or self.pairs}")
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                found[name].append(competitors[name]())
        return found


def write_file(path: Path, size: int) -> Path:
    """A file of random bytes, in the page cache afterwards."""
    block = os.urandom(min(size, _BLOCK))
    with path.open("wb") as file:
        for start in range(0, size, _BLOCK):
            file.write(block[: min(_BLOCK, size - start)])
    stamp(path)
    return path


def sparse_file(path: Path, size: int) -> Path:
    """A file that is one hole: it reads as zeros and takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def stamp(path: Path) -> None:
    """Make the file another one: neither its time nor its content is known to anybody."""
    with path.open("r+b") as file:
        file.write(os.urandom(_STAMP))


def clear(place: Path) -> None:
    """Take a folder away again, as soon as nobody needs it."""
    shutil.rmtree(place, ignore_errors=True)
