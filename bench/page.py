"""Open pages without a browser: each asks and listens as `okdrop/web/static` does, and draws nothing.

They live in a thread of the benchmark's own process: what a browser costs is no cost of the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PULSE: Final = 500
"""Milliseconds between two pulses."""

SOON: Final = 250
"""Milliseconds after news until it is asked for."""

NEWS: Final = 2_000
"""Milliseconds at least between two such questions."""

ROWS: Final = 50
"""Of a page of uploads."""

EVERY: Final = {"STATUS": 5_000, "LIST": 30_000, "HOUR": 10_000, "PUBLISHED": 120_000}
"""Milliseconds between two questions of a kind."""

_STATUS: Final = "/api/status"
_LIST: Final = f"/api/uploads?limit={ROWS}"
ASKED: Final = {"STATUS": _STATUS, "LIST": _LIST, "HOUR": "/api/speed", "PUBLISHED": "/api/published?days=28"}

_OPEN_WITHIN: Final = 60.0


class _Page:
    """One of them."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session: Final = session
        self._soon: asyncio.TimerHandle | None = None
        self._refreshed = -NEWS / 1000
        self._asking: Final[set[asyncio.Task[None]]] = set()
        self.opened: Final = asyncio.Event()

    async def show(self) -> None:
        """Be open until it is cancelled."""
        for path in ("/", "/static/main.js", "/static/app.css", *ASKED.values()):
            await self._ask(path)
        async with asyncio.TaskGroup() as group:
            for kind, milliseconds in EVERY.items():
                group.create_task(self._every(milliseconds / 1000, ASKED[kind]))
            group.create_task(self._listen())

    async def _ask(self, path: str) -> bool:
        """Whether there was an answer; the page too passes over that there is none, and asks again."""
        with contextlib.suppress(aiohttp.ClientError):
            async with self._session.get(path) as answer:
                await answer.read()
                return answer.ok
        return False

    async def _every(self, seconds: float, path: str) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._ask(path)

    async def _listen(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get(f"/api/events?level=error&pulse={PULSE}", timeout=timeout) as stream:
            stream.raise_for_status()
            events: Any = None
            async for line in stream.content:
                if not line.startswith(b"data: "):
                    continue
                pulse = json.loads(line.removeprefix(b"data: "))
                if pulse.get("events") != events:
                    events = pulse.get("events")
                    self._refresh()

    def _refresh(self) -> None:
        """Something happened: how it stands, and which uploads there are, is asked for once it calms down."""
        if self._soon is not None:
            self._soon.cancel()
        loop = asyncio.get_running_loop()
        wait = max(SOON / 1000, self._refreshed + NEWS / 1000 - loop.time())
        self._soon = loop.call_later(wait, self._ask_anew)

    def _ask_anew(self) -> None:
        self._refreshed = asyncio.get_running_loop().time()
        asking = asyncio.ensure_future(self._news())
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def _news(self) -> None:
        if all([await self._ask(path) for path in (_STATUS, _LIST)]):
            self.opened.set()


@contextlib.contextmanager
def open_pages(address: str, count: int) -> Iterator[None]:
    """Have so many pages of a daemon open for as long as the block lasts.

    Raises:
        BenchError: one did not open, or was not answered.
    """
    opened, leave = threading.Event(), threading.Event()
    troubles: list[BaseException] = []

    def live() -> None:
        try:
            asyncio.run(_show_all(address, count, opened, leave))
        except BaseException as trouble:  # noqa: BLE001 - told by the thread that waits
            troubles.append(trouble)
            opened.set()

    thread = threading.Thread(target=live, name="pages")
    thread.start()
    try:
        is_open = opened.wait(_OPEN_WITHIN)
        if is_open and not troubles:
            yield
    finally:
        leave.set()
        thread.join()
    if troubles or not is_open:
        said = _said(troubles[0]) if troubles else "no pulse came"
        raise BenchError(f"the pages did not stay open: {said}")


def _said(trouble: BaseException) -> str:
    """The first of what went wrong at once."""
    while isinstance(trouble, BaseExceptionGroup):
        trouble = trouble.exceptions[0]
    return f"{type(trouble).__name__}: {trouble}"


async def _show_all(address: str, count: int, opened: threading.Event, leave: threading.Event) -> None:
    async with aiohttp.ClientSession(address) as session:
        pages = [_Page(session) for _ in range(count)]
        showing = asyncio.create_task(_show(pages))
        await _first_of(showing, asyncio.create_task(_are_open(pages)))
        opened.set()
        await _first_of(showing, asyncio.create_task(_wait_for(leave)))
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


async def _first_of(showing: asyncio.Task[None], other: asyncio.Task[None]) -> None:
    """Wait for the other, as long as the pages are shown; raises as they do."""
    await asyncio.wait({showing, other}, return_when=asyncio.FIRST_COMPLETED)
    other.cancel()
    if showing.done():
        showing.result()


async def _show(pages: Sequence[_Page]) -> None:
    async with asyncio.TaskGroup() as group:
        for page in pages:
            group.create_task(page.show())


async def _are_open(pages: Sequence[_Page]) -> None:
    for page in pages:
        await page.opened.wait()


async def _wait_for(leave: threading.Event) -> None:
    await asyncio.to_thread(leave.wait)
