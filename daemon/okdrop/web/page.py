"""What a person sees who opens the address: the files in static/, as they are, and nothing else from disk.

They are the same in every installation, so that no token is needed for them; what they show is asked of the
API. A browser keeps them, and asks each time whether they are still the ones (RFC 9110, 8.8.3).
"""

from __future__ import annotations

import dataclasses
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop.web.answers import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

STATIC: Final = "/static/"
"""Under which the files are."""

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

KINDS: Final = tuple(kind.partition(";")[0] for kind in _TYPES.values())
"""The kinds of files that there are."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    content: bytes
    content_type: str
    etag: str


class Page:
    """The desk for `/` and the files that it is made of."""

    def __init__(self) -> None:
        self._files: Final[dict[str, _File]] = {}
        self._names: Final = {file.name for file in _folder().iterdir() if file.name.count(".") == 1}

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [web.get("/", self._page), web.get(STATIC + "{name}", self._part)]

    async def _page(self, request: web.Request) -> web.Response:
        return self._sent(request, "index.html")

    async def _part(self, request: web.Request) -> web.Response:
        return self._sent(request, request.match_info["name"])

    def _sent(self, request: web.Request, name: str) -> web.Response:
        if name not in self._names:
            raise RefusedError(404, "the page has no such part")
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = _read(name)
        headers = {"ETag": f'"{file.etag}"', "Cache-Control": "no-cache"}
        if any(known.value in {file.etag, "*"} for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.content, headers=headers | {"Content-Type": file.content_type})


def _folder() -> resources.abc.Traversable:
    return resources.files("okdrop.web") / "static"


def _read(name: str) -> _File:
    content = (_folder() / name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]
    return _File(content=content, content_type=kind, etag=hashlib.sha256(content).hexdigest()[:32])
