"""Files that are not finished yet, and the rounds of looks at them.

A round looks at every candidate, in a thread and some thousands at once: at its stat alone, until that has
been quiet for long enough; only then is the kernel asked whether a writer has it open, and the file itself,
once for each revision, whether it is whole. Most looks bring nothing, and end in that thread.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.containers import Standing
from okdrop.drop import Drop
from okdrop.inbox.lease import Writer, look_for_writer
from okdrop.inbox.revision import revision_at
from okdrop.inbox.settle import Gone, Settled, Settler, Waiting
from okdrop.inbox.wholeness import structure_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from okdrop.drop import Revision
    from okdrop.pipeline.parts import Parts

LOOK_EVERY: Final = 0.25
"""Seconds between rounds, at most, as long as a round is quick; a short `settle` is looked at oftener."""

AT_ONCE: Final = 2000
"""Files that are looked at in one visit to a thread: what was seen of more need not be in memory at once."""

SHARE: Final = 9.0
"""How many times as long as a round took the next one is put off: looks take a tenth of the time at most."""

_SHORTEST_PAUSE: Final = 0.02


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class Candidate:
    """A file that is not settled yet."""

    path: bytes
    folder: str
    title: str
    settler: Settler
    reason: str = "not settled"
    being_written: bool | None = None  #: as was told last; None: nothing was told yet
    inside: tuple[Revision, str] | None = None  #: what is missing of that revision by its own structure

    def missing(self, revision: Revision) -> str:
        """What is missing of this revision; read from the file unless it was before. Blocks."""
        if self.inside is None or self.inside[0] != revision:
            structure = structure_at(self.path, revision)
            what = structure.reason if structure.standing is Standing.NOT_WHOLE else ""
            self.inside = revision, what
        return self.inside[1]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A file that is looked at no longer; `missing` says why it seems not to be whole, "": it does not."""

    drop: Drop
    missing: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class _Look:
    """A look that brought news."""

    candidate: Candidate
    revision: Revision | None
    writer: Writer
    at: float
    missing: str = ""


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
        seen: Revision | None = None,
    ) -> None:
        """Have a file looked at until it is quiet for `settle` seconds; one that is looked at already stays.

        Args:
            path: the file.
            folder: the watched folder it was found in.
            title: a title given by hand.
            settle: seconds.
            whole_within: seconds for which it is waited for beyond that, if it is not whole.
            seen: what was seen of it before now; that is its first look.
        """
        if path in self._all:
            return
        settler = self._settlers.setdefault((settle, whole_within), Settler(settle, whole_within))
        candidate = Candidate(path=path, folder=folder, title=title, settler=settler)
        self._all[path] = candidate
        self._some.set()
        if seen is not None:
            settler.begin(path, seen, self._parts.monotonic())
            self._note(candidate, "seen for the first time", being_written=False)

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
            looks = await asyncio.to_thread(_news, lot, self._parts.monotonic, self.ask_early)
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

    def _judge(self, look: _Look) -> Finished | None:
        candidate = look.candidate
        if self._all.get(candidate.path) is not candidate:
            return None
        match candidate.settler.look(
            candidate.path, look.revision, look.writer, look.at, missing=look.missing
        ):
            case Settled(revision=settled, missing=missing):
                del self._all[candidate.path]
                drop = Drop(
                    path=candidate.path, revision=settled, folder=candidate.folder, title=candidate.title
                )
                return Finished(drop=drop, missing=missing)
            case Gone():
                del self._all[candidate.path]
            case Waiting() as waiting:
                self._note(candidate, waiting.reason, being_written=waiting.being_written)
        return None

    def _note(self, candidate: Candidate, reason: str, *, being_written: bool) -> None:
        if candidate.being_written is not being_written:
            self._parts.emit(events.FileWaiting(path=events.shown(candidate.path), reason=reason))
        candidate.reason, candidate.being_written = reason, being_written


def _news(
    candidates: Iterable[Candidate],
    monotonic: Callable[[], float],
    ask_early: bool,  # noqa: FBT001 - for to_thread
) -> list[_Look]:
    """Look at each, and keep what brings news."""
    looks = (_look_at(candidate, monotonic(), ask_early=ask_early) for candidate in candidates)
    return [look for look in looks if look is not None]


def _look_at(candidate: Candidate, now: float, *, ask_early: bool) -> _Look | None:
    path, settler = candidate.path, candidate.settler
    revision = revision_at(path)
    if not settler.brings_news(path, revision, now) and not ask_early:
        return None
    writer, missing = Writer.UNKNOWN, ""
    if revision is not None and (ask_early or settler.is_quiet(path, revision, now)):
        # First the writer, then the file: what was written before the answer is seen.
        writer = look_for_writer(path)
        revision = revision_at(path)
        if writer is not Writer.WRITING and revision is not None and settler.is_quiet(path, revision, now):
            missing = candidate.missing(revision)
    return _Look(candidate, revision, writer, now, missing)
