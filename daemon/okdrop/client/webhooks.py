"""Telling an address of an event: one signed request, of whose answer the status alone counts.

The form of the signature is that of Standard Webhooks (standardwebhooks.com), for which there are libraries:

    webhook-id           names the event; the same in each repetition
    webhook-timestamp    seconds since the epoch, when this try began
    webhook-signature    v1,BASE64(HMAC-SHA256(secret, "ID.TIMESTAMP.BODY"))

TLS is verified, no redirect is followed, and no byte of an answer's body is asked for. An address may hold a
token in its path, so only its host is ever named.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
from typing import TYPE_CHECKING, Final, Self

import aiohttp
import yarl

from okdrop.client import line
from okdrop.errors import ConfigurationError
from okdrop.protocol.fields import retry_after

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from okdrop.client.settings import ClientSettings

_GONE: Final = 410
_PREFIX: Final = "whsec_"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whom to tell.

    Attributes:
        url: https, or plain http on loopback.
        secret: what requests are signed with; after "whsec_" it is base64, else the text itself.
        timeout: seconds for one request and its answer.
        give_up_after: seconds from the event on after which it is not told any more.
        tries: how often it is tried at most.
    """

    url: str = dataclasses.field(repr=False)
    secret: str = dataclasses.field(repr=False)
    timeout: float = 10.0
    give_up_after: float = 86_400.0
    tries: int = 100

    @property
    def host(self) -> str:
        """Its host, as it may be named."""
        return yarl.URL(self.url).host or ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came of telling an address.

    Attributes:
        taken: it answered that it has it.
        said: what it answered, or why it did not, for a person.
        retry_after: seconds that it asks us to wait.
        gone: it says that nobody should try again.
    """

    taken: bool
    said: str
    retry_after: float | None = None
    gone: bool = False


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """What proves that we say this, and when."""
    signed = f"{key}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key_of(secret), signed, hashlib.sha256)).decode()


def _key_of(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass  # it only begins so
    return secret.encode()


class Webhooks:
    """A way out, beside that of uploads; an asynchronous context manager.

    Args:
        settings: which proxy to use, and which authorities to trust.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._settings: Final = settings
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def tell(self, address: Address, *, key: str, event: str, body: bytes, now: datetime) -> Delivery:
        """Tell an address once.

        Args:
            address: whom.
            key: names the event, in each repetition the same.
            event: what happened.
            body: JSON.
            now: aware; what the signature is dated.
        """
        try:
            session = self._opened()
        except ConfigurationError as error:  # the file of authorities cannot be read just now, say
            return Delivery(taken=False, said=f"{address.host}: {error.message}")
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(address.secret, key, timestamp, body),
            "okdrop-event": event,
        }
        try:
            async with session.post(
                yarl.URL(address.url),
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=address.timeout),
                proxy=self._proxy_to(address),
            ) as response:
                return _delivery(response)
        except line.FAULTS as fault:
            reason, _ = line.words(fault)
            return Delivery(taken=False, said=f"{address.host}: {reason}")

    def _opened(self) -> aiohttp.ClientSession:
        """Opened at the first event: whoever has no webhooks needs none."""
        if self._session is None:
            self._session = line.open_session(self._settings, keep=False)
        return self._session

    def _proxy_to(self, address: Address) -> str | None:
        """No proxy leads to this machine itself."""
        return None if address.url.startswith("http:") else self._settings.proxy


def _delivery(response: aiohttp.ClientResponse) -> Delivery:
    host, status = response.url.host, response.status
    response.close()  # whatever else it has to say
    if 200 <= status < 300:  # noqa: PLR2004 - as HTTP counts
        return Delivery(taken=True, said=f"{host}: HTTP {status}")
    where = ", a redirect, which is not followed" if 300 <= status < 400 else ""  # noqa: PLR2004
    return Delivery(
        taken=False,
        said=f"{host}: HTTP {status}{where}",
        retry_after=retry_after(response.headers),
        gone=status == _GONE,
    )
