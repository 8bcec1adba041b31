"""A watched folder of a run that stays: scanned when it is due, looked at where a hint points.

The scan guarantees, the hints make it quick. So whatever becomes of the hints, there is a scan: at once when
a watch ends, again as soon as the next one has begun, every `poll` seconds where the kernel does not tell of
all (`okdrop.inbox.watching`), and every `rescan` seconds in any case. A folder that goes away is waited for.
One that is another than the one that is watched under its path (removed and made anew, mounted over) is
watched anew.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.config.watch import Watching
from okdrop.drop import Drop
from okdrop.inbox.canary import WITHIN, Canary
from okdrop.inbox.future import FutureFiles
from okdrop.inbox.hints import MANY, Hints, NoHints
from okdrop.inbox.known import KnownFiles
from okdrop.inbox.lease import can_see_writers
from okdrop.inbox.mounts import remote_among
from okdrop.inbox.own_thread import begun
from okdrop.inbox.scan import (
    FolderError,
    FolderHangs,
    FolderUnmarked,
    FolderUnmounted,
    look_at,
    scan,
)
from okdrop.inbox.walk import Progress, Wanted, put_in_order
from okdrop.inbox.watching import devices_of, prove
from okdrop.pipeline.passed_over import PassedOver
from okdrop.pipeline.standing import SHARE, FolderStanding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from okdrop.inbox.known import Sighting
    from okdrop.inbox.scan import Scan
    from okdrop.inbox.walk import Found, Identity, Known, Problem
    from okdrop.pipeline.first_look import FirstLook
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.standing import Folder
    from okdrop.rules import Left

AWAY_EVERY: Final = 2.0
"""Seconds between looks for a folder that is away."""

HANGS_AFTER: Final = 10.0
"""Seconds after which a look that comes no further counts as hanging."""

GLANCES: Final = 4
"""How often it is seen to, meanwhile, whether the look comes any further."""

AT_ONCE: Final = 2000
"""Files that the ledger is asked about at once."""


async def in_parts(
    look: Callable[[], Scan],
    looked_on: Callable[[Callable[[], Scan]], Awaitable[Scan]],
    wanted: Callable[[list[Found]], Awaitable[list[Found]]],
    passed_over: Callable[[Mapping[bytes, Left]], None],
) -> Scan:
    """Look to the end, a part at a time, and keep what is wanted of each.

    Args:
        look: the first part.
        looked_on: looks at a part without blocking.
        wanted: says what is kept of what was found.
        passed_over: told of what was passed over by the rules of the folder.
    """
    seen = await looked_on(look)
    passed_over(seen.left)
    found = await wanted(seen.found)
    while seen.rest is not None:
        seen = await looked_on(seen.rest)
        passed_over(seen.left)
        found += await wanted(seen.found)
    put_in_order(found)
    return dataclasses.replace(seen, found=found)


class FolderWatch:
    """Watches one folder.

    Args:
        parts: what all stages share.
        folder: the folder.
        first_look: decides about what a scan found, where it is the first one.
        found: told of a file that is to be looked at until it is settled.
        is_busy: whether a file is looked at, or being taken, already; asked from threads, too.
        back: told that the folder was away and is there again.
        looked: told that the folder was looked through, or is away.
        stirred: told that something happened in the folder.
        passed_over: tells of what is passed over by the rules of the folder.
        future: remembers from when the age of files counts whose time lies in the future.
        hangs_after: seconds after which a look that comes no further counts as hanging.
    """

    def __init__(  # noqa: PLR0913 - whom it asks, and whom it tells
        self,
        parts: Parts,
        folder: Folder,
        *,
        first_look: FirstLook,
        found: Callable[[Folder, Drop], None],
        is_busy: Callable[[bytes], bool],
        back: Callable[[], None],
        looked: Callable[[Folder], None],
        stirred: Callable[[Folder], None] = lambda _: None,
        passed_over: PassedOver | None = None,
        future: FutureFiles | None = None,
        hangs_after: float = HANGS_AFTER,
    ) -> None:
        self._parts: Final = parts
        self._folder: Final = folder
        self._path: Final = os.fsencode(folder.path)
        self._first_look: Final = first_look
        self._found: Final = found
        self._is_busy: Final = is_busy
        self._back: Final = back
        self._looked: Final = looked
        self._stirred: Final = stirred
        self._passed_over: Final = passed_over or PassedOver(parts.emit, events.shown(self._path))
        self._future: Final = FutureFiles() if future is None else future
        self._hangs_after: Final = hangs_after
        self._hints: Final = Hints()
        self._standing: Final = FolderStanding(parts, folder)
        self._known: Final = KnownFiles()
        self._foreign: int | None = None
        self._device: int | None = None
        self._was_empty = False
        self._held_videos = False
        self._looked_on_device: int | None = None
        self._told_problems: set[bytes] = set()
        self._proven: set[int] = set()
        self._canary: Final = Canary()
        self._ended = 0.0
        self._took = 0.0
        self._due = 0.0

    def forget(self, path: bytes) -> None:
        """What the ledger says of this path may have changed."""
        self._known.forget(path)

    def know(self, drop: Drop) -> None:
        """Nothing is to be done about this file as it stands."""
        self._known.note([drop])

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            while True:
                folders = await self._scan()
                if await self._renew(folders):
                    continue  # events began only now: what happened since the scan takes another one
                await self._follow()
        finally:
            self._hints.close()

    # --- scans ----------------------------------------------------------------------------------------

    async def _scan(self) -> Mapping[bytes, Identity]:
        """Look through the folder, once it is there; returns the folders in it."""
        began = self._parts.monotonic()
        await self._doubt_after_foreign_writes()
        sighting = self._known.sighting(self._is_busy)
        seen = await self._seen(sighting)
        await self._lead_on(seen.found)
        self._known.keep(sighting)
        self._passed_over.scanned()
        self._future.forget_old(self._parts.now().timestamp())
        self._tell_problems(seen.problems)
        self._looked(self._folder)
        self._ended = self._parts.monotonic()
        self._took = self._ended - began
        path, seconds = events.shown(self._path), round(self._took, 6)
        self._parts.emit(events.FolderScanned(path=path, seconds=seconds, free=seen.free))
        self._plan()
        return seen.folders

    def _plan(self) -> None:
        """Say when the next scan is due, as things stand."""
        self._due = self._ended + self._standing.until_next_scan(self._took)

    async def _seen(self, sighting: Sighting) -> Scan:
        """What lies there that the ledger does not know, and is not decided about by the first look."""
        while True:
            try:
                seen = await self._looked_through(partial(scan, self._path), known=sighting)
                self._refuse_unmounted(seen, holds_videos=bool(sighting.seen))
                left = await self._decided_first(seen, holds_videos=bool(sighting.seen))
            except FolderError as error:
                self._hints.close()
                self._proven.clear()  # what is mounted there next may be of another kind
                self._standing.away(error)
                self._looked(self._folder)
                await asyncio.sleep(min(self._folder.rescan, AWAY_EVERY))
            else:
                self._is_there()
                return dataclasses.replace(seen, found=left)

    async def _looked_through(self, look: Callable[..., Scan], *, known: Known) -> Scan:
        """Look, and ask the ledger about what is found; only what it does not know is kept.

        A part at a time: of a hundred thousand files that are known, a few thousand are in memory at once.
        """
        folder, progress = self._folder, Progress(self._path)
        rules = {"suffixes": folder.suffixes, "ignore": folder.ignore}
        place = {"marker": folder.marker, "depth": folder.depth}
        wanted = Wanted(rules=folder.rules, now=self._parts.now().timestamp(), future=self._future)
        whole = partial(
            look, **rules, **place, wanted=wanted, known=known, progress=progress, at_most=AT_ONCE
        )
        return await in_parts(
            whole, lambda part: self._looked_on(part, progress), self._unknown, self._passed_over.tell
        )

    async def _looked_on(self, look: Callable[[], Scan], progress: Progress) -> Scan:
        """Look, in a thread of its own; what comes no further for a while is told, and waited for."""
        looking = begun(look, name="look")
        try:
            still, before = 0, 0
            while not (await asyncio.wait({looking}, timeout=self._hangs_after / GLANCES))[0]:
                still = still + 1 if progress.steps == before else 0
                before = progress.steps
                if still == GLANCES:
                    self._tell_hanging(progress.at)
            return looking.result()
        finally:
            looking.cancel()

    async def _unknown(self, found: list[Found]) -> list[Found]:
        """Those of these files that the ledger does not know; the others are remembered."""
        unknown = await self._parts.ledger.unknown(found) if found else []
        paths = {one.path for one in unknown}
        self._known.note(one for one in found if one.path not in paths)
        for path in paths:
            self._known.forget(path)
        return unknown

    def _tell_hanging(self, path: bytes) -> None:
        what = f"{events.shown(path)} has given no answer for {self._hangs_after:g} seconds"
        self._standing.away(FolderHangs(what))
        self._looked(self._folder)

    def _is_there(self) -> None:
        if self._standing.back():
            self._back()

    def _refuse_unmounted(self, seen: Scan, *, holds_videos: bool) -> None:
        """Compare the folder with what it was before.

        Raises:
            FolderUnmounted: it is another one suddenly, without the videos it held, or with nothing at all.
        """
        is_bare = (self._held_videos and not holds_videos) or (seen.is_empty and not self._was_empty)
        if is_bare and self._device not in {None, seen.device}:
            what = "is empty" if seen.is_empty else "holds no video any more"
            raise FolderUnmounted(f"{events.shown(self._path)} {what} and lies on another device than before")
        self._device, self._was_empty, self._held_videos = seen.device, seen.is_empty, holds_videos
        self._note_devices(seen.folders)

    def _note_devices(self, folders: Mapping[bytes, Identity]) -> None:
        devices = self._parts.devices.setdefault(self._folder.path, set())
        devices.update(device for device, _ in folders.values())

    async def _doubt_after_foreign_writes(self) -> None:
        foreign = await self._parts.ledger.foreign_writes()
        if foreign != self._foreign:
            self._foreign = foreign
            self._known.forget_all()

    async def _decided_first(self, seen: Scan, *, holds_videos: bool) -> list[Found]:
        if self._looked_on_device == seen.device:
            return seen.found
        left = await self._first_look.decide(self._folder, seen.found, seen.device, holds_videos=holds_videos)
        self._looked_on_device = seen.device
        return left

    async def _lead_on(self, found: list[Found]) -> None:
        """Have those files looked at that the ledger does not know."""
        wanted = [one for one in found if not self._is_busy(one.path)]
        if wanted:
            self._held_videos = True
            await self._first_look.taken(self._folder)
        for one in wanted:
            self._found(self._folder, Drop(path=one.path, revision=one.revision, folder=self._folder.path))

    def _tell_problems(self, problems: list[Problem]) -> None:
        for problem in problems:
            if problem.path not in self._told_problems:
                self._parts.emit(
                    events.FileUnreadable(path=events.shown(problem.path), reason=problem.reason)
                )
        self._told_problems = {problem.path for problem in problems}

    # --- hints ----------------------------------------------------------------------------------------

    async def _renew(self, folders: Mapping[bytes, Identity]) -> bool:
        """See to it that these folders are watched; returns whether a watch was begun."""
        has_begun = False
        if folders != self._hints.folders and self._standing.may_watch():
            has_begun = await self._begin(folders)
        if not self._standing.is_introduced:
            probes = not self._canary.is_barred(self._path)
            writers = await begun(partial(can_see_writers, self._path, probes=probes), name="look")
            self._standing.introduce(writers=writers)
        self._plan()
        return has_begun

    async def _begin(self, folders: Mapping[bytes, Identity]) -> bool:
        began = self._parts.monotonic()
        try:
            await self._hints.watch(folders)
            took = self._parts.monotonic() - began
            await self._prove(devices_of(folders))
        except NoHints as refusal:
            self._hints.close()
            self._proven.clear()
            self._standing.refused(refusal)
            return False
        self._standing.watching()
        await asyncio.sleep(SHARE * took)
        return True

    async def _prove(self, devices: Mapping[int, bytes]) -> None:
        """See, where a device is new, whether the kernel tells of all that happens there.

        Raises:
            NoHints: it does not.
        """
        if self._folder.watching is not Watching.AUTO or self._proven >= devices.keys():
            return
        try:
            async with asyncio.timeout(self._hangs_after + WITHIN * len(devices)):
                self._standing.remote = await begun(partial(remote_among, devices), name="look")
                await begun(partial(prove, devices, self._canary.listen), name="look")
        except TimeoutError:
            raise NoHints("whoever looks whether the kernel tells of anything there gets no answer") from None
        finally:
            for probe, reason in self._canary.news():
                self._parts.emit(events.ProbeLeft(path=events.shown(probe), reason=reason))
        self._proven = {*devices}
        self._standing.tell_way()

    async def _follow(self) -> None:
        """Look where hints point until the next scan is due, or until there are none any more."""
        while (left := self._due - self._parts.monotonic()) > 0:
            try:
                paths = await self._hints.wait(left)
            except NoHints as loss:
                self._standing.lost(loss)
                return
            self._standing.watch_lives()
            if paths:
                self._parts.emit(events.FolderHinted(path=events.shown(self._path), paths=len(paths)))
                self._stirred(self._folder)
            is_gone = self._path in paths and self._path not in self._hints.folders
            if is_gone or len(paths) > MANY:
                return
            try:
                while new := self._unwatched(await self._look_at(paths)):
                    if not await self._renew({**self._hints.folders, **new}):
                        return
                    paths = set(new)
            except FolderUnmarked:
                return  # the scan that follows says so

    def _unwatched(self, folders: Mapping[bytes, Identity]) -> dict[bytes, Identity]:
        """Those of these folders that are not watched, or are others than those that are."""
        watched = self._hints.folders
        return {path: identity for path, identity in folders.items() if watched.get(path) != identity}

    async def _look_at(self, paths: Iterable[bytes]) -> Mapping[bytes, Identity]:
        """Look at what is at these paths; returns the folders among them, and those in them."""
        wanted = [path for path in paths if not self._is_busy(path)]
        if not wanted:
            return {}
        sighting = self._known.sighting()
        seen = await self._looked_through(partial(look_at, self._path, wanted), known=sighting)
        self._is_there()
        self._note_devices(seen.folders)
        await self._lead_on(seen.found)
        return seen.folders
