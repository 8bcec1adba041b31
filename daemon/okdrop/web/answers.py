"""JSON, and errors in words: every refusal is an object with one sentence, and HTTP's own status."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

WITHIN: Final = 10.0
"""Seconds that an answer may wait for the ledger."""

_LARGEST_BODY_WAIT: Final = 10.0
"""Seconds that a short body may take to come."""


class RefusedError(Exception):
    """A request that is not carried out.

    Args:
        status: HTTP's.
        message: why, in words.
        headers: what else the answer has.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status: Final = status
        self.message: Final = message
        self.headers: Final = headers or {}

    @property
    def answer(self) -> web.Response:
        """As it is sent."""
        return told({"error": self.message}, status=self.status, headers=self.headers)


def told(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON; what is not ASCII is escaped, so that any path comes through."""
    return web.Response(
        text=json.dumps(value) + "\n",
        status=status,
        headers=headers,
        content_type="application/json",
    )


@contextlib.asynccontextmanager
async def ledger_within(seconds: float = WITHIN) -> AsyncIterator[None]:
    """Have the block ask the ledger; what comes of that is told, and nothing waits for ever.

    Raises:
        RefusedError: 503, the ledger cannot be used now.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise RefusedError(503, "the ledger gives no answer just now; look again later") from None
    except LedgerError as error:
        words = f"{error.message}; {error.hint}" if error.hint else error.message
        raise RefusedError(503, words) from None


async def body_of(request: web.Request) -> dict[str, Any]:
    """The object in a request's body.

    Raises:
        RefusedError: there is none, in words.
    """
    if request.content_type != "application/json":
        raise RefusedError(415, "the body must be JSON, with Content-Type: application/json")
    try:
        async with asyncio.timeout(_LARGEST_BODY_WAIT):
            value = json.loads(await request.text())
    except (ValueError, RecursionError):  # UnicodeDecodeError is one
        raise RefusedError(400, "the body is not JSON") from None
    except LookupError:
        raise RefusedError(415, "the body is in an encoding that nobody knows") from None
    except TimeoutError:
        raise RefusedError(408, "the body did not come") from None
    if not isinstance(value, dict):
        raise RefusedError(400, "the body must be a JSON object")
    return value


def whole_number(request: web.Request, name: str, *, default: int, low: int, high: int) -> int:
    """A number out of the query.

    Raises:
        RefusedError: it is none, or not between these, both included.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(high)) and low <= int(text) <= high):
        raise RefusedError(400, f"{name} must be a whole number from {low} to {high}")
    return int(text)
