"""Keeps the log readable in bad times: what was said is not said again and again.

- While we are offline, tries that reach nobody are not told one by one (`network.offline` tells of them all).
- The same trouble of one upload is told first, then every few minutes at most, with the number left out.
- So is trouble with what comes after publishing; there OK's trouble is the same whichever video it is about.
- Trouble that is a place's (OK's API, the account, an upload host) is told once, when its breaker opens, and
  once when it closes; beside it for the upload that met it, and not for each that meets it later. One that
  opens and closes again and again is told every few minutes at most; while we are offline, not at all.
- That a worker takes up an upload once more is no news.

It stands between events and the log alone: whoever counts, counts everything.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop import events
from okdrop.protocol.unreachable import is_unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

REPEAT_EVERY: Final = 300.0
"""Seconds between two lines about the same trouble, at least."""

_PROGRESS: Final = (events.SegmentStored, events.UploadWhole)
_ENDS: Final = (
    events.UploadPublished,
    events.UploadFailed,
    events.UploadSuperseded,
    events.UploadDuplicate,
    events.UploadCancelled,
)


_CHORES_GO_ON: Final = (
    events.VideoConfirmed,
    events.VideoRefused,
    events.VideoUnconfirmed,
    events.FileMoved,
    events.FileDeleted,
    events.FileLeftAlone,
)
_OKS: Final = ("api_", "http_", "credentials_", "video_")
"""How the codes of trouble begin that is OK's, and not of one file."""

Trouble: TypeAlias = events.UploadTrouble | events.ChoreTrouble


@dataclasses.dataclass(slots=True)
class _Told:
    code: str
    at: float
    folded: int = 0


class Quiet:
    """A listener in front of the log.

    Args:
        log: told what is worth a line.
        monotonic: seconds.
    """

    def __init__(self, log: events.Emit, *, monotonic: Callable[[], float]) -> None:
        self._log: Final = log
        self._monotonic: Final = monotonic
        self._offline = False
        self._halted: Final[set[str]] = set()  # accounts
        self._hushed: Final[dict[str, bool]] = {}  # open places not told; whether for being offline
        self._examples: Final[set[str]] = set()  # places whose trouble is told of one upload still
        self._begun: Final[set[int]] = set()
        self._told: Final[dict[int | str, _Told]] = {}  # by upload; else by "what about which"

    def __call__(self, event: events.Event) -> None:
        """Pass on what is worth a line."""
        self._note(event)
        match event:
            case events.UploadTrouble():
                if not event.held_by or event.held_by in self._examples:
                    self._examples.discard(event.held_by)
                    self._trouble(event, event.upload)
            case events.ChoreTrouble():
                self._trouble(event, _subject(event))
            case events.BreakerOpened() | events.BreakerStaysOpen() | events.BreakerClosed():
                self._place(event)
            case events.UploadStarted():
                self._started(event)
            case _:
                self._log(event)

    def _note(self, event: events.Event) -> None:
        match event:
            case events.NetworkOffline() | events.NetworkOnline():
                self._offline = isinstance(event, events.NetworkOffline)
            case events.PoolHalted(account=account):
                self._halted.add(account)
            case events.PoolResumed(account=account):
                self._halted.discard(account)
            case events.UploadEvent() if isinstance(event, (*_PROGRESS, *_ENDS)):
                self._told.pop(event.upload, None)
                self._begun.discard(event.upload)
            case events.UploadEvent() if isinstance(event, _CHORES_GO_ON):
                self._told.pop(_file(event.upload), None)
            case _:
                pass

    def _started(self, event: events.UploadStarted) -> None:
        is_halted = event.account in self._halted
        if not (is_halted or event.upload in self._told or event.upload in self._begun):
            self._begun.add(event.upload)
            self._log(event)

    def _place(self, event: events.BreakerOpened | events.BreakerStaysOpen | events.BreakerClosed) -> None:
        hushed = self._hushed.get(event.place)
        match event:
            case events.BreakerOpened():
                self._opened(event)
            case events.BreakerStaysOpen() if hushed is False:
                self._opened(_as_opened(event))
            case events.BreakerClosed() if hushed is not None:
                del self._hushed[event.place]
            case _:
                self._log(event)

    def _opened(self, event: events.BreakerOpened) -> None:
        about, now = f"place {event.place}", self._monotonic()
        told, is_folded = self._told.get(about), self._offline and is_unreachable(event.reason)
        if is_folded or (told and now - told.at < REPEAT_EVERY):
            if told and event.place not in self._hushed:
                told.folded += 1
            self._hushed[event.place] = is_folded
            return
        self._hushed.pop(event.place, None)
        self._told[about] = _Told(event.code, now)
        self._examples.add(event.place)
        self._log(dataclasses.replace(event, folded=told.folded if told else 0))

    def _trouble(self, event: Trouble, about: int | str) -> None:
        told, now = self._told.get(about), self._monotonic()
        is_folded = self._offline and is_unreachable(event.reason)
        if is_folded or (told and told.code == event.code and now - told.at < REPEAT_EVERY):
            told = told or _Told(event.code, now)
            told.folded += not is_folded  # an outage has a count of its own
            self._told[about] = told
            return
        folded = told.folded if told and told.code == event.code else 0
        self._told[about] = _Told(event.code, now)
        self._log(dataclasses.replace(event, folded=folded))


def _as_opened(event: events.BreakerStaysOpen) -> events.BreakerOpened:
    return events.BreakerOpened(
        **{field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    )


def _subject(event: events.ChoreTrouble) -> str:
    """What a trouble is about: OK, in one of its ways, or one file."""
    return event.code if event.code.startswith(_OKS) else _file(event.upload)


def _file(upload: int) -> str:
    return f"file {upload}"
