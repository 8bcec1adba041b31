"""Listens, and lets go: the daemon's own HTTP for as long as a block lasts."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from okdrop import events
from okdrop.errors import ConfigurationError
from okdrop.web.door import Connections
from okdrop.web.figures import Figures
from okdrop.web.guard import Guard, add_headers
from okdrop.web.health import Health
from okdrop.web.login import Login
from okdrop.web.openapi import Contract
from okdrop.web.page import Page
from okdrop.web.steering import Steering
from okdrop.web.stream import Stream
from okdrop.web.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.web.daemon import Daemon

LARGEST_BODY: Final = 16 * 1024
"""Bytes; what is asked fits into some hundred."""

KEEP: Final = 30.0
"""Seconds for which a connection that asks nothing is kept."""

LET_GO_WITHIN: Final = 1.0
"""Seconds that answers under way may take at the end."""

_BACKLOG: Final = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where, and for whom.

    `host` and `port` are those of `web.listen`; port 0 is any free one. `token` is what has to be shown, ""
    for nothing, and `view_token` what is shown by who only looks on. `hosts` are further names by which it
    may be called.
    """

    host: str
    port: int
    token: str = dataclasses.field(default="", repr=False)
    view_token: str = dataclasses.field(default="", repr=False)
    hosts: tuple[str, ...] = ()


class WebServer:
    """An asynchronous context manager; `stream.hear` listens to events.

    Args:
        listen: where, and for whom.
        daemon: what is asked and told.
        monotonic: seconds.
        emit: told where it listens, of wrong tokens and of bugs.
    """

    def __init__(
        self, listen: Listen, daemon: Daemon, *, monotonic: Callable[[], float], emit: events.Emit
    ) -> None:
        self._listen: Final = listen
        self._emit: Final = emit
        figures = Figures(daemon)
        self.stream: Final = Stream(daemon.now, look=figures.pulse, monotonic=monotonic)
        guard = Guard(
            host=listen.host,
            hosts=listen.hosts,
            token=listen.token,
            view_token=listen.view_token,
            now=daemon.now,
            monotonic=monotonic,
            emit=emit,
        )
        self._connections: Final = Connections(monotonic)
        application = web.Application(
            middlewares=[self._connections.note, guard.admit], client_max_size=LARGEST_BODY
        )
        application.on_response_prepare.append(add_headers)
        self._login: Final = Login(guard, daemon)
        for desk in (
            Health(daemon),
            Uploads(daemon),
            Steering(daemon),
            figures,
            self.stream,
            Contract(),
            self._login,
            Page(),
        ):
            application.add_routes(desk.routes())
        self._runner: Final = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=KEEP,
            shutdown_timeout=LET_GO_WITHIN,
        )
        self._server: asyncio.Server | None = None
        self.address = ""  #: as a URL begins, once it listens

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigurationError: it cannot be listened there.
        """
        await self._login.recall()
        listening = self._bound()
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(
            self._connection, sock=listening, backlog=_BACKLOG
        )
        host, port = listening.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._emit(events.WebListening(address=self.address))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.stream.close()
        await self._runner.cleanup()

    def _connection(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert server is not None  # noqa: S101 - it is set up before anybody can connect
        return self._connections.door(server)

    def _bound(self) -> socket.socket:
        host, port = self._listen.host, self._listen.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise ConfigurationError(
                f"web.listen: nothing can listen on {host}:{port}: {why}",
                hint='name another port, or set it to "" for no HTTP at all',
            ) from None
        if not self._listen.token and not ipaddress.ip_address(listening.getsockname()[0]).is_loopback:
            listening.close()
            raise ConfigurationError(
                f"web.listen: {host} is no name of this machine alone",
                hint="set web.token, or listen on 127.0.0.1",
            )
        listening.setblocking(False)
        return listening
