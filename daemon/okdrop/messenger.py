"""Sends one message to a person, through Apprise; a process of its own, which may hang, and is ended then.

It is run by path, not imported (`pipeline.messengers`), and imports nothing of okdrop: what it needs comes as
JSON on standard input, the secret address too, so that neither its arguments nor its environment hold it. Its
answer is one line of JSON on standard output:

    {"verdict": "sent", "service": "Telegram", "why": ""}

It ends with whoever started it, however that ended, and by a clock of its own: else it would go on with the
secret when nobody is there any more to end it.

What Apprise and its plugins write goes nowhere, since it may hold an address or a token. Of their words only
those of `_WHY` are passed on, in ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import json
import logging
import os
import re
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SENT: Final = "sent"
FIT: Final = "fit"  # asked to look at the address alone: it can be used
REFUSED: Final = "refused"  # the service did not take it, or was not reached
UNKNOWN: Final = "unknown"  # Apprise makes nothing of the address
PLAIN: Final = "plain"  # it would go without TLS to another machine
UNVERIFIED: Final = "unverified"  # TLS would not be verified
ABSENT: Final = "absent"  # Apprise cannot be imported
BROKEN: Final = "broken"  # a bug, in a plugin of Apprise or here

_CALM: Final = 10
"""By how much it comes after others who want the processor (nice)."""

_PR_SET_PDEATHSIG: Final = 1

_WITH_TLS: Final = frozenset({"starttls", "ssl", "tls"})
"""How mail and its kind say in an address that there is TLS, whatever the address begins with."""

_HTTP: Final = re.compile(r"\berror[=: ]+([1-5]\d\d)\b")

_WHY: Final[tuple[tuple[str, str], ...]] = (
    ("certificate_verify_failed|certificate verify failed", "the TLS certificate cannot be verified"),
    (r"\bssl|wrong_version_number", "TLS could not be agreed upon"),
    ("proxyerror", "the proxy refuses, or cannot be reached"),
    ("name or service not known|nameresolution|getaddrinfo|name resolution", "nobody knows the host's name"),
    ("connection refused", "the host refuses the connection"),
    ("no route to host|network is unreachable", "there is no way to the host"),
    (r"timed out|timeout", "no answer in time"),
    ("remotedisconnected|connection aborted|connection reset|broken pipe", "the connection was cut"),
    (r"smtpauthentication|\b535\b", "the mail server refuses user or password"),
    ("smtprecipientsrefused", "the mail server refuses the recipient"),
    ("smtpsenderrefused", "the mail server refuses the sender"),
)


def main() -> None:
    """Read what is to be done, do it, say what came of it."""
    _end_with_our_parent()
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    with contextlib.suppress(OSError):  # a unit may forbid even that
        os.nice(_CALM)
    wanted = json.load(sys.stdin)
    if os.getppid() != wanted["parent"]:
        return  # it was gone before we asked to be ended with it
    signal.setitimer(signal.ITIMER_REAL, wanted["seconds"])  # SIGALRM ends us, wherever we are
    try:
        said = carry_out(wanted)
    except Exception as error:  # noqa: BLE001 - the edge: its words may hold a secret, where it was does not
        said = _said(BROKEN, why=_place_of(error))
    os.write(answer, json.dumps(said).encode() + b"\n")


def _place_of(error: Exception) -> str:
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {os.path.basename(at.filename)}, line {at.lineno}"  # noqa: PTH119 - as above


def _end_with_our_parent() -> None:
    """Have the kernel end us when the thread that started us is gone (prctl(2), PR_SET_PDEATHSIG)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, *map(ctypes.c_ulong, (signal.SIGKILL, 0, 0, 0)))


def carry_out(wanted: Mapping[str, Any]) -> dict[str, str]:
    """Send a message, or look at the address alone.

    Args:
        wanted: `url`; `title`, `body` and `kind`, without which the address is looked at; `path`, where
            packages are; `proxy` and `ca_file`, "" for none.
    """
    sys.path[:] = wanted["path"]
    _prepare(wanted)
    heard = _Heard()
    logging.basicConfig(handlers=[heard], level=logging.DEBUG, force=True)
    try:
        import apprise  # noqa: PLC0415 - it is optional, and need not be there
    except ImportError:
        return _said(ABSENT)
    asset = apprise.AppriseAsset(
        async_mode=False,
        http_redirects=False,
        service_timeout=0,  # whoever started us has a clock
        storage_mode="memory",
        app_id="okdrop",
        app_desc="okdrop",
        default_service_retry=0,
    )
    apprise.logger.setLevel(logging.DEBUG)
    service = apprise.Apprise.instantiate(wanted["url"], asset=asset, suppress_exceptions=True)
    if service is None:
        return _said(UNKNOWN)
    name = str(service.service_name)
    schema = wanted["url"].partition("://")[0].lower()
    if (unfit := _unfit(service, schema)) is not None:
        return _said(unfit, name)
    if "body" not in wanted:
        return _said(FIT, name)
    service.redirects = False  # whatever the address says
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    heard.lines.clear()
    taken = sender.notify(
        body=wanted["body"],
        title=wanted["title"],
        notify_type=wanted["kind"],
        body_format=apprise.NotifyFormat.TEXT,
        interpret_escapes=False,
    )
    return _said(SENT, name) if taken else _said(REFUSED, name, _why(heard.lines))


def _said(verdict: str, service: str = "", why: str = "") -> dict[str, str]:
    return {"verdict": verdict, "service": service, "why": why}


def _prepare(wanted: Mapping[str, Any]) -> None:
    """Lay out what the libraries look for in the environment: the proxy, and whom to trust."""
    os.environ["NETRC"] = os.devnull
    if wanted["proxy"]:
        os.environ |= {"HTTPS_PROXY": wanted["proxy"], "HTTP_PROXY": wanted["proxy"]}
        os.environ["NO_PROXY"] = "localhost,127.0.0.1,::1"
    if wanted["ca_file"]:
        bundle = _authorities(wanted["ca_file"])
        os.environ |= {"REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle}


def _authorities(ca_file: str) -> str:
    """The path of a file without a name that holds the authorities of `certifi`, and these."""
    import certifi  # noqa: PLC0415 - it comes with Apprise

    descriptor = os.memfd_create("okdrop-authorities")
    with open(ca_file, "rb") as file:  # noqa: PTH123 - pathlib costs an import of its own
        os.write(descriptor, certifi.contents().encode() + b"\n" + file.read())
    return f"/proc/self/fd/{descriptor}"


def _unfit(service: Any, schema: str) -> str | None:
    """Why nothing is sent through a service, of an address that begins so; None: it may be used."""
    if not service.verify_certificate:
        return UNVERIFIED
    return None if _has_tls(service, schema) or _is_loopback(_host_of(service)) else PLAIN


def _has_tls(service: Any, schema: str) -> bool:
    """Whether it has TLS, or the service knows none at all."""
    if (mode := getattr(service, "secure_mode", None)) is not None:
        return mode in _WITH_TLS  # which "mailtos://…?mode=insecure" has not, and is secure by its own word
    kind = type(service)  # an instance may call something else so: Kodi's the version of its protocol
    plain, secure = _schemas(kind.protocol), _schemas(kind.secure_protocol)
    in_the_cloud = getattr(service, "mode", None) == "cloud"  # of ntfy: by https, whatever the schema
    return bool(service.secure or not secure or in_the_cloud or schema not in plain - secure)


def _host_of(service: Any) -> str:
    """Where it goes: of a mail address that is the server, if one is named."""
    named = (getattr(service, name, None) for name in ("smtp_host", "xmpp_host"))
    return str(next(filter(None, named), service.host))


def _schemas(named: Any) -> set[str]:
    if not named:
        return set()
    return {named} if isinstance(named, str) else {*named}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Heard(logging.Handler):
    """Keeps what is logged of trouble, to look for known words in it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Final[list[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.levelno >= logging.WARNING or "exception" in said.lower():
            self.lines.append(said)


def _why(lines: list[str]) -> str:
    """Why a message was not taken, in words that hold nothing of what was logged but a status."""
    text = "\n".join(lines)
    if (found := _HTTP.search(text)) is not None:
        is_redirect = found[1].startswith("3")
        return f"HTTP {found[1]}" + (", a redirect, which is not followed" if is_redirect else "")
    return next((words for pattern, words in _WHY if re.search(pattern, text.lower())), "")


if __name__ == "__main__":
    main()
