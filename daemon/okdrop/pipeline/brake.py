"""What lets the stages work, holds them, or ends them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import State
    from okdrop.errors import Halted


class Brake:
    """Asks the stages to stop at the next segment boundary: for good, or for a while.

    Pulled, by a signal, it ends the run. Halted, by dead credentials, it holds a daemon that stays until it
    is released, and ends a run that ends. Paused, by a person, it holds until that person has it go on.

    Args:
        stays: a halt holds; else it pulls.
    """

    def __init__(self, *, stays: bool = False) -> None:
        self.stays: Final = stays
        self._pulled: Final = asyncio.Event()
        self._free: Final = asyncio.Event()
        self._free.set()
        self._held: Final = asyncio.Event()
        self._listeners: Final[list[Callable[[], object]]] = []
        self._paused = False
        self.halted: Halted | None = None  #: why it holds, or why it was pulled
        self.halted_at: State | None = None  #: where the upload stood that met it; None: no upload did

    @property
    def is_pulled(self) -> bool:
        """Whether the run ends."""
        return self._pulled.is_set()

    @property
    def holds(self) -> bool:
        """Whether nothing new may be begun, for now or for good."""
        return self.is_pulled or self._held.is_set() or self._paused

    @property
    def is_halted(self) -> bool:
        """Whether the run ends, or what is missing has to be mended first; a pause is neither."""
        return self.is_pulled or self._held.is_set()

    @property
    def is_paused(self) -> bool:
        """Whether a person asked for a pause."""
        return self._paused

    def pull(self) -> None:
        """End the run."""
        if not self.is_pulled:
            self._pulled.set()
            self._free.set()
            self._tell()

    def halt(self, why: Halted, at: State | None = None) -> bool:
        """Hold until `release`, or end a run that does not stay.

        Args:
            why: what is missing.
            at: where the upload stands that met it.

        Returns:
            Whether this is news: the first reason stays.
        """
        if self.is_halted:
            return False
        self.halted, self.halted_at = why, at
        if not self.stays:
            self.pull()
            return True
        self._free.clear()
        self._held.set()
        self._tell()
        return True

    def release(self) -> None:
        """What was wrong is mended: go on."""
        if not self.is_pulled:
            self.halted = self.halted_at = None
            self._held.clear()
            self._free_unless_held()

    def pause(self) -> bool:
        """Hold until `go_on`, whatever else is mended meanwhile.

        Returns:
            Whether this is news.
        """
        if self._paused:
            return False
        self._paused = True
        if not self.is_pulled:
            self._free.clear()
            self._tell()
        return True

    def go_on(self) -> bool:
        """The pause is over; what is halted stays so.

        Returns:
            Whether there was one.
        """
        if not self._paused:
            return False
        self._paused = False
        self._free_unless_held()
        return True

    def _free_unless_held(self) -> None:
        if self.is_pulled or not self.holds:
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
