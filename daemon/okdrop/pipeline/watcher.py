"""Finds files and waits until they are finished; then the intake judges them.

For a run that ends (`--once`, `upload`): one scan, then looks at what is not settled yet. A file that a
writer keeps open, or that goes on changing while nothing else is left to do, is left and named.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import Drop
from okdrop.inbox.lease import Writer, look_for_writer
from okdrop.inbox.revision import revision_at
from okdrop.inbox.scan import scan
from okdrop.inbox.settle import Gone, Settled, Settler, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from okdrop.drop import Revision
    from okdrop.pipeline.intake import Intake
    from okdrop.pipeline.line import OpenUploads
    from okdrop.pipeline.parts import Parts

LOOK_EVERY: Final = 1.0
"""Seconds between looks at a file that is not settled, at most; a short `settle` is looked at oftener."""

BATCH: Final = 500
"""Settled files that go to the intake at once."""

RESTLESS: Final = 3.0
"""How many times `settle` a file may go on changing, with nothing else left to do, before it is left."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A watched folder, as far as finding files in it goes. `settle` and `rescan` are in seconds."""

    path: str
    settle: float
    rescan: float
    suffixes: tuple[str, ...]
    ignore: tuple[str, ...]


@dataclasses.dataclass(slots=True, kw_only=True)
class _Candidate:
    """A file that is not settled yet."""

    path: bytes
    folder: str
    title: str
    settler: Settler
    settle: float
    waiting: Waiting | None = None


class Watcher:
    """Leads files from the folder to the intake.

    Args:
        parts: what all stages share.
        intake: judges settled files.
        opened: uploads of this run; while some are open, there is time to wait for files.
        folders: the watched folders.
    """

    def __init__(self, parts: Parts, intake: Intake, opened: OpenUploads, folders: Sequence[Folder]) -> None:
        self._parts: Final = parts
        self._intake: Final = intake
        self._opened: Final = opened
        self._folders: Final = {folder.path: folder for folder in folders}
        self._candidates: Final[dict[bytes, _Candidate]] = {}
        self._idle_since: float | None = None
        self.looked: Final = asyncio.Event()  #: every folder that is there was looked through once

    def look_again(self, drop: Drop) -> None:
        """A file changed while it was sent: its new revision has to settle like any other."""
        folder = self._folders.get(drop.folder)
        self.add(
            drop.path, folder=drop.folder, title=drop.title, settle=folder.settle if folder else LOOK_EVERY
        )

    def add(self, path: bytes, *, folder: str = "", title: str = "", settle: float = LOOK_EVERY) -> None:
        """Have a file looked at until it is settled (quiet for `settle` seconds)."""
        self._candidates[path] = _Candidate(
            path=path, folder=folder, title=title, settler=Settler(settle), settle=settle
        )
        self._idle_since = None  # its time to settle begins now, however long this run has been idle before

    async def scan(self) -> None:
        """Look through every folder; what the ledger does not know yet is looked at further.

        Raises:
            FolderError: a folder is missing or cannot be listed.
        """
        for folder in self._folders.values():
            await self._scan_folder(folder)

    async def _scan_folder(self, folder: Folder) -> None:
        seen = await asyncio.to_thread(
            scan, os.fsencode(folder.path), suffixes=folder.suffixes, ignore=folder.ignore
        )
        for problem in seen.problems:
            self._parts.emit(events.FileUnreadable(path=events.shown(problem.path), reason=problem.reason))
        drops = [Drop(path=found.path, revision=found.revision, folder=folder.path) for found in seen.found]
        for drop in await self._parts.ledger.unknown(drops):
            if drop.path not in self._candidates:
                self.add(drop.path, folder=folder.path, settle=folder.settle)

    async def run(self) -> None:
        """Stay: scan each folder when it is due, and look at what is not settled; ends when cancelled."""
        due = dict.fromkeys(self._folders, self._parts.monotonic())
        while True:
            for folder in self._folders.values():
                if self._parts.monotonic() >= due[folder.path]:
                    await self._scan_folder(folder)
                    due[folder.path] = self._parts.monotonic() + folder.rescan
            self.looked.set()
            if self._candidates:
                await self._look_round()
            await asyncio.sleep(self._pause() if self._candidates else LOOK_EVERY)

    async def run_to_the_end(self) -> None:
        """Look at what is not settled until nothing is left to wait for, and no upload is open."""
        while self._candidates or len(self._opened):
            await self._look_round()
            if self._candidates and self._all_restless():
                self._leave_the_rest()
            elif self._candidates:
                await asyncio.sleep(self._pause())
            else:
                await self._opened.wait_until_none()

    def _pause(self) -> float:
        shortest = min(candidate.settle for candidate in self._candidates.values())
        return min(LOOK_EVERY, max(shortest / 4, 0.02))

    async def _look_round(self) -> None:
        candidates = list(self._candidates.values())
        looks = await asyncio.to_thread(_look_at, [candidate.path for candidate in candidates])
        now = self._parts.monotonic()
        settled = [
            drop
            for candidate, (revision, writer) in zip(candidates, looks, strict=True)
            if (drop := self._judge(candidate, revision, writer, now)) is not None
        ]
        for batch in _batches(settled):
            # Together, so that the ledger writes them in one commit.
            await asyncio.gather(*map(self._intake.take, batch))

    def _judge(
        self, candidate: _Candidate, revision: Revision | None, writer: Writer, now: float
    ) -> Drop | None:
        match candidate.settler.look(candidate.path, revision, writer, now):
            case Settled(revision=settled):
                self._candidates.pop(candidate.path, None)
                return Drop(
                    path=candidate.path, revision=settled, folder=candidate.folder, title=candidate.title
                )
            case Gone():
                self._candidates.pop(candidate.path, None)
            case Waiting() as waiting:
                self._note(candidate, waiting)
        return None

    def _note(self, candidate: _Candidate, waiting: Waiting) -> None:
        if candidate.waiting is None or candidate.waiting.being_written != waiting.being_written:
            self._parts.emit(events.FileWaiting(path=events.shown(candidate.path), reason=waiting.reason))
        candidate.waiting = waiting

    def _all_restless(self) -> bool:
        """Whether nothing else is left to do, and what is left is being written or changes for too long."""
        if len(self._opened):
            self._idle_since = None
            return False
        now = self._parts.monotonic()
        if self._idle_since is None:
            self._idle_since = now
        longest = max(candidate.settle for candidate in self._candidates.values())
        waited_long = now - self._idle_since > max(RESTLESS * longest, LOOK_EVERY)
        return waited_long or all(
            candidate.waiting is not None and candidate.waiting.being_written
            for candidate in self._candidates.values()
        )

    def _leave_the_rest(self) -> None:
        for candidate in self._candidates.values():
            reason = candidate.waiting.reason if candidate.waiting is not None else "not settled"
            self._parts.emit(events.FileLeft(path=events.shown(candidate.path), reason=reason))
        self._candidates.clear()


def _batches(drops: Sequence[Drop]) -> Iterator[list[Drop]]:
    """Cut into batches, none with two names of one file: the second is judged once the first has a row."""
    first: dict[tuple[int, int], Drop] = {}
    for drop in drops:
        first.setdefault((drop.revision.device, drop.revision.inode), drop)
    taken = {drop.path for drop in first.values()}
    others = [drop for drop in drops if drop.path not in taken]
    firsts = list(first.values())
    for start in range(0, len(firsts), BATCH):
        yield firsts[start : start + BATCH]
    if others:
        yield from _batches(others)


def _look_at(paths: Iterable[bytes]) -> list[tuple[Revision | None, Writer]]:
    looks: list[tuple[Revision | None, Writer]] = []
    for path in paths:
        revision = revision_at(path)
        writer = look_for_writer(path) if revision is not None else Writer.UNKNOWN
        looks.append((revision, writer))
    return looks
