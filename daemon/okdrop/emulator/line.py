"""The TCP connection under a request: how it is cut, how it is left hanging, how fast it is read."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_ESTABLISHED: Final = 1  # the first byte of struct tcp_info: its state
_LOOK_EVERY: Final = 0.05  # seconds
_BLOCK: Final = 256 * 1024
_BLOCKS_PER_SECOND: Final = 20
_NARROWEST: Final = 8 * 1024

NARROW_PER_SECOND: Final = 8
"""A slow connection holds an eighth of a second's bytes unread."""


class LineCut(Exception):
    """The connection is gone; nothing can be answered any more."""


def cut(request: web.BaseRequest) -> LineCut:
    """Reset the connection (RST, not FIN) and give what to raise."""
    if (transport := request.transport) is not None:
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return LineCut()


def window(size: float) -> int:
    """The kernel's buffer, in bytes, that keeps about `size` bytes unread."""
    return max(_NARROWEST, min(int(size), _BLOCK))


def narrow(request: web.BaseRequest, size: float) -> None:
    """Let the kernel keep no more than about `size` bytes unread, so that a slow reader is felt as one."""
    if (transport := request.transport) is not None and not transport.is_closing():
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window(size))


def stop_reading(request: web.BaseRequest) -> None:
    """Leave what comes from now on to the kernel, and soon to the sender."""
    narrow(request, _NARROWEST)
    if (transport := request.transport) is not None:
        transport.pause_reading()


def is_gone(request: web.BaseRequest) -> bool:
    """Whether the other side has left, also while nothing is read (no event tells of it then)."""
    if (transport := request.transport) is None or transport.is_closing():
        return True
    sock = transport.get_extra_info("socket")
    return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED)


async def hang(request: web.BaseRequest, seconds: float, stopping: asyncio.Event) -> LineCut:
    """Do nothing for so long, or until the other side leaves or the emulator stops; then cut."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not is_gone(request) and (left := deadline - clock()) > 0:
        try:
            await asyncio.wait_for(stopping.wait(), min(_LOOK_EVERY, left))
            break
        except TimeoutError:
            continue
    return cut(request)


async def blocks(read: Callable[[int], Awaitable[bytes]], rate: float) -> AsyncGenerator[bytes, None]:
    """What `read` gives, at `rate` bytes a second at most (0: as fast as it comes).

    Raises:
        LineCut: the other side left before the end of the body.
    """
    clock = asyncio.get_running_loop().time
    started, received = clock(), 0
    grain = max(1, min(_BLOCK, int(rate / _BLOCKS_PER_SECOND))) if rate else _BLOCK
    while True:
        try:
            block = await read(grain)
        except (ConnectionError, web.RequestPayloadError) as error:
            raise LineCut from error
        if not block:
            return
        received += len(block)
        if rate and (early := received / rate - (clock() - started)) > 0:
            await asyncio.sleep(early)
        yield block


async def answer_now(request: web.Request, response: web.Response) -> None:
    """Send an answer before the body was read, as servers do that refuse it.

    Raises:
        LineCut: nobody is there to hear it.
    """
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError as error:
        raise LineCut from error
