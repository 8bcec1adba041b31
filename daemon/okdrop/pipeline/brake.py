"""What lets the stages work, holds them, or ends them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.errors import Halted


class Brake:
    """Asks the stages to stop at the next segment boundary: for good, or until what is wrong is mended.

    Pulled, by a signal, it ends the run. Halted, by dead credentials, it holds a daemon that stays until it
    is released, and ends a run that ends.

    Args:
        stays: a halt holds; else it pulls.
    """

    def __init__(self, *, stays: bool = False) -> None:
        self._stays: Final = stays
        self._pulled: Final = asyncio.Event()
        self._free: Final = asyncio.Event()
        self._free.set()
        self._held: Final = asyncio.Event()
        self._listeners: Final[list[Callable[[], object]]] = []
        self.halted: Halted | None = None  #: why it holds, or why it was pulled

    @property
    def stays(self) -> bool:
        """Whether this is a run that stays."""
        return self._stays

    @property
    def is_pulled(self) -> bool:
        """Whether the run ends."""
        return self._pulled.is_set()

    @property
    def holds(self) -> bool:
        """Whether nothing new may be begun, for now or for good."""
        return self.is_pulled or self._held.is_set()

    def pull(self) -> None:
        """End the run."""
        if not self.is_pulled:
            self._pulled.set()
            self._free.set()
            self._tell()

    def halt(self, why: Halted) -> bool:
        """Hold until `release`, or end a run that does not stay.

        Returns:
            Whether this is news: the first reason stays.
        """
        if self.holds:
            return False
        self.halted = why
        if not self._stays:
            self.pull()
            return True
        self._free.clear()
        self._held.set()
        self._tell()
        return True

    def release(self) -> None:
        """What was wrong is mended: go on."""
        if not self.is_pulled:
            self.halted = None
            self._held.clear()
            self._free.set()

    async def wait(self) -> None:
        """Return when it is pulled."""
        await self._pulled.wait()

    async def wait_until_held(self) -> None:
        """Return when it holds for a while."""
        await self._held.wait()

    async def wait_until_free(self) -> bool:
        """Wait while it holds.

        Returns:
            Whether work may be begun; not once it is pulled.
        """
        await self._free.wait()
        return not self.is_pulled

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener` whenever it begins to hold or is pulled; returns what takes the listener off."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in [*self._listeners]:
            listener()
