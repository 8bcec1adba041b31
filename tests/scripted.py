"""A scripted server on real sockets: each test says what it reads and what it answers."""

import asyncio
import dataclasses
import datetime as dt
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from okdrop.client import Client, Credentials
from okdrop.drop import Ticket

if TYPE_CHECKING:
    import contextlib

LOOPBACK_PEM = Path(__file__).with_name("loopback.pem")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KEYS = Credentials(
    application_key="APPKEY0123456789",
    access_token="TOKEN-tkn1n0secret4u",
    application_secret_key="APPSECRET777",
    session_secret_key="SESSIONSECRET888",
)
SIGNATURE = "SIGNATURE31415926"


@dataclasses.dataclass
class Talk:
    """One request, as far as it was read, and the way to answer it."""

    head: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def request_line(self) -> str:
        return self.head.split("\r\n", 1)[0]

    def header(self, name: str) -> str | None:
        match = re.search(rf"(?im)^{re.escape(name)}: *(.*?)\r?$", self.head)
        return match[1] if match else None

    async def body(self) -> bytes:
        return await self.reader.readexactly(int(self.header("Content-Length") or 0))

    async def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()


Script = Callable[[Talk], Awaitable[None]]


class Scripted:
    """The server: plays the script for each request; `ended` holds what a script failed with."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.port = 0
        self.scheme = "http"
        self.connections = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def ticket(self, query: str = f"sig={SIGNATURE}") -> Ticket:
        return Ticket(video_id="7", upload_url=f"{self.url}/upload.do?{query}", issued_at=NOW)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self.script(Talk(head.decode("latin-1"), reader, writer))
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
            asyncio.CancelledError,
        ):
            pass
        finally:
            self.tasks.discard(task)
            writer.transport.abort()


Serve = Callable[..., "contextlib.AbstractAsyncContextManager[Scripted]"]
Connect = Callable[..., Client]
