"""Files that are not finished yet, and the rounds of looks at them.

A round looks at every candidate, in a thread and some thousands at once (`okdrop.pipeline.sight`). Most looks
bring nothing, and end in that thread.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections import Counter
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import Drop
from okdrop.inbox.done import NO_DEMAND, NOT_ASKED, Demand, Said
from okdrop.inbox.settle import Cause, Gone, Settled, Settler, Waiting
from okdrop.pipeline.sight import Candidate, Eyes, Look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from okdrop.drop import Revision
    from okdrop.pipeline.parts import Parts

LOOK_EVERY: Final = 0.25
"""Seconds between rounds, at most, as long as a round is quick; a short `settle` is looked at oftener."""

AT_ONCE: Final = 2000
"""Files that are looked at in one visit to a thread: what was seen of more need not be in memory at once."""

SHARE: Final = 9.0
"""How many times as long as a round took the next one is put off: looks take a tenth of the time at most."""

_SHORTEST_PAUSE: Final = 0.02


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A file that is looked at no longer.

    `missing` says why it seems not to be whole, "": it does not. `said` is what a manifest promises of it.
    """

    drop: Drop
    missing: str = ""
    said: Said = NOT_ASKED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFile:
    """A file that is not finished yet."""

    path: bytes
    folder: str  #: the watched folder; "": it was named on the command line
    cause: Cause
    reason: str
    seconds: float  #: since it was found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilesWaiting:
    """How many files are not finished yet, by the reason; and those that have waited for the longest."""

    causes: Counter[Cause]
    longest: tuple[WaitingFile, ...]


class Candidates:
    """What is looked at until it is settled, gone, or left.

    Args:
        parts: what all stages share.
        ask_early: ask for a writer at each look. A run that ends asks: it does not wait for a file that is
            being written, and has to know it from one that is only young.
    """

    def __init__(self, parts: Parts, *, ask_early: bool = False) -> None:
        self.ask_early = ask_early
        self._parts: Final = parts
        self._all: Final[dict[bytes, Candidate]] = {}
        self._settlers: Final[dict[tuple[float, float], Settler]] = {}
        self._eyes: Final = Eyes(parts.monotonic)
        self._some: Final = asyncio.Event()
        self._took = 0.0

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._all.values())

    def __contains__(self, path: bytes) -> bool:
        return path in self._all

    def add(
        self,
        path: bytes,
        *,
        folder: str,
        title: str = "",
        settle: float,
        whole_within: float = 0.0,
        demand: Demand = NO_DEMAND,
        seen: Revision | None = None,
    ) -> None:
        """Have a file looked at until it is quiet for `settle` seconds; one that is looked at already stays.

        Args:
            path: the file.
            folder: the watched folder it was found in.
            title: a title given by hand.
            settle: seconds.
            whole_within: seconds for which it is waited for beyond that, if it is not whole.
            demand: what its folder asks for beside.
            seen: what was seen of it before now; that is its first look.
        """
        if path in self._all:
            return
        settler = self._settlers.setdefault((settle, whole_within), Settler(settle, whole_within))
        now = self._parts.monotonic()
        candidate = Candidate(
            path=path, folder=folder, title=title, settler=settler, since=now, demand=demand
        )
        self._all[path] = candidate
        self._some.set()
        if seen is not None:
            settler.begin(path, seen, now)
            self._tell(candidate, Cause.QUIET, "seen for the first time")

    def wake(self, folder: str) -> None:
        """Something happened in a folder: that may be the word that a file is done."""
        for candidate in self:
            if candidate.folder == folder:
                candidate.rest_until = 0.0

    def waiting(self, at_most: int) -> FilesWaiting:
        """What is not finished yet, and of so many at most which file it is, and why."""
        now = self._parts.monotonic()
        longest = [
            WaitingFile(
                path=one.path, folder=one.folder, cause=one.cause, reason=one.reason, seconds=now - one.since
            )
            for one in itertools.islice(self, at_most)  # they are in the order in which they were found
        ]
        return FilesWaiting(causes=Counter(one.cause for one in self), longest=tuple(longest))

    async def wait_until_some(self) -> None:
        """Return when there is something to look at."""
        await self._some.wait()

    def pause(self) -> float:
        """How many seconds to wait before the next round."""
        shortest = min((settle for (settle, _), one in self._settlers.items() if one.is_waiting), default=0.0)
        return max(min(LOOK_EVERY, max(shortest / 4, _SHORTEST_PAUSE)), SHARE * self._took)

    @property
    def longest_settle(self) -> float:
        """The longest `settle` that some file has to be quiet for, in seconds."""
        return max((settle for (settle, _), one in self._settlers.items() if one.is_waiting), default=0.0)

    async def look_round(self) -> AsyncIterator[list[Finished]]:
        """Look at all of them, some at a time; what is settled of each lot is no candidate any more."""
        self._took = 0.0
        left = [*reversed(self._all.values())]  # what was looked at is let go of, one lot after the other
        while left:
            began = self._parts.monotonic()
            lot = left[: -AT_ONCE - 1 : -1]
            del left[-AT_ONCE:]
            looks = await asyncio.to_thread(self._eyes.news, lot, ask_early=self.ask_early)
            settled = [one for look in looks if (one := self._judge(look)) is not None]
            del lot, looks
            self._took += self._parts.monotonic() - began
            if settled:
                yield settled
        if not self._all:
            self._some.clear()

    def leave(self) -> None:
        """Give all of them up, and name them."""
        for candidate in self:
            self._parts.emit(events.FileLeft(path=events.shown(candidate.path), reason=candidate.reason))
            candidate.settler.forget(candidate.path)
        self._all.clear()
        self._some.clear()

    def _judge(self, look: Look) -> Finished | None:
        candidate = look.candidate
        if self._all.get(candidate.path) is not candidate:
            return None
        match candidate.settler.look(candidate.path, look.revision, look.writer, look.at, beside=look.beside):
            case Settled(revision=settled, missing=missing):
                del self._all[candidate.path]
                drop = Drop(
                    path=candidate.path, revision=settled, folder=candidate.folder, title=candidate.title
                )
                return Finished(drop=drop, missing=missing, said=look.said)
            case Gone():
                del self._all[candidate.path]
            case Waiting() as waiting:
                self._note(candidate, waiting)
        return None

    def _note(self, candidate: Candidate, waiting: Waiting) -> None:
        candidate.being_written = waiting.being_written
        candidate.rest_until = waiting.look_again if waiting.cause is Cause.NOT_DONE else 0.0
        self._tell(candidate, waiting.cause, waiting.reason)

    def _tell(self, candidate: Candidate, cause: Cause, reason: str) -> None:
        """Remember why it waits; that is told when it is another reason than all before."""
        candidate.cause, candidate.reason = cause, reason
        if cause not in candidate.told:
            candidate.told |= {cause}
            self._parts.emit(events.FileWaiting(path=events.shown(candidate.path), reason=reason))
