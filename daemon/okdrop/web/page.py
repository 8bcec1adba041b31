"""What a person sees who opens the address: what there is to ask."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Sequence

WAYS: Final = (
    ("GET /healthz", "alive: the event loop and the ledger's thread come round"),
    ("GET /readyz", "200, or 503 and the reasons"),
    ("GET /metrics", "in the form of Prometheus"),
    ("GET /api/status", "how it stands"),
    ("GET /api/waiting", "which files are not finished yet, and why"),
    ("GET /api/uploads?state=&q=&after=&limit=&order=", "uploads, the newest first"),
    ("GET /api/uploads/ID", "one of them, with its history"),
    ("POST /api/uploads/ID/retry", "hand it back"),
    ("POST /api/uploads/ID/cancel", "take it out"),
    ("POST /api/pause", "begin nothing new"),
    ("POST /api/resume", "go on"),
    ("GET /api/bandwidth", "the limits on what is sent"),
    ("PUT /api/bandwidth", "set one"),
    ("GET /api/events?level=", "events as they happen"),
    ("GET /api/openapi.json", "all of this, for programs (OpenAPI 3.1)"),
)
"""What can be asked, and what it tells or does."""


class Page:
    """The desk for `/`.

    Args:
        version: of okdrop.
    """

    def __init__(self, version: str) -> None:
        rows = "\n".join(f"<dt><code>{escape(way)}</code></dt><dd>{escape(says)}</dd>" for way, says in WAYS)
        self._text: Final = (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            f"<title>okdrop</title>\n<h1>okdrop {escape(version)}</h1>\n<dl>\n{rows}\n</dl>\n</html>\n"
        )

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [web.get("/", self._page)]

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._text, content_type="text/html")
