"""Uploads: pages of them, one of them, and a person's orders about one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop.documents import halt_as_json, history_as_json, steps_as_json, upload_as_json
from okdrop.drop import UNFINISHED, State
from okdrop.ledger import Waiting, orders
from okdrop.web.answers import WITHIN, RefusedError, ledger_within, told, whole_number
from okdrop.web.looks import Few

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from okdrop.drop import Upload
    from okdrop.ledger import Ledger, Reader
    from okdrop.ledger.orders import Said
    from okdrop.web.daemon import Daemon

LARGEST_PAGE: Final = 500
PAGE: Final = 100
LONGEST_TEXT: Final = 200
_LARGEST_ID: Final = 2**63 - 1

IMAGES: Final = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}
"""How the images begin that a cover may be, and their kinds."""


class Uploads:
    """The desk for `/api/uploads`.

    Args:
        daemon: whose.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon: Final = daemon
        self._covers: Final = Few(1)  # some megabytes each, and maybe of a disk that hangs

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [
            web.get("/api/uploads", self._page),
            web.get(r"/api/uploads/{number:\d+}", self._one),
            web.get(r"/api/uploads/{number:\d+}/cover", self._cover),
            web.post(r"/api/uploads/{number:\d+}/retry", self._retry),
            web.post(r"/api/uploads/{number:\d+}/cancel", self._cancel),
            web.post(r"/api/uploads/{number:\d+}/release", self._release),
            web.post(r"/api/uploads/{number:\d+}/update", self._update),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        states, text = _states(request.query.get("state", "")), _text(request.query.get("q", ""))
        limit = whole_number(request, "limit", default=PAGE, low=1, high=LARGEST_PAGE)
        oldest = _is_oldest_first(request.query.get("order", "newest"))
        after = whole_number(request, "after", default=0, low=0, high=_LARGEST_ID)
        waiting, folder = self._waiting(request.query.get("waits")), request.query.get("folder")
        if folder is not None and folder not in self._daemon.limits:
            raise RefusedError(404, "folder must be a watched folder as it is configured")

        def look(reader: Reader) -> tuple[list[Upload], dict[int, int | None], Mapping[int, str]]:
            rows = reader.page(
                states=states,
                holding=text,
                beyond=after or None,
                at_most=limit + 1,
                oldest=oldest,
                folder=folder,
                waiting=waiting,
            )
            later = [row.id for row in rows[:limit] if row.retry_at is not None and row.state in UNFINISHED]
            return rows, _replaced(reader, rows), reader.latest_notes(later)

        async with ledger_within():
            rows, replaced, notes = await self._daemon.looks(look)
        shown = rows[:limit]
        return told(
            {
                "uploads": [
                    upload_as_json(row, replaced.get(row.id)) | {"reason": notes.get(row.id)} for row in shown
                ],
                "next": shown[-1].id if len(rows) > limit else None,
            }
        )

    def _waiting(self, text: str | None) -> Waiting | None:
        if text not in {None, "yes", "no"}:
            raise RefusedError(400, "waits must be yes or no")
        return None if text is None else Waiting(wanted=text == "yes", now=self._daemon.now())

    async def _one(self, request: web.Request) -> web.Response:
        number = _number(request)
        async with ledger_within():
            row, history, halts, replaced_by, steps = await self._daemon.looks(
                lambda reader: (
                    reader.get(number),
                    reader.history(number),
                    reader.halts(),
                    reader.replaced_by(number),
                    reader.steps_of(number),
                )
            )
        if row is None:
            raise RefusedError(404, f"there is no upload {number}")
        halt = next((halt for halt in halts if halt.account == row.account), None)
        more = {
            "history": history_as_json(history),
            "steps": steps_as_json(steps),
            "halted": halt_as_json(halt),
        }
        return told(upload_as_json(row, replaced_by) | more)

    async def _cover(self, request: web.Request) -> web.Response:
        """The image beside the file, of an upload whose video gets it or has it for its cover."""
        number = _number(request)
        async with ledger_within():
            row = await self._daemon.looks(lambda reader: reader.get(number))
        image = None
        if row is not None and row.publication.cover is not None:
            try:
                async with asyncio.timeout(WITHIN):
                    image = await self._covers(partial(self._daemon.cover, row))
            except TimeoutError:
                raise RefusedError(503, "the disk gives no answer just now; look again later") from None
        if image is None:
            raise RefusedError(404, "no cover is known of it, or the image is not there any more")
        kind = next(kind for begin, kind in IMAGES.items() if image.startswith(begin))
        return web.Response(body=image, content_type=kind)

    async def _retry(self, request: web.Request) -> web.Response:
        return await self._order(request, orders.retry)

    async def _cancel(self, request: web.Request) -> web.Response:
        return await self._order(request, orders.cancel)

    async def _release(self, request: web.Request) -> web.Response:
        return await self._order(request, orders.release)

    async def _update(self, request: web.Request) -> web.Response:
        return await self._order(request, orders.renew)

    async def _order(
        self, request: web.Request, order: Callable[[Ledger, int], Awaitable[Said]]
    ) -> web.Response:
        number = _number(request)
        async with ledger_within():
            said = await order(self._daemon.ledger, number)
        if not said.done:
            raise RefusedError(409 if said.known else 404, said.text)
        self._daemon.ordered()
        return told({"id": number, "said": said.text})


def _replaced(reader: Reader, rows: list[Upload]) -> dict[int, int | None]:
    """Of those that are superseded the ids of those that took over."""
    return {row.id: reader.replaced_by(row.id) for row in rows if row.state is State.SUPERSEDED}


def _number(request: web.Request) -> int:
    """The id in the path; one that no row can have is that of no row."""
    text = request.match_info["number"]
    if not text.isascii() or len(text) > len(str(_LARGEST_ID)) or int(text) > _LARGEST_ID:
        raise RefusedError(404, "there is no such upload")
    return int(text)


def _states(text: str) -> set[State] | None:
    """States between commas; None: any."""
    names = [name for name in text.split(",") if name]
    try:
        return {State(name) for name in names} or None
    except ValueError:
        raise RefusedError(400, f"state must be of {', '.join(State)}, with commas between several") from None


def _is_oldest_first(order: str) -> bool:
    if order not in {"newest", "oldest"}:
        raise RefusedError(400, "order must be newest or oldest")
    return order == "oldest"


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise RefusedError(400, f"q must have {LONGEST_TEXT} characters at most")
    if any("\ud800" <= char <= "\udfff" for char in text) or "\0" in text:
        raise RefusedError(400, "q must be text")
    return text
