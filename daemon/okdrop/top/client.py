"""Asks a daemon, listens to it, and orders it, over its own HTTP (docs/api.md).

What is wrong with the way there is `Unanswered`; what is wrong with the token, `NotAdmitted`; an order that
the daemon does not carry out, `Refused`, in its own words.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import aiohttp

from okdrop.errors import Halted, OkdropError
from okdrop.top.desk import Cancel, Limit, Pause, Retry
from okdrop.top.heard import event_of
from okdrop.top.model import Rows, rows_of, status_of
from okdrop.top.unfinished import unfinished_of
from okdrop.words import printable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from okdrop.events import UploadEvent
    from okdrop.top.desk import Order
    from okdrop.top.model import Status
    from okdrop.top.unfinished import Unfinished
    from okdrop.top.where import Where

T = TypeVar("T")

WITHIN: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
"""For one answer, in seconds: the daemon itself may wait ten for its ledger."""

_LISTENING: Final = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=45)
"""For events; after 15 seconds of silence the daemon says that it is there."""

MOST: Final = 100
"""Uploads on their way that are asked for."""

FEW: Final = 20
"""Uploads of every other kind that are asked for."""

_LARGEST: Final = 8 * 1024 * 1024  #: bytes of an answer
_REFUSED: Final = 400
_BUSY: Final = 500


class Unanswered(OkdropError):
    """The daemon gives no answer, or none that can be read."""

    code = "daemon_unanswered"


class NotAdmitted(Halted):
    """The token is missing, or another one is wanted."""

    code = "daemon_token"


class TooManyTries(NotAdmitted):
    """Wrong tokens came from this address, not necessarily from here: it is admitted again in a while."""


class Refused(OkdropError):
    """The daemon does not carry an order out, and says why."""

    code = "daemon_refused"


class Client:
    """One daemon, as long as the block lasts.

    Args:
        where: it is.
    """

    def __init__(self, where: Where) -> None:
        self._where: Final = where
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._where.token}"} if self._where.token else {}
        self._session = aiohttp.ClientSession(headers=headers, timeout=WITHIN, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def status(self) -> Status:
        """How it stands; raises Unanswered, NotAdmitted."""
        return self._read(status_of, await self._ask("GET", "/api/status"))

    async def rows(self) -> Rows:
        """The uploads that are worth a line; raises Unanswered, NotAdmitted."""
        return Rows(
            moving=await self._page("uploading,finalizing", MOST, oldest=True),
            queued=await self._page("queued", FEW, oldest=True),
            published=await self._page("published", FEW),
            failed=await self._page("failed", FEW),
        )

    async def unfinished(self) -> Unfinished:
        """The files that are not finished yet; raises Unanswered, NotAdmitted."""
        return self._read(unfinished_of, await self._ask("GET", f"/api/waiting?limit={FEW}"))

    async def order(self, order: Order) -> str:
        """Have it do something; returns what it said.

        Raises:
            Refused: it does not.
            Unanswered: it may or may not have.
            NotAdmitted: the token is not the one.
        """
        match order:
            case Pause(wanted=wanted):
                await self._ask("POST", "/api/pause" if wanted else "/api/resume")
                return "paused: segments under way land" if wanted else "it goes on"
            case Retry(upload=number):
                return self._said(await self._ask("POST", f"/api/uploads/{number}/retry"))
            case Cancel(upload=number):
                return self._said(await self._ask("POST", f"/api/uploads/{number}/cancel"))
            case Limit(limit=limit):
                await self._ask("PUT", "/api/bandwidth", {"limit": limit})
                return "the limit is as it is configured" if limit is None else f"the limit is {limit}"
            case _:
                raise AssertionError(order)  # leaving is no business of the daemon's

    async def events(self) -> AsyncGenerator[UploadEvent, None]:
        """Events about uploads as they happen, until the daemon cuts it; raises Unanswered, NotAdmitted."""
        with self._translated():
            async with self._request("GET", "/api/events?level=debug", timeout=_LISTENING) as answer:
                self._check(answer.status, {})
                async for raw in answer.content:
                    field, _, value = raw.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
                    if field == "data" and (event := event_of(value)) is not None:
                        yield event

    def _request(self, method: str, path: str, **more: Any) -> Any:
        assert self._session is not None  # noqa: S101 - within the block it is
        # A redirection is not followed: the token is for this daemon alone.
        return self._session.request(method, self._where.url + path, allow_redirects=False, **more)

    async def _page(self, states: str, limit: int, *, oldest: bool = False) -> Any:
        order = "oldest" if oldest else "newest"
        path = f"/api/uploads?state={states}&limit={limit}&order={order}"
        return self._read(rows_of, await self._ask("GET", path))

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        more = {} if body is None else {"json": body}
        with self._translated():
            async with self._request(method, path, **more) as answer:
                raw = await _read_all(answer.content)
                status = answer.status
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError):
            document = None
        self._check(status, document)
        return document

    def _check(self, status: int, document: Any) -> None:
        """Raise what an answer stands for that is no answer to the question."""
        words = printable(str(document.get("error", ""))) if isinstance(document, dict) else ""
        if status == _TOO_MANY:
            raise TooManyTries(f"{self._where.url}: {words or 'too many wrong tokens'}", hint=_WHICH_ONE)
        if status == _NOT_ADMITTED:
            raise NotAdmitted(f"{self._where.url}: {words or 'this is not the token'}", hint=_WHICH_ONE)
        if document is None or not (_OK <= status < _REDIRECTED or status >= _REFUSED):
            raise self._stranger()
        if status >= _BUSY:
            raise Unanswered(f"{self._where.url}: {words or f'answers {status}'}")
        if status >= _REFUSED:
            raise Refused(words or f"refused, with {status}")

    def _said(self, document: Any) -> str:
        return self._read(lambda answer: printable(str(answer["said"])), document)

    def _read(self, reading: Callable[[Any], T], document: Any) -> T:
        try:
            return reading(document)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise self._stranger() from None

    def _stranger(self) -> Unanswered:
        return Unanswered(f"what answers at {self._where.url} is no okdrop daemon, or one of another version")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            raise Unanswered(
                f"no daemon answers at {self._where.url} ({_reason(error)})",
                hint="is it running, is web.listen set?",
            ) from None


_OK: Final = 200
_REDIRECTED: Final = 300
_NOT_ADMITTED: Final = 401
_TOO_MANY: Final = 429
_WHICH_ONE: Final = "it is web.token of its configuration; --token-file FILE shows one"


async def _read_all(content: aiohttp.StreamReader) -> bytes:
    """A whole body; one that never ends is none of a daemon's."""
    raw = bytearray()
    async for chunk in content.iter_any():
        raw += chunk
        if len(raw) > _LARGEST:
            raise ValueError("an answer too large")
    return bytes(raw)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    text = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return printable(str(text))
