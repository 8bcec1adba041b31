"""Who sends, and who is made ready meanwhile: so many slots, and no more made ready than will soon be needed.

    waits ──► ahead: looked at, asked for a ticket ──► sends: has a slot ──► leaves

An upload that is made ready ahead costs an entry at OK, and its URL ages. So one is let in for each slot that
is free, and for each whose upload has little left to hand to the line. Where that is not enough, since files
are small and answers late, a slot that waits in vain has one more let in from then on; and one fewer, once as
many as there are slots were ready before they were needed.

Whoever came first of those that are ready gets the next slot: nobody who is not ready yet is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MOST_AHEAD: Final = 8
"""Uploads that are made ready ahead at most, where there are fewer slots."""


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
        self._lead = number

    @staticmethod
    def hands(number: int) -> int:
        """How many workers so many slots keep busy: some send, some make ready, some write down what came."""
        return 2 * number + max(number, MOST_AHEAD)

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
        if slot in self._sending:
            self._sending.remove(slot)
            if slot.ends_soon:  # else it was given up, and tells nothing of how long an upload takes
                self._learn()
        slot.is_sending = False
        self.changed()

    def changed(self) -> None:
        """Give slots to those who are ready, and let others in to be made so."""
        for slot in [one for one in self._ahead if one.wake is not None]:
            if len(self._sending) < self._number:
                self._send(slot)
        while self._waiting and len(self._ahead) < self._wanted:
            slot = next(iter(self._waiting))
            let_in = self._waiting.pop(slot)
            if not let_in.done():  # whoever was cancelled has not left yet
                self._ahead[slot] = None
                let_in.set_result(None)

    def _learn(self) -> None:
        """A slot becomes free: were too few made ready for it, or more than enough?"""
        ready = sum(slot.wake is not None for slot in self._ahead)
        if self._ahead and not ready:
            self._lead = min(self._lead + 1, max(self._number, MOST_AHEAD))
        elif ready > self._number:
            self._lead = max(self._lead - 1, self._number)

    def _send(self, slot: Slot) -> None:
        del self._ahead[slot]
        self._sending.add(slot)
        slot.is_sending = True
        if slot.wake is not None:
            slot.wake()

    @property
    def _wanted(self) -> int:
        """How many may be ahead: the lead, where all slots are free or soon free; else a part of it."""
        soon_free = self._number - len(self._sending) + sum(slot.ends_soon for slot in self._sending)
        return -(-self._lead * soon_free // self._number)
