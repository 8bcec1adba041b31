"""The emulator about itself: `/emulator/…` tells what it got, and switches faults, as JSON."""

from __future__ import annotations

import asyncio
import collections
import json
import mimetypes
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.emulator.fault_table import FAULTS, Fault, UnknownFaultError
from okdrop.emulator.videos import Stage, Video

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.emulator.api import Api
    from okdrop.emulator.gate import Gate
    from okdrop.emulator.segments import SegmentDesk

_OPAQUE: Final = "application/octet-stream"


class Control:
    """Accounts and switches.

    Args:
        gate: store, faults and options.
        api: its counters.
        segments: its counters.
        base_url: where the emulator is reached.
    """

    def __init__(self, gate: Gate, api: Api, segments: SegmentDesk, base_url: Callable[[], str]) -> None:
        self._gate = gate
        self._api = api
        self._segments = segments
        self._base_url = base_url

    def routes(self) -> list[web.RouteDef]:
        """Everything under `/emulator/`."""
        return [
            web.get("/emulator/videos", self._videos),
            web.get("/emulator/videos/{id}", self._video),
            web.get("/emulator/videos/{id}/content", self._content),
            web.get("/emulator/summary", self._summary),
            web.get("/emulator/faults", self._faults),
            web.put("/emulator/faults", self._replace_faults),
            web.post("/emulator/faults", self._add_fault),
            web.delete("/emulator/faults", self._clear_faults),
        ]

    # --- accounts -------------------------------------------------------------------------------------

    def account(self, video: Video) -> dict[str, Any]:
        """Everything there is to say of one video, as plain values."""
        traffic, details = video.traffic, video.details
        return {
            "id": str(video.id),
            "name": video.name,
            "owner": video.owner,
            "status": video.status,
            "size": video.size,
            "declared_size": video.declared_size,
            "held": video.held.size,
            "ranges": [list(span) for span in video.held.items],
            "whole": video.is_whole,
            "sha256": self._gate.store.digest(video),
            "published": video.details.published,
            "deleted": video.stage is Stage.DELETED,
            "title": details.title,
            "description": details.description,
            "tags": details.tags,
            "privacy": details.privacy,
            "updates": details.updates,
            "cover": details.cover,
            "request": video.request,
            "upload_url": f"{self._base_url()}/upload.do?{video.ticket.query}",
            "expires_at": video.ticket.expires_at,
            "url_dead": video.ticket.dead_status,
            "received": traffic.received,
            "held_bytes_resent": traffic.held_resent,
            "mode": str(video.manner),
            "segments": traffic.segments,
            "in_flight": traffic.in_flight,
            "max_in_flight": traffic.max_in_flight,
            "requests": list(traffic.log),
        }

    def summary(self) -> dict[str, Any]:
        """The whole in numbers."""
        videos = self._gate.store.all()
        return {
            "videos": len(videos),
            "states": collections.Counter(video.status for video in videos),
            "published": sum(video.details.published for video in videos),
            "received": sum(video.traffic.received for video in videos),
            "held_bytes_resent": sum(video.traffic.held_resent for video in videos),
            "calls": dict(self._api.calls),
            "errors": dict(self._api.errors),
            "online": dict(self._api.online),
            "in_flight": self._segments.in_flight,
            "max_in_flight": self._segments.max_in_flight,
        }

    async def _accounts(self, videos: list[Video]) -> list[dict[str, Any]]:
        """Digests are made in a thread first: a large file takes its time."""
        for video in videos:
            await asyncio.to_thread(self._gate.store.digest, video)
        return [self.account(video) for video in videos]

    async def _videos(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._accounts(self._gate.store.all()))

    async def _video(self, request: web.Request) -> web.Response:
        return web.json_response((await self._accounts([self._found(request)]))[0])

    async def _summary(self, _request: web.Request) -> web.Response:
        return web.json_response(self.summary())

    def _found(self, request: web.Request) -> Video:
        """The video of the address, deleted or not."""
        wanted = request.match_info["id"]
        for video in self._gate.store.all():
            if str(video.id) == wanted:
                return video
        raise web.HTTPNotFound(text="no such video")

    async def _content(self, request: web.Request) -> web.StreamResponse:
        """The bytes, for a player: by Range, and never as anything a browser would run."""
        video = self._found(request)
        if not video.is_whole or video.stage is Stage.DELETED:
            raise web.HTTPNotFound(text="not whole")
        guessed = mimetypes.guess_type(video.name)[0] or _OPAQUE
        kind = guessed if guessed.startswith(("video/", "audio/")) else _OPAQUE
        return web.FileResponse(self._gate.store.path(video), headers={"Content-Type": kind})

    # --- switches -------------------------------------------------------------------------------------

    async def _faults(self, _request: web.Request) -> web.Response:
        known = {
            name: {"does": kind.does, "parameters": dict(kind.parameters)} for name, kind in FAULTS.items()
        }
        return web.json_response({"active": self._gate.faults.plain(), "known": known})

    async def _replace_faults(self, request: web.Request) -> web.Response:
        """PUT: exactly these are on from now."""
        faults = await _read_faults(request)
        self._gate.faults.clear()
        for fault in faults:
            self._gate.faults.add(fault)
        return await self._faults(request)

    async def _add_fault(self, request: web.Request) -> web.Response:
        """POST: these too."""
        for fault in await _read_faults(request):
            self._gate.faults.add(fault)
        return await self._faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        """DELETE: none is on, or none of `?name=`."""
        self._gate.faults.clear(request.query.get("name", ""))
        return await self._faults(request)


async def _read_faults(request: web.Request) -> list[Fault]:
    """One fault or a list of them, each as an object with a `name`, or as the command line has it.

    Raises:
        web.HTTPBadRequest: it is none of that; the text says what there is.
    """
    try:
        given = json.loads(await request.text())
        return [_read_fault(each) for each in (given if isinstance(given, list) else [given])]
    except UnknownFaultError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except (ValueError, TypeError):
        raise web.HTTPBadRequest(
            text='wanted: {"name": "lost_answer", "times": 1}, or a list of such'
        ) from None


def _read_fault(given: Any) -> Fault:
    if isinstance(given, str):
        return Fault.parse(given)
    values = dict(given)
    return Fault.of(str(values.pop("name", "")), **values)
