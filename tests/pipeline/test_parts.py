"""The tally, and what the stages do in common."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

from okdrop import events
from okdrop.drop import Failure, State
from okdrop.errors import Halted, Trouble
from okdrop.metadata import Privacy, Settings
from okdrop.pipeline import Tally
from okdrop.protocol.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench


def test_the_tally_counts_by_state() -> None:
    tally = Tally()
    tally.add(State.FAILED)
    tally.add(State.FAILED)
    assert (tally[State.FAILED], tally[State.PUBLISHED]) == (2, 0)


async def test_fail_says_why_in_the_ledger_and_aloud(bench: Bench) -> None:
    row = await bench.taken()
    failure = Failure(code="bad_file", message="OK refuses this file", hint="look at it")
    await bench.parts.fail(row, failure)
    stored = await bench.row(row.id)
    assert (stored.state, stored.failure) == (State.FAILED, failure)
    assert bench.parts.tally[State.FAILED] == 1
    (told,) = bench.told(events.UploadFailed)
    assert (told.upload, told.code, told.hint) == (row.id, "bad_file", "look at it")


async def test_supersede_gives_the_ticket_up(bench: Bench) -> None:
    row = await bench.whole()
    assert row.ticket is not None
    await bench.parts.supersede(row)
    stored = await bench.row(row.id)
    assert (stored.state, stored.ticket) == (State.SUPERSEDED, None)
    assert await bench.ledger.orphans() == [row.ticket.video_id]


async def test_halt_is_said_once(bench: Bench) -> None:
    row = await bench.taken()
    bench.parts.halt(row, Halted("expired", code="api_102", hint="log in again"))
    bench.parts.halt(row, Halted("expired", code="api_102", hint="log in again"))
    (told,) = bench.told(events.PoolHalted)
    assert (told.code, told.hint) == ("api_102", "log in again")


async def test_a_folder_no_longer_watched_has_no_say_in_who_sees_its_videos(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    own = Settings(title="mine")
    bench = await set_up(settings=own)
    row = await bench.taken()
    assert bench.parts.settings_of(row.drop) is own
    elsewhere = dataclasses.replace(row.drop, folder="/no/longer/watched")
    assert bench.parts.settings_of(elsewhere) == Settings(privacy=Privacy.FRIENDS)
    assert bench.parts.is_forsaken(elsewhere)
    assert not bench.parts.is_forsaken(dataclasses.replace(row.drop, folder=""))


async def test_a_file_name_is_text_whatever_it_holds(bench: Bench) -> None:
    row = await bench.taken()
    assert bench.parts.file_name(row.drop) == "a.mp4"
    odd = dataclasses.replace(row.drop, path=b"/srv/drop/\xff\n.mp4")
    assert bench.parts.file_name(odd) == r"\xff\n.mp4"


async def test_a_wait_is_never_longer_than_it_was_meant_whatever_the_clock_does(bench: Bench) -> None:
    row = await bench.taken()
    bench.clock.ahead = 3600.0  # it runs ahead, and is put right later
    row, delay = await bench.parts.put_off(row, Trouble("the line was cut", retry_after=30.0))
    assert delay == 30.0
    bench.clock.ahead = 0.0
    assert 29.0 < bench.parts.seconds_until_due(row) <= 30.0
    bench.clock.ahead = 3620.0
    assert 0.0 < bench.parts.seconds_until_due(row) <= 10.0
    bench.clock.ahead = 7200.0
    assert bench.parts.seconds_until_due(row) == 0.0
    written = row.with_(retry_at=row.updated_at - timedelta(hours=1))
    bench.clock.ahead = -7200.0
    assert bench.parts.seconds_until_due(written) == 0.0


async def test_delays_are_told_to_the_millisecond(bench: Bench) -> None:
    parts = dataclasses.replace(
        bench.parts, chance=lambda: 1 / 3, backoff=Backoff(first_delay=1, max_delay=9)
    )
    row = await bench.taken()
    for _ in range(3):
        row, _ = await parts.put_off(row, Trouble("the line was cut"))
    assert bench.told(events.UploadTrouble)[-1].delay == 2.0
    assert bench.told(events.UploadTrouble)[-2].delay == 1.333
