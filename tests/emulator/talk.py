"""A client in plain words, for trying the emulator: it believes nothing and hides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import random
import urllib.parse
from typing import TYPE_CHECKING, Any

import yarl

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from okdrop.emulator import Emulator

SIZE = 100_000


def content(size: int = SIZE) -> bytes:
    return random.Random(size).randbytes(size)


async def until(condition: Callable[[], bool]) -> None:
    """Let the emulator, which shares the loop, go on until something is so."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition is the emulator's account, which has no event
            await asyncio.sleep(0)


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Raw:
    """A segment sent by hand, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def status(self) -> int:
        return int((await self._reader.readline()).split()[1])

    @property
    def unsent(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    async def leave(self) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Talk:
    """Speaks to one emulator."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator = emulator
        self.session = session

    async def ask(self, verb: str, url: str, **keywords: Any) -> Answer:
        target = yarl.URL(url if url.startswith("http") else self.emulator.url + url, encoded=True)
        async with self.session.request(verb, target, allow_redirects=False, **keywords) as response:
            return Answer(response.status, response.headers, (await response.read()).decode())

    def signed(self, secret: str = "", **parameters: str) -> dict[str, str]:
        options = self.emulator.options
        parameters = {"application_key": options.application_key, "format": "json"} | parameters
        token = parameters.pop("access_token", options.access_token)
        secret = secret or md5(token + options.application_secret_key)
        text = "".join(f"{key}={parameters[key]}" for key in sorted(parameters))
        return parameters | {"sig": md5(text + secret), "access_token": token}

    async def call(self, method: str, **parameters: str) -> Answer:
        return await self.ask("POST", "/fb.do", data=self.signed(method=method, **parameters))

    async def ticket(self, size: int = SIZE, name: str = "a.mp4") -> tuple[str, str]:
        answer = await self.call("video.getUploadUrl", file_name=name, file_size=str(size))
        return str(answer.json["video_id"]), answer.json["upload_url"]

    async def post(
        self, url: str, start: int, stop: int, *, size: int = SIZE, parallel: bool = True, **headers: str
    ) -> Answer:
        sent = segment_head(start, stop, size, parallel=parallel) | headers
        return await self.ask("POST", url, data=content(size)[start:stop], headers=sent)

    async def status(self, url: str, *, parallel: bool = True) -> Answer:
        return await self.ask("GET", url, headers={"X-Uploading-Mode": "parallel"} if parallel else {})

    async def raw(
        self, url: str, start: int, stop: int, *, size: int = SIZE, parallel: bool = True, **more: str
    ) -> Raw:
        """Open a segment, and send its head alone."""
        parts = urllib.parse.urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        headers = segment_head(start, stop, size, parallel=parallel) | more
        headers |= {"Host": parts.netloc, "Content-Length": str(stop - start)}
        lines = [f"POST {parts.path}?{parts.query} HTTP/1.1", *(f"{key}: {headers[key]}" for key in headers)]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return Raw(reader, writer)

    def account(self, video_id: str) -> dict[str, Any]:
        return next(each for each in self.emulator.videos() if each["id"] == video_id)

    async def whole(self, size: int = SIZE, name: str = "a.mp4") -> tuple[str, str]:
        """A ticket whose every byte was sent."""
        video_id, url = await self.ticket(size, name)
        assert (await self.post(url, 0, size, size=size)).status == 200
        return video_id, url


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def segment_head(start: int, stop: int, size: int, *, parallel: bool) -> dict[str, str]:
    mode = {"X-Uploading-Mode": "parallel"} if parallel else {}
    return mode | {
        "Content-Range": f"bytes {start}-{stop - 1}/{size}",
        "Content-Type": "application/octet-stream",
        "Content-Disposition": 'attachment; filename="a.mp4"',
    }
