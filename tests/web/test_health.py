"""Whether it is alive: what a health check is told of a daemon that hangs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp import web

from okdrop import events
from okdrop.ledger import Ledger
from okdrop.observe.condition import Condition
from okdrop.web.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from okdrop.web import Daemon


class Part:
    """As much of a daemon as `/healthz` looks at."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.condition = Condition()
        self.stuck = False

    def is_stuck(self) -> bool:
        return self.stuck


@contextlib.asynccontextmanager
async def asked(part: Part) -> AsyncIterator[Any]:
    application = web.Application()
    application.add_routes(Health(cast("Daemon", part)).routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def ask() -> tuple[int, dict[str, Any]]:
        async with session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/healthz") as answer:
            return answer.status, await answer.json()

    try:
        async with aiohttp.ClientSession() as session:
            yield ask
    finally:
        await runner.cleanup()


async def test_work_that_does_not_move_is_no_life(tmp_path: Path) -> None:
    async with await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger, asked(Part(ledger)) as ask:
        assert await ask() == (200, {"alive": True})
    part = Part(ledger)
    part.stuck = True
    async with await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as part.ledger, asked(part) as ask:
        code, answer = await ask()
        assert (code, answer["alive"]) == (503, False)
        assert "nothing has moved" in answer["reason"]


async def test_a_ledger_that_gives_no_answer_is_no_life_unless_that_is_known(tmp_path: Path) -> None:
    async with await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        pass  # closed: its thread comes round to nothing any more
    part = Part(ledger)
    async with asked(part) as ask:
        code, answer = await ask()
        assert (code, answer["alive"]) == (503, False)
        assert "ledger" in answer["reason"]
        part.condition.hear(events.LedgerStuck(code="ledger_disk", message="the disk is full", hint=""))
        assert await ask() == (200, {"alive": True})
