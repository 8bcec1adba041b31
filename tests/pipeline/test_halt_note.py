"""Whoever looks on beside a halted daemon is told why it waits, and since when."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING

from okdrop import events
from okdrop.drop import Halt
from okdrop.ledger import read_only
from okdrop.pipeline import HaltNote
from pipeline.bench import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pipeline.bench import Bench

EXPIRED = events.PoolHalted(code="api_102", message="the token has expired", hint="get a new one")
FORBIDDEN = events.PoolHalted(code="api_200", message="a permission is missing", hint="ask for it")
RESUMED = events.PoolResumed(code="api_102", reason="mended", seconds=1.0)


def noted(bench: Bench) -> Halt | None:
    """What another process sees."""
    with read_only(bench.ledger_url) as reader:
        return reader.halted()


@contextlib.asynccontextmanager
async def noting(bench: Bench) -> AsyncIterator[HaltNote]:
    note = HaltNote(bench.parts)
    task = asyncio.create_task(note.run())
    yield note
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_halt_is_seen_until_it_is_resumed(bench: Bench) -> None:
    before = bench.clock.now()
    async with noting(bench) as note:
        note.hear(EXPIRED)
        await until(lambda: noted(bench) is not None)
        halt = noted(bench)
        assert halt is not None
        assert (halt.code, halt.message, halt.hint) == ("api_102", "the token has expired", "get a new one")
        assert before <= halt.since <= bench.clock.now()
        note.hear(RESUMED)
        await until(lambda: noted(bench) is None)


async def test_another_reason_goes_on_from_where_the_first_began(bench: Bench) -> None:
    async with noting(bench) as note:
        note.hear(EXPIRED)
        await until(lambda: noted(bench) is not None)
        first = noted(bench)
        assert first is not None
        bench.clock.ahead += 3_600
        note.hear(FORBIDDEN)
        await until(lambda: noted(bench) != first)
        assert noted(bench) == Halt(
            code="api_200", message="a permission is missing", hint="ask for it", since=first.since
        )
        note.hear(RESUMED)
        note.hear(EXPIRED)
        await until(lambda: (again := noted(bench)) is not None and again.since > first.since)


async def test_each_account_is_noted_for_itself(bench: Bench) -> None:
    kids = dataclasses.replace(EXPIRED, account="kids")
    async with noting(bench) as note:
        note.hear(kids)
        note.hear(FORBIDDEN)

        def seen() -> list[tuple[str, str]]:
            with read_only(bench.ledger_url) as reader:
                return [(halt.account, halt.code) for halt in reader.halts()]

        await until(lambda: seen() == [("", "api_200"), ("kids", "api_102")])
        note.hear(RESUMED)
        await until(lambda: seen() == [("kids", "api_102")])
        note.hear(dataclasses.replace(RESUMED, account="kids"))
        await until(lambda: seen() == [])


async def test_what_else_happens_is_no_news(bench: Bench) -> None:
    async with noting(bench) as note:
        note.hear(events.CredentialsRenewed())
        note.hear(EXPIRED)
        await until(lambda: noted(bench) is not None)
        note.hear(events.CredentialsRefused(code="api_103", message="no", hint=""))
        await bench.ledger.counts()
        assert noted(bench) is not None
