"""Whose turn it is, of several uploads that may be of the same bytes: a pure function of rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop.drop import UNFINISHED, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from okdrop.drop import Upload

PATIENCE: Final = timedelta(minutes=10)
"""One that does not go on for longer than this is not waited for."""

_OWN_TROUBLE: Final = "source_"
"""How the codes of trouble begin that a file has by itself: an equal one elsewhere need not share it."""


def first_of(
    row: Upload, others: Iterable[Upload], *, now: datetime, is_open: Callable[[int], bool]
) -> Upload | None:
    """Whom of those that may be equal this upload waits for; None: it goes on.

    Those that have begun come before those that have not, then the older ones: no two ever wait for each
    other. What does not go on by itself, or not soon, or has trouble with its own file, is not waited for.
    """
    before = [
        other
        for other in others
        if other.state in UNFINISHED
        and is_open(other.id)
        and _rank(other) < _rank(row)
        and _goes_on(other, now=now)
    ]
    return min(before, key=_rank, default=None)


def _rank(row: Upload) -> tuple[bool, bool, int]:
    return row.state is not State.FINALIZING, row.ticket is None, row.id


def _goes_on(row: Upload, *, now: datetime) -> bool:
    if row.state is State.FINALIZING:
        return True
    own_trouble = row.troubles > 0 and row.last_trouble.startswith(_OWN_TROUBLE)
    soon = row.retry_at is None or row.retry_at - now <= PATIENCE
    return soon and not row.held and not own_trouble
