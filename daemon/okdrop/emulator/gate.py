"""What every request to an upload URL passes first: is the URL good, and does a fault refuse it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING, Final

from okdrop.emulator import accounts, line
from okdrop.emulator.options import Mode, Options
from okdrop.emulator.videos import Stage, Video

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from okdrop.emulator.faults import Faults
    from okdrop.emulator.store import Store

GARBAGE: Final = {
    "html": "<html><body><h1>502 Bad Gateway</h1></body></html>",
    "empty": "",
    "truncated": '{"videos": [{"id": "6710',
    "error": '{"error_code": 1, "error_msg": "UNKNOWN : unknown", "error_data": null}',
}


class Refusal(Exception):
    """The request is answered with this status, and nothing of it is stored."""

    def __init__(
        self, status: int, reason: str, headers: dict[str, str] | None = None, body: str = ""
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = {"X-Reason": reason, **(headers or {})}
        self.body = body


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the upload host's two halves share.

    Args:
        options: which server is played.
        store: where the bytes go.
        faults: what goes wrong.
        clock: seconds since the epoch.
        stopping: set when the emulator stops; whoever hangs then lets go.
    """

    options: Options
    store: Store
    faults: Faults
    stopping: asyncio.Event
    clock: Callable[[], float] = time.time

    def video_of(self, request: web.Request) -> Video | None:
        """The video whose upload URL was asked: the raw query decides, so a re-quoted URL is another."""
        return self.store.by_query(request.raw_path.partition("?")[2])

    def admit(self, request: web.Request, operation: str) -> Video:
        """The video of this request, if its URL is good and nothing speaks against it.

        Raises:
            Refusal: the URL is unknown, dead or expired, or a fault refuses the request.
        """
        video = self.video_of(request)
        if video is None:
            raise Refusal(403, "signature")
        if video.stage is Stage.DELETED:
            raise Refusal(404, "no such video")
        self._check_life(video, operation)
        self._apply_faults(video, operation)
        return video

    def _check_life(self, video: Video, operation: str) -> None:
        ticket = video.ticket
        if expiry := self.faults.take("expire_url", operation, str(video.id)):
            ticket.dead_status = expiry.integer("status")
        elif not ticket.dead_status and self.clock() >= ticket.expires_at:
            ticket.dead_status = 403
        if ticket.dead_status:
            self.store.save(video)
            raise Refusal(ticket.dead_status, "expired")

    def _apply_faults(self, video: Video, operation: str) -> None:
        name = str(video.id)
        if redirect := self.faults.take("redirect", operation, name):
            raise Refusal(redirect.integer("status"), "moved", {"Location": redirect.text("location")})
        if self.faults.take("error_500_before_storing", operation, name):
            raise Refusal(500, "trouble")
        if busy := self.faults.take("error_503", operation, name):
            raise Refusal(503, "busy", retry_after(busy.integer("retry_after")))
        if other := self.faults.take("refuse", operation, name):
            raise Refusal(other.integer("status"), "refused", retry_after(other.integer("retry_after")))
        if refused := self.faults.take("refuse_416", operation, name):
            raise unsatisfiable(video, told=refused.flag("last_known_byte"))
        if garbage := self.faults.take("garbage", operation, name):
            raise Refusal(200, "garbage", body=GARBAGE[garbage.text("kind")])

    def is_parallel(self, request: web.Request) -> bool:
        """Whether the parallel mode is asked for and played."""
        asked = request.headers.get("X-Uploading-Mode", "").lower() == "parallel"
        return asked and self.options.mode is Mode.PARALLEL

    async def pause(self, operation: str, video: Video | None = None) -> None:
        """Take the time that any answer takes."""
        delay = self.options.latency
        if late := self.faults.take("latency", operation, "" if video is None else str(video.id)):
            delay += late.number("seconds")
        if delay:
            await asyncio.sleep(delay)

    async def linger(self, request: web.Request, operation: str, video: Video | None = None) -> None:
        """Take the time that an answer takes to what was done.

        Raises:
            LineCut: it is never given.
        """
        await self.pause(operation, video)
        name = "" if video is None else str(video.id)
        if never := self.faults.take("stall_answer", operation, name):
            raise await line.hang(request, never.number("seconds"), self.stopping)

    def log(self, video: Video, request: web.Request, status: int, received: int, *, began: float) -> None:
        """Note a request at its end; status 0 stands for no answer, `began` is when its head was read."""
        video.traffic.log.append(
            {
                "began": began,
                "at": self.clock(),
                "method": request.method,
                "content_type": request.headers.get("Content-Type", "").partition(";")[0],
                "content_range": request.headers.get("Content-Range", ""),
                "mode": request.headers.get("X-Uploading-Mode", ""),
                "received": received,
                "status": status,
            }
        )


def unsatisfiable(video: Video, *, told: bool = True) -> Refusal:
    """416, with the last byte that is held before any gap."""
    account = accounts.Account(video.held, video.total)
    return Refusal(416, "range", accounts.last_known_byte(account) if told else None)


def retry_after(seconds: int) -> dict[str, str]:
    """The header of that name; none for a negative number."""
    return {"Retry-After": str(seconds)} if seconds >= 0 else {}
