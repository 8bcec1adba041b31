"""Waiting until the ledger can be written again, in a daemon that stays.

Nothing is acted on before it is written. So when the disk is full, waiting is all that has to be done: each
job is handed in again until it succeeds, whoever waits for it waits on, and nothing is lost. A job that
failed was rolled back; should it have taken effect all the same, its row has a newer version, and the second
try is told so as after anybody else's write.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from okdrop import events
from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Connection

    from okdrop.ledger.thread import LedgerThread

P = ParamSpec("P")
T = TypeVar("T")

WAITED_OUT: Final = frozenset({"ledger_disk", "ledger_busy"})
"""What may pass by itself, or once a person made room."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How to wait: whom to tell, a clock, and seconds between two tries."""

    emit: events.Emit
    monotonic: Callable[[], float]
    pause: float = 2.0


class PatientThread:
    """A ledger thread whose jobs succeed, sooner or later."""

    def __init__(self, thread: LedgerThread, patience: Patience) -> None:
        self._thread: Final = thread
        self._patience: Final = patience
        self._stuck_since: float | None = None

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that changes nothing."""
        return await self._until_done(lambda: self._thread.read(work, *args, **kwargs))

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that changes something; on return it is committed."""
        return await self._until_done(lambda: self._thread.write(work, *args, **kwargs))

    async def close(self) -> None:
        """Finish what was handed in, then end."""
        await self._thread.close()

    async def _until_done(self, job: Callable[[], Awaitable[T]]) -> T:
        try:
            return await job()
        except LedgerError as error:
            self._note(error)
        while True:
            await asyncio.sleep(self._patience.pause)
            try:
                done = await job()
            except LedgerError as error:
                self._note(error)
            else:
                self._free()
                return done

    def _note(self, error: LedgerError) -> None:
        if error.code not in WAITED_OUT:
            raise error
        if self._stuck_since is None:
            self._stuck_since = self._patience.monotonic()
            self._patience.emit(events.LedgerStuck(code=error.code, message=error.message, hint=error.hint))

    def _free(self) -> None:
        if (since := self._stuck_since) is not None:
            self._stuck_since = None
            seconds = round(self._patience.monotonic() - since, 3)
            self._patience.emit(events.LedgerWritable(seconds=seconds))
