"""Which daemon is watched, and the token that it wants."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from okdrop.config import secret_in
from okdrop.errors import ConfigurationError
from okdrop.words import printable

if TYPE_CHECKING:
    from pathlib import Path

    from okdrop.config import Web


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A daemon's address, `http://host:port` without a slash at its end, and the token; "" for none."""

    url: str
    token: str = dataclasses.field(repr=False)


def named(url: str, token_file: Path | None) -> Where:
    """The daemon that a person named.

    The token is that of the file, never the configured one: another daemon must not learn it.

    Raises:
        ConfigurationError: it is no address, or the file holds no token.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, usable = SplitResult("", "", "", "", ""), False
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "--url: an address with a name or a password in it is seen by everybody on this machine",
            hint="put the token into a file, and name that by --token-file",
        )
    if not usable or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
        raise ConfigurationError(
            f"--url: {printable(url)!r} is no address of a daemon", hint="write it as http://host:8480"
        )
    return Where(url=url.rstrip("/"), token=_token(token_file) if token_file is not None else "")


def configured(web: Web, token_file: Path | None) -> Where:
    """The daemon that the configuration is for; one that listens everywhere is asked on this machine.

    Raises:
        ConfigurationError: it answers nobody, or at an address that nobody knows beforehand.
    """
    if web.address is None:
        raise ConfigurationError(
            'web.listen is "": the daemon answers nobody',
            hint="set web.listen and start it anew, or name another daemon by --url",
        )
    host, port = web.address
    if port == 0:
        raise ConfigurationError(
            f"web.listen is {web.listen}: the daemon takes any free port",
            hint="its log tells which (web.listening); name it by --url",
        )
    token = _token(token_file) if token_file is not None else web.token.get_secret_value()
    return Where(url=f"http://{_reached(host)}:{port}", token=token)


def _reached(host: str) -> str:
    """The host to ask for one that is listened on."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"  # noqa: PLR2004 - of the protocol
    return str(address) if address.version == 4 else f"[{address}]"  # noqa: PLR2004


def _token(file: Path) -> str:
    try:
        return secret_in(file)
    except ValueError as error:
        raise ConfigurationError(f"--token-file: {error}") from None
