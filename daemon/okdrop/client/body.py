"""A segment's bytes on their way into a request: streamed, counted, and never padded.

aiohttp puts the URL into the text of what it raises when a body fails, and the URL is signed. So this body
lets nothing of that kind happen: it keeps what went wrong (`broken`), ends its own task, and whoever drives
the request looks there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError
from aiohttp.payload import Payload

from okdrop.client.progress import Line, look
from okdrop.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp.abc import AbstractStreamWriter


class LineCutError(Exception):
    """The connection went away while the body was written."""


class SegmentBody(Payload):
    """Streams `size` bytes out of `blocks`.

    Args:
        blocks: the bytes in order, in blocks of any size.
        size: how many there must be.
        sent: told the length of each block as it is handed to the line.
    """

    _autoclose = True  # there is nothing to close that the driver does not close itself

    def __init__(
        self, blocks: AsyncIterator[bytes | memoryview], size: int, sent: Callable[[int], None]
    ) -> None:
        super().__init__(blocks, content_type="application/octet-stream")
        self._size: int = size
        self._blocks = blocks
        self._sent = sent
        self._task: asyncio.Task[Any] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._ended = asyncio.Event()
        self.at_first: Line | None = None  #: how the line stood before the body began
        self.handed = 0  #: bytes written to the transport
        self.broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    @property
    def whole(self) -> bool:
        """Whether every byte was handed to the line."""
        return self.handed == self._size

    def line(self) -> Line | None:
        """How the line stands; None before the body began."""
        return look(self._transport, self.handed) if self._transport is not None else None

    def abort(self) -> None:
        """Drop the connection at once, whatever still waits in its buffer."""
        transport = self._transport
        if transport is None or (transport.is_closing() and not transport.get_write_buffer_size()):
            return  # gone, or about to be: asyncio's own transport cannot be aborted after that
        transport.abort()

    async def stop(self) -> None:
        """Come back when nothing touches `blocks` any more, and let them close."""
        if self._task is not None and not self._ended.is_set():
            self._task.cancel()
            await self._ended.wait()
        close = getattr(self._blocks, "aclose", None)
        if close is not None:
            await close()

    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,  # noqa: ARG002  the length is ours to keep
    ) -> None:
        """Write the body; called by aiohttp, in a task of its own."""
        self._consumed = True  # a stream cannot be sent a second time by itself
        self._task = asyncio.current_task()
        self._transport = writer.transport
        self.at_first = self.line()
        try:
            # From Python 3.12 on aiohttp begins this task before it waits for the answer: let it get that
            # far first, or an abort would pull the connection from under it.
            await asyncio.sleep(0)
            await self._stream(writer)
        except Exception as error:  # noqa: BLE001  whatever the source raised goes to the driver, unchanged
            self._break(error)
            raise asyncio.CancelledError from None
        finally:
            self._ended.set()

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body."""
        await self.write_with_length(writer, None)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  aiohttp's form
        """Refuse: a segment is never text."""
        raise TypeError("a segment is no text")

    async def _stream(self, writer: AbstractStreamWriter) -> None:
        async for block in self._blocks:
            if self.handed + len(block) > self._size:
                raise LocalProtocolError("more bytes than the segment holds")
            # Counted before the write: the answer may come while it waits for the buffer to drain.
            self.handed += len(block)
            self._sent(len(block))
            try:
                await writer.write(block)
            except (OSError, ClientError):
                raise LineCutError from None
            if self.whole:
                # Not one look further: the answer may come meanwhile, and a writer that is
                # still at work then costs the connection.
                return
        raise LocalProtocolError("fewer bytes than the segment holds")

    def _break(self, error: Exception) -> None:
        if not self.broken.done():
            self.broken.set_result(error)
        if not isinstance(error, LineCutError):
            self.abort()
