"""`okdrop demo`: the whole road on this machine alone, from a folder to published videos.

The real commands as real processes: `okdrop emulator` plays OK.ru with some bad weather, `okdrop run`
watches a folder, and clips are dropped into it as a recorder, a copying tool and a person would. The
verdict is the emulator's own account: what it got, byte for byte.

    clips     what is dropped, and how         stage     the processes and their configuration
    show      what is seen meanwhile           verdict   what became of each clip
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from okdrop.demo import clips, stage, verdict
from okdrop.demo.show import Show

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from okdrop.demo.stage import Daemon

PATIENCE: Final = 180.0
"""Seconds after which the demonstration is not waited for any longer; it takes about fifteen."""


def main(*, keep: bool = False) -> int:
    """Run the demonstration.

    Args:
        keep: leave everything running afterwards, until a signal; what lies in the folder is left there,
            since it may be somebody's own.

    Returns:
        0 when every clip arrived whole and was published once.
    """
    place = Path(tempfile.mkdtemp(prefix="okdrop-demo-"))
    try:
        return asyncio.run(_until_a_signal(_play(place, keep=keep)))
    finally:
        if keep:
            print(f"\nLeft in {place}: what was dropped, and what was published; delete it when you like.")
        else:
            shutil.rmtree(place, ignore_errors=True)


async def _until_a_signal(playing: Coroutine[Any, Any, int]) -> int:
    """Play; a signal ends it early, and the processes with it."""
    task = asyncio.ensure_future(playing)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0  # whoever looked on has seen enough


async def _play(place: Path, *, keep: bool) -> int:
    folder = place / "drop"
    folder.mkdir()
    print(f"Clips are dropped into {folder}; the weather: {', '.join(stage.WEATHER)}\n")
    async with stage.emulator(place / "ok") as url:
        async with stage.daemon(place, url) as daemon:
            await _see_it_through(folder, daemon)
            if keep:
                verdict.report(clips.digests(), await stage.videos(url), daemon.code)
                await _stay(folder, url, daemon)
        return verdict.report(clips.digests(), await stage.videos(url), daemon.code)


async def _see_it_through(folder: Path, daemon: Daemon) -> None:
    """Drop the clips once the daemon is up; look on until each is published, or patience ends."""
    with Show() as show:
        try:
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
                async for event in daemon.events():
                    show.hear(event)
                    if event["event"] == "service.ready":
                        group.create_task(clips.drop(folder))
                    if show.published >= len(clips.CLIPS):
                        break
        except TimeoutError:
            show.say(f"not done after {PATIENCE:.0f} s")


async def _stay(folder: Path, url: str, daemon: Daemon) -> None:
    print(f"\nStill running:\n  drop videos into    {folder}\n  OK.ru's stand-in    {url}/")
    print("Interrupt (Ctrl-C) to end.")
    with Show() as show:
        async for event in daemon.events():
            show.hear(event)
