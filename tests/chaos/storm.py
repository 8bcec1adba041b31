"""Carries a schedule out, lets the storm calm, and gathers the facts. It decides nothing about them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
import urllib.error
from typing import TYPE_CHECKING, Any, Final

from chaos import plan
from chaos.collect import Ledger, gather, lying_below
from chaos.disk import SmallDisk, small_disk
from chaos.facts import Vanished
from chaos.folder import Folder
from chaos.host import Host
from chaos.keeper import Keeper
from e2e.harness import IMPORTS, Daemon
from okdrop.events import shown

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from chaos.facts import Facts
    from chaos.plan import Act, Moment, Schedule

POLL: Final = 0.04
PATIENCE: Final = 5.0
"""Seconds for which a moment is waited for, while there is anything to do; then the step goes on without."""

REST_WITHIN: Final = 120.0
"""Seconds after the storm within which all has to be at rest."""

ROUNDS: Final = 6
"""Runs that end, after that: each an hour later by the daemon's clock."""

HOUR: Final = 3600

CLOCK: Final = os.fspath(os.path.join(os.path.dirname(__file__), "clock"))

SETTINGS: Final = {
    "upload__segment_size": "64KiB",
    "upload__stall_timeout": "700ms",
    "upload__answer_timeout": "1200ms",
    "upload__drain_timeout": "1s",
    "retry__first_delay": "20ms",
    "retry__max_delay": "300ms",
    "ok__access_token": None,
}


class Storm:
    """One schedule in one place.

    Args:
        schedule: what is to happen.
        place: an empty folder; all evidence lies below it afterwards.
    """

    def __init__(self, schedule: Schedule, place: Path, disk: SmallDisk, host: Host) -> None:
        self.schedule: Final = schedule
        self.place: Final = place
        self.disk: Final = disk
        self.host: Final = host
        self._clock: Final = place / "clock"
        self._token: Final = place / "token"
        self.daemon: Final = self._install()
        self.ledger: Final = Ledger(disk.place / "ledger.db")
        self.folder: Final = Folder(self.daemon.drop, place / "beside", schedule.seed)
        self.keeper: Final = Keeper(self.daemon, lambda: disk.full)
        self.vanished: dict[bytes, Vanished] = {}
        self.wrongs: list[str] = []
        self.notes: list[str] = []
        self.in_vain = 0
        self.handed_back = 0
        self._offset = 0
        self._later: list[asyncio.Task[None]] = []
        self._received = self._published = 0

    def _install(self) -> Daemon:
        daemon = Daemon(self.place / "daemon", self.host.url, **SETTINGS)
        kept = self.place / "kept"
        move = {"move_to": str(kept)} if self.schedule.after == "move" else {}
        daemon.watch(after=self.schedule.after, settle=self.schedule.settle, rescan="300ms", **move)
        daemon.set(
            ok__access_token_file=str(self._token),
            ledger__url=f"sqlite:///{self.disk.place / 'ledger.db'}",
            upload__mode=self.schedule.upload_mode,
        )
        daemon.environment |= {
            "PYTHONPATH": os.pathsep.join((CLOCK, IMPORTS)),
            "CHAOS_CLOCK": str(self._clock),
        }
        return daemon

    # --- the storm ------------------------------------------------------------------------------------

    async def blow(self) -> Facts:
        """From the first step to the facts."""
        self._write(self._token, self.host.first_token)
        await self.keeper.start()
        try:
            for step in self.schedule.steps:
                await self._wait_for(step.at)
                await self._do(step.do)
            await self._calm()
            await self._come_to_rest()
            await self.keeper.end("TERM")
            await self._finish()
            return await gather(self)
        finally:
            for task in self._later:
                task.cancel()
            await asyncio.gather(*self._later, return_exceptions=True)
            await self.keeper.end("KILL")

    async def _wait_for(self, moment: Moment) -> None:
        if isinstance(moment, plan.Lapse):
            await asyncio.sleep(moment.seconds)
            await self._look()
            return
        deadline = time.monotonic() + PATIENCE
        while not await self._has_come(moment):
            if time.monotonic() > deadline or await self._cannot_come(moment):
                self.in_vain += 1
                break
            await asyncio.sleep(POLL)
        self._received, self._published = await self._figures()

    async def _has_come(self, moment: Moment) -> bool:
        await self._look()
        match moment:
            case plan.Received(bytes=count):
                return (await self._figures())[0] >= self._received + count
            case plan.Published(videos=count):
                return (await self._figures())[1] >= self._published + count
            case plan.Sending(name=name):
                return bool(await self._sending(name))
            case plan.Whole():
                return bool(await self._whole())
            case plan.Lapse():
                return True

    async def _figures(self) -> tuple[int, int]:
        summary = await self.host.ask("summary")
        return summary["received"], summary["published"]

    async def _sending(self, name: bytes = b"") -> list[dict[str, Any]]:
        """The videos that are being sent, or that of one file, if it is."""
        told = shown(name.rpartition(b"/")[2])
        newest = {video["name"]: video for video in await self.host.ask("videos") if not video["deleted"]}
        return [
            video
            for video in newest.values()
            if video["received"] and not video["whole"] and (not told or video["name"] == told)
        ]

    async def _whole(self) -> list[dict[str, Any]]:
        """The videos that are whole, and of which OK has said nothing final."""
        videos = await self.host.ask("videos")
        return [video for video in videos if video["whole"] and video["status"] == "PROCESSING"]

    async def _cannot_come(self, moment: Moment) -> bool:
        """Everything is at rest, or the video that is waited for is whole already."""
        if isinstance(moment, plan.Sending) and moment.name and moment.name not in self.folder.busy:
            videos = await self.host.ask("videos")
            told = shown(moment.name.rpartition(b"/")[2])
            if any(video["whole"] for video in videos if video["name"] == told):
                return True
        return bool(self.folder.expected) and not self.folder.busy and self._is_at_rest()

    async def _look(self) -> None:
        """See to the daemon, and to what it put away."""
        await self.keeper.look()
        gone = [
            name
            for name in self.folder.expected
            if name not in self.vanished
            and name not in self.folder.busy
            and not os.path.lexists(self.folder.path(name))
        ]
        if not gone or not self.host.up:
            return
        accounts = await self.host.ask("videos")
        for name in gone:
            digest = self.folder.expected[name].sha256
            videos = [video for video in accounts if video["sha256"] == digest and video["published"]]
            self.vanished[name] = Vanished(
                name=name,
                sha256=digest,
                published=bool(videos),
                confirmed=any(video["status"] == "OK" for video in videos),
            )

    # --- acts -----------------------------------------------------------------------------------------

    async def _do(self, act: Act) -> None:
        match act:
            case plan.Strike():
                await self._strike(act)
            case plan.End():
                await self._end(act)
            case plan.Crash():
                await self.host.kill()
                await asyncio.sleep(act.pause)
                self._write(self._token, self.host.first_token)
                await self.host.start()
            case plan.FullDisk():
                if not self.disk.refused:
                    self.disk.fill()
                    self.keeper.disk_is_full()
                    self._soon(self._free(act.seconds))
            case plan.Jump():
                self._jump(act.offset)
            case plan.DeadToken():
                await self.host.strike(plan.Strike(fault="expire_session", values=(("times", 1),)))
                self._soon(self._renew(act.seconds))
            case _:
                self.vanished.pop(act.name, None)
                self.in_vain += not self.folder.do(act)

    async def _strike(self, act: plan.Strike) -> None:
        if not act.aim:
            await self.host.strike(act)
        elif videos := await (self._sending() if act.aim == "sending" else self._whole()):
            await self.host.strike(act, video=videos[-1]["id"])
        else:
            self.in_vain += 1

    async def _end(self, act: plan.End) -> None:
        await self.keeper.end(act.signal)
        await asyncio.sleep(act.pause)
        await self.keeper.start(once=act.once)
        if act.fresh is not None:
            await asyncio.sleep(act.fresh)
            await self.keeper.end("KILL")
            await self.keeper.start(once=act.once)

    def _soon(self, what: Coroutine[Any, Any, None]) -> None:
        self._later.append(asyncio.create_task(what))

    async def _free(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.disk.free()

    async def _renew(self, seconds: float) -> None:
        """Once the token is dead, and after a while, another one."""
        deadline, before = time.monotonic() + PATIENCE, self.host.struck("expire_session")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            while self.host.struck("expire_session") == before and time.monotonic() < deadline:
                await asyncio.sleep(POLL)
                await self.host.count()
            await asyncio.sleep(seconds)
            self._write(self._token, await self.host.new_token())

    def _jump(self, offset: int) -> None:
        self._offset = offset
        self._write(self._clock, str(offset))

    def _write(self, path: Path, text: str) -> None:
        beside = path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(path)

    # --- afterwards -----------------------------------------------------------------------------------

    async def _calm(self) -> None:
        await asyncio.gather(*self._later)
        await self.folder.finish()
        self.disk.free()
        await self.host.calm()
        self._write(self._token, await self.host.new_token())

    async def _come_to_rest(self) -> None:
        deadline, seen = time.monotonic() + REST_WITHIN, 0
        while seen < 2:  # a look may fall between a file's end and its row
            await self._look()
            seen = seen + 1 if self._is_at_rest() else 0
            if time.monotonic() > deadline:
                self.wrongs.append(
                    f"not at rest after {REST_WITHIN:g} s: {self.ledger.unrest(self._files())}"
                )
                return
            await asyncio.sleep(0.15)

    def _files(self) -> set[tuple[bytes, int, int]]:
        return set(lying_below(self.folder.drop))

    def _is_at_rest(self) -> bool:
        return not self.ledger.unrest(self._files())

    async def _finish(self) -> None:
        """What failed for good is handed back, once; and what takes OK's time gets it."""
        if self.ledger.to_hand_back():
            self.handed_back = len(self.ledger.to_hand_back())
            await self._command("retry", "--failed")
        for _ in range(ROUNDS):
            if not self.ledger.left_to_do(confirm=self.schedule.after == "delete" or self.host.has_words):
                return
            self._jump(self._offset + HOUR)
            await self._command("run", "--once")
            await self._look()

    async def _command(self, *arguments: str) -> None:
        ended = await self.daemon.ends(*arguments)
        if ended.code not in {0, 1}:
            self.wrongs.append(f"{' '.join(arguments)} ended with {ended.code}: {ended.text[-300:]}")


async def storm(schedule: Schedule, place: Path) -> Facts:
    """Carry a schedule out in an empty folder."""
    place.mkdir(parents=True)
    with small_disk(place / "small") as disk:
        host = Host(place / "emulator", schedule)
        await host.start()
        try:
            return await Storm(schedule, place, disk, host).blow()
        finally:
            await host.kill()
            for path in disk.place.glob("ledger.db*"):  # the disk goes, the evidence stays
                shutil.copy(path, place)
