"""When each folder was looked through last, and whether it is away: told by events, kept for whoever asks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderHealth:
    """How one folder does."""

    scanned_at: datetime | None = None  #: when the last look through all of it ended
    scan_seconds: float | None = None  #: how long that took
    writers: str = ""  #: whether writers can be seen, in words; "" before that was found out
    away: str = ""  #: why it is waited for; "" where it is there
    hint: str = ""  #: what to do about that


class Folders:
    """A listener to events; folders go by their paths as events show them.

    Args:
        now: aware times.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now: Final = now
        self._health: Final[dict[str, FolderHealth]] = {}

    def __call__(self, folder: str) -> FolderHealth:
        """How it does, as far as was told."""
        return self._health.get(folder, FolderHealth())

    def hear(self, event: events.Event) -> None:
        """Take note of what happened to a folder."""
        match event:
            case events.FolderScanned(path=path, seconds=seconds):
                self._note(path, scanned_at=self._now(), scan_seconds=seconds)
            case events.FolderWatched(path=path, writers=writers):
                self._note(path, writers=writers)
            case events.FolderAway(path=path, message=message, hint=hint):
                self._note(path, away=message, hint=hint)
            case events.FolderBack(path=path):
                self._note(path, away="", hint="")
            case _:
                pass

    def _note(self, path: str, **facts: object) -> None:
        self._health[path] = dataclasses.replace(self(path), **facts)  # type: ignore[arg-type]
