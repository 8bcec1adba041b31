"""Events as they happen, for whoever listens (server-sent events, HTML standard 9.2).

Each listener has a queue of its own, with a bound. One that is slower than what happens is cut, and comes
back by itself: what it missed is in the ledger. Nobody who works here waits for any of them.

Places are few, and nobody keeps one for nothing: who has left makes room, who takes nothing for some seconds
is cut, and where there is no room for one more, the one that has listened for the longest time goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.documents import rfc3339
from okdrop.web.answers import RefusedError, whole_number
from okdrop.web.pulse import LONGEST, SHORTEST, Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from okdrop.events import Event

LISTENERS: Final = 16
"""At once, at most."""

QUEUE: Final = 512
"""Events that wait for one listener."""

HEARTBEAT: Final = 15.0
"""Seconds after which silence is told of: else whoever stands between takes it for the end."""

TAKEN_WITHIN: Final = 10.0
"""Seconds for which one who takes nothing of what is sent is waited for."""

LEVELS: Final = ("debug", "info", "warning", "error")
_NEWS: Final = LEVELS.index("info")

_HELLO: Final = b"retry: 2000\n\n"
_BEAT: Final = b": still here\n\n"


class _Listener:
    """One connection."""

    def __init__(self, level: str, pulse: Pulse | None = None) -> None:
        self.pulse: Final = pulse
        self.lowest: Final = LEVELS.index(level)
        self.queue: Final[asyncio.Queue[bytes | None]] = asyncio.Queue(QUEUE)
        self.transport: asyncio.Transport | None = None

    @property
    def has_left(self) -> bool:
        """Whether nobody is there any more."""
        return self.transport is not None and self.transport.is_closing()

    def cut(self) -> None:
        """End its connection."""
        if self.transport is not None:
            self.transport.abort()

    def put(self, block: bytes | None) -> bool:
        """Have it sent; whether there is room."""
        try:
            self.queue.put_nowait(block)
        except asyncio.QueueFull:
            return False
        return True


class Stream:
    """A listener to events, and the desk for `/api/events`.

    Args:
        now: aware times.
        look: what a pulse tells.
        monotonic: seconds.
        heartbeat: seconds of silence after which something is said.
        taken_within: seconds for which one who takes nothing is waited for.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        look: Callable[[], dict[str, Any]] = dict,
        monotonic: Callable[[], float] = time.monotonic,
        heartbeat: float = HEARTBEAT,
        taken_within: float = TAKEN_WITHIN,
    ) -> None:
        self._now: Final = now
        self._look: Final = look
        self._monotonic: Final = monotonic
        self._heartbeat: Final = heartbeat
        self._taken_within: Final = taken_within
        self._listeners: Final[dict[_Listener, None]] = {}  # the one that came first is the first
        self._number = 0
        self._news = 0  # those that were of level "info" and above
        self._closed = False

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [web.get("/api/events", self._listen, allow_head=False)]

    def __len__(self) -> int:
        return len(self._listeners)

    def hear(self, event: Event) -> None:
        """Pass an event on to everybody who wants that much."""
        self._number += 1
        level = LEVELS.index(event.level)
        self._news += level >= _NEWS
        wanting = [listener for listener in self._listeners if level >= listener.lowest]
        if not wanting:
            return
        block = self._block(event)
        for listener in wanting:
            if not listener.put(block):
                self._drop(listener)

    def close(self) -> None:
        """Nothing more comes: let everybody go."""
        self._closed = True
        for listener in [*self._listeners]:
            if not listener.put(None):
                self._drop(listener)

    def _looked(self) -> dict[str, Any]:
        """What a pulse tells. By the number of events it is seen that there is something new to ask for."""
        return {**self._look(), "events": self._news}

    def _drop(self, listener: _Listener) -> None:
        self._listeners.pop(listener, None)
        listener.cut()

    def _block(self, event: Event) -> bytes:
        facts = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        document = {"event": event.name, "level": event.level, "at": rfc3339(self._now())} | facts
        return f"id: {self._number}\nevent: {event.name}\ndata: {json.dumps(document)}\n\n".encode()

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        level = request.query.get("level", "info")
        if level not in LEVELS:
            raise RefusedError(400, f"level must be one of {', '.join(LEVELS)}")
        every = whole_number(request, "pulse", default=0, low=SHORTEST, high=LONGEST)
        if self._closed:
            raise RefusedError(503, "nothing more comes", {"Retry-After": "5"})
        self._make_room()
        pulse = Pulse(every / 1000, self._looked, self._monotonic) if every else None
        listener = _Listener(level, pulse)
        self._listeners[listener] = None
        try:
            return await self._pass_on(request, listener)
        finally:
            self._listeners.pop(listener, None)

    def _make_room(self) -> None:
        """Have a place free for one more."""
        for one in [one for one in self._listeners if one.has_left]:
            self._drop(one)
        while len(self._listeners) >= LISTENERS:
            self._drop(next(iter(self._listeners)))

    async def _pass_on(self, request: web.Request, listener: _Listener) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        listener.transport = request.transport
        with contextlib.suppress(ConnectionError):  # who leaves is not told of it
            await response.prepare(request)
            block: bytes | None = _HELLO
            while block is not None:
                try:
                    async with asyncio.timeout(self._taken_within):
                        await response.write(block)
                except TimeoutError:
                    self._drop(listener)
                    break
                block = await self._next_block(listener)
        return response

    async def _next_block(self, listener: _Listener) -> bytes | None:
        """What comes next, or that there is silence; None: nothing more comes."""
        silent_from = self._monotonic()
        while (left := silent_from + self._heartbeat - self._monotonic()) > 0:
            pulse = listener.pulse
            try:
                async with asyncio.timeout(left if pulse is None else min(left, pulse.wait)):
                    return await listener.queue.get()
            except TimeoutError:
                if pulse is not None and not pulse.wait and (block := pulse.block()):
                    return block
        return (listener.pulse.again if listener.pulse is not None else b"") or _BEAT
