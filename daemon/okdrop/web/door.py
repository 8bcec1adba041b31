"""Connections, with a bound: whoever comes is let in, and who has asked nothing for the longest time goes.

A process has as many files to open as it has, and uploads need theirs. So connections are bounded; but were
the last one turned away, whoever opens that many and says nothing would keep everybody else out, and whatever
asks for health would take a daemon that is well for one that hangs.

    busy      a request is answered that showed the token, or where none is needed: stays
    else      goes when there is no room, the longest without a new request first
    silent    no request came within some seconds: goes

An address of another machine has no more than a share of them. From this machine comes a proxy, too, through
which everybody asks: it may have all.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop.web.guard import AUTHORISED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

AT_MOST: Final = 64
"""At once."""

SHARE: Final = 32
"""Of these, for one address of another machine."""

FIRST_WITHIN: Final = 5.0
"""Seconds within which the first request has to be here."""


@dataclasses.dataclass(slots=True)
class _Connection:
    transport: asyncio.Transport
    address: str  #: "" for this machine
    since: float  #: when its last request came
    asked: bool = False
    request: web.BaseRequest | None = None

    @property
    def is_busy(self) -> bool:
        return self.request is not None and bool(self.request.get(AUTHORISED))


class Connections:
    """Who is connected.

    Args:
        monotonic: seconds.
        first_within: seconds within which the first request has to be here.
    """

    def __init__(self, monotonic: Callable[[], float], *, first_within: float = FIRST_WITHIN) -> None:
        self._monotonic: Final = monotonic
        self._first_within: Final = first_within
        self._open: dict[asyncio.BaseProtocol, _Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def door(self, handler: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """What a new connection meets first; `handler` makes what it meets then, if it is let in."""
        return _Door(self, handler)

    @web.middleware
    async def note(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Take note of which connection asks something; comes before all else."""
        connection = self._open.get(request.protocol)
        if connection is None:
            return await handler(request)
        connection.since, connection.asked, connection.request = self._monotonic(), True, request
        try:
            return await handler(request)
        finally:
            connection.request = None

    def let_in(self, transport: asyncio.Transport, handler: asyncio.Protocol) -> bool:
        """Whether there is room for one more, be it that another one has to go for it."""
        self._open = {one: held for one, held in self._open.items() if not held.transport.is_closing()}
        address = _address_of(transport)
        same = [one for one, held in self._open.items() if address and held.address == address]
        if len(same) >= SHARE:
            if not self._end_one_of(same):
                return False
        elif len(self._open) >= AT_MOST and not self._end_one_of(self._open):
            return False
        self._open[handler] = _Connection(transport, address, self._monotonic())
        asyncio.get_running_loop().call_later(self._first_within, self._expect, handler)
        return True

    def _end_one_of(self, some: Iterable[asyncio.BaseProtocol]) -> bool:
        idle = [one for one in some if not self._open[one].is_busy]
        if not idle:
            return False
        self._open.pop(min(idle, key=lambda one: self._open[one].since)).transport.abort()
        return True

    def _expect(self, handler: asyncio.BaseProtocol) -> None:
        """Let go of one that said nothing yet."""
        connection = self._open.get(handler)
        if connection is not None and not connection.asked:
            del self._open[handler]
            connection.transport.abort()


class _Door(asyncio.Protocol):
    """Decides, once it is known who is there; then it is out of the way."""

    def __init__(self, connections: Connections, handler: Callable[[], asyncio.Protocol]) -> None:
        self._connections: Final = connections
        self._handler: Final = handler

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand it over, or let go of it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream it is one
        handler = self._handler()
        if not self._connections.let_in(transport, handler):
            transport.abort()
            return
        transport.set_protocol(handler)
        handler.connection_made(transport)


def _address_of(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    host = str(peer[0]).partition("%")[0] if peer else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return "" if address.is_loopback else str(address)
