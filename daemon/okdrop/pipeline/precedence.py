"""Who goes first of those that wait for their bytes to be sent.

    1. what has begun: OK holds an entry of it, and its URL ages
    2. the priority of its folder, the higher first
    3. `upload.order`, by what the file is: its time, or its size
    4. what was found first

None of it changes while an upload waits, so what comes back after trouble has the place it had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.config.model import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Upload

Rank: TypeAlias = tuple[float, ...]
"""Compared with others of its kind; the lowest goes first, and the last number is the upload's id."""


class Precedence:
    """The order of one line.

    Args:
        order: by what files are ordered.
        priority_of: the priority of a watched folder, by its path; "" for what is named by hand.
    """

    def __init__(self, order: Order, priority_of: Callable[[str], int]) -> None:
        self._order: Final = order
        self._priority_of: Final = priority_of
        self._ranks: Final[dict[int, Rank]] = {}

    def note(self, row: Upload) -> Rank:
        """Remember where an upload stands, as its row says now."""
        rank = self._ranks[row.id] = self._rank(row)
        return rank

    def of(self, upload: int) -> Rank:
        """Where an upload stands; one that was never noted goes before what has not begun."""
        return self._ranks.get(upload, (1, 0, float("-inf"), upload))

    def forget(self, upload: int) -> None:
        """An upload has come to its end."""
        self._ranks.pop(upload, None)

    def _rank(self, row: Upload) -> Rank:
        return row.ticket is None, -self._priority_of(row.drop.folder), self._value(row), row.id

    def _value(self, row: Upload) -> int:
        revision = row.drop.revision
        match self._order:
            case Order.OLDEST:
                return revision.mtime_ns
            case Order.NEWEST:
                return -revision.mtime_ns
            case Order.SMALLEST:
                return revision.size
            case Order.LARGEST:
                return -revision.size
