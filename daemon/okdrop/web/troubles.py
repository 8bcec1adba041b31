"""Bugs that answers met, told so that a client that meets one again and again does not fill the log."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY: Final = 600.0
"""Seconds after which the same is told again, with how often it was."""

REMEMBERED: Final = 64
"""Troubles; the one that was told longest ago is forgotten."""


@dataclasses.dataclass(slots=True)
class _Told:
    at: float
    since: int = 0


class Troubles:
    """What is told of.

    Args:
        monotonic: seconds.
        emit: told of each, and of what is the same once in a while.
    """

    def __init__(self, monotonic: Callable[[], float], emit: events.Emit) -> None:
        self._monotonic: Final = monotonic
        self._emit: Final = emit
        self._told: Final[dict[tuple[str, str], _Told]] = {}

    def tell(self, route: str, message: str) -> None:
        """One more."""
        key, now = (route, message), self._monotonic()
        known = self._told.get(key)
        if known is not None and now < known.at + EVERY:
            known.since += 1
            return
        again = f" ({known.since} times more since it was told last)" if known and known.since else ""
        self._told.pop(key, None)
        if len(self._told) >= REMEMBERED:
            del self._told[next(iter(self._told))]
        self._told[key] = _Told(at=now)
        self._emit(events.WebTrouble(route=route, message=f"{message}{again}"))
