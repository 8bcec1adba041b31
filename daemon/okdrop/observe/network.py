"""Are we offline? Many troubles become one word, and one when it is over.

Offline is when nobody can be reached: one host that cannot, while others answer, is trouble of the uploads
that need it. So it takes a trouble to connect, and before it no sign of life since the last such trouble, or
for a while. Any answer of anybody is a sign of life. What is asked after publishing counts as uploads do.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.protocol.unreachable import is_unreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

QUIET: Final = 30.0
"""Seconds after which a sign of life proves nothing any more."""

API: Final = "the API"
UPLOAD_HOST: Final = "the upload host"

_SIGNS_OF_LIFE: Final = (
    events.TicketIssued,
    events.UploadResumed,
    events.SegmentStored,
    events.UploadWhole,
    events.UploadPublished,
    events.VideoAsked,
    events.OrphanDeleted,
    events.PoolResumed,
    events.CredentialsRenewed,
)
_ENDS: Final = (
    events.UploadPublished,
    events.UploadFailed,
    events.UploadCancelled,
    events.UploadSuperseded,
)
_TROUBLES: Final = (events.UploadTrouble, events.ChoreTrouble)
_ANSWERS: Final = ("http_", "api_")
_NO_ANSWERS: Final = ("api_unreachable", "api_no_answer")


@dataclasses.dataclass(slots=True)
class _Outage:
    since: float
    tries: int = 0


class Network:
    """A listener that tells when we went offline and came back.

    Args:
        emit: told `NetworkOffline` and `NetworkOnline`; it may be the audience that this listens in.
        now: the present, aware and in UTC.
        monotonic: seconds.
    """

    def __init__(
        self, emit: events.Emit, *, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._emit: Final = emit
        self._now: Final = now
        self._monotonic: Final = monotonic
        self._life = float("-inf")
        self._hosts: Final[dict[int, str]] = {}
        self._first: tuple[float, str] | None = None  # an unreachable host, and no sign of life since
        self._outage: _Outage | None = None

    def hear(self, event: events.Event) -> None:
        """Take note of what happened, and tell what it means."""
        if isinstance(event, events.TicketIssued):
            self._hosts[event.upload] = event.host
        if isinstance(event, _TROUBLES) and is_unreachable(event.reason):
            self._unreachable(event)
        elif isinstance(event, _SIGNS_OF_LIFE) or _is_answer(event):
            self._alive()
        if isinstance(event, _ENDS):
            self._hosts.pop(event.upload, None)

    def _unreachable(self, event: events.UploadTrouble | events.ChoreTrouble) -> None:
        at = self._monotonic()
        if self._outage is not None:
            self._outage.tries += 1
            return
        first, self._first = self._first, (at, self._now().isoformat(timespec="seconds"))
        if first is None and at - self._life < QUIET:
            return  # others may still be reached
        since, told = first or self._first
        self._outage = _Outage(since, tries=1)
        host = self._hosts.get(event.upload, UPLOAD_HOST) if event.code == "no_answer" else API
        reason = event.reason.rpartition(": ")[2]
        self._emit(events.NetworkOffline(since=told, host=host, reason=reason))

    def _alive(self) -> None:
        self._life, self._first = self._monotonic(), None
        if (outage := self._outage) is not None:
            self._outage = None
            seconds = round(self._life - outage.since, 3)
            self._emit(events.NetworkOnline(seconds=seconds, tries=outage.tries))


def _is_answer(event: events.Event) -> bool:
    told = (*_TROUBLES, events.UploadFailed, events.PoolHalted, events.CredentialsRefused)
    if not isinstance(event, told):
        return False
    return event.code.startswith(_ANSWERS) and event.code not in _NO_ANSWERS
