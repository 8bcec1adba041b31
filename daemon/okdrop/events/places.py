"""Places in trouble: OK's API, the account there, an upload host."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Event):
    """A place is in trouble: nobody goes there for `delay` seconds, then one tries for all."""

    name: ClassVar = "breaker.opened"
    level: ClassVar = "warning"
    place: str  #: "the API", "the account", or an upload host
    code: str
    reason: str
    failures: int  #: in a row so far
    delay: float
    until: str  #: when one tries, RFC 3339
    folded: int = 0  #: how often it opened and closed since the last line of the log


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStaysOpen(Event):
    """One tried, and failed: the next pause is longer."""

    name: ClassVar = "breaker.stays_open"
    level: ClassVar = "debug"
    place: str
    code: str
    reason: str
    failures: int  #: in a row so far
    delay: float
    until: str  #: when the next one tries, RFC 3339


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerHalfOpen(Event):
    """The pause is over, and one upload tries for all."""

    name: ClassVar = "breaker.half_open"
    level: ClassVar = "debug"
    place: str
    upload: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Event):
    """The place is well again: all that waited for it go on."""

    name: ClassVar = "breaker.closed"
    place: str
    failures: int  #: there were before it
    seconds: float  #: since it opened
    waiting: int  #: how many uploads go on
