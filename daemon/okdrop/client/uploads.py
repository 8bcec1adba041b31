"""The upload URL over the line: a probe, and a segment or a whole file under watch. Answers are values."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from okdrop.client import line
from okdrop.client.body import LineCutError, SegmentBody
from okdrop.client.enclosed import enclosed
from okdrop.client.hosts import upload_url
from okdrop.client.progress import Watchdog
from okdrop.protocol.form import Form
from okdrop.protocol.messages import NoAnswer, ProbeAnswer, SegmentAnswer
from okdrop.protocol.photos import FIELD as PHOTO_FIELD
from okdrop.protocol.wire import (
    probe_headers,
    read_file_answer,
    read_probe_answer,
    read_segment_answer,
    segment_headers,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from okdrop.client.connections import Connections
    from okdrop.client.settings import ClientSettings
    from okdrop.drop import Mode, Ticket
    from okdrop.protocol.messages import FileAnswer
    from okdrop.protocol.ranges import ByteRange

_GRACE: Final = 1.0
"""Seconds for an answer that may already lie here when the line breaks under the body."""

CUT: Final = "the connection was cut"

_SUCCESS: Final = 2  # hundreds


class Uploads:
    """Probes, segments and whole files."""

    def __init__(self, connections: Connections, settings: ClientSettings) -> None:
        self._connections = connections
        self._settings = settings
        connect = settings.stall_timeout
        self._endless = aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect)
        self._probe_timeout = aiohttp.ClientTimeout(total=connect + settings.answer_timeout, connect=connect)

    async def probe(self, ticket: Ticket, *, total: int) -> ProbeAnswer:
        """Ask the upload URL what it holds."""
        url = upload_url(ticket.upload_url, self._settings.upload_hosts)
        try:
            reply = await line.exchange(
                self._connections.to(url.authority),
                "GET",
                url,
                timeout=self._probe_timeout,
                proxy=self._settings.proxy,
                headers=probe_headers(),
            )
        except line.FAULTS as fault:
            self._connections.unanswered(url.authority)
            return NoAnswer(line.words(fault)[0], sent=False)
        return read_probe_answer(reply.status, reply.headers, reply.body, total)

    async def send(
        self,
        ticket: Ticket,
        span: ByteRange,
        *,
        total: int,
        mode: Mode | None,
        file_name: str,
        blocks: AsyncIterator[bytes | memoryview],
        sent: Callable[[int], None],
    ) -> SegmentAnswer:
        """Send one segment; see `Client.send`."""
        body = SegmentBody(blocks, len(span), sent)
        reply = await self._post(
            ticket.upload_url, body, segment_headers(span, total, mode=mode, file_name=file_name)
        )
        if isinstance(reply, NoAnswer):
            return reply
        return read_segment_answer(reply.status, reply.headers, reply.body, total)

    async def send_file(
        self,
        ticket: Ticket,
        *,
        size: int,
        file_name: str,
        blocks: AsyncIterator[bytes | memoryview],
        sent: Callable[[int], None],
    ) -> FileAnswer:
        """Send the whole file; see `Client.send_file`."""
        form = Form.around(file_name, secret=ticket.upload_url)
        body = SegmentBody(enclosed(form, blocks, size, sent), form.length(size), lambda _count: None)
        reply = await self._post(ticket.upload_url, body, {"Content-Type": form.content_type})
        if isinstance(reply, NoAnswer):
            return reply
        return read_file_answer(reply.status, reply.headers, reply.body)

    async def send_photo(
        self, url: str, *, size: int, file_name: str, blocks: AsyncIterator[bytes | memoryview]
    ) -> line.Reply | NoAnswer:
        """Send an image of `size` bytes to its upload URL, in a form."""
        form = Form.around(file_name, secret=url, field=PHOTO_FIELD)
        body = SegmentBody(
            enclosed(form, blocks, size, lambda _count: None), form.length(size), lambda _count: None
        )
        return await self._post(url, body, {"Content-Type": form.content_type})

    async def _post(self, signed: str, body: SegmentBody, headers: dict[str, str]) -> line.Reply | NoAnswer:
        """Send a body under watch; what comes back is an answer to all of it, or a refusal."""
        url = upload_url(signed, self._settings.upload_hosts)
        request = asyncio.create_task(
            line.exchange(
                self._connections.to(url.authority),
                "POST",
                url,
                timeout=self._endless,
                proxy=self._settings.proxy,
                headers=headers,
                data=body,
            )
        )
        try:
            complaint = await self._watch(request, body)
            reply = _reply(request, body, complaint)
            if isinstance(reply, NoAnswer):
                self._connections.unanswered(url.authority)
            return reply
        finally:
            await _settle(request, body)

    async def _watch(self, request: asyncio.Task[line.Reply], body: SegmentBody) -> str | None:
        """Wait for the answer, or for a reason not to; in words if it is the line's."""
        settings = self._settings
        dog = Watchdog(stall_timeout=settings.stall_timeout, answer_timeout=settings.answer_timeout)
        clock = asyncio.get_running_loop().time
        ends: set[asyncio.Future[Any]] = {request, body.broken}
        while True:
            done, _ = await asyncio.wait(ends, timeout=dog.interval, return_when=asyncio.FIRST_COMPLETED)
            if request in done:
                return None
            if body.broken in done:
                return await _broken(request, body)
            if body.at_first is not None:
                dog.see(body.at_first)
            state = body.line()
            complaint = dog.judge(state, all_handed=body.whole, now=clock()) if state is not None else None
            if complaint is not None:
                return complaint


async def _broken(request: asyncio.Task[line.Reply], body: SegmentBody) -> str | None:
    error = body.broken.result()
    if not isinstance(error, LineCutError):
        raise error
    done, _ = await asyncio.wait({request}, timeout=_GRACE)
    return None if done else CUT


def _reply(
    request: asyncio.Task[line.Reply], body: SegmentBody, complaint: str | None
) -> line.Reply | NoAnswer:
    if complaint is not None:
        return NoAnswer(complaint, sent=body.handed > 0, timed_out=complaint != CUT)
    if request.cancelled():
        return NoAnswer(CUT, sent=body.handed > 0)
    try:
        reply = request.result()
    except line.FAULTS as fault:
        is_late = isinstance(fault, TimeoutError)
        return NoAnswer(line.words(fault)[0], sent=body.handed > 0, timed_out=is_late)
    if reply.status // 100 == _SUCCESS and not body.whole:
        return NoAnswer("the answer came before all of the body was sent", sent=body.handed > 0)
    return reply


async def _settle(request: asyncio.Task[line.Reply], body: SegmentBody) -> None:
    """Leave nothing behind: no task, no half-sent request on a connection that lives on."""
    if not request.done() or not body.whole:
        body.abort()
    request.cancel()
    await asyncio.wait({request})
    if not request.cancelled():
        request.exception()  # looked at, so that the loop does not report it (with the URL in it)
    await body.stop()
