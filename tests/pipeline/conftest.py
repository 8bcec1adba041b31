from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.client import Client, ClientSettings, Credentials, line
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY, Emulator, Options
from okdrop.ledger import Ledger
from okdrop.metadata import Settings
from okdrop.pipeline import Brake, Breakers, Pacing, Parts, Postings, Tally
from okdrop.pipeline.posting import Posting
from okdrop.protocol.plan import Plan
from okdrop.protocol.retry import Backoff
from pipeline.bench import SEGMENT, Bench, Clock, TappedFaults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import tzinfo
    from pathlib import Path

    from okdrop.events import Event

KEYS = Credentials(
    application_key=APPLICATION_KEY, access_token=ACCESS_TOKEN, application_secret_key=APPLICATION_SECRET_KEY
)

_tls = functools.cache(line._tls)


@pytest.fixture(autouse=True)
def _one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the system's authorities once for all tests: that takes longer than most of them."""
    monkeypatch.setattr(line, "_tls", _tls)


@pytest.fixture
async def set_up(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Bench]]]:
    """Lay a bench; keywords it does not know are the emulator's options."""
    async with contextlib.AsyncExitStack() as stack:

        async def laid(
            *,
            connections: int = 4,
            first_delay: float = 0.005,
            max_delay: float = 0.02,
            settings: Settings | None = None,
            stays: bool = False,
            posting: Posting | None = None,
            per_day: int = 0,
            zone: tzinfo | None = None,
            **options: Any,
        ) -> Bench:
            events: list[Event] = []
            clock, faults = Clock(), TappedFaults()
            emulator = Emulator(Options(data_dir=tmp_path / "ok", **options), clock=clock.of_ok)
            emulator.faults = faults
            await stack.enter_async_context(emulator)
            folder = tmp_path / "drop"
            folder.mkdir()
            url = f"sqlite:///{tmp_path / 'ledger.db'}"
            ledger = await stack.enter_async_context(await Ledger.open(url, now=clock.now))
            client_settings = ClientSettings(
                api_url=emulator.api_url,
                upload_hosts=("127.0.0.1",),
                stall_timeout=10.0,
                answer_timeout=10.0,
                api_timeout=10.0,
            )
            client = await stack.enter_async_context(
                Client(client_settings, lambda: KEYS, now=clock.now, boottime=clock.monotonic)
            )
            backoff = Backoff(first_delay=first_delay, max_delay=max_delay)
            parts = Parts(
                folders={"": Settings(), str(folder): settings or Settings()},
                ledger=ledger,
                client=client,
                emit=events.append,
                pacing=Pacing(clock.monotonic, connections=False, segment_size=False),
                plan=Plan(segment_size=SEGMENT, connections=connections),
                backoff=backoff,
                breakers=Breakers(
                    backoff, emit=events.append, now=clock.now, monotonic=clock.monotonic, chance=lambda: 0.0
                ),
                brake=Brake(stays=stays),
                tally=Tally(),
                now=clock.now,
                monotonic=clock.monotonic,
                chance=lambda: 0.0,
                afterwards={},
                posting=Postings(folders={str(folder): posting or Posting()}, per_day=per_day, zone=zone),
            )
            return Bench(
                parts=parts,
                emulator=emulator,
                faults=faults,
                folder=folder,
                ledger_url=url,
                clock=clock,
                events=events,
            )

        yield laid


@pytest.fixture
async def bench(set_up: Callable[..., Awaitable[Bench]]) -> Bench:
    return await set_up()
