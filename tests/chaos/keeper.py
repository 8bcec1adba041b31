"""The daemon of a storm, as a service manager keeps it: started, asked to end, killed, started again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.harness import Daemon, Running

FRESH: Final = 1.5
"""Seconds after which a process is surely up, and heeds signals."""

DRAINED_WITHIN: Final = 60.0
"""Seconds; many times what is configured, since a machine may be busy with other storms."""

CLEAN: Final = 0
ONCE_MAY_END: Final = frozenset({0, 1, 3})
"""All well; some upload failed; not authorised."""

LEDGER: Final = 2


def is_well(code: int, *, asked: str, once: bool, fresh: bool, disk: bool) -> bool:
    """Whether a process may end so.

    Args:
        code: its exit code; negative: the signal that ended it.
        asked: "KILL", "TERM", or "" where nobody asked.
        once: whether it was `run --once`.
        fresh: whether it may not have heeded signals yet.
        disk: whether the ledger's disk was full in its life.
    """
    if asked == "KILL":
        return code == -signal.SIGKILL or is_well(code, asked="TERM", once=once, fresh=fresh, disk=disk)
    if disk and code == LEDGER:
        return True
    if once and code in ONCE_MAY_END:
        return True
    return asked == "TERM" and (code == CLEAN or (fresh and code == -signal.SIGTERM))


class Keeper:
    """Keeps a daemon running.

    Args:
        daemon: the installation.
        disk_is_full: tells whether the ledger's disk is full.
    """

    def __init__(self, daemon: Daemon, disk_is_full: Callable[[], bool]) -> None:
        self._daemon: Final = daemon
        self._disk_is_full: Final = disk_is_full
        self._life = contextlib.AsyncExitStack()
        self._running: Running | None = None
        self._once = False
        self._since = 0.0
        self._disk = False
        self.wrongs: list[str] = []
        self.kills = 0
        self.drains = 0

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def start(self, *, once: bool = False) -> None:
        """Start it, unless it runs."""
        if self._running is not None:
            return
        self._once, self._since, self._disk = once, self._now(), self._disk_is_full()
        arguments = ("run", "--once") if once else ("run",)
        self._running = await self._life.enter_async_context(self._daemon.started(*arguments))

    def disk_is_full(self) -> None:
        """The one that runs may end by that, however soon there is room again."""
        self._disk = True

    async def look(self) -> None:
        """Start it again if it has ended by itself."""
        if self._running is not None and self._running.process.returncode is not None:
            await self._ended("")
            await self.start()

    async def end(self, how: str) -> None:
        """Ask it to end, by SIGTERM, or end it, by SIGKILL."""
        if self._running is None:
            return
        if self._running.process.returncode is None:
            self._running.send(signal.Signals[f"SIG{how}"])
            self.kills += how == "KILL"
            self.drains += how == "TERM"
        await self._ended(how)

    async def _ended(self, asked: str) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        try:
            ended = await running.end(within=DRAINED_WITHIN)
        except TimeoutError:
            self.wrongs.append(f"SIG{asked} did not end the daemon within {DRAINED_WITHIN:g} s")
        else:
            fresh = self._now() - self._since < FRESH
            disk = self._disk or self._disk_is_full()
            if not is_well(ended.code, asked=asked, once=self._once, fresh=fresh, disk=disk):
                tail = ended.text[-300:]
                self.wrongs.append(f"the daemon ended with {ended.code}, asked {asked or 'nothing'}: {tail}")
            if "service.crashed" in ended.text or "Traceback" in ended.text:
                self.wrongs.append(f"the daemon crashed: {ended.text[-600:]}")
        finally:
            await self._life.aclose()
