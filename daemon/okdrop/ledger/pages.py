"""A part of many rows at a time, for whoever turns pages; each on a connection in a transaction."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, cast, not_, or_, select

from okdrop.drop import SIDECAR_AWAITED, SIDECAR_UNSETTLED, UNFINISHED, State
from okdrop.ledger.rows import upload_of
from okdrop.ledger.schema import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

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
    query = _page(states=states, holding=holding, beyond=beyond, oldest=oldest).limit(at_most)
    if folder is not None:
        query = query.where(_ROW.folder == folder)
    if waiting is not None:
        waits = _waits(waiting.now)
        query = query.where(waits if waiting.wanted else not_(waits))
    return [upload_of(row) for row in connection.execute(query)]


def _page(
    *, states: Collection[State] | None, holding: str, beyond: int | None, oldest: bool
) -> Select[*tuple[Any, ...]]:
    query = select(UPLOADS).order_by(_ROW.id if oldest else _ROW.id.desc())
    if states is not None:
        query = query.where(_ROW.state.in_(sorted(states)))
    if beyond is not None:
        query = query.where(_ROW.id > beyond if oldest else _ROW.id < beyond)
    return query.where(_holds(holding)) if holding else query


def _waits(now: datetime) -> ColumnElement[bool]:
    """Not over yet, and waits for its next try, a twin, its hours, a sidecar, or a person."""
    awaits = and_(_ROW.state == State.FINALIZING, _ROW.last_trouble.in_((SIDECAR_AWAITED, SIDECAR_UNSETTLED)))
    later = and_(_ROW.retry_at.is_not(None), _ROW.retry_at > now)
    reasons = or_(later, _ROW.waits_for.is_not(None), _ROW.closed_by.is_not(None), _ROW.held, awaits)
    return and_(_ROW.state.in_(sorted(UNFINISHED)), reasons)


def _holds(text: str) -> ColumnElement[bool]:
    """Whether a path or a title holds a text.

    The database folds the case of ASCII letters alone; of others the usual ways to write them are tried, and
    of accents both ways in which file names are encoded.
    """
    cases = {text}
    if not text.isascii():
        cases |= {text.lower(), text.upper(), text.title(), text.capitalize()}
    forms = {unicodedata.normalize(form, case) for form in ("NFC", "NFD") for case in cases}
    return or_(
        *(
            column.contains(form, autoescape=True)
            for form in sorted(forms | cases)
            for column in (cast(_ROW.path, String), _ROW.title)
        )
    )


def oldest_open(connection: Connection) -> datetime | None:
    """When the upload was found that is open for the longest time; what is held is not meant."""
    found = [
        connection.execute(_OLDEST, {"state": state}).scalar_one_or_none() for state in sorted(UNFINISHED)
    ]
    return min((moment for moment in found if moment is not None), default=None)
