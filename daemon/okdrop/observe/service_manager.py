"""Tells the service manager how the daemon stands: sd_notify(3) over `$NOTIFY_SOCKET`.

    READY=1      with the event service.ready          STATUS=    one line, kept up, once a second at most
    STOPPING=1   with the event service.draining       WATCHDOG=1 each time the event loop came round

The protocol is a datagram of `NAME=value` lines. What exists for it is either a binding to libsystemd, which
needs a compiler and that library, or as long as what is here; so it is written here. Without the variable
nothing is sent, and a manager that does not listen is no trouble of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Final, Protocol, Self

from okdrop import events
from okdrop.observe.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STATUS_EVERY: Final = 1.0
"""Seconds between two status lines, at least."""

_DRAINING: Final = "stopping: segments under way may land"


class Standing(Protocol):
    """How many uploads are being worked on, and how many wait."""

    @property
    def in_hand(self) -> int:
        """Being worked on."""

    @property
    def waiting(self) -> int:
        """Waiting for their turn, or for their next try."""


class ServiceManager:
    """A listener to events; an asynchronous context manager that keeps the watchdog content.

    Args:
        environ: the environment variables: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
        standing: asked how the uploads stand.
        status_every: seconds between two status lines, at least.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        standing: Callable[[], Standing],
        status_every: float = STATUS_EVERY,
    ) -> None:
        self._address: Final = _address(environ.get("NOTIFY_SOCKET", ""))
        self._beat_every: Final = _beat_every(environ, os.getpid())
        self._standing: Final = standing
        self._status_every: Final = status_every
        self._socket: socket.socket | None = None
        self._beating: asyncio.Task[None] | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._ready = False
        self._stopping = False
        self.condition: Final = Condition()  #: what is wrong, and whether it is ready
        self._last = ""

    async def __aenter__(self) -> Self:
        if self._address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
            if self._beat_every is not None:
                self._beating = asyncio.create_task(self._beat(self._beat_every))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        if self._soon is not None:
            self._soon.cancel()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def hear(self, event: events.Event) -> None:
        """Pass on what a service manager wants to know."""
        self.condition.hear(event)
        if self._socket is None:
            return
        if isinstance(event, events.DrainStarted):
            self._stopping = True
            self._say("STOPPING=1", f"STATUS={_DRAINING}")
        elif isinstance(event, events.ServiceReady):
            self._ready = True
            self._say("READY=1", f"STATUS={self.status()}")
        elif self._soon is None and not isinstance(event, events.SegmentStored):  # they change no line
            loop = asyncio.get_running_loop()
            self._soon = loop.call_later(self._status_every, self._tell_status)

    def _tell_status(self) -> None:
        self._soon = None
        if not self._stopping and (line := self.status()) != self._last:
            self._last = line
            self._say(f"STATUS={line}")

    def status(self) -> str:
        """The line as it is now."""
        standing = self._standing()
        work = f"{standing.in_hand} uploading, {standing.waiting} waiting"
        return "; ".join([*self.condition.troubles, work if self._ready else "starting"])

    async def _beat(self, every: float) -> None:
        while True:
            self._say("WATCHDOG=1")
            await asyncio.sleep(every)

    def _say(self, *lines: str) -> None:
        if self._socket is not None and self._address is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(lines).encode(), self._address)


def _address(named: str) -> str | None:
    """Where to send; `@` stands for the abstract namespace."""
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else None


def _beat_every(environ: Mapping[str, str], process: int) -> float | None:
    """Seconds between signs of life: half of what is granted, by sd_watchdog_enabled(3); None: not asked."""
    granted, whose = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not granted.isdecimal() or int(granted) == 0 or (whose and whose != str(process)):
        return None
    return int(granted) / 2_000_000
