"""The page at `/`: what lies on this side of the line, for a person; whole videos play.

Written on the server, with every text escaped; the script only fetches it again now and then. Nothing
is loaded from anywhere else, and the content security policy says so.
"""

from __future__ import annotations

import html
import importlib.resources
from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop.emulator.videos import Manner, Stage, Video

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.emulator.store import Store

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; media-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every answer."""

_STATIC: Final = importlib.resources.files(__package__) / "static"
_FILES: Final[Mapping[str, str]] = {"page.css": "text/css", "page.js": "text/javascript"}
_UNIT: Final = 1024


class Page:
    """Renders the page.

    Args:
        store: the videos to show.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        """The page and what belongs to it."""
        return [web.get("/", self._page), web.get("/static/{name}", self._file)]

    async def _page(self, _request: web.Request) -> web.Response:
        cards = "\n".join(_card(video) for video in reversed(self._store.all()))
        frame = (_STATIC / "page.html").read_text()
        empty = "" if cards else '<p class="empty">Nothing was uploaded yet.</p>'
        return web.Response(text=frame.replace("<!-- videos -->", cards or empty), content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _FILES:
            raise web.HTTPNotFound
        return web.Response(text=(_STATIC / name).read_text(), content_type=_FILES[name], charset="utf-8")


def _card(video: Video) -> str:
    """One video; `data-version` changes when there is something new to show."""
    state, held, size = video.status, video.held.size, video.size
    title = html.escape(video.details.title or video.name or "(no name)")
    version = html.escape(f"{state} {held} {video.details.updates}")
    published = "published" if video.details.published else "not published"
    return f"""<article id="v{video.id}" data-version="{version}">
<h2>{title}</h2>
<p><span class="state" data-state="{html.escape(state)}">{html.escape(state)}</span> {published}</p>
{_body(video)}
<p class="facts"><span>{html.escape(video.name)}</span> <span>{_sized(held)} of {_sized(size)}</span>
<span>{_requests(video)}</span> <a href="/emulator/videos/{video.id}">{video.id}</a></p>
</article>"""


def _body(video: Video) -> str:
    if video.stage is Stage.DELETED:
        return ""
    if video.is_whole:
        return f'<video controls preload="metadata" src="/emulator/videos/{video.id}/content"></video>'
    return f'<progress value="{video.held.size}" max="{max(1, video.size)}">{video.held.size}</progress>'


def _requests(video: Video) -> str:
    """How many requests brought its bytes, and of which mode."""
    count = video.traffic.segments
    if video.manner is Manner.MULTIPART:
        return "one request" if count == 1 else f"{count} whole requests"
    return "1 segment" if count == 1 else f"{count} segments"


def _sized(count: int) -> str:
    """Bytes for a person."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < _UNIT:
            return f"{size:.0f} {unit}"
        size /= _UNIT
    return f"{size:.1f} GiB"
