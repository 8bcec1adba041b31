"""What lay beside an upload's file under the name that it had before.

Who renames a video renames its sidecar a moment later, or never. So when a rename is seen, what lies beside
the old name is remembered, as it is then. It is heeded while it lies there unchanged, no other video has that
name or its stem, and none lies beside the new name: a recorder that calls its files the same each day writes
the next sidecar before the next video.

It is remembered in this run alone, of uploads that are unfinished.
"""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.errors import Trouble
from okdrop.inbox.carrying import has_namesake
from okdrop.inbox.sidecars import look
from okdrop.names import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from okdrop.drop import Drop
    from okdrop.inbox.sidecars import Seen
    from okdrop.pipeline.places import Place


LeftBehind: TypeAlias = "Callable[[], tuple[Seen, ...]]"
"""Looks for the sidecars that may be heeded beside an old name; blocks. Raises as `still_beside` does."""

_NO_NAMES: Final = Names((), ())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """An old name, and the sidecars beside it.

    Attributes:
        drop: the file as it was called.
        seen: what lay beside it when the rename was seen.
        since: when the latest rename was seen, in monotonic seconds.
    """

    drop: Drop
    seen: tuple[Seen, ...]
    since: float


class FormerNames:
    """The old names of uploads beside which something lay."""

    def __init__(self) -> None:
        self._of: Final[dict[int, Former]] = {}

    def note(self, upload: int, former: Former) -> None:
        """An upload's file was renamed; where nothing lay beside its last name, an older one still counts."""
        before = self._of.get(upload)
        if former.seen:
            self._of[upload] = former
        elif before is not None:
            self._of[upload] = dataclasses.replace(before, since=former.since)

    def of(self, upload: int) -> Former | None:
        """The name that counts; None: there is none."""
        return self._of.get(upload)

    def left_behind(self, upload: int, kinds: Sequence[str], places: Mapping[str, Place]) -> LeftBehind:
        """Say how to look for what was left behind under an old name, of these kinds."""
        former = self._of.get(upload)
        if former is None:
            return tuple
        place = places.get(former.drop.folder)
        return partial(still_beside, former, kinds, place.names if place is not None else _NO_NAMES)

    def forget(self, upload: int) -> None:
        """An upload came to its end."""
        self._of.pop(upload, None)


def beside(drop: Drop, kinds: Sequence[str]) -> tuple[Seen, ...]:
    """The sidecars beside a name; none where that cannot be seen just now. Blocks."""
    try:
        return look(drop.path, kinds, os.fsencode(drop.folder))
    except Trouble:
        return ()


def still_beside(former: Former, kinds: Sequence[str], names: Names) -> tuple[Seen, ...]:
    """What of an old name's sidecars may be heeded; blocks.

    Args:
        former: the name, and what lay beside it.
        kinds: those that are heeded.
        names: which names are videos in its folder.

    Raises:
        Trouble: (`sidecar_busy`) it cannot be seen just now.
    """
    try:
        if has_namesake(former.drop.path, names):
            return ()
    except OSError:
        return ()  # its folder is gone
    now = look(former.drop.path, kinds, os.fsencode(former.drop.folder))
    return tuple(one for one in now if one in former.seen)
