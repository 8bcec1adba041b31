"""Grouped commits: how many, when they are acknowledged, and who suffers from whose error."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from ledger.making import drop, ticket
from okdrop.drop import State
from okdrop.errors import LedgerError, LocalProtocolError
from okdrop.ledger import Ledger, StaleVersion, read_only

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def commits(ledger: Ledger) -> Iterator[list[int]]:
    """One entry for each commit of the ledger's engine."""
    seen: list[int] = []

    def count(_: sa.Connection) -> None:
        seen.append(1)

    sa.event.listen(ledger._thread.engine, "commit", count)
    yield seen
    sa.event.remove(ledger._thread.engine, "commit", count)


class Gate:
    """Holds the ledger thread inside a job, so that others have to wait together."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.open = threading.Event()
        self.reached = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def _pass(self, _: sa.Connection) -> None:
        self.loop.call_soon_threadsafe(self.reached.set)
        self.open.wait()

    async def shut(self) -> asyncio.Task[None]:
        passing = asyncio.create_task(self.ledger._thread.read(self._pass))
        await self.reached.wait()
        return passing


async def hand_in(*tasks: asyncio.Task[object]) -> None:
    """Let the tasks run up to where they wait for the ledger."""
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_what_waits_together_is_committed_together(ledger: Ledger, commits: list[int]) -> None:
    rows = await asyncio.gather(*(ledger.add(drop(b"/%d" % number, inode=number)) for number in range(200)))
    assert len({row.id for row in rows}) == 200
    assert len(commits) <= 4


async def test_nothing_is_acknowledged_before_the_commit(ledger: Ledger, url: str) -> None:
    seen: list[int] = []

    def look(_: sa.Connection) -> None:
        assert not waiting.done()
        with read_only(url) as reader:
            seen.append(len(reader.uploads()))

    sa.event.listen(ledger._thread.engine, "commit", look)
    waiting = asyncio.ensure_future(ledger.add(drop()))
    await waiting
    sa.event.remove(ledger._thread.engine, "commit", look)
    with read_only(url) as reader:
        assert [*seen, len(reader.uploads())] == [0, 1]


async def test_one_jobs_error_undoes_that_job_alone(ledger: Ledger, commits: list[int]) -> None:
    made = await ledger.add(drop())
    spared = await ledger.add(drop(b"/spared", inode=9))
    commits.clear()
    gate = Gate(ledger)
    passing = await gate.shut()
    jobs = [
        asyncio.ensure_future(job)
        for job in (
            ledger.write(made.to(State.UPLOADING)),
            ledger.write(made.to(State.CANCELLED), orphan="1"),
            ledger.add(drop()),
            ledger.write(spared.with_(ticket=ticket("1")), orphan="1"),
            ledger.counts(),
            ledger.add(drop(b"/b", inode=8)),
        )
    ]
    await hand_in(*jobs)
    gate.open.set()
    first, stale, known, half_done, counts, second = await asyncio.gather(*jobs, return_exceptions=True)
    await passing
    assert len(commits) == 2
    assert isinstance(stale, StaleVersion)
    assert isinstance(known, LedgerError)
    assert known.code == "ledger_known"
    assert isinstance(half_done, LocalProtocolError)
    assert isinstance(counts, dict)
    assert counts[State.UPLOADING] == 1
    assert await ledger.uploads() == [first, spared, second]
    assert await ledger.orphans() == []


async def test_a_cancelled_waiter_loses_no_write(ledger: Ledger) -> None:
    gate = Gate(ledger)
    passing = await gate.shut()
    cancelled = asyncio.ensure_future(ledger.add(drop()))
    neighbour = asyncio.ensure_future(ledger.uploads())
    await hand_in(cancelled, neighbour)
    cancelled.cancel()
    gate.open.set()
    await passing
    rows = await asyncio.wait_for(neighbour, 20)
    assert [row.drop for row in rows] == [drop()]
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_close_finishes_what_was_handed_in(ledger: Ledger, url: str) -> None:
    gate = Gate(ledger)
    passing = await gate.shut()
    jobs = [asyncio.ensure_future(ledger.add(drop(b"/%d" % number, inode=number))) for number in range(20)]
    await hand_in(*jobs)
    closing = asyncio.ensure_future(ledger.close())
    await hand_in(closing)
    gate.open.set()
    await closing
    await passing
    assert all(job.done() for job in jobs)
    with read_only(url) as reader:
        assert len(reader.uploads()) == 20


async def test_a_cancelled_close_still_closes(ledger: Ledger, url: str) -> None:
    gate = Gate(ledger)
    passing = await gate.shut()
    closing = asyncio.ensure_future(ledger.close())
    await hand_in(closing)
    closing.cancel()
    gate.open.set()
    await passing
    await ledger.close()
    async with await Ledger.open(url) as again:
        assert await again.uploads() == []


@pytest.mark.parametrize("alone", [True, False])
async def test_a_bug_in_a_job_reaches_its_caller_and_the_thread_lives(ledger: Ledger, *, alone: bool) -> None:
    def buggy(_: sa.Connection) -> None:
        raise ZeroDivisionError

    jobs = [ledger._thread.write(buggy)] if alone else [ledger._thread.write(buggy), ledger.add(drop())]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(results[0], ZeroDivisionError)
    assert len(await ledger.uploads()) == len(jobs) - 1


async def test_two_writers_of_two_processes_would_not_lose_a_write(ledger: Ledger, url: str) -> None:
    """Without the lock (`retry` beside a daemon), compare-and-set still holds between connections."""
    async with await Ledger.open(url, lock=False) as other:
        made = await ledger.add(drop())
        results = await asyncio.gather(
            *(one.write(made.with_(attempts=number)) for number, one in enumerate([ledger, other] * 5)),
            return_exceptions=True,
        )
        assert sum(not isinstance(result, StaleVersion) for result in results) == 1
        assert await other.get(made.id) == await ledger.get(made.id)
