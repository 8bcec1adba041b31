"""The HTTP API as an OpenAPI 3.1 document, made from what the code knows of itself.

Tests hold it to the routes that are served, both ways, and have a daemon's answers compared with it. It is
served as it is here, and written down in docs/openapi.json (`make diagrams`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.config import LogLevel
from okdrop.drop import State
from okdrop.web import figures, health, pulse, uploads
from okdrop.web.answers import told
from okdrop.web.guard import LOGIN
from okdrop.web.page import KINDS, STATIC
from okdrop.web.schemas import SCHEMAS
from okdrop.web.shapes import LARGEST, Schema, listed, maybe, ref, text, whole, word
from okdrop.web.stream import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUTE: Final = "/api/openapi.json"

_REFUSED: Final = {
    400: "what was asked makes no sense",
    401: "the token is missing or wrong",
    403: "it came from a page of another place, or the token is for looking on",
    404: "there is no such thing",
    408: "the body did not come",
    409: "that cannot be done to it, and why",
    413: "the body is too large",
    415: "the body is not JSON",
    421: "this is not the host that was called",
    429: "too many wrong tokens, or Retry-After says when",
    503: "not now: the ledger gives no answer, or too many listen",
}

_ALWAYS: Final = (400, 401, 421, 429)
_CHANGES: Final = (403, 413, 503)

_NUMBER: Final[Schema] = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "the id of an upload",
    "schema": {"type": "integer", "minimum": 0, "maximum": LARGEST},
}


@functools.cache
def document() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "okdrop",
            "version": "1",  # of what may be asked: a change that breaks a client makes it another
            "summary": "How a daemon stands that puts videos on OK.ru, and orders to it.",
            "description": "Further keys may come to be in answers: pass over those that you do not know.",
        },
        "servers": [{"url": "/", "description": "where `web.listen` says"}],
        "security": [{}, {"bearer": []}, {"basic": []}],  # and a browser's cookie, whose name is its token's
        "paths": _page_paths() | _health_paths() | _paths(),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`web.token`; or `web.view_token`, to look on",
                },
                "basic": {"type": "http", "scheme": "basic", "description": "any name, and the token"},
            },
        },
    }


def _page_paths() -> dict[str, Any]:
    """What is for a browser."""
    return {
        "/": {"get": _file("page", "a page for a person", ["text/html"])},
        STATIC + "{name}": {"get": _part()},
        LOGIN: _login(),
        "/logout": {
            "post": _leads_on("logout", "end the session of a browser, and take its cookie back", (403, 503))
        },
    }


def _health_paths() -> dict[str, Any]:
    """What tells how it stands, and what moves."""
    days = _asked("days", "how many, up to now", figures.DAYS, 1, figures.MOST_DAYS)
    published = _operation(
        "published", "how much was published when", _json(ref("Published")), (503,), query=[days]
    )
    return {
        "/healthz": {"get": _health("alive", "whether it is alive", "Alive")},
        "/readyz": {"get": _health("ready", "whether it can do what it is there for", "Ready")},
        "/metrics": {"get": _operation("metrics", "in the form of Prometheus", _kind("text/plain"))},
        ROUTE: {"get": _operation("contract", "this document", _json({"type": "object"}))},
        "/api/status": {"get": _operation("status", "how it stands", _json(ref("Status")), (503,))},
        "/api/waiting": {
            "get": _operation(
                "waiting",
                "files that are not finished",
                _json(ref("Waiting")),
                query=[_limit(health.FILES, 0, health.MOST_FILES)],
            )
        },
        "/api/sending": {"get": _operation("sending", "what moves", _json(ref("Sending")))},
        "/api/speed": {"get": _operation("speed", "how quickly bytes left", _json(ref("Speed")))},
        "/api/published": {"get": published},
    }


def _paths() -> dict[str, Any]:
    """Uploads, orders and events."""
    one = "/api/uploads/{number}"
    return {
        "/api/uploads": {
            "get": _operation(
                "uploads", "uploads, in pages", _json(ref("Uploads")), (404, 503), query=_page()
            )
        },
        one: {
            "get": _operation(
                "upload", "one upload", _json(ref("UploadInFull")), (404, 503), parameters=[_NUMBER]
            )
        },
        f"{one}/cover": {
            "get": _operation(
                "cover",
                "the image beside the file that is the cover of its video, or becomes it",
                _kind(*uploads.IMAGES.values()),
                (404, 503),
                parameters=[_NUMBER],
            )
        },
        f"{one}/retry": {"post": _order("retry", "hand it back to the queue")},
        f"{one}/cancel": {"post": _order("cancel", "take it out of the queue")},
        f"{one}/release": {"post": _order("release", "make a video public that friends saw first")},
        f"{one}/update": {"post": _order("update", "tell OK its metadata anew")},
        "/api/pause": {"post": _operation("pause", "begin nothing new", _json(ref("Pause")), _CHANGES)},
        "/api/resume": {"post": _operation("resume", "go on", _json(ref("Pause")), _CHANGES)},
        "/api/bandwidth": _bandwidth(),
        "/api/log": _log(),
        "/api/events": {"get": _events()},
    }


def _operation(
    name: str,
    says: str,
    answer: dict[str, Any],
    refused: Sequence[int] = (),
    *,
    query: Sequence[Schema] = (),
    parameters: Sequence[Schema] = (),
) -> dict[str, Any]:
    statuses = sorted({*_ALWAYS, *refused})
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": says,
        "responses": {"200": answer} | {str(status): _refusal(status) for status in statuses},
    }
    if query or parameters:
        operation["parameters"] = [*parameters, *query]
    return operation


def _order(name: str, says: str) -> dict[str, Any]:
    return _operation(name, says, _json(ref("Said")), (404, 409, *_CHANGES), parameters=[_NUMBER])


def _health(name: str, says: str, schema: str) -> dict[str, Any]:
    """Answered without a token; not well is 503, in the same form."""
    operation = _operation(name, says, _json(ref(schema)))
    operation["responses"]["503"] = _json(ref(schema)) | {"description": "no"}
    return operation


def _file(
    name: str, says: str, kinds: Sequence[str], refused: Sequence[int] = (), **more: Any
) -> dict[str, Any]:
    """A file of the page, which a browser keeps."""
    operation = _operation(name, says, _kind(*kinds), refused, **more)
    operation["responses"]["304"] = {"description": "it is the one of `If-None-Match`"}
    return operation


def _part() -> dict[str, Any]:
    name = {"name": "name", "in": "path", "required": True, "schema": text("of a file of the page")}
    return _file("part", "what the page is made of", KINDS, (404,), parameters=[name])


def _leads_on(name: str, says: str, refused: Sequence[int] = ()) -> dict[str, Any]:
    """For browsers alone."""
    operation = _operation(name, says, {}, refused)
    del operation["responses"]["200"]
    operation["responses"]["303"] = {"description": "to where `Location` says"}
    return operation


def _login() -> dict[str, Any]:
    form = {
        "type": "object",
        "properties": {"token": text("`web.token`, or `web.view_token`")},
        "required": ["token"],
    }
    shown = _leads_on("login", "show the token, for a cookie", (400, 403, 408, 413, 415))
    shown["requestBody"] = {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": form}},
    }
    for status in ("403", "429"):  # the form again, and what is wrong
        shown["responses"][status]["content"] |= _kind("text/html")["content"]
    asked = _leads_on("form", "the form for the token; where none is set, 303")
    asked["responses"]["200"] = _kind("text/html")
    return {"get": asked, "post": shown}


def _bandwidth() -> dict[str, Any]:
    order = {
        "type": "object",
        "properties": {
            "limit": maybe(text("a rate, a timetable, or off; null takes back what was set"))
            | {"examples": ["2MiB/s", "08:00,2MiB/s 23:00,off", "off", None]},
            "folder": text("a watched folder, as it is configured; missing or empty: all"),
        },
        "required": ["limit"],
        "additionalProperties": False,
    }
    put = _operation("limit", "set a limit", _json(ref("Limits")), (404, 408, 415, *_CHANGES))
    put["requestBody"] = {"required": True, "content": {"application/json": {"schema": order}}}
    return {
        "get": _operation("limits", "the limits on what is sent", _json(ref("Limits")), (503,)),
        "put": put,
    }


def _log() -> dict[str, Any]:
    order = {
        "type": "object",
        "properties": {
            "level": maybe(word(LogLevel, "of this level and above; null takes back what was set")),
            "for": maybe(text("how long, as in the configuration; missing or null: until it is taken back"))
            | {"examples": ["30m", "2h", None]},
        },
        "required": ["level"],
        "additionalProperties": False,
    }
    put = _operation("haveLogged", "set the level of the log", _json(ref("Log")), (408, 415, *_CHANGES))
    put["requestBody"] = {"required": True, "content": {"application/json": {"schema": order}}}
    return {
        "get": _operation("log", "which lines of the log are written", _json(ref("Log")), (503,)),
        "put": put,
    }


def _events() -> dict[str, Any]:
    level = word(LEVELS, "of this level and above") | {"default": "info"}
    every = whole(
        "milliseconds after which what moves is told, as an event `pulse`: a Sending, and how many `events` "
        "of level info and above there were; not told where this is missing",
        least=pulse.SHORTEST,
        maximum=pulse.LONGEST,
    )
    return _operation(
        "events",
        "events as they happen, as server-sent events; it does not end by itself",
        _kind("text/event-stream"),
        (503,),
        query=[
            {"name": "level", "in": "query", "schema": level},
            {"name": "pulse", "in": "query", "schema": every},
        ],
    )


def _page() -> list[Schema]:
    states = listed({"type": "string", "enum": [str(state) for state in State]}, "of these states alone")
    return [
        {"name": "state", "in": "query", "style": "form", "explode": False, "schema": states},
        {
            "name": "q",
            "in": "query",
            "schema": text("what the path or the title holds", maxLength=uploads.LONGEST_TEXT),
        },
        {
            "name": "folder",
            "in": "query",
            "schema": text("of this watched folder alone, as it is configured"),
        },
        {
            "name": "waits",
            "in": "query",
            "schema": word(("yes", "no"), "whether for something else than their turn; missing: all"),
        },
        {
            "name": "after",
            "in": "query",
            "schema": whole("`next` of the page before", maximum=LARGEST),
        },
        _limit(uploads.PAGE, 1, uploads.LARGEST_PAGE),
        {
            "name": "order",
            "in": "query",
            "schema": word(("newest", "oldest"), "which come first") | {"default": "newest"},
        },
    ]


def _limit(default: int, least: int, most: int) -> Schema:
    return _asked("limit", "how many, at most", default, least, most)


def _asked(name: str, says: str, default: int, least: int, most: int) -> Schema:
    """A number in the query."""
    return {
        "name": name,
        "in": "query",
        "schema": whole(says, least=least, maximum=most, default=default),
    }


def _json(schema: Schema) -> dict[str, Any]:
    return {"description": "as it is asked", "content": {"application/json": {"schema": schema}}}


def _kind(*kinds: str) -> dict[str, Any]:
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    return {"description": "as it is asked", "content": content}


def _refusal(status: int) -> dict[str, Any]:
    return _json(ref("Error")) | {"description": _REFUSED[status]}


class Contract:
    """The desk for `/api/openapi.json`."""

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [web.get(ROUTE, self._document)]

    async def _document(self, _request: web.Request) -> web.Response:
        return told(document())
