"""What stands in the way of the whole, or of a part of it: told by events, kept for whoever asks.

The service manager's status line and `/readyz` say the same words.
"""

from __future__ import annotations

from typing import Final

from okdrop import events


class Condition:
    """A listener to events."""

    def __init__(self) -> None:
        self._trouble: Final[dict[str, tuple[str, bool]]] = {}
        self.watched: Final[dict[str, tuple[str, str]]] = {}  #: folder → how it is watched: a word, in words
        self.is_ready = False  #: everything was looked through once
        self.is_stopping = False
        self.ledger_is_stuck = False

    def hear(self, event: events.Event) -> None:
        """Take note of what is wrong, and of what is well again."""
        if isinstance(event, events.ServiceReady):
            self.is_ready = True
        elif isinstance(event, events.DrainStarted):
            self.is_stopping = True
        elif isinstance(event, events.LedgerStuck | events.LedgerWritable):
            self.ledger_is_stuck = isinstance(event, events.LedgerStuck)
        elif isinstance(event, events.FolderWatched):
            self.watched[event.path] = event.watching, event.mode
        if isinstance(event, _WELL_AGAIN):
            self._trouble.pop(_subject(event), None)
        elif (trouble := _in_words(event)) is not None:
            self._trouble[_subject(event)] = trouble, isinstance(event, _IN_THE_WAY)

    @property
    def troubles(self) -> list[str]:
        """What is wrong, in words."""
        return [words for words, _ in self._trouble.values()]

    @property
    def reasons(self) -> list[str]:
        """Why it cannot do what it is there for; empty where it can."""
        if self.is_stopping:
            return ["stopping: segments under way may land"]
        begins = [] if self.is_ready else ["starting: the folders are looked through for the first time"]
        return begins + [words for words, in_the_way in self._trouble.values() if in_the_way]


_IN_THE_WAY: Final = (events.PoolHalted, events.LedgerStuck, events.FolderAway)
"""What keeps it from taking or sending anything; a place in trouble is waited for, and a pause is meant."""

_WELL_AGAIN: Final = (
    events.PoolResumed,
    events.ServiceResumed,
    events.LedgerWritable,
    events.NetworkOnline,
    events.FolderBack,
    events.DiskAmple,
    events.BreakerClosed,
)


def _in_words(event: events.Event) -> str | None:
    """What stands in the way of all, or of some; None for what does not."""
    match event:
        case events.PoolHalted(code=code, message=message, account=account):
            return f"halted: {account + ': ' if account else ''}{message} ({code})"
        case events.ServicePaused():
            return "paused by hand"
        case events.LedgerStuck(message=message):
            return f"held up: {message}"
        case events.NetworkOffline(host=host, reason=reason):
            return f"offline: {host}: {reason}"
        case events.FolderAway(message=message):
            return f"waiting for a folder: {message}"
        case events.DiskLow(path=path):
            return f"little space is left: where {path} lies"
        case events.BreakerOpened(place=place, reason=reason):
            return f"in trouble: {place}: {reason}"
        case _:
            return None


def _subject(event: events.Event) -> str:
    """What an event speaks of; the end of a trouble speaks of the same as its beginning."""
    which = getattr(event, "path", getattr(event, "place", getattr(event, "account", "")))
    return f"{event.name.partition('.')[0]} {which}"
