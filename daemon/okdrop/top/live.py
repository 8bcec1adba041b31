"""All of it, until it is left: what is asked and heard becomes a view, and keys become orders.

asking    the status every second; the rows when something happened to one, and every few seconds
hearing   events, which tell how far each upload is between two looks
drawing   twice a second, and after each key
ordering  one order after the other
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live

from okdrop.top.client import Client, Refused, TooManyTries, Unanswered
from okdrop.top.desk import Desk, Quit, pressed
from okdrop.top.drawing import Size, screen
from okdrop.top.heard import Heard
from okdrop.top.keys import Typist, listening
from okdrop.top.lines import glyphs_for
from okdrop.top.model import Rows, View
from okdrop.top.snapshot import snapshot_lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TextIO

    from okdrop.top.desk import Order
    from okdrop.top.model import Status
    from okdrop.top.unfinished import Unfinished
    from okdrop.top.where import Where

DRAWN_EVERY: Final = 0.5
ASKED_EVERY: Final = 1.0
ROWS_EVERY: Final = 5.0
HEARD_AGAIN: Final = 2.0
"""Seconds, each."""

_SOME: Final = 1
"""Orders that wait for the one before; what is typed beyond is passed over."""

_WAITED_FOR: Final = (Unanswered, Refused, TooManyTries)
"""What may pass, once a daemon answered; a token that is refused does not."""


async def snapshot(where: Where, say: Callable[[str], object]) -> None:
    """Tell how a daemon stands, once; raises Unanswered, NotAdmitted, Refused."""
    heard = Heard(time.monotonic)
    async with Client(where) as client:
        status, rows = await client.status(), await client.rows()
        unfinished = await client.unfinished()
    now = datetime.now(UTC)
    heard.look(rows.moving, now)
    for line in snapshot_lines(_view(where, status, rows, heard, unfinished)):
        say(line)


async def watch(where: Where, stream: TextIO, descriptor: int) -> None:
    """Show a daemon on a terminal until a person leaves, or a signal ends it.

    Args:
        where: it is.
        stream: the terminal, to draw on.
        descriptor: the terminal, to read keys from.

    Raises:
        Unanswered: no daemon answered at the beginning; later on it is waited for.
        NotAdmitted: the token is not, or no longer, the one.
        Refused: it answers nobody who calls it so.
    """
    async with Client(where) as client:
        status = await client.status()
        watching = _Watching(
            where, client, status, Console(file=stream, highlight=False, markup=False, emoji=False)
        )
        await watching.until_left(descriptor)


def _view(
    where: Where,
    status: Status,
    rows: Rows,
    heard: Heard,
    unfinished: Unfinished | None,
    lost: str = "",
) -> View:
    return View(
        address=where.url,
        status=status,
        rows=rows,
        moving=heard.moving(rows.moving, paused=status.paused_since is not None),
        unfinished=unfinished,
        lost=lost,
        now=datetime.now(UTC),
    )


class _Watching:
    def __init__(self, where: Where, client: Client, status: Status, console: Console) -> None:
        self._where: Final = where
        self._client: Final = client
        self._console: Final = console
        self._glyphs: Final = glyphs_for(console.encoding)
        self._heard: Final = Heard(time.monotonic)
        self._status = status
        self._rows = Rows()
        self._unfinished: Unfinished | None = None
        self._lost = ""
        self._desk = Desk()
        self._left: Final = asyncio.Event()
        self._changed: Final = asyncio.Event()  #: draw now
        self._worth_a_look: Final = asyncio.Event()  #: look at the rows soon
        self._orders: Final[asyncio.Queue[Order]] = asyncio.Queue(_SOME)

    async def until_left(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._left.set)
        loop.add_signal_handler(signal.SIGWINCH, self._changed.set)
        with contextlib.ExitStack() as terminal:
            self._take(terminal, descriptor)
            loop.add_signal_handler(signal.SIGTSTP, self._step_aside, terminal, descriptor)
            await self._work()

    def _take(self, terminal: contextlib.ExitStack, descriptor: int) -> None:
        """Have the whole screen and every key, until `terminal` is closed."""
        loop = asyncio.get_running_loop()
        terminal.enter_context(listening(descriptor))
        live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            get_renderable=self._drawn,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        terminal.enter_context(live)
        self._refresh: Callable[[], object] = live.refresh
        loop.add_reader(descriptor, self._read, Typist(descriptor))
        terminal.callback(loop.remove_reader, descriptor)

    def _step_aside(self, terminal: contextlib.ExitStack, descriptor: int) -> None:
        """Ctrl-Z: give the terminal back, stop, and take it again when the shell says so."""
        terminal.close()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take(terminal, descriptor)
        self._changed.set()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            parts = (self._ask(), self._hear(), self._draw(), self._obey())
            tasks = [group.create_task(part) for part in parts]
            await self._left.wait()
            for task in tasks:
                task.cancel()

    # --- what is asked and heard ----------------------------------------------------------------------

    async def _ask(self) -> None:
        looked = float("-inf")
        while True:
            try:
                self._status = await self._client.status()
                if self._worth_a_look.is_set() or time.monotonic() - looked >= ROWS_EVERY or self._lost:
                    await self._look()
                    looked = time.monotonic()
                self._lost = ""
            except _WAITED_FOR as error:
                self._lost = f"{error.message}; asking again"
            self._changed.set()
            await asyncio.sleep(ASKED_EVERY)

    async def _look(self) -> None:
        self._worth_a_look.clear()
        rows = await self._client.rows()
        self._unfinished = await self._client.unfinished()
        self._heard.look(rows.moving, datetime.now(UTC))
        self._rows = rows

    async def _hear(self) -> None:
        while True:
            with contextlib.suppress(*_WAITED_FOR):  # the asking tells; without events it is coarser
                async with contextlib.aclosing(self._client.events()) as events:
                    async for event in events:
                        if self._heard.hear(event):
                            self._worth_a_look.set()
            self._heard.forget()
            self._worth_a_look.set()
            await asyncio.sleep(HEARD_AGAIN)

    # --- the person -----------------------------------------------------------------------------------

    def _read(self, typist: Typist) -> None:
        keys = typist.read()
        if keys is None:
            self._left.set()
            return
        for key in keys:
            self._desk, order = pressed(key, self._desk, self._view())
            if isinstance(order, Quit):
                self._left.set()
            elif order is not None:
                with contextlib.suppress(asyncio.QueueFull):
                    self._orders.put_nowait(order)
        self._changed.set()

    async def _obey(self) -> None:
        while True:
            order = await self._orders.get()
            said = await self._carried_out(self._client.order(order))
            self._desk = dataclasses.replace(self._desk, notice=said)
            self._worth_a_look.set()
            self._changed.set()

    async def _carried_out(self, work: Awaitable[str]) -> str:
        try:
            said = await work
            self._status = await self._client.status()
        except _WAITED_FOR as error:
            return error.message
        return said

    # --- the screen -----------------------------------------------------------------------------------

    async def _draw(self) -> None:
        while True:
            self._refresh()
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAWN_EVERY):
                    await self._changed.wait()

    def _view(self) -> View:
        return _view(self._where, self._status, self._rows, self._heard, self._unfinished, self._lost)

    def _drawn(self) -> Group:
        size = Size(width=self._console.width, height=self._console.height)
        return Group(*screen(self._view(), self._desk, size, self._glyphs))
