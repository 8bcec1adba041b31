"""Where a file that is being sent may go without being lost: wherever a scan would find it.

A file that was renamed, or whose folder was, is the same file. It is followed to any name that is taken in a
watched folder, this one or another that sends to the same group of the same account: a ticket is for one of
each. One that leaves the watched folders, or gets a name that is passed over, was taken away: for whoever
looks at the folders it is gone.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Final, Self

from okdrop.errors import GaveUp
from okdrop.metadata import group_of
from okdrop.rules import EVERYTHING, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from okdrop.config.watch import Watch
    from okdrop.drop import Drop
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
    account: str = ""  #: "" is that of `[ok]`
    patience: float
    rules: Rules = EVERYTHING
    marker: str = ""  #: what has to lie in the folder
    priority: int = 0  #: whose files go before those of folders with a lower one
    depth: int | None = None  #: how many folders deep files are taken from; None: from any

    @classmethod
    def of(cls, watch: Watch, *, stays: bool) -> Self:
        """The folder, by the configuration, for a run that stays or one that ends."""
        # A run that ends looks through its folders at its beginning alone.
        look = watch.rescan if stays else 0.0
        return cls(
            names=watch.names,
            account=watch.account,
            group_id=watch.group_id,
            rules=watch.rules,
            patience=look + watch.settle + COMES_BACK,
            marker=watch.marker,
            priority=watch.priority,
            depth=watch.deepest,
        )

    def finds(self, below: bytes) -> bool:
        """Whether a scan finds what lies there, by its path from here alone."""
        *above, name = map(os.fsdecode, below.split(b"/"))
        is_near = self.depth is None or len(above) <= self.depth
        if not is_near or not self.names.takes(name) or any(map(self.names.ignores, above)):
            return False
        return self.rules.left_by_path(os.fsdecode(below)) is None


def naming(places: Mapping[str, Place], drop: Drop) -> Callable[[bytes], bytes | None]:
    """Tell what a path is called by a scan, for the file of this drop; None: no scan finds it for its group.

    What is returned blocks. A file that was named on the command line lies in no folder; it is followed
    anywhere, but not into what is hidden: there lie the trash cans. One of a folder that is not watched any
    more is not followed.
    """
    home = places.get(drop.folder)
    if home is None:
        return _nowhere if drop.folder else _named
    group = _group(home, drop.path, drop.folder)

    def place(path: bytes) -> bytes | None:
        for candidate, of in places.items():
            if (below := _below(path, os.fsencode(candidate))) is not None and of.finds(below):
                name = os.fsencode(candidate).rstrip(b"/") + b"/" + below
                is_same = group is not None and _group(of, name, candidate) == group
                if is_same and of.account == home.account:
                    return name
        return None

    return place


def _group(place: Place, path: bytes, folder: str) -> str | None:
    """The group that a file goes to from there; None: its folder's template gives none."""
    try:
        return group_of(place.group_id, path, folder)
    except GaveUp:
        return None


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
