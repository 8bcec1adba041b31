"""Who may ask at all. Every request comes by here first.

    Host      an address, "localhost", or a name that is configured: a page from elsewhere whose name was made
              to lead here (DNS rebinding) calls us by its own
    origin    what changes something comes from our own page, or from no page at all
    token     where one is configured, compared in constant time; wrong ones are counted
    role      who shows the token for looking on changes nothing

What is refused is refused before a route is looked at, so that nothing is learned from the difference.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import math
import re
import traceback
from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop import events
from okdrop.web.answers import RefusedError
from okdrop.web.page import STATIC
from okdrop.web.sessions import Sessions
from okdrop.web.tries import Tries
from okdrop.web.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from datetime import datetime

OPEN: Final = frozenset({"/healthz", "/readyz"})
"""What is answered without a token, since it tells next to nothing then."""

LOGIN: Final = "/login"
"""Where a browser shows the token; like the files of the page, it is the same in every installation."""

LOGOUT: Final = "/logout"

SAFE: Final = frozenset({"GET", "HEAD"})

SIGNED_IN: Final = web.RequestKey("signed_in", bool)
"""Whether a request came with the cookie of a browser that showed the token before."""

AUTHORISED: Final = web.RequestKey("authorised", bool)
"""Whether a request showed the token, or none is needed."""

MAY_CHANGE: Final = web.RequestKey("may_change", bool)
"""Whether a request showed the token that lets it change things, or none is needed."""

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # without one, a browser calls our own form's origin "null"
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "okdrop",
}
"""What every answer says to a browser."""

_ASK: Final = {"WWW-Authenticate": 'Basic realm="okdrop: any name, and the token as the password"'}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Say it with every answer, a refused one too."""
    kept = response.headers.get("Cache-Control")
    response.headers.update(HEADERS)
    if kept is not None:  # of the page's own files alone
        response.headers["Cache-Control"] = kept


class Guard:
    """Lets requests through, or not.

    Args:
        host: where it listens: a name or an address.
        hosts: further names by which it may be called.
        token: what has to be shown; "" for nothing.
        view_token: what may be shown instead by who only looks on; "" for nothing.
        now: aware times.
        monotonic: seconds.
        emit: told of wrong tokens, and of bugs.
    """

    def __init__(
        self,
        *,
        host: str,
        hosts: Collection[str],
        token: str,
        view_token: str = "",
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        emit: events.Emit,
    ) -> None:
        self._names: Final = {"localhost", host.lower(), *hosts}
        self._only_loopback: Final = _is_loopback(host)
        self._token: Final = token.encode()
        self._view_token: Final = view_token.encode()
        self._monotonic: Final = monotonic
        self._emit: Final = emit
        self._tries: Final = Tries()
        self._troubles: Final = Troubles(monotonic, emit)
        self.sessions: Final = Sessions(self._token, now) if token else None  #: None: no token is needed
        self.views: Final = Sessions(self._view_token, now) if view_token else None  #: of who looks on

    @property
    def all_sessions(self) -> Sequence[Sessions]:
        """Of whoever may change things, and of who looks on; none where no token is needed."""
        return [sessions for sessions in (self.sessions, self.views) if sessions is not None]

    @web.middleware
    async def admit(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer, or refuse in words; a bug costs one answer."""
        try:
            self._check_host(request)
            self._check_origin(request)
            self._check_token(request)
            _check_role(request)
            return await handler(request)
        except RefusedError as refused:
            return refused.answer
        except web.HTTPException as error:
            if error.status < _TROUBLE:
                raise
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return RefusedError(error.status, _IN_WORDS.get(error.status, error.reason), headers).answer
        except ConnectionError:
            raise  # nobody is there to be told
        except Exception as error:  # noqa: BLE001 - the edge: a bug here must not hold up an upload
            at = traceback.extract_tb(error.__traceback__)[-1]
            message = f"{type(error).__name__} in {at.name}, line {at.lineno}"
            self._troubles.tell(_route(request), message)
            return RefusedError(500, "a bug; the log says where").answer

    def _check_host(self, request: web.Request) -> None:
        if "Host" not in request.headers and request.method in SAFE and request.path in OPEN:
            return  # load balancers ask so, by HTTP/1.0; no browser does
        called = _host_of(request.headers.get("Host", ""))
        if called in self._names or self._is_our_address(called):
            return
        raise RefusedError(421, "this is not the host that was called; web.hosts names those that are")

    def _is_our_address(self, called: str) -> bool:
        """An address is nobody's name; but what listens for this machine alone is called by its own."""
        try:
            address = ipaddress.ip_address(called)
        except ValueError:
            return False
        return address.is_loopback or not self._only_loopback

    def _check_origin(self, request: web.Request) -> None:
        """Refuse what a page of another place sends; browsers say where it comes from, programs do not."""
        if request.method in SAFE:
            return
        fetch_site = request.headers.get("Sec-Fetch-Site")
        if fetch_site is not None and fetch_site not in {"same-origin", "none"}:
            raise RefusedError(403, "this came from a page of another place")
        origin = request.headers.get("Origin")
        if origin is None:
            return
        scheme, _, place = origin.partition("://")
        if scheme not in {"http", "https"} or place.lower() != request.headers.get("Host", "").lower():
            raise RefusedError(403, "this came from a page of another place")

    def _check_token(self, request: web.Request) -> None:
        request[SIGNED_IN] = request[MAY_CHANGE] = False
        if not self._token:
            request[AUTHORISED] = request[MAY_CHANGE] = True
            return
        shown = _shown(request.headers.get("Authorization", ""))
        if shown is not None:
            self.check_shown(request, shown)
            return
        request[MAY_CHANGE] = _is_signed_in(request, self.sessions)
        request[AUTHORISED] = request[SIGNED_IN] = request[MAY_CHANGE] or _is_signed_in(request, self.views)
        if not (request[AUTHORISED] or _is_open(request)):
            raise _not_shown(request)

    def check_shown(self, request: web.Request, shown: bytes) -> None:
        """Compare what was shown with the token, if its address may try.

        The token is let in from where it was shown lately, whatever others show there: behind one proxy are
        many. From elsewhere it is not told from a wrong one while too many of those come: else it could be
        guessed on.

        Raises:
            RefusedError: 401, it is not the token; 429, too many of them came from there.
        """
        address, now = request.remote or "", self._monotonic()
        is_whole = hmac.compare_digest(shown, self._token)
        is_right = is_whole or (hmac.compare_digest(shown, self._view_token) and self._view_token != b"")
        wait = self._tries.wait(address, now)
        if wait and not (is_right and self._tries.knows(address, now)):
            after = {"Retry-After": str(math.ceil(wait))}
            raise RefusedError(429, "too many wrong tokens from this address; try again later", after)
        if not is_right:
            if self._tries.wrong(address, now):
                self._emit(events.WebRefused(address=address))
            raise RefusedError(401, "this is not the token", _ASK)
        self._tries.right(address, now)
        request[AUTHORISED], request[MAY_CHANGE] = True, is_whole


_HOST: Final = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]*))(?::[0-9]{1,5})?")
_TROUBLE: Final = 400
_IN_WORDS: Final = {
    404: "there is nothing here; docs/api.md lists what there is",
    405: "this cannot be asked so; Allow tells how",
    413: "the body is too large",
}


def _is_signed_in(request: web.Request, sessions: Sessions | None) -> bool:
    cookie = request.cookies.get(sessions.name) if sessions is not None else None
    return cookie is not None and sessions is not None and sessions.holds(cookie)


def _check_role(request: web.Request) -> None:
    """Refuse what would change something, of who may only look on; to come and to go changes nothing."""
    if request.method not in SAFE and not request[MAY_CHANGE] and request.path not in {LOGIN, LOGOUT}:
        raise RefusedError(403, "this token lets you look on; changes need web.token")


def _is_open(request: web.Request) -> bool:
    """Whether it is answered without a token."""
    if request.path == LOGIN:
        return True
    return request.method in SAFE and (request.path in OPEN or request.path.startswith(STATIC))


def _not_shown(request: web.Request) -> Exception:
    """What is said to whoever shows nothing: a person is led to the form, a program is told."""
    if request.method in SAFE and "text/html" in request.headers.get("Accept", ""):
        return web.HTTPSeeOther(LOGIN)
    # Browsers say how they fetch; asked so, each of the page's questions would open a dialogue of theirs.
    ask = None if "Sec-Fetch-Mode" in request.headers else _ASK
    return RefusedError(401, "show the token: Authorization: Bearer TOKEN", ask)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource is not None else ''}"


def _host_of(header: str) -> str:
    """The host without its port; an IPv6 address without its brackets; "" for what is neither."""
    found = _HOST.fullmatch(header.strip().lower())
    return (found["address"] or found["name"]) if found is not None else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _shown(header: str) -> bytes | None:
    """The token that a request shows; None: it shows none."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip().encode("utf-8", "surrogateescape")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
