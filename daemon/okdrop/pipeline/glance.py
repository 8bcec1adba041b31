"""A look that may hang: at a file whose mount lost its server, say.

It has a thread of its own, which is left behind when it takes too long: no other work waits for it, and
neither does the end of the process. As long as too many hang, nobody looks again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

WITHIN: Final = 10.0
"""Seconds for which a look is waited for."""

MOST: Final = 3
"""Threads that may hang."""


class Glance(Generic[T]):
    """Looks again and again, and never waits long.

    Args:
        look: what may hang; called in a thread.
        within: seconds for which it is waited for.
    """

    def __init__(self, look: Callable[[], T], *, within: float = WITHIN) -> None:
        self._look: Final = look
        self._within: Final = within
        self._hang: Final[set[threading.Thread]] = set()

    async def __call__(self) -> T:
        """Look, and come back with what was seen, or what was raised.

        Raises:
            TimeoutError: it takes too long, or so many before it have not come back yet.
        """
        self._hang.intersection_update([thread for thread in self._hang if thread.is_alive()])
        if len(self._hang) >= MOST:
            raise TimeoutError
        loop = asyncio.get_running_loop()
        seen: asyncio.Future[T] = loop.create_future()

        def look() -> None:
            told = _outcome(self._look)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_tell, seen, told)

        thread = threading.Thread(target=look, name="glance", daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(self._within):
                return await seen
        except TimeoutError:
            self._hang.add(thread)
            raise


def _outcome(look: Callable[[], T]) -> Callable[[], T]:
    """Look, and give what returns, or raises, what came of it."""
    try:
        found = look()
    except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
        caught = error

        def again() -> T:
            raise caught

        return again
    return lambda: found


def _tell(seen: asyncio.Future[T], told: Callable[[], T]) -> None:
    if seen.done():
        return
    try:
        seen.set_result(told())
    except Exception as error:  # noqa: BLE001 - as above
        seen.set_exception(error)
