"""The emulator as a whole: parts put together, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import web

from okdrop.emulator import line
from okdrop.emulator.api import Api
from okdrop.emulator.control import Control
from okdrop.emulator.faults import Faults
from okdrop.emulator.gate import Gate
from okdrop.emulator.line import LineCut
from okdrop.emulator.methods import Methods
from okdrop.emulator.options import EmulatorError, Options
from okdrop.emulator.page import POLICY, Page
from okdrop.emulator.segments import SegmentDesk
from okdrop.emulator.sessions import Sessions
from okdrop.emulator.status import StatusDesk
from okdrop.emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_READ_BUFFER: Final = 256 * 1024
_SMALLEST_READ_BUFFER: Final = 4096
_SHUTDOWN: Final = 0.5  # seconds that requests get to end in


class Emulator:
    """OK's side, from `async with` to its end.

    Args:
        options: which server is played.
        clock: seconds since the epoch.

    Raises:
        EmulatorError: on entering, when the port or the data directory is taken.
    """

    def __init__(self, options: Options, *, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        self.faults = Faults(options.faults, seed=options.seed)
        self._clock = clock
        self._url = ""
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            store = Store(self.options.data_dir, seed=self.options.seed)
            stack.callback(store.close)
            stopping = asyncio.Event()
            gate = Gate(
                options=self.options, store=store, faults=self.faults, clock=self._clock, stopping=stopping
            )
            runner = web.AppRunner(
                self._application(gate),
                access_log=None,
                shutdown_timeout=_SHUTDOWN,
                read_bufsize=self._read_buffer(),
                auto_decompress=False,
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await self._listen(runner)
            stack.callback(stopping.set)
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._exit.aclose()

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = email.utils.formatdate(self._clock(), usegmt=True)

    def _application(self, gate: Gate) -> web.Application:
        def url() -> str:
            return self._url

        self._store = gate.store
        segments, status = SegmentDesk(gate), StatusDesk(gate)
        sessions = self.sessions = Sessions(gate)
        api = Api(gate, sessions, Methods(gate, url))
        self._control = Control(gate, api, segments, url)
        application = web.Application(middlewares=[_without_a_line, _guarded])
        application.on_response_prepare.append(self._date)
        application.add_routes(
            [
                web.get("/fb.do", api.call),
                web.post("/fb.do", api.call),
                web.get("/api/{group}/{name}", api.call),
                web.post("/api/{group}/{name}", api.call),
                web.post("/oauth/token.do", sessions.grant),
                web.get("/upload.do", status.get, allow_head=False),
                web.post("/upload.do", segments.post),
                web.post("/photo.do", api.photo),
                *self._control.routes(),
                *Page(gate.store).routes(),
            ]
        )
        return application

    def _read_buffer(self) -> int:
        """Bytes read ahead of a request's handling: few where a connection is to be slow."""
        rate = self.options.bytes_per_second
        return min(_READ_BUFFER, max(_SMALLEST_READ_BUFFER, int(rate / 8))) if rate else _READ_BUFFER

    async def _listen(self, runner: web.AppRunner) -> None:
        host, port = self.options.host, self.options.port
        try:
            await web.SockSite(runner, self._listening_socket(host, port)).start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise EmulatorError(f"cannot listen on {host}:{port}: {why}; name another port, or 0") from error
        bound = runner.addresses[0]
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{bound[1]}"

    def _listening_socket(self, host: str, port: int) -> socket.socket:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        if rate := self.options.bytes_per_second:
            # Connections inherit it: narrowed later, the first would take a default window's bytes at once,
            # and then look stalled to its sender until those are read.
            listening.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, line.window(rate / line.NARROW_PER_SECOND)
            )
        return listening

    @property
    def url(self) -> str:
        """Where it is reached: `http://127.0.0.1:PORT`."""
        return self._url

    @property
    def api_url(self) -> str:
        """What a client takes for `https://api.ok.ru`."""
        return self._url

    def videos(self) -> list[dict[str, Any]]:
        """The account of every video there ever was, oldest first, as `/emulator/videos` has it."""
        return [self._control.account(video) for video in self._store.all()]

    def summary(self) -> dict[str, Any]:
        """The whole in numbers, as `/emulator/summary` has it."""
        return self._control.summary()


async def serve(options: Options) -> None:
    """Run an emulator until SIGTERM, SIGINT or cancellation, and say where it listens.

    Raises:
        EmulatorError: the port or the data directory is taken.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    async with Emulator(options) as emulator:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            sys.stdout.write(f"emulator: listening on {emulator.url}, keeping videos in {options.data_dir}\n")
            sys.stdout.flush()
            await stop.wait()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


@web.middleware
async def _without_a_line(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """End a request quietly whose connection is gone."""
    try:
        return await handler(request)
    except LineCut:
        return web.Response()


@web.middleware
async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Say to browsers, with each answer, what they may do with it."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(_GUARDS)
        raise
    if not response.prepared:
        response.headers.update(_GUARDS)
    return response


_GUARDS: Final = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
