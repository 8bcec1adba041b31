"""A form on its way in: multipart/form-data that holds one file (RFC 7578; protocol.md 1.2)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import web

from okdrop.emulator.gate import Refusal
from okdrop.emulator.line import LineCut

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM: Final = "multipart/form-data"
"""The content type that asks for the simple mode."""

_SMALLEST_READ: Final = 4096  # aiohttp's reader wants room for a boundary


class FormFile:
    """The one file of a form, whatever its field is called.

    Args:
        request: whose body the form is.
        largest: bytes that the file may have.
    """

    def __init__(self, request: web.Request, largest: int) -> None:
        self._request = request
        self._largest = largest
        self._taken = 0

    async def begin(self) -> None:
        """Read up to the first byte of the file.

        Raises:
            Refusal: 411 without a length, 413 where it is too long, 400 where there is no file.
            LineCut: the other side left.
        """
        if self._request.content_length is None:
            raise Refusal(411, "length")
        if self._request.content_length > self._largest + _SMALLEST_READ:
            raise Refusal(413, "too large")
        with _form():
            self._reader = await self._request.multipart()
            part = await self._next_file()
        if part is None:
            raise Refusal(400, "no file")
        self._part = part

    async def _next_file(self) -> aiohttp.BodyPartReader | None:
        """The next part that is a file; what else the form holds is passed over."""
        async for part in self._reader:
            if isinstance(part, aiohttp.BodyPartReader) and part.filename is not None:
                return part
        return None

    async def read(self, size: int) -> bytes:
        """Some more bytes of the file; none at its end.

        Raises:
            Refusal: 413 where it is too long, 400 where the form ends without being closed.
            LineCut: the other side left.
        """
        with _form():
            block = bytes(await self._part.read_chunk(max(size, _SMALLEST_READ)))
        self._taken += len(block)
        if self._taken > self._largest:
            raise Refusal(413, "too large")
        return block

    async def end(self) -> None:
        """Read what follows the file.

        Raises:
            Refusal: 400 for a second file, or where the form is not closed.
            LineCut: the other side left.
        """
        with _form():
            another = await self._next_file()
        if another is not None:
            raise Refusal(400, "more than one file")


@contextlib.contextmanager
def _form() -> Iterator[None]:
    try:
        yield
    except (ConnectionError, web.RequestPayloadError) as error:
        raise LineCut from error
    except ValueError:
        raise Refusal(400, "form") from None
