"""What is told of watched folders: when they were looked through, how they are watched, the room in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeMetricFamily

from okdrop import events
from okdrop.observe.families import labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

MODES: Final = ("events", "both", "polling", "scans")
"""How a folder may be watched; `okdrop.inbox.watching.Mode`, which a test compares."""


class FolderGauges:
    """A listener to events.

    Args:
        now: aware times.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now: Final = now
        self._scanned: Final[dict[str, float]] = {}
        self._watching: Final[dict[str, str]] = {}
        self._free: Final[dict[str, int]] = {}
        self._away: Final[set[str]] = set()

    def hear(self, event: events.Event) -> None:
        """Take note of what lasts."""
        match event:
            case events.FolderScanned(path=path, free=free):
                self._scanned[path] = self._now().timestamp()
                self._note_free(path, free)
            case events.FolderWatched(path=path, watching=mode):
                self._watching[path] = mode
            case events.FolderAway(path=path):
                self._away.add(path)
                self._note_free(path, -1)  # what can be seen there now is not the folder's
            case events.FolderBack(path=path):
                self._away.discard(path)
            case _:
                pass

    def _note_free(self, path: str, free: int) -> None:
        if free < 0:
            self._free.pop(path, None)
        else:
            self._free[path] = free

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Everything, as it is now."""
        yield labelled(
            "okdrop_folder_last_scan_timestamp_seconds",
            "When a folder was looked through last, to the end",
            "folder",
            self._scanned,
        )
        away = {folder: folder in self._away for folder in sorted({*self._scanned, *self._away})}
        yield labelled("okdrop_folder_away", "Whether a folder is waited for", "folder", away)
        yield labelled(
            "okdrop_folder_free_bytes",
            "What may still be written where a folder lies, by its last scan; none while it is away",
            "folder",
            self._free,
        )
        yield self._modes()

    def _modes(self) -> GaugeMetricFamily:
        modes = GaugeMetricFamily(
            "okdrop_folder_watching", "How a folder is watched: 1 for the mode", labels=["folder", "mode"]
        )
        for folder, current in self._watching.items():
            for mode in MODES:
                modes.add_metric([folder, mode], float(mode == current))
        return modes
