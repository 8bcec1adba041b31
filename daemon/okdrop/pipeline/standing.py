"""A watched folder's settings, and how it stands: what is told of it, each thing once, and how hints fare."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.config.watch import Existing, Unfinished

if TYPE_CHECKING:
    from okdrop.config import Watch
    from okdrop.inbox.hints import NoHints
    from okdrop.inbox.scan import FolderError
    from okdrop.pipeline.parts import Parts

QUICK: Final = 1.0
"""Seconds between scans, at least, while hints are lost again and again."""

SHARE: Final = 9.0
"""How many times as long as a scan, or the start of a watch, took the next one is put off."""

STEADY: Final = 60.0
"""Seconds for which a watch has to live to be trusted again."""

BROKEN_DELAY: Final = 30.0
"""Seconds between tries to get a watch, at most, while watches break."""

REFUSED_DELAY: Final = 600.0
"""The same while none can be had."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A watched folder, as far as finding files in it goes. `settle` and `rescan` are in seconds."""

    path: str
    settle: float
    rescan: float
    suffixes: tuple[str, ...]
    ignore: tuple[str, ...]
    marker: str = ""  #: what has to lie in the folder; while it does not, the folder is away
    ignores_existing: bool = False  #: what lay there before the first start is not sent
    surge: int = 0  #: more files than this in a new folder wait until a person says go; 0: never
    whole_within: float = (
        0.0  #: seconds for which a file is waited for that is not whole by its own structure
    )
    takes_unfinished: bool = False  #: then it is sent as it is, instead of being held for a person


def folder_of(watch: Watch, *, surge: int) -> Folder:
    """A watched folder, by its configuration and `intake.surge`."""
    return Folder(
        path=str(watch.path),
        settle=watch.settle,
        rescan=watch.rescan,
        suffixes=watch.suffixes,
        ignore=watch.ignore,
        marker=watch.marker,
        ignores_existing=watch.existing is Existing.IGNORE,
        surge=surge,
        whole_within=watch.unfinished_after,
        takes_unfinished=watch.unfinished is Unfinished.TAKE,
    )


class FolderStanding:
    """What is told of a folder, each thing once, and how the hints have fared."""

    def __init__(self, parts: Parts, folder: Folder) -> None:
        self._parts: Final = parts
        self._rescan: Final = folder.rescan
        self._shown: Final = events.shown(os.fsencode(folder.path))
        self.introduced = False
        self.scans_only_because = ""
        self._away = ""
        self._losses = 0
        self._delay = 0.0
        self._not_before = 0.0
        self._since = 0.0
        self._is_broken = False

    def away(self, error: FolderError) -> None:
        """The folder is away."""
        if self._away != error.code:
            self._away = error.code
            self._parts.emit(
                events.FolderAway(path=self._shown, code=error.code, message=error.message, hint=error.hint)
            )

    def back(self) -> bool:
        """The folder is there; returns whether that is news."""
        if not self._away:
            return False
        self._away = ""
        self._parts.emit(events.FolderBack(path=self._shown))
        return True

    def introduce(self, *, mode: str, writers: bool | None) -> None:
        """The folder is looked after from now on."""
        self.introduced = True
        words = {True: "are seen", False: "cannot be seen", None: "are not known to be seen"}
        self._parts.emit(events.FolderWatched(path=self._shown, mode=mode, writers=words[writers]))
        if writers is False:
            self._parts.emit(
                events.WritersUnseen(
                    path=self._shown,
                    hint="only quiet tells that a file is finished;"
                    " `settle` should be longer than a pause of a writer",
                )
            )

    def may_watch(self) -> bool:
        """Whether it is time to try for a watch."""
        return self._parts.monotonic() >= self._not_before

    def watching(self) -> None:
        """A watch was begun."""
        self._since = self._parts.monotonic()
        self._is_broken = False
        self.scans_only_because = ""

    def watch_lives(self) -> None:
        """A watch is there still."""
        if self._losses and not self._is_broken and self._parts.monotonic() >= self._since + STEADY:
            self._parts.emit(events.HintsBack(path=self._shown, times=self._losses))
            self._losses, self._delay = 0, 0.0

    def refused(self, refusal: NoHints) -> None:
        """No watch could be had."""
        self._is_broken = False  # nothing breaks: scans as they were asked for
        self._lose(refusal, REFUSED_DELAY)

    def lost(self, loss: NoHints) -> None:
        """A watch ended by itself."""
        self._is_broken = True
        self._lose(loss, BROKEN_DELAY)

    def _lose(self, error: NoHints, longest: float) -> None:
        self._losses += 1
        self._delay = min(max(QUICK, 2 * self._delay), longest)
        self._not_before = self._parts.monotonic() + self._delay
        self.scans_only_because = error.message
        if self._losses == 1:
            self._parts.emit(events.HintsLost(path=self._shown, reason=error.message, hint=error.hint))

    def until_next_scan(self, took: float) -> float:
        """How many seconds after a scan that took so long the next one is due."""
        if self._is_broken:
            return min(self._rescan, max(QUICK, SHARE * took))
        return self._rescan
