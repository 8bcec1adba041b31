"""What the ledger is asked about public videos: how many were posted, and of which OK is to be told what.

Every statement has an index of its own, so that a million published rows cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, Select, and_, bindparam, func, literal_column, select

from okdrop.drop import State
from okdrop.ledger.rows import upload_of
from okdrop.ledger.schema import DRAFTS, POSTED, TO_TELL, UPLOADS, Instant

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from okdrop.drop import Upload
    from okdrop.ledger.patience import PatientThread
    from okdrop.ledger.thread import LedgerThread
    from okdrop.ledger.timing import TimedThread


_ROW: Final = UPLOADS.c
_AT_MOST: Final = bindparam("at_most", type_=Integer)
_WITHIN: Final = and_(
    POSTED,
    _ROW.posted_at >= bindparam("since", type_=Instant),
    _ROW.posted_at < bindparam("until", type_=Instant),
)


def _count(query: Select[Any]) -> Select[int]:
    return select(func.count()).select_from(query.limit(_AT_MOST).subquery())


# How many videos were posted in a span of time, of all folders or of one; so many at most.
POSTS: Final = _count(select(_ROW.posted_at).where(_WITHIN))
POSTS_OF_FOLDER: Final = _count(select(_ROW.posted_at).where(_WITHIN, _ROW.folder == bindparam("of_folder")))

# Of what OK is to be told something by now, what is due for the longest first; so many at most, and past what
# some accounts owe.
TO_BE_TOLD: Final = (
    select(_ROW.id)
    .where(
        TO_TELL,
        _ROW.tell_at <= bindparam("by", type_=Instant),
        _ROW.account.not_in(bindparam("past", expanding=True)),
    )
    .order_by(_ROW.tell_at)
    .limit(_AT_MOST)
)

# Of what it is to be told something later, by rows that were written when the clock ran ahead.
TOLD_BY_A_CLOCK_AHEAD: Final = select(_ROW.id).where(
    TO_TELL,
    _ROW.tell_at > bindparam("by", type_=Instant),
    _ROW.updated_at > bindparam("by", type_=Instant),
)

# What was posted since a time, after a place in that order; so many at most.
LATELY_POSTED: Final = (
    select(UPLOADS)
    .where(POSTED, _ROW.posted_at > bindparam("since", type_=Instant))
    .order_by(_ROW.posted_at)
    .limit(_AT_MOST)
)

# What friends alone see. Written so that no index of states is thought of: nearly all are published.
IN_DRAFT: Final = select(_ROW.id).where(
    DRAFTS, literal_column("state || ''") == State.PUBLISHED.value, _ROW.draft == literal_column("'friends'")
)


def posts(connection: Connection, *, folder: str | None, first: datetime, end: datetime, at_most: int) -> int:
    """How many videos were posted from `first` on and before `end`."""
    keys: dict[str, Any] = {"since": first, "until": end, "at_most": at_most}
    if folder is None:
        return int(connection.execute(POSTS, keys).scalar_one())
    return int(connection.execute(POSTS_OF_FOLDER, keys | {"of_folder": folder}).scalar_one())


def to_be_told(connection: Connection, by: datetime, *, at_most: int, past: Collection[str]) -> list[int]:
    """The ids of those of which OK is to be told something by now, but of some accounts."""
    keys = {"by": by, "at_most": at_most, "past": sorted(past)}
    return list(connection.execute(TO_BE_TOLD, keys).scalars())


def told_by_a_clock_ahead(connection: Connection, now: datetime) -> list[int]:
    """The ids of those that wait for a time which was noted by a clock that ran ahead."""
    return list(connection.execute(TOLD_BY_A_CLOCK_AHEAD, {"by": now}).scalars())


def lately_posted(connection: Connection, *, after: datetime, at_most: int) -> list[Upload]:
    """What was posted after a time, in that order."""
    rows = connection.execute(LATELY_POSTED, {"since": after, "at_most": at_most})
    return [upload_of(row) for row in rows]


def in_draft(connection: Connection) -> list[int]:
    """The ids of those that friends alone see, oldest first."""
    return sorted(connection.execute(IN_DRAFT).scalars())


class Publications:
    """What the ledger answers of it; a part of `Ledger`, which has the thread."""

    _thread: LedgerThread | PatientThread | TimedThread

    async def posts(self, *, folder: str | None, first: datetime, end: datetime, at_most: int) -> int:
        """How many videos were posted, or may have been, from `first` on and before `end`.

        Args:
            folder: the watched folder whose videos are meant; None: all.
            first: the first moment that counts.
            end: the first that does not.
            at_most: what is counted to.
        """
        return int(await self._thread.read(posts, folder=folder, first=first, end=end, at_most=at_most))

    async def to_be_told(self, by: datetime, *, at_most: int, past: Collection[str] = ()) -> list[int]:
        """The ids of uploads of which OK is to be told something by now, what is due for the longest first.

        Args:
            by: the present.
            at_most: so many.
            past: accounts whose uploads are passed over.
        """
        return list(await self._thread.read(to_be_told, by, at_most=at_most, past=past))

    async def told_by_a_clock_ahead(self, now: datetime) -> list[int]:
        """The ids of those whose time to be told was noted by a clock that ran ahead of `now`."""
        return list(await self._thread.read(told_by_a_clock_ahead, now))

    async def lately_posted(self, *, after: datetime, at_most: int) -> list[Upload]:
        """What was posted after a time, in that order, so many at most."""
        return list(await self._thread.read(lately_posted, after=after, at_most=at_most))
