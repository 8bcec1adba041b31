"""Where a browser shows the token: a form that needs no script, and a cookie for it."""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop.ledger.overrides import ENDED
from okdrop.web.answers import RefusedError, ledger_within
from okdrop.web.guard import LOGIN, LOGOUT, MAY_CHANGE
from okdrop.web.sessions import LIFE, Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from okdrop.web.daemon import Daemon
    from okdrop.web.guard import Guard

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Sign in",
        "label": "Token",
        "hint": "It is the one that is set as web.token, or as web.view_token to look on.",
        "button": "Sign in",
        "wrong": "This is not the token.",
        "wait": "Too many wrong tokens from this address. Try again in a minute.",
    },
    "ru": {
        "title": "Вход",
        "label": "Токен",
        "hint": "Тот, что задан в web.token, или в web.view_token, чтобы только смотреть.",
        "button": "Войти",
        "wrong": "Токен неверный.",
        "wait": "Слишком много неверных токенов. Повторите через минуту.",
    },
}

_PAGE: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · okdrop</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/base.css">
<link rel="stylesheet" href="/static/login.css">
</head>
<body>
<main>
<h1><img src="/static/icon.svg" alt="" width="28" height="28">okdrop</h1>
<form method="post" action="/login">
<label for="token">{label}</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus
 aria-describedby="says"{invalid}>
<p id="says"{class_}{role}>{says}</p>
<button type="submit" class="primary">{button}</button>
</form>
</main>
</body>
</html>
"""

_BODY_WITHIN: Final = 10.0


class Login:
    """The desk for `/login` and `/logout`.

    Args:
        guard: knows the token.
        daemon: whose ledger keeps which sessions were ended.
    """

    def __init__(self, guard: Guard, daemon: Daemon) -> None:
        self._guard: Final = guard
        self._daemon: Final = daemon

    async def recall(self) -> None:
        """Ask which sessions were ended in earlier lives; if that is not told, none of those is trusted."""
        if not self._guard.all_sessions:
            return
        try:
            async with ledger_within():
                standing = await self._daemon.ledger.overrides()
                ended = [
                    Session(number=one.folder, until=int(one.value)) for one in standing if one.name == ENDED
                ]
                now = self._daemon.now().timestamp()
                for one in ended:
                    if one.until <= now:
                        await self._daemon.ledger.override(ENDED, None, folder=one.number)
        except RefusedError:
            for sessions in self._guard.all_sessions:
                sessions.distrust()
        else:
            for sessions in self._guard.all_sessions:
                sessions.ended(ended)

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [
            web.get(LOGIN, self._form),
            web.post(LOGIN, self._show),
            web.post(LOGOUT, self._leave),
        ]

    async def _form(self, request: web.Request) -> web.Response:
        if self._guard.sessions is None:
            return _to("/")  # there is no token to show
        return _page(request)

    async def _show(self, request: web.Request) -> web.Response:
        sessions = self._guard.sessions
        if sessions is None:
            return _to("/")
        shown = await self._shown(request)
        try:
            self._guard.check_shown(request, shown)
        except RefusedError as refused:
            if refused.status == _TOO_MANY:
                return _page(request, "wait", status=_TOO_MANY, headers=refused.headers)
            # Without the challenge that goes with 401: a browser would open a dialogue of its own.
            return _page(request, "wrong", status=403)
        if not request[MAY_CHANGE] and self._guard.views is not None:
            sessions = self._guard.views
        answer = self._left(request, _to("/"))  # one role at a time: that of the token that was shown last
        answer.set_cookie(
            sessions.name,
            sessions.begin(),
            max_age=LIFE,
            httponly=True,
            samesite="Strict",
            secure=_is_by_tls(request),
        )
        return answer

    async def _shown(self, request: web.Request) -> bytes:
        """What was typed into the form. What is no such form is a wrong token as well: it is counted."""
        try:
            return await _token_in(request)
        except RefusedError as unread:
            try:
                self._guard.check_shown(request, b"")
            except RefusedError as refused:
                raise (refused if refused.status == _TOO_MANY else unread) from None
            raise

    async def _leave(self, request: web.Request) -> web.Response:
        for sessions in self._guard.all_sessions:
            ended = sessions.end(request.cookies.get(sessions.name, ""))
            if ended is not None:
                async with ledger_within():  # it is ended all the same, but a restart would not know of it
                    await self._daemon.ledger.override(ENDED, str(ended.until), folder=ended.number)
        return self._left(request, _to("/login"))

    def _left(self, request: web.Request, answer: web.Response) -> web.Response:
        for sessions in self._guard.all_sessions:
            answer.del_cookie(sessions.name, httponly=True, samesite="Strict", secure=_is_by_tls(request))
        return answer


_TOO_MANY: Final = 429


def _is_by_tls(request: web.Request) -> bool:
    """Whether the page came by TLS, from a proxy before us: then its cookie is for that alone."""
    return request.headers.get("Origin", "").startswith("https://")


def _to(place: str) -> web.Response:
    return web.Response(status=303, headers={"Location": place})


async def _token_in(request: web.Request) -> bytes:
    """What was typed into the form."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise RefusedError(415, "the token is sent by the form of this page")
    try:
        async with asyncio.timeout(_BODY_WITHIN):
            token = (await request.post()).get("token", "")
    except TimeoutError:
        raise RefusedError(408, "the body did not come") from None
    except LookupError:
        raise RefusedError(415, "the body is in an encoding that nobody knows") from None
    except ValueError:  # UnicodeDecodeError is one
        raise RefusedError(400, "the body is not what a form sends") from None
    return token.strip().encode("utf-8", "surrogateescape") if isinstance(token, str) else b""


def _page(
    request: web.Request, says: str = "hint", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    language = _language(request.headers.get("Accept-Language", ""))
    words = _WORDS[language]
    is_wrong = says != "hint"
    text = _PAGE.format(
        language=language,
        title=escape(words["title"]),
        label=escape(words["label"]),
        button=escape(words["button"]),
        says=escape(words[says]),
        invalid=' aria-invalid="true"' if is_wrong else "",
        class_=' class="wrong"' if is_wrong else "",
        role=' role="alert"' if is_wrong else "",
    )
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)


def _language(wanted: str) -> str:
    """The first language that a browser wants and we have."""
    for part in wanted.lower().split(","):
        language = part.partition(";")[0].strip().partition("-")[0]
        if language in _WORDS:
            return language
    return "en"
