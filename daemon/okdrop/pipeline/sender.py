"""Bytes of one revision on their way from the file into a request, and nothing but that revision's.

The source is compared before the request begins and after its answer came; while it is read, it compares
itself. What a request means is the session's business, what is to be in the ledger the attempt's.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Final, Protocol

from okdrop.pipeline.accounts import client_of
from okdrop.pipeline.throttle import throttled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from okdrop.drop import Ticket, Upload
    from okdrop.inbox.source import Source
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.proof import Proof
    from okdrop.protocol import messages as m
    from okdrop.protocol.ranges import ByteRange
    from okdrop.protocol.tickets import TicketSession


class Leaving(Protocol):
    """Called before each block of a whole file leaves; it leaves once this has returned."""

    async def __call__(self, *, last: bool) -> None:
        """`last`: with this block the server may have all of it."""


class Sender:
    """Sends segments, or the whole file, of one upload.

    Args:
        parts: what all stages share.
        source: the file.
        row: the upload.
        session: knows the size, and how the host takes segments.
        on_line: told of which span how many more bytes were put on the line.
        leaving: waited for before each block of a whole file.
        proof: hashes what leaves.
    """

    def __init__(
        self,
        parts: Parts,
        source: Source,
        row: Upload,
        session: TicketSession,
        on_line: Callable[[ByteRange, int], None],
        leaving: Leaving,
        proof: Proof,
    ) -> None:
        self._client: Final = client_of(parts, row.account)
        self._source: Final = source
        self._file_name: Final = parts.file_name(row.drop)
        self._session: Final = session
        self._on_line: Final = on_line
        self._leaving: Final = leaving
        self._proof: Final = proof
        self._throttles: Final = parts.throttles_of(row.drop)

    async def segment(self, ticket: Ticket, span: ByteRange) -> m.SegmentAnswer:
        """Send one segment.

        Raises:
            UploadError: the file is another revision, or cannot be read now or at all.
        """
        await self._source.check()
        async with contextlib.aclosing(self._source.read(span, note=self._proof.begins(span))) as blocks:
            answer = await self._client.send(
                ticket,
                span,
                total=self._session.size,
                mode=self._session.mode,
                file_name=self._file_name,
                blocks=throttled(blocks, self._throttles),
                sent=functools.partial(self._on_line, span),
            )
        await self._source.check()
        return answer

    async def file(self, ticket: Ticket, span: ByteRange) -> m.SegmentAnswer:
        """Send the whole file in one request; raises as `segment` does."""
        await self._source.check()
        async with contextlib.aclosing(self._whole(span)) as blocks:
            answer = await self._client.send_file(
                ticket,
                size=self._session.size,
                file_name=self._file_name,
                blocks=blocks,
                sent=functools.partial(self._on_line, span),
            )
        await self._source.check()
        return answer

    async def _whole(self, span: ByteRange) -> AsyncGenerator[bytes | memoryview, None]:
        left = len(span)
        async with contextlib.aclosing(self._source.read(span, note=self._proof.begins(span))) as blocks:
            async for block in throttled(blocks, self._throttles):
                left -= len(block)
                await self._leaving(last=not left)
                yield block
