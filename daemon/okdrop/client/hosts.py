"""Which URLs may be contacted: the API's as configured, an upload URL's by `ok.upload_hosts`.

An upload URL comes from the other side and gets whole videos; it is a stranger until its host is listed.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from typing import Final

import yarl

from okdrop.errors import ConfigurationError, GaveUp

_HINT: Final = "if OK has moved, add the host to `ok.upload_hosts`, then `okdrop retry`"


def upload_url(text: str, patterns: tuple[str, ...]) -> yarl.URL:
    """The URL, to be sent byte for byte (protocol.md 7.34), if it may be contacted.

    Raises:
        GaveUp: it may not (`upload_host_refused`).
    """
    url = _parsed(text)
    if url is None or not url.host:
        raise _refused("the upload URL cannot be used")
    if url.user is not None or url.password is not None or "#" in text:
        raise _refused("the upload URL holds a user name or a fragment")
    host = url.host.lower()
    if not any(_matches(host, pattern.lower()) for pattern in patterns):
        raise _refused(f"the upload URL names a host that is not listed: {host[:100]}")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise _refused(f"the upload URL of {host[:100]} is not https")
    return url


def api_endpoint(api_url: str) -> yarl.URL:
    """Where the REST calls go.

    Raises:
        ConfigurationError: `ok.api_url` cannot be used.
    """
    url = _parsed(api_url.rstrip("/") + "/fb.do")
    secure = url is not None and (
        url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host or ""))
    )
    if (
        url is None
        or not url.host
        or not secure
        or url.user is not None
        or url.query_string
        or "#" in api_url
    ):
        raise ConfigurationError("ok.api_url is no plain https address", hint='such as "https://api.ok.ru"')
    return url


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _parsed(text: str) -> yarl.URL | None:
    # A blank or a control character would end the request line early; outside ASCII nothing is signed.
    if not text.isascii() or not text.isprintable() or any(char in text for char in ' \\"<>'):
        return None
    try:
        url = yarl.URL(text, encoded=True)
        _ = url.port  # a port that is no number shows only when asked for
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") else None


def _matches(host: str, pattern: str) -> bool:
    return pattern in (host, f"[{host}]") or fnmatch.fnmatchcase(host, pattern)


def _refused(message: str) -> GaveUp:
    return GaveUp(message, code="upload_host_refused", hint=_HINT)
