"""A part of many rows at a time, for whoever turns pages; each on a connection in a transaction."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, cast, or_, select

from okdrop.drop import UNFINISHED, State
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


def page(
    connection: Connection,
    *,
    states: Collection[State] | None,
    holding: str,
    beyond: int | None,
    at_most: int,
    oldest: bool,
) -> list[Upload]:
    """The newest rows of these states (None: any) whose path or title holds a text, below an id.

    With `oldest`, the oldest ones, above an id.
    """
    query = _page(states=states, holding=holding, beyond=beyond, oldest=oldest).limit(at_most)
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


def _holds(text: str) -> ColumnElement[bool]:
    """Whether a path or a title holds a text.

    The database folds the case of ASCII letters alone; of others the usual ways to write them are tried, and
    of accents both ways in which file names are encoded.
    """
    cases = {text, text.lower(), text.upper(), text.title(), text.capitalize()}
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
