"""One HTTP exchange over aiohttp: what is common to the API and the upload URL.

TLS is always verified, redirects are not followed, cookies not kept, the environment not asked. Foreign
exceptions are put into words by their class alone: their own texts hold URLs, and those are signed.
"""

from __future__ import annotations

import dataclasses
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from okdrop.errors import ConfigurationError
from okdrop.protocol import unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import yarl
    from aiohttp.connector import AddrInfoType

    from okdrop.client.settings import ClientSettings

LONGEST_BODY: Final = 1 << 20
"""Bytes: no answer of the protocol comes near; a longer one is not read."""

FAULTS: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""What an exchange raises; `words` names it."""

# Unsent bytes kept in the kernel: enough for a fast line, few enough that its account stays near the truth.
_UNSENT_LIMIT: Final = 256 * 1024
_FIRST_ERROR: Final = 300

_WORDS: Final[tuple[tuple[type[BaseException], str, bool], ...]] = (
    (aiohttp.ClientConnectorCertificateError, "the TLS certificate cannot be verified", False),
    (aiohttp.ClientConnectorSSLError, "TLS could not be agreed upon", False),
    (aiohttp.ClientProxyConnectionError, unreachable.NO_PROXY, False),
    (aiohttp.ClientHttpProxyError, "the proxy refuses", False),
    (aiohttp.ClientConnectorDNSError, unreachable.NO_NAME, False),
    (aiohttp.ClientConnectorError, unreachable.NO_HOST, False),
    (aiohttp.ConnectionTimeoutError, unreachable.NO_CONNECTION, False),
    (aiohttp.InvalidURL, "the URL cannot be used", False),
    (aiohttp.ServerDisconnectedError, "the other side closed the connection", True),
    (aiohttp.ClientPayloadError, "the answer was cut short", True),
    (aiohttp.ClientResponseError, "the answer is no HTTP", True),
    (TimeoutError, "no answer in time", True),
    (ConnectionError, "the connection was cut", True),
)


class AnswerTooLongError(ValueError):
    """The answer is longer than any that the protocol knows; cut, it would say something else."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes = dataclasses.field(repr=False)


def words(fault: BaseException) -> tuple[str, bool]:
    """A fault in a person's words, and whether the request may have reached the other side."""
    if isinstance(fault, AnswerTooLongError):
        return "the answer is too long", True
    for kind, text, maybe_sent in _WORDS:
        if isinstance(fault, kind):
            return text, maybe_sent
    return "the connection failed", True


def open_session(settings: ClientSettings, *, keep: bool) -> aiohttp.ClientSession:
    """A session with room for every connection that the pipeline wants.

    Args:
        settings: which authorities to trust.
        keep: keep connections for the next request.

    Raises:
        ConfigurationError: `ok.ca_file` cannot be used.
    """
    connector = aiohttp.TCPConnector(
        limit=0, ssl=_tls(settings.ca_file), socket_factory=_socket, force_close=not keep
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "okdrop"},
    )


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: yarl.URL,
    *,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's own object, with a limit for each phase
    proxy: str | None,
    **request: Any,
) -> Reply:
    """One request and its answer.

    Raises:
        aiohttp.ClientError, OSError, TimeoutError, ValueError: no whole answer came; see `words`.
    """
    answering = session.request(method, url, allow_redirects=False, timeout=timeout, proxy=proxy, **request)
    async with answering as response:
        headers = response.headers
        try:
            body = await _body(response)
        except (aiohttp.ClientPayloadError, ConnectionError):
            # Whoever refuses early often cuts the line too; the refusal itself did arrive.
            if response.status < _FIRST_ERROR:
                raise
            body = b""
        return Reply(response.status, headers, body)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    chunks = bytearray()
    async for chunk in response.content.iter_any():
        chunks += chunk
        if len(chunks) > LONGEST_BODY:
            raise AnswerTooLongError
    return bytes(chunks)


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ValueError):
            raise ConfigurationError(
                f"ok.ca_file cannot be used: {ca_file}", hint="name a readable file of certificates in PEM"
            ) from None
    return context


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_LIMIT)
    return sock
