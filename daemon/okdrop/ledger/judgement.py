"""Is this file known? The rule of what counts as already published, as a pure function of rows.

Device and inode alone decide nothing: network and overlay file systems renumber them, and a freed inode
is given to the next file. They count only together with the size and the time of the last change.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.drop import UNFINISHED, Drop, State, Upload

if TYPE_CHECKING:
    from collections.abc import Sequence

SENT: Final = frozenset({State.PUBLISHED, State.DUPLICATE})
"""The states in which the bytes of a row are on OK's side, published."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """This revision of this path has a row: nothing to do."""

    upload: Upload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The very same file has a row under another path: it was renamed (or is a hard link).

    Whatever was decided about it stands: a new name makes no cancelled or refused file a new one.
    """

    upload: Upload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Not to be sent, as it lay there before the first start; the same file by its inode, touched since.

    A touch alone makes nothing public. Where a sample is known of it, the contents tell whether it is more.
    """

    upload: Upload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Published (or maybe) under this path and with this size, but touched since: compare before sending."""

    upload: Upload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """Nothing is known of it."""


Judgement: TypeAlias = Known | Moved | SetAside | Suspect | New


def decide(drop: Drop, rows: Sequence[Upload]) -> Judgement:
    """Judge a drop by the rows that share its path and size, or its inode, size and time.

    Args:
        drop: the file in question.
        rows: candidates, none superseded; more of them than needed do no harm.
    """
    same_path = [row for row in rows if row.drop.path == drop.path and _size(row.drop) == _size(drop)]
    known = [row for row in same_path if row.drop.revision.mtime_ns == drop.revision.mtime_ns]
    if known:
        return Known(upload=known[0])
    moved = [row for row in rows if row.drop.revision == drop.revision and row.drop.path != drop.path]
    if moved:
        return Moved(upload=max(moved, key=lambda row: (row.state in SENT, row.state in UNFINISHED, row.id)))
    inode = drop.revision.inode
    aside = [row for row in same_path if row.is_set_aside and row.drop.revision.inode == inode]
    if aside:
        return SetAside(upload=aside[0])
    suspects = [row for row in same_path if row.state in SENT or row.publish_offered]
    if suspects:
        return Suspect(upload=max(suspects, key=lambda row: (row.digest is not None, row.id)))
    return New()


def _size(drop: Drop) -> int:
    return drop.revision.size
