"""A whole file on its way into a form: what stands before it, its bytes, what stands after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from okdrop.protocol.form import Form


async def enclosed(
    form: Form, blocks: AsyncIterator[bytes | memoryview], size: int, sent: Callable[[int], None]
) -> AsyncGenerator[bytes | memoryview, None]:
    """The bytes of the whole body, block after block; `blocks` is closed in the end, if it can be.

    Args:
        form: what goes around the file.
        blocks: the file.
        size: how many bytes it must have.
        sent: told the length of each block of the file, as it is handed to the line.

    Raises:
        LocalProtocolError: `blocks` held another number of bytes. The form is not closed then: a reader
            that stops at the closing boundary never takes a part of the file for the whole.
    """
    try:
        yield form.head
        left = size
        async for block in blocks:
            left -= len(block)
            if left < 0:
                raise LocalProtocolError("more bytes than the file holds")
            sent(len(block))
            yield block
            if not left:
                break
        if left:
            raise LocalProtocolError("fewer bytes than the file holds")
        yield form.tail
    finally:
        close = getattr(blocks, "aclose", None)
        if close is not None:
            await close()
