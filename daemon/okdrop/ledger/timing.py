"""How long whoever asks the ledger waits for it: in line, at the disk, and until it can be written again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from okdrop.ledger.patience import PatientThread
    from okdrop.ledger.thread import LedgerThread

P = ParamSpec("P")
T = TypeVar("T")

READ: Final = "read"
WRITE: Final = "write"


class TimedThread:
    """A ledger thread whose jobs are timed.

    Args:
        thread: does them.
        monotonic: seconds.
        took: told `READ` or `WRITE`, and how many seconds it took; also of those that failed.
    """

    def __init__(
        self,
        thread: LedgerThread | PatientThread,
        monotonic: Callable[[], float],
        took: Callable[[str, float], object],
    ) -> None:
        self._thread: Final = thread
        self._monotonic: Final = monotonic
        self._took: Final = took

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that changes nothing."""
        began = self._monotonic()
        try:
            return await self._thread.read(work, *args, **kwargs)
        finally:
            self._took(READ, self._monotonic() - began)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that changes something; on return it is committed."""
        began = self._monotonic()
        try:
            return await self._thread.write(work, *args, **kwargs)
        finally:
            self._took(WRITE, self._monotonic() - began)

    async def close(self) -> None:
        """Finish what was handed in, then end."""
        await self._thread.close()
