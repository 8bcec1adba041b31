"""A watched folder's settings, and how it stands: what is told of it, each thing once, and how hints fare.

Events that were lost, refused, or do not come are not trusted again before a watch has lived for a while;
until then the folder is polled. So what flickers is told twice, at its beginning and at its end.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Final, Self

from okdrop import events
from okdrop.config.watch import Existing, Unfinished, Watching
from okdrop.inbox.done import NO_DEMAND, Demand, demand_of
from okdrop.inbox.watching import Way, decide
from okdrop.rules import EVERYTHING, Rules

if TYPE_CHECKING:
    from okdrop.config.watch import Watch
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

SPREAD: Final = 0.2
"""By which part of it, at most, a poll comes earlier: of many folders on one server, and many machines, not
all ask at once."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A watched folder, as far as finding files in it goes. `settle`, `rescan` and `poll` are in seconds."""

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
    rules: Rules = EVERYTHING
    demand: Demand = NO_DEMAND  #: what has to say that a file is done
    watching: Watching = Watching.AUTO  #: how it is noticed that something was dropped
    poll: float = 5.0  #: between two looks through the folder, where it is polled
    depth: int | None = None  #: how many folders deep files are taken from; None: from any

    @classmethod
    def of(cls, watch: Watch, *, surge: int) -> Self:
        """The folder, by the configuration."""
        return cls(
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
            watching=watch.watching,
            poll=watch.poll,
            depth=watch.deepest,
            rules=watch.rules,
            demand=demand_of(watch),
        )


class FolderStanding:
    """What is told of a folder, each thing once, and how the hints have fared."""

    def __init__(self, parts: Parts, folder: Folder) -> None:
        self._parts: Final = parts
        self._folder: Final = folder
        self._shown: Final = events.shown(os.fsencode(folder.path))
        self.remote = b""  #: the type of the file system, where other machines may write to it unseen
        self._told_way: Way | None = None
        self._writers: bool | None = None
        self._refusal = ""
        self._away = ""
        self._losses = 0
        self._delay = 0.0
        self._not_before = 0.0
        self._since = 0.0
        self._is_broken = False
        self._has_watch = False

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

    @property
    def is_introduced(self) -> bool:
        """Whether it was told that the folder is looked after."""
        return self._told_way is not None

    @property
    def way(self) -> Way:
        """How the folder is watched."""
        return decide(self._folder.watching, refusal=self._refusal, remote=self.remote)

    def introduce(self, *, writers: bool | None) -> None:
        """The folder is looked after from now on."""
        self._writers = writers
        self._tell_way()
        if writers is False:
            self._parts.emit(
                events.WritersUnseen(
                    path=self._shown,
                    hint="only quiet tells that a file is finished;"
                    " `settle` should be longer than a pause of a writer",
                )
            )

    def tell_way(self) -> None:
        """Say how the folder is watched, where that is another way than was told."""
        if self.is_introduced and self._told_way != self.way:
            self._tell_way()

    def _tell_way(self) -> None:
        way = self._told_way = self.way
        words = {True: "are seen", False: "cannot be seen", None: "not known yet"}
        self._parts.emit(
            events.FolderWatched(
                path=self._shown,
                mode=way.in_words(self._folder.poll),
                watching=way.mode.value,
                writers=words[self._writers],
            )
        )

    def may_watch(self) -> bool:
        """Whether a watch is wanted, and it is time to try for one."""
        return self._folder.watching is not Watching.POLL and self._parts.monotonic() >= self._not_before

    def watching(self) -> None:
        """A watch was begun."""
        self._has_watch = True
        self._since = self._parts.monotonic()
        self._is_broken = False

    def watch_lives(self) -> None:
        """Nothing was heard of the end of the watch, where there is one."""
        if self._losses and self._has_watch and self._parts.monotonic() >= self._since + STEADY:
            self._parts.emit(events.HintsBack(path=self._shown, times=self._losses))
            self._losses, self._delay, self._refusal = 0, 0.0, ""
            self.tell_way()

    def refused(self, refusal: NoHints) -> None:
        """No watch could be had."""
        self._is_broken = False  # nothing breaks: scans as they were asked for
        self._lose(refusal, REFUSED_DELAY)

    def lost(self, loss: NoHints) -> None:
        """A watch ended by itself."""
        self._is_broken = True
        self._lose(loss, BROKEN_DELAY)

    def _lose(self, error: NoHints, longest: float) -> None:
        self._has_watch = False
        self._losses += 1
        self._delay = min(max(QUICK, 2 * self._delay), longest)
        self._not_before = self._parts.monotonic() + self._delay
        self._refusal = error.message if self._losses == 1 else self._refusal
        if self._losses == 1:
            self._parts.emit(events.HintsLost(path=self._shown, reason=error.message, hint=error.hint))
            self.tell_way()

    def until_next_scan(self, took: float) -> float:
        """How many seconds after a scan that took so long the next one is due."""
        rescan, poll = self._folder.rescan, self._folder.poll
        if self._is_broken:
            return min(rescan, max(QUICK, SHARE * took))
        if self.way.polls:
            return min(rescan, max(poll, SHARE * took) * (1 - SPREAD * self._parts.chance()))
        return rescan
