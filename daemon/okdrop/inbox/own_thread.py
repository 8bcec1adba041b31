"""Work that may hang for hours, in a thread of its own.

Whoever looks into a mount whose server is gone may wait for it without an end, and no call to the kernel can
be taken back. In the threads that all share a few of these would leave none for anybody else, and the end of
the process would wait for them. So each gets its own, which is left behind where it hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def begun(work: Callable[[], T], *, name: str) -> asyncio.Future[T]:
    """Begin blocking work; returns what becomes of it. To cancel that lets go of the thread and ends nothing.

    Args:
        work: what it raises, the future raises.
        name: of the thread, for whoever looks at the process.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            settle = partial(future.set_result, work())
        except BaseException as error:  # noqa: BLE001 - the thread's edge
            settle = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_unless_done, future, settle)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _unless_done(future: asyncio.Future[T], settle: Callable[[], None]) -> None:
    if not future.done():  # it was cancelled
        settle()
