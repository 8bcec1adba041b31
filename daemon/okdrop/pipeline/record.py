"""What the ledger knows of an upload in a worker's hands.

Whatever has to survive a crash is written before the step that depends on it begins (`write_ahead`): the
ticket before the first byte, "every byte was offered" before the last bytes leave. A file that goes in one
request reaches that point within the request: its last block waits for the ledger. Progress is written now
and then, for the eye.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from okdrop import events
from okdrop.pipeline.sessions import vital

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from okdrop.drop import Ticket, Upload
    from okdrop.errors import UploadError
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.proof import Proof
    from okdrop.protocol.tickets import TicketSession

PROGRESS_EVERY: Final = 2.0
"""Seconds between two notes of progress in the ledger; they are for the eye only."""


class Record:
    """One row: as it is known, and as it is written.

    Args:
        parts: what all stages share.
        row: as the ledger has it.
        session: knows more than the row, after each step.
        proof: the leaf hashes; they are written with what is written anyway.
    """

    def __init__(self, parts: Parts, row: Upload, session: TicketSession, proof: Proof) -> None:
        self.row = row
        self._parts: Final = parts
        self._session: Final = session
        self._proof: Final = proof
        self._stored = row
        self._noted_at = parts.monotonic()
        self._writing: Final = asyncio.Lock()

    @property
    def homeless_video(self) -> str:
        """The video id of a ticket that the ledger has not taken; "" where there is none."""
        ticket = self.row.ticket
        return "" if ticket is None or ticket == self._stored.ticket else ticket.video_id

    @property
    def is_due(self) -> bool:
        """Whether progress should be written again."""
        return self._parts.monotonic() - self._noted_at >= PROGRESS_EVERY

    def has(self, **changes: Any) -> None:
        """Something became known; it is written with the next write."""
        self.row = self.row.with_(**changes)

    async def take_stock(self) -> None:
        """The row as the session has left it, for whoever writes it next.

        Its digest comes along where the file is proven as it was sent; else what is known of that is written.
        """
        known = self._as_known()
        self.row = known.with_(digest=self._proof.root or known.digest)
        if self.row.digest is None and self._proof.has_changed:
            await self.note_progress()

    async def write_ahead(self) -> None:
        """Write what has to be in the ledger before the next step, if it is not there.

        Raises:
            StaleVersion: somebody else wrote the row.
        """
        async with self._writing:  # a request under way may have something to write, too
            known = self._as_known()
            if vital(known) != vital(self._stored):
                await self._write(known)

    async def note_progress(self) -> None:
        """Write the row as it is known; raises as `write_ahead` does."""
        async with self._writing:
            await self._write(self._as_known())

    async def put_off(self, error: UploadError, *, at_once: bool, at_most: float, held_by: str = "") -> float:
        """Note one more trouble in a row; returns how many seconds to wait. See `Parts.put_off`."""
        async with self._writing:
            written, delay = await self._parts.put_off(
                self._as_known(), error, at_once=at_once, at_most=at_most, held_by=held_by
            )
            self._keep(written)
        return delay

    async def renamed(self, path: bytes) -> None:
        """The file goes by another name from here on. Raises as `write_ahead` does.

        Raises:
            LedgerError: `ledger_known`, that name has a row of its own.
        """
        async with self._writing:
            before = self.row.drop
            if path in {before.path, self.row.moved_to}:
                return
            drop = self._parts.drop_at(before, path)
            await self._write(self._as_known().with_(drop=drop), note="the file was renamed")
        await self._parts.renamed(self.row, before)

    async def abandon(self, ticket: Ticket, *, due: datetime | None = None) -> None:
        """Part with a ticket: its video is an orphan from here on. Raises as `write_ahead` does.

        Args:
            ticket: the row's.
            due: when the next one may be asked for; None: now.
        """
        async with self._writing:
            afresh = {"mode": None, "offered_all": False, "received": 0, "retry_at": due}
            row = self._as_known().with_(ticket=None, **afresh)
            await self._write(row, note="the ticket was abandoned", orphan=ticket.video_id)
        self._parts.emit(
            events.TicketAbandoned(
                upload=self.row.id, video_id=ticket.video_id, reason="a new one is asked for"
            )
        )

    def _as_known(self) -> Upload:
        session = self._session
        return self.row.with_(
            tickets=session.tickets,
            mode=session.mode if self.row.ticket is not None else None,
            offered_all=session.offered_all and self.row.ticket is not None,
            strikes=session.strikes,
            received=self._received,
            bytes_sent=session.sent,
        )

    @property
    def _received(self) -> int:
        """What OK holds; until it told that anew, what it held when it told that last."""
        if self.row.ticket is None:
            return 0
        return self._session.received if self._session.is_told else self.row.received

    async def _write(self, row: Upload, *, note: str = "", orphan: str = "") -> None:
        leaves = self._proof.take_changed() if row.ticket is not None else None
        self._keep(await self._parts.ledger.write(row, note=note, orphan=orphan, leaves=leaves))

    def _keep(self, written: Upload) -> None:
        self.row = self._stored = written
        self._noted_at = self._parts.monotonic()


async def to_the_end(writing: Coroutine[object, object, None]) -> None:
    """Write from within a request; an early answer cancels its body, but not what is half written.

    It may be cancelled more than once, by the request and by whoever gives it up: what comes after must
    find the row as it was written.
    """
    task = asyncio.ensure_future(writing)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        task.result()
        return
    if not task.cancelled():
        task.exception()  # looked at; whoever writes next meets it again
    raise cancelled
