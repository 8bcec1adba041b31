"""Finds files and waits until they are finished; then the intake judges them.

A run that ends (`--once`, `upload`) scans once, then looks at what is not settled yet. A file that a writer
keeps open, or that goes on changing while nothing else is left to do, is left and named.

A run that stays has a `FolderWatch` for each folder, and goes on looking.

A file that is not whole by its own structure, and does not become so, is held for a person or sent as it is,
as its folder says; one that a person named is sent.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import Drop, Failure, not_as_promised, not_whole
from okdrop.errors import GaveUp, UploadError
from okdrop.inbox.future import FutureFiles
from okdrop.inbox.promised import broken_promise
from okdrop.inbox.scan import scan
from okdrop.inbox.settle import Cause
from okdrop.inbox.walk import Wanted
from okdrop.ledger import SENT
from okdrop.pipeline.candidates import Candidates, FilesWaiting, Finished, WaitingFile
from okdrop.pipeline.first_look import FirstLook
from okdrop.pipeline.folders import AT_ONCE, FolderWatch, in_parts
from okdrop.pipeline.passed_over import PassedOver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from okdrop.drop import Revision, Upload
    from okdrop.inbox.scan import Scan
    from okdrop.inbox.walk import Found
    from okdrop.pipeline.intake import Intake
    from okdrop.pipeline.line import OpenUploads
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.standing import Folder

NAMED_SETTLE: Final = 1.0
"""Seconds for which a file that was named on the command line has to be quiet."""

BATCH: Final = 500
"""Settled files that go to the intake at once."""

RESTLESS: Final = 3.0
"""How many times `settle` a file may go on changing, with nothing else left to do, before it is left."""


class Watcher:
    """Leads files from the folder to the intake.

    Args:
        parts: what all stages share.
        intake: judges settled files.
        opened: uploads of this run; while some are open, there is time to wait for files.
        folders: the watched folders.
        back: told of a folder that was away and is there again.
    """

    def __init__(
        self,
        parts: Parts,
        intake: Intake,
        opened: OpenUploads,
        folders: Sequence[Folder],
        back: Callable[[], None] = lambda: None,
    ) -> None:
        self._parts: Final = parts
        self._intake: Final = intake
        self._opened: Final = opened
        self._folders: Final = {folder.path: folder for folder in folders}
        self._back: Final = back
        self._watches: Final[dict[str, FolderWatch]] = {}
        self._passed_over: Final = {
            folder.path: PassedOver(parts.emit, events.shown(os.fsencode(folder.path))) for folder in folders
        }
        self._future: Final = FutureFiles()
        self._candidates: Final = Candidates(parts, ask_early=True)
        self._taking: Final[set[bytes]] = set()
        self._to_compare: Final[asyncio.Queue[tuple[Drop, Failure | None]]] = asyncio.Queue()
        self._to_check: Final[dict[str, asyncio.Queue[Finished]]] = {
            folder.path: asyncio.Queue() for folder in folders
        }
        self._checking: Final[dict[bytes, tuple[Finished, float]]] = {}
        self._idle_since: float | None = None
        self._not_looked_at: Final = {folder.path for folder in folders}
        self.looked: Final = asyncio.Event()  #: every folder that is there was looked through once

    def look_again(self, drop: Drop) -> None:
        """A file changed while it was sent: its new revision has to settle like any other."""
        folder = self._folders.get(drop.folder)
        self._forget(drop)
        if folder is None:
            self.add(drop.path, folder=drop.folder, title=drop.title)
        else:
            self._add_found(folder, drop)

    def add(self, path: bytes, *, folder: str = "", title: str = "", settle: float = NAMED_SETTLE) -> None:
        """Have a file looked at until it is settled (quiet for `settle` seconds)."""
        self._candidates.add(path, folder=folder, title=title, settle=settle)
        self._idle_since = None

    def waiting(self, at_most: int) -> FilesWaiting:
        """Which files are not finished yet, and why; of so many at most each by itself."""
        files, now = self._candidates.waiting(at_most), self._parts.monotonic()
        checked = [
            WaitingFile(
                path=one.drop.path,
                folder=one.drop.folder,
                cause=Cause.CHECKING,
                reason=f"its {one.said.promise.algorithm} is compared with the one in {one.said.by}",
                seconds=now - since,
            )
            for one, since in self._checking.values()
        ]
        causes = files.causes + Counter(one.cause for one in checked)
        longest = sorted([*checked, *files.longest], key=lambda one: -one.seconds)
        return FilesWaiting(causes=causes, longest=tuple(longest[:at_most]))

    # --- a run that ends ------------------------------------------------------------------------------

    async def scan(self) -> None:
        """Look through every folder; what the ledger does not know yet is looked at further.

        Raises:
            FolderError: a folder is missing or cannot be listed.
        """
        first_look = FirstLook(self._parts, stays=False)
        # All before any: a run that ends here, for want of one folder, has decided nothing about the others.
        all_seen = [await self._unknown(folder) for folder in self._folders.values()]
        for folder, (seen, holds_videos) in zip(self._folders.values(), all_seen, strict=True):
            for problem in seen.problems:
                self._parts.emit(
                    events.FileUnreadable(path=events.shown(problem.path), reason=problem.reason)
                )
            for one in await first_look.decide(folder, seen.found, seen.device, holds_videos=holds_videos):
                self._add_found(folder, Drop(path=one.path, revision=one.revision, folder=folder.path))

    async def _unknown(self, folder: Folder) -> tuple[Scan, bool]:
        """What lies in a folder that the ledger does not know; and whether it holds any video."""
        look = partial(
            scan,
            os.fsencode(folder.path),
            suffixes=folder.suffixes,
            ignore=folder.ignore,
            marker=folder.marker,
            wanted=Wanted(rules=folder.rules, now=self._parts.now().timestamp(), future=self._future),
            depth=folder.depth,
            at_most=AT_ONCE,
        )
        holds_videos = False

        async def unknown(found: list[Found]) -> list[Found]:
            nonlocal holds_videos
            holds_videos = holds_videos or bool(found)
            return await self._parts.ledger.unknown(found)

        tell = self._passed_over[folder.path].tell
        return await in_parts(look, asyncio.to_thread, unknown, tell), holds_videos

    async def run_to_the_end(self) -> None:
        """Look at what is not settled until nothing is left to wait for, and no upload is open."""
        while len(self._candidates) or len(self._opened):
            await self._look_round()
            if len(self._candidates) and self._all_restless():
                self._candidates.leave()
            elif len(self._candidates):
                await asyncio.sleep(self._candidates.pause())
            else:
                await self._opened.wait_until_none()

    def _all_restless(self) -> bool:
        """Whether nothing else is left to do, and what is left is being written or changes for too long."""
        if len(self._opened):
            self._idle_since = None
            return False
        now = self._parts.monotonic()
        if self._idle_since is None:
            self._idle_since = now
        patience = max(RESTLESS * self._candidates.longest_settle, NAMED_SETTLE)
        return now - self._idle_since > patience or all(one.being_written for one in self._candidates)

    # --- a run that stays -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay: watch each folder, and look at what is not settled; ends when cancelled."""
        self._candidates.ask_early = False
        first_look = FirstLook(self._parts, stays=True)
        async with asyncio.TaskGroup() as group:
            for folder in self._folders.values():
                watch = FolderWatch(
                    self._parts,
                    folder,
                    first_look=first_look,
                    found=self._found,
                    is_busy=self._is_busy,
                    back=self._back,
                    looked=self._was_looked_at,
                    stirred=lambda folder: self._candidates.wake(folder.path),
                    passed_over=self._passed_over[folder.path],
                    future=self._future,
                )
                self._watches[folder.path] = watch
                group.create_task(watch.run())
            group.create_task(self._go_on_looking())
            group.create_task(self._go_on_comparing())
            for finished in self._to_check.values():
                group.create_task(self._go_on_checking(finished))

    async def _go_on_looking(self) -> None:
        while True:
            await self._candidates.wait_until_some()
            await self._look_round(compares_later=True)
            await asyncio.sleep(self._candidates.pause())

    def _was_looked_at(self, folder: Folder) -> None:
        self._not_looked_at.discard(folder.path)
        if not self._not_looked_at:
            self.looked.set()

    def _found(self, folder: Folder, drop: Drop) -> None:
        self._add_found(folder, drop, seen=drop.revision)

    # --- both -----------------------------------------------------------------------------------------

    def _add_found(self, folder: Folder, drop: Drop, *, seen: Revision | None = None) -> None:
        self._candidates.add(
            drop.path,
            folder=folder.path,
            title=drop.title,
            settle=folder.settle,
            whole_within=folder.whole_within,
            demand=folder.demand,
            seen=seen,
        )
        self._idle_since = None  # its time to settle begins now, however long this run has been idle before

    def _is_busy(self, path: bytes) -> bool:
        return path in self._candidates or path in self._taking

    def _forget(self, drop: Drop) -> None:
        if (watch := self._watches.get(drop.folder)) is not None:
            watch.forget(drop.path)

    async def _look_round(self, *, compares_later: bool = False) -> None:
        async for settled in self._candidates.look_round():
            finished = [one for one in settled if not self._is_left(one.drop)]
            self._taking.update(one.drop.path for one in finished)
            for one in finished:
                if one.said.promise.algorithm:
                    self._checking[one.drop.path] = one, self._parts.monotonic()
                    if compares_later:
                        self._to_check[one.drop.folder].put_nowait(one)
                    else:
                        await self._check(one)
            unfit = {one.drop: self._unfit(one) for one in finished if not one.said.promise.algorithm}
            for batch in _batches([*unfit]):
                # Together, so that the ledger writes them in one commit.
                await asyncio.gather(
                    *(self._take(drop, unfit[drop], compares_later=compares_later) for drop in batch)
                )

    def _is_left(self, drop: Drop) -> bool:
        """Whether a settled file is passed over by the rules of its folder: it is another than when found.

        It is not too old: what was found in time may be waited for, for as long as it takes.
        """
        folder = self._folders.get(drop.folder)
        if folder is None:
            return False
        size, mtime_ns = drop.revision.size, drop.revision.mtime_ns
        now = self._parts.now().timestamp()
        if folder.rules.asks_age:
            mtime_ns = self._future.counted_from(drop.path, size=size, mtime_ns=mtime_ns, now=now)
        left = folder.rules.once_found.left_by_facts(size=size, mtime_ns=mtime_ns, now=now)
        if left is None:
            return False
        self._passed_over[folder.path].tell({drop.path: left})
        path, rule = events.shown(drop.path), left.rule.value
        self._parts.emit(events.FileDismissed(path=path, folder=folder.path, rule=rule, reason=left.reason))
        return True

    def _unfit(self, finished: Finished) -> Failure | None:
        """Why a file is held for a person; None if it is sent, perhaps all the same."""
        if misfit := finished.said.misfit(finished.drop.revision):
            return not_as_promised(misfit)
        if not finished.missing:
            return None
        folder = self._folders.get(finished.drop.folder)
        is_sent = folder is None or folder.takes_unfinished
        self._parts.emit(
            events.FileNotWhole(path=events.shown(finished.drop.path), reason=finished.missing, sent=is_sent)
        )
        return None if is_sent else not_whole(finished.missing)

    async def _check(self, finished: Finished) -> None:
        """Take a file on whose checksum a manifest has something to say; that is read first."""
        try:
            broken = await broken_promise(finished.drop, finished.said, reading=self._parts.reading)
            unfit = not_as_promised(broken) if broken else self._unfit(finished)
        except GaveUp as error:
            unfit = Failure(code=error.code, message=error.message, hint=error.hint)
        except UploadError:
            self._taking.discard(finished.drop.path)
            self.look_again(finished.drop)
            return
        finally:
            del self._checking[finished.drop.path]
        await self._take(finished.drop, unfit)

    async def _go_on_checking(self, finished: asyncio.Queue[Finished]) -> None:
        """Compare the files of a folder with their checksums, one after the other.

        Beside everything else, other folders as well: a disk that gives no answer holds up its own files.
        """
        while True:
            await self._check(await finished.get())

    async def _take(self, drop: Drop, unfit: Failure | None, *, compares_later: bool = False) -> None:
        def compare_later(drop: Drop) -> None:
            self._to_compare.put_nowait((drop, unfit))

        later = compare_later if compares_later else None
        row = await self._intake.take(drop, unfit=unfit, compare_later=later)
        if row is not None:
            self._taken(drop, row)

    async def _go_on_comparing(self) -> None:
        """Compare contents beside everything else: a large file takes minutes. One after the other."""
        while True:
            # Judged as things stand by then; of many that were touched, each waits as a name and numbers.
            await self._take(*await self._to_compare.get())

    def _taken(self, drop: Drop, row: Upload) -> None:
        self._taking.discard(drop.path)
        self._forget(drop)
        watch = self._watches.get(drop.folder)
        if watch is not None and row.drop.path != drop.path and row.state in SENT:
            watch.know(drop)  # another name of a published file has no row, and needs none


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
