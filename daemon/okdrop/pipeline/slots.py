"""Who sends, and who is made ready meanwhile: so many slots, and no more made ready than will soon be needed.

    waits ──► ahead: looked at, asked for a ticket ──► sends: has a slot ──► leaves
              as many as slots are free or about to be

An upload that is made ready ahead costs an entry at OK, and its URL ages. So one is let in for each slot that
is free, and for each whose upload has little left to hand to the line; never more than there are slots.
Whoever came first of those that are ready gets the next slot: nobody who is not ready yet is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Slot:
    """One upload's leave to be made ready, then to send.

    Args:
        slots: among whose it is; None: it sends at once, and beside nobody.
    """

    def __init__(self, slots: Slots | None = None) -> None:
        self._slots: Final = slots
        self.is_sending = slots is None  #: whether bytes may leave
        self.ends_soon = False
        self.wake: Callable[[], object] | None = None  #: is ready, and called once it may send

    def ready(self, wake: Callable[[], object]) -> None:
        """Nothing but a slot is missing: `wake` is called once there is one, which may be at once."""
        if self._slots is not None and not self.is_sending:
            self.wake = wake
            self._slots.changed()

    def note(self, *, ends_soon: bool) -> None:
        """Tell whether the upload has little left to hand to the line."""
        if ends_soon is not self.ends_soon:
            self.ends_soon = ends_soon
            if self._slots is not None:
                self._slots.changed()

    def leave(self) -> None:
        """No byte leaves any more: the next one may send, whatever is still to be done for this upload."""
        if self._slots is not None:
            self._slots.left(self)


class Slots:
    """So many uploads at once, and as many made ready as will have a slot soon.

    Args:
        number: of uploads at once; at least 1.
    """

    def __init__(self, number: int) -> None:
        self._number: Final = number
        self._waiting: Final[dict[Slot, asyncio.Future[None]]] = {}
        self._ahead: Final[dict[Slot, None]] = {}  # in the order in which they were let in
        self._sending: Final[set[Slot]] = set()

    @property
    def ahead(self) -> int:
        """How many are made ready, or are it."""
        return len(self._ahead)

    @property
    def sending(self) -> int:
        """How many send."""
        return len(self._sending)

    @contextlib.asynccontextmanager
    async def next(self) -> AsyncIterator[Slot]:
        """Wait until one more upload may be made ready; the slot is left with the block."""
        slot, let_in = Slot(self), asyncio.get_running_loop().create_future()
        self._waiting[slot] = let_in
        self.changed()
        try:
            await let_in
            yield slot
        finally:
            self.left(slot)

    def left(self, slot: Slot) -> None:
        """A slot is needed no more; may be told again."""
        self._waiting.pop(slot, None)
        self._ahead.pop(slot, None)
        self._sending.discard(slot)
        slot.is_sending = False
        self.changed()

    def changed(self) -> None:
        """Give slots to those who are ready, and let others in to be made so."""
        for slot in [one for one in self._ahead if one.wake is not None]:
            if len(self._sending) < self._number:
                self._send(slot)
        while self._waiting and len(self._ahead) < self._soon_free:
            slot = next(iter(self._waiting))
            let_in = self._waiting.pop(slot)
            if not let_in.done():  # whoever was cancelled has not left yet
                self._ahead[slot] = None
                let_in.set_result(None)

    def _send(self, slot: Slot) -> None:
        del self._ahead[slot]
        self._sending.add(slot)
        slot.is_sending = True
        if slot.wake is not None:
            slot.wake()

    @property
    def _soon_free(self) -> int:
        return self._number - len(self._sending) + sum(slot.ends_soon for slot in self._sending)
