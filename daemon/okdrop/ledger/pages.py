"""A part of many rows at a time, for whoever turns pages; each on a connection in a transaction."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, not_, or_, select

from okdrop.drop import SIDECAR_AWAITED, SIDECAR_UNSETTLED, UNFINISHED, State
from okdrop.ledger.folding import folded
from okdrop.ledger.rows import upload_of
from okdrop.ledger.schema import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from okdrop.drop import Upload

_ROW: Final = UPLOADS.c

# The oldest row of one state that nobody holds; a question for each state, since an index serves each.
_OLDEST: Final = (
    select(_ROW.created_at)
    .where(and_(_ROW.state == bindparam("state"), _ROW.held.is_(False)))
    .order_by(_ROW.id)
    .limit(1)
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Which rows are meant at a moment: those that wait for something else than their turn, or the others."""

    wanted: bool
    now: datetime


def page(
    connection: Connection,
    *,
    states: Collection[State] | None,
    holding: str,
    beyond: int | None,
    at_most: int,
    oldest: bool,
    folder: str | None = None,
    waiting: Waiting | None = None,
) -> list[Upload]:
    """The newest rows of these states (None: any) whose path or title holds a text, below an id.

    With `oldest`, the oldest ones, above an id. `folder`: of that watched folder alone. `waiting`: those
    alone that wait for something else than their turn, or those that do not.
    """
    conditions = [*_conditions(holding=holding, beyond=beyond, oldest=oldest, folder=folder)]
    wanted = {*State} if states is None else {*states}
    if waiting is not None and waiting.wanted:
        wanted &= UNFINISHED
    found: list[int] = []
    for state in sorted(wanted):
        query = of_state(state, [*conditions, *_of_waiting(state, waiting)], oldest=oldest, at_most=at_most)
        found += connection.execute(query).scalars()
    shown = sorted(found, reverse=not oldest)[:at_most]
    rows = select(UPLOADS).where(_ROW.id.in_(shown)).order_by(_ROW.id if oldest else _ROW.id.desc())
    return [upload_of(row) for row in connection.execute(rows)]


def of_state(
    state: State, conditions: Collection[ColumnElement[bool]], *, oldest: bool, at_most: int
) -> Select[int]:
    """The first ids of one state: it is read off an index, in order, and all conditions with it.

    Of several states it would be sorted, and of none in particular each row would be read.
    """
    order = _ROW.id if oldest else _ROW.id.desc()
    return select(_ROW.id).where(_ROW.state == state, *conditions).order_by(order).limit(at_most)


def _conditions(
    *, holding: str, beyond: int | None, oldest: bool, folder: str | None
) -> Iterator[ColumnElement[bool]]:
    """What holds of rows in any state; each is of columns in `schema.FILTERED_BY`."""
    if beyond is not None:
        yield _ROW.id > beyond if oldest else _ROW.id < beyond
    if folder is not None:
        yield _ROW.folder == folder
    if holding:
        yield _ROW.folded.contains(folded(holding), autoescape=True)


def _of_waiting(state: State, waiting: Waiting | None) -> Iterator[ColumnElement[bool]]:
    """The same of those that wait, or do not; what is over waits for nothing."""
    if waiting is not None and state in UNFINISHED:
        waits = _waits(waiting.now)
        yield waits if waiting.wanted else not_(waits)


def _waits(now: datetime) -> ColumnElement[bool]:
    """Waits for its next try, a twin, its hours, a sidecar, or a person."""
    awaits = and_(_ROW.state == State.FINALIZING, _ROW.last_trouble.in_((SIDECAR_AWAITED, SIDECAR_UNSETTLED)))
    later = and_(_ROW.retry_at.is_not(None), _ROW.retry_at > now)
    return or_(later, _ROW.waits_for.is_not(None), _ROW.closed_by.is_not(None), _ROW.held, awaits)


def oldest_open(connection: Connection) -> datetime | None:
    """When the upload was found that is open for the longest time; what is held is not meant."""
    found = [
        connection.execute(_OLDEST, {"state": state}).scalar_one_or_none() for state in sorted(UNFINISHED)
    ]
    return min((moment for moment in found if moment is not None), default=None)
