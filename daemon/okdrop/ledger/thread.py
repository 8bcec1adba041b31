"""The ledger thread: it takes every job that waits, runs them in one transaction, commits once, answers.

Three rules:

1. No answer before the commit. An acknowledged write is on the disk.
2. A savepoint around each job: a refused row or a stale version undoes its own job alone.
3. The thread outlives every error. What breaks the transaction (disk full) fails the jobs in it, in words,
   and the next group begins afresh.

A waiter that was cancelled does not call its job back: once handed in, a write is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import queue
import threading
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from okdrop.errors import LedgerError
from okdrop.ledger.errors import spares_the_group, translated
from okdrop.ledger.sqlite import WRITES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

P = ParamSpec("P")
T = TypeVar("T")


@dataclasses.dataclass(slots=True, kw_only=True)
class _Job:
    """Something to do on a connection, and whoever waits for it."""

    work: Callable[[Connection], Any]
    writes: bool
    waiter: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def answer(self) -> None:
        """Tell the waiter, in its own thread, unless it was cancelled."""
        if self.waiter.done():
            return
        if self.error is not None:
            self.waiter.set_exception(self.error)
        else:
            self.waiter.set_result(self.result)


class LedgerThread:
    """One thread, one connection, one transaction at a time.

    Args:
        engine: where connections come from; the thread disposes of it.
        resources: closed by the thread at its very end, after the last commit.
    """

    def __init__(self, engine: Engine, resources: contextlib.ExitStack) -> None:
        self.engine: Final = engine
        self._resources: Final = resources
        self._jobs: Final[queue.SimpleQueue[_Job | None]] = queue.SimpleQueue()
        self._loop: Final = asyncio.get_running_loop()
        self._ended: Final = self._loop.create_future()
        self._closing = False
        # A daemon thread: a process that ends without `close` must end. What it had not answered may be lost.
        self._thread: Final = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that changes nothing."""
        return await self._submit(lambda connection: work(connection, *args, **kwargs), writes=False)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that changes something; on return it is committed."""
        return await self._submit(lambda connection: work(connection, *args, **kwargs), writes=True)

    async def _submit(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        if self._closing:
            raise LedgerError("the ledger is closed", code="ledger_closed")
        waiter: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work=work, writes=writes, waiter=waiter))
        return await waiter

    async def close(self) -> None:
        """Finish what was handed in, then end. May be called again."""
        if not self._closing:
            self._closing = True
            self._jobs.put(None)
        await asyncio.shield(self._ended)

    def _run(self) -> None:
        going_on = True
        while going_on:
            jobs, going_on = self._waiting()
            self._settle(jobs)
            self._post(_answer_all, jobs)
        self.engine.dispose()
        self._resources.close()
        self._post(self._ended.set_result, None)

    def _waiting(self) -> tuple[list[_Job], bool]:
        """Every job that waits, at least one unless the end was called; and whether more may come."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        with contextlib.suppress(queue.Empty):
            while job is not None:
                jobs.append(job)
                job = self._jobs.get_nowait()
        return jobs, job is not None

    def _settle(self, jobs: Sequence[_Job]) -> None:
        """Give every job a result or an error."""
        writes = any(job.writes for job in jobs)
        for job in jobs:
            job.error = None  # it may be the second try of a read
        try:
            self._transact(jobs, writes=writes)
        except Exception as error:  # noqa: BLE001 - the thread's edge: whatever it was, its waiters are told
            for job in jobs:
                job.error = translated(error)
            # A full disk stops no reader.
            reads = [job for job in jobs if not job.writes]
            if writes and reads:
                self._settle(reads)

    def _transact(self, jobs: Sequence[_Job], *, writes: bool) -> None:
        with self.engine.connect().execution_options(**{WRITES: writes}) as connection, connection.begin():
            if len(jobs) == 1:
                # Alone it needs no savepoint: its error undoes the transaction, which is its own.
                jobs[0].result = jobs[0].work(connection)
                return
            for job in jobs:
                _perform(job, connection)

    def _post(self, call: Callable[[Any], None], argument: object) -> None:
        """Call back in the event loop's thread; a loop that is closed waits for nothing."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, argument)


def _perform(job: _Job, connection: Connection) -> None:
    """Run one job within its savepoint. Raises only what breaks the group.

    A read has nothing to undo. The savepoint is spelled out (in the words of the SQL standard), since
    SQLAlchemy's own costs as much as the write it protects.
    """
    if job.writes:
        connection.exec_driver_sql("SAVEPOINT job")
    try:
        result = job.work(connection)
    except Exception as error:
        if not spares_the_group(error):
            raise
        if job.writes:
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT job")
            connection.exec_driver_sql("RELEASE SAVEPOINT job")
        job.error = translated(error)
    else:
        if job.writes:
            connection.exec_driver_sql("RELEASE SAVEPOINT job")
        job.result = result


def _answer_all(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.answer()
