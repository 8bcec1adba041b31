"""Where a file that is being sent may go without being lost: wherever a scan would find it.

A file that was renamed, or whose folder was, is the same file. It is followed to any name that is taken in a
watched folder, this one or another that sends to the same group: a ticket is for one group. One that leaves
the watched folders, or gets a name that is passed over, was taken away: for whoever looks at the folders it
is gone.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from okdrop.config.watch import Watch
    from okdrop.names import Names

COMES_BACK: Final = 5.0
"""Seconds beyond a look and `settle` for which a file that is gone is waited for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A watched folder, as far as its files wait for their turn, or are gone from where they were.

    `patience` is how many seconds it may take until a file is found again: under its own name or another.
    """

    names: Names
    group_id: str
    patience: float
    marker: str = ""  #: what has to lie in the folder
    priority: int = 0  #: whose files go before those of folders with a lower one
    depth: int | None = None  #: how many folders deep files are taken from; None: from any

    @classmethod
    def of(cls, watch: Watch, *, stays: bool) -> Self:
        """The folder, by the configuration, for a run that stays or one that ends."""
        look = (
            watch.rescan if stays else 0.0
        )  # a run that ends looks through its folders at its beginning alone
        return cls(
            names=watch.names,
            group_id=watch.group_id,
            patience=look + watch.settle + COMES_BACK,
            marker=watch.marker,
            priority=watch.priority,
            depth=watch.deepest,
        )

    def finds(self, parts: Sequence[str]) -> bool:
        """Whether a scan finds a file, by the names of the folders on its way from here, and its own."""
        *above, name = parts
        is_near = self.depth is None or len(above) <= self.depth
        return is_near and self.names.takes(name) and not any(map(self.names.ignores, above))


def naming(places: Mapping[str, Place], folder: str) -> Callable[[bytes], bytes | None]:
    """Tell what a path is called by a scan, for a file that was found in `folder`; None: no scan finds it.

    What is returned blocks. A file that was named on the command line lies in no folder; it is followed
    anywhere, but not into what is hidden: there lie the trash cans. One of a folder that is not watched any
    more is not followed.
    """
    home = places.get(folder)
    if home is None:
        return _nowhere if folder else _named

    def place(path: bytes) -> bytes | None:
        for candidate, of in places.items():
            if of.group_id == home.group_id and (below := _below(path, os.fsencode(candidate))) is not None:
                found = of.finds([os.fsdecode(part) for part in below.split(b"/")])
                return os.fsencode(candidate).rstrip(b"/") + b"/" + below if found else None
        return None

    return place


def folder_of(places: Mapping[str, Place], path: bytes) -> str:
    """Which watched folder holds a path, by name alone; "" where none does."""
    for folder in places:
        if path.startswith(os.fsencode(folder).rstrip(b"/") + b"/"):
            return folder
    return ""


def _below(path: bytes, folder: bytes) -> bytes | None:
    """What of a path, as the kernel names it, lies below a folder, whose own path may lead by links."""
    real = os.path.realpath(folder).rstrip(b"/") + b"/"
    return path[len(real) :] if path.startswith(real) else None


def _nowhere(_path: bytes) -> None:
    return None


def _named(path: bytes) -> bytes | None:
    return None if b"/." in path else path
