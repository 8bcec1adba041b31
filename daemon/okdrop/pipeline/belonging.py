"""Beside which path lies what belongs to an upload: a name may be another file's by the time it is looked at.

A recorder calls its files the same each day, and what lies beside one is called after it. So a text or an
image counts only where the video lies that it is about; or where nothing there has changed since it was told.
"""

from __future__ import annotations

import os
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from okdrop.drop import State
from okdrop.inbox.beside import NOTHING, Beside, look_beside
from okdrop.inbox.revision import revision_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Upload

_NOTHING: Final = Beside(NOTHING, NOTHING)


def place_of(row: Upload) -> bytes | None:
    """The path beside which lies what belongs to an upload; blocks.

    Returns:
        Where the file is, by its revision; where it was, while what lies there is what OK was told of.
        None: whatever lies there may be another file's.
    """
    return _place(row, bytes)


def image_place_of(row: Upload) -> bytes | None:
    """As `place_of`, for the image alone; blocks.

    A text that went with the file when that was moved or deleted leaves the image what it was.
    """
    return _place(row, attrgetter("images"))


def _place(row: Upload, told_of: Callable[[Beside], bytes]) -> bytes | None:
    path = file_of(row)
    if path != row.drop.path and (_is_as_told(row, told_of) or (path is None and _is_on_its_way(row))):
        return row.drop.path
    return path


def file_of(row: Upload) -> bytes | None:
    """Where an upload's file lies, by its revision; None: it is gone, or another one by now. Blocks."""
    for path in (row.drop.path, row.moved_to):
        if path is not None and revision_at(path) == row.drop.revision:
            return path
    return None


def folder_above(path: bytes, row: Upload) -> bytes:
    """The folder from which on no link is followed to what lies beside `path`; empty: the file was moved.

    Where it was moved to is the word of whoever runs the daemon, links and all.
    """
    return os.fsencode(row.drop.folder) if path == row.drop.path else b""


def look_beside_of(row: Upload) -> Beside:
    """What lies beside an upload's file and belongs to it; blocks."""
    path = place_of(row)
    return _NOTHING if path is None else look_beside(path)


def _is_as_told(row: Upload, told_of: Callable[[Beside], bytes]) -> bool:
    """Whether what was left behind, when the file was moved or deleted, is what was heeded at the time."""
    told = told_of(Beside.of(row.publication.beside or bytes(_NOTHING)))
    return told != told_of(_NOTHING) and told_of(look_beside(row.drop.path)) == told


def _is_on_its_way(row: Upload) -> bool:
    """Whether it is not public yet. One that is overwritten never will be, and one that is gone is."""
    if row.state is State.PUBLISHED:
        return False
    return not row.publish_offered or not os.path.lexists(row.drop.path)
