"""Files that are not finished yet, as a daemon tells of them (docs/api.md): they have no row in the ledger.

Pure. What is not what a daemon would say is a `KeyError`, a `TypeError` or a `ValueError`, as in
`okdrop.top.model`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from okdrop.observe.standing import duration
from okdrop.top.model import path_shown
from okdrop.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMED: Final = 5
"""How many of them `okdrop status` names: those that have waited for the longest."""

_SAYS: Final = "waiting: "


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedFile:
    """One of them."""

    path: str
    why: str  #: what is waited for
    seconds: float  #: since it was found

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.rpartition("/")[2]

    @property
    def words(self) -> str:
        """What is waited for, and since when."""
        return f"{self.why}, for {duration(self.seconds)}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """How many there are, and those that have waited for the longest."""

    count: int = 0
    files: tuple[UnfinishedFile, ...] = ()

    @property
    def words(self) -> str:
        """How many."""
        return f"{self.count:,} {'file' if self.count == 1 else 'files'} not finished yet"


def unfinished_of(document: Mapping[str, Any]) -> Unfinished:
    """What `/api/waiting` says; raises KeyError, TypeError, ValueError where that is no daemon's."""
    files = tuple(
        UnfinishedFile(
            path=path_shown(str(one["path"])),
            why=printable(str(one["words"])).removeprefix(_SAYS),
            seconds=float(one["seconds"]),
        )
        for one in document["files"]
    )
    return Unfinished(count=int(document["count"]), files=files)


def lines(found: Unfinished) -> Iterator[str]:
    """What `okdrop status` says of them, after all that the ledger knows; nothing where there are none."""
    if not found.count:
        return
    yield f"{found.words}:"
    for one in found.files[:NAMED]:
        yield f"  {one.path}: {one.words}"
    if (more := found.count - len(found.files[:NAMED])) > 0:
        yield f"  and {more:,} more"


def not_known(why: str) -> str:
    """What it says instead where the daemon cannot be asked."""
    return f"files that are not finished yet are not listed: {why}; okdrop explain FILE tells of one"
