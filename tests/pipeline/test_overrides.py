"""What a person decides while it runs is heeded: at the start, and beside the work."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

from okdrop import events, orders
from okdrop.config import LogLevel
from okdrop.config.bandwidth import Bandwidth
from okdrop.ledger import BANDWIDTH, LOG_LEVEL, PAUSED
from okdrop.pipeline import Throttle
from okdrop.pipeline.overrides import Overrides
from pipeline.bench import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench

CONFIGURED = {"": "5MiB/s", "/srv/drop": ""}


def laid(bench: Bench, **limits: str) -> tuple[Overrides, dict[str, Throttle]]:
    throttles = {
        folder: Throttle(
            Bandwidth.parse(limit),
            now=bench.clock.now,
            monotonic=bench.clock.monotonic,
            emit=bench.events.append,
            folder=folder,
        )
        for folder, limit in (CONFIGURED | limits).items()
    }
    parts = dataclasses.replace(bench.parts, throttles=throttles)
    return Overrides(parts, look_every=0.01), throttles


def set_limits(bench: Bench) -> list[tuple[str, str, bool]]:
    return [(told.folder, told.limit, told.by_hand) for told in bench.told(events.BandwidthSet)]


async def test_a_limit_stands_above_the_configuration_until_it_is_taken_back(bench: Bench) -> None:
    overrides, throttles = laid(bench)
    await bench.ledger.override(BANDWIDTH, "1MiB/s", folder="/srv/drop")
    await overrides.look()
    await overrides.look()
    assert [str(one.bandwidth) for one in throttles.values()] == ["5MiB/s", "1MiB/s"]
    await bench.ledger.override(BANDWIDTH, None, folder="/srv/drop")
    await overrides.look()
    assert [str(one.bandwidth) for one in throttles.values()] == ["5MiB/s", ""]
    assert set_limits(bench) == [("/srv/drop", "1MiB/s", True), ("/srv/drop", "off", False)]


async def test_no_limit_is_a_limit_that_a_person_may_set(bench: Bench) -> None:
    overrides, throttles = laid(bench)
    await bench.ledger.override(BANDWIDTH, "off")
    await overrides.look()
    assert throttles[""].look() is None
    assert set_limits(bench) == [("", "off", True)]
    assert [told.rate for told in bench.told(events.BandwidthChanged)] == [0]


async def test_what_cannot_be_read_or_names_no_folder_changes_nothing(bench: Bench) -> None:
    overrides, throttles = laid(bench)
    await bench.ledger.override(BANDWIDTH, "as you like")
    await bench.ledger.override(BANDWIDTH, "1MiB/s", folder="/not/watched")
    await overrides.look()
    assert [str(one.bandwidth) for one in throttles.values()] == ["5MiB/s", ""]
    assert set_limits(bench) == []


async def test_an_order_of_another_process_is_heeded_and_wakes_who_waits(bench: Bench) -> None:
    overrides, throttles = laid(bench, **{"": "1KiB/s"})
    running = asyncio.create_task(overrides.run())
    await throttles[""].take(1024**2)  # goes at once; the next piece is due in a quarter of an hour
    piece = asyncio.create_task(throttles[""].take(1))
    await orders.limit(bench.ledger_url, Bandwidth.parse("off"))
    await asyncio.wait_for(piece, 10)
    running.cancel()


async def test_a_pause_holds_a_daemon_and_no_run_that_ends(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True)
    overrides, _ = laid(bench)
    running = asyncio.create_task(overrides.run())
    await orders.pause(bench.ledger_url)
    await until(lambda: bench.parts.brake.is_paused)
    assert bench.parts.brake.holds
    await orders.resume(bench.ledger_url)
    await until(lambda: not bench.parts.brake.is_paused)
    running.cancel()
    assert [event.name for event in bench.events] == ["service.paused", "service.resumed"]


async def test_a_run_that_ends_heeds_no_pause(bench: Bench) -> None:
    overrides, _ = laid(bench)
    await bench.ledger.override(PAUSED, "yes")
    await overrides.look()
    assert not bench.parts.brake.holds


def levels(bench: Bench) -> list[tuple[str, bool]]:
    return [(told.least, told.by_hand) for told in bench.told(events.LogLevelSet)]


async def test_another_level_of_the_log_holds_until_it_is_taken_back(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True)
    overrides, _ = laid(bench)
    running = asyncio.create_task(overrides.run())
    await orders.log(bench.ledger_url, LogLevel.DEBUG)
    await until(lambda: levels(bench) == [("debug", True)])
    await orders.log(bench.ledger_url, None)
    await until(lambda: levels(bench)[1:] == [("info", False)])
    running.cancel()


async def test_a_level_with_an_end_is_over_then_though_nobody_writes(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True)
    overrides, _ = laid(bench)
    end = bench.clock.now() + timedelta(hours=1)
    await bench.ledger.override(LOG_LEVEL, "debug", until=end)
    running = asyncio.create_task(overrides.run())
    await until(lambda: levels(bench) == [("debug", True)])
    assert bench.told(events.LogLevelSet)[0].until == end.isoformat(timespec="seconds")
    bench.clock.ahead += 3600
    await until(lambda: levels(bench)[1:] == [("info", False)])
    running.cancel()


async def test_a_level_that_is_none_changes_nothing(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True)
    await bench.ledger.override(LOG_LEVEL, "loud")
    await laid(bench)[0].look()
    assert levels(bench) == []


async def test_a_run_that_ends_heeds_no_level(bench: Bench) -> None:
    await bench.ledger.override(LOG_LEVEL, "debug")
    await laid(bench)[0].look()
    assert levels(bench) == []
