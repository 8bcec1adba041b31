"""Fixtures: a scripted server on real sockets, and a client for it."""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from okdrop.client import Client, ClientSettings, Credentials, line
from scripted import KEYS, LOOPBACK_PEM, NOW, Connect, Script, Scripted, Serve

_tls = functools.cache(line._tls)


@pytest.fixture(autouse=True)
def _one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the system's authorities once for all tests: that takes longer than most of them."""
    monkeypatch.setattr(line, "_tls", _tls)


@pytest.fixture
def serve() -> Serve:
    """Start a scripted server; `buffer` caps what its kernel holds, `limit` what it reads ahead."""

    @contextlib.asynccontextmanager
    async def start(
        script: Script, *, tls: bool = False, buffer: int = 0, limit: int = 1 << 16
    ) -> AsyncIterator[Scripted]:
        server = Scripted(script)
        sock = socket.socket()
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.bind(("127.0.0.1", 0))
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(LOOPBACK_PEM)
            server.scheme = "https"
        listener = await asyncio.start_server(server.talk, sock=sock, ssl=context, limit=limit)
        server.port = sock.getsockname()[1]
        try:
            yield server
        finally:
            listener.close()
            for task in list(server.tasks):
                task.cancel()
            await asyncio.gather(*server.tasks, return_exceptions=True)

    return start


@pytest.fixture
def connect() -> Connect:
    """A client for a scripted server; keywords change its settings."""

    def make(api_url: str = "http://127.0.0.1:1", keys: Credentials = KEYS, **settings: object) -> Client:
        defaults: dict[str, object] = {
            "api_url": api_url,
            "upload_hosts": ("127.0.0.1",),
            "stall_timeout": 10.0,
            "answer_timeout": 10.0,
            "api_timeout": 10.0,
        }
        return Client(ClientSettings(**{**defaults, **settings}), lambda: keys, now=lambda: NOW)  # type: ignore[arg-type]

    return make
