"""From a ticket to a slot: an upload that is made ready ahead has its ticket written down, then waits.

    asks for a ticket ──► written ──► waits ──► has a slot: bytes leave
                                        │
                                        └─► for too long: another ticket

A slot that is free at once spares the wait, and the write: what the first bytes need is written anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.pipeline.record import Record
    from okdrop.pipeline.slots import Slot
    from okdrop.protocol.tickets import TicketSession

AGES_UNUSED: Final = 300.0
"""Seconds for which a ticket is good before a byte was sent on it; then its URL may be near its end."""


class Ahead:
    """One upload's wait for a slot.

    Args:
        slot: tells when bytes may leave.
        session: told that its ticket aged.
        record: has the ticket written down.
        monotonic: seconds.
        wake: called once there is a slot.
    """

    def __init__(
        self,
        slot: Slot,
        session: TicketSession,
        record: Record,
        monotonic: Callable[[], float],
        wake: Callable[[], object],
    ) -> None:
        self._slot: Final = slot
        self._session: Final = session
        self._record: Final = record
        self._monotonic: Final = monotonic
        self._wake: Final = wake
        self._issued_at: float | None = None
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has had a slot."""
        return 0.0 if self._since is None else self._monotonic() - self._since

    def ticket_issued(self) -> None:
        """OK gave a ticket: it ages from here on. One of an earlier attempt is asked for its state anyway."""
        self._issued_at = self._monotonic()

    async def may_go_on(self) -> bool:
        """Whether the next step may be begun: without a slot only a ticket is asked for.

        Raises:
            StaleVersion: somebody else wrote the row.
        """
        if self._since is not None or self._record.row.ticket is None:
            return True
        self._slot.ready(self._wake)
        if not self._slot.is_sending:
            await self._record.write_ahead()
        if self._slot.is_sending:
            self._since = now = self._monotonic()
            if self._issued_at is not None and now - self._issued_at > AGES_UNUSED:
                self._session.ticket_aged()
        return self._slot.is_sending

    def look(self) -> None:
        """Let the next one be made ready, once this one ends soon."""
        self._slot.note(ends_soon=self._session.ends_soon)

    def leave(self) -> None:
        """No byte leaves any more."""
        self._slot.leave()
