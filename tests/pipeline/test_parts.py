"""The tally, and what the stages do in common."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from okdrop import events
from okdrop.drop import Failure, State
from okdrop.errors import Halted
from okdrop.metadata import Settings
from okdrop.pipeline import Tally

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


async def test_a_folder_no_longer_watched_is_as_any_other_place(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    own = Settings(title="mine")
    bench = await set_up(settings=own)
    row = await bench.taken()
    assert bench.parts.settings_of(row.drop) is own
    elsewhere = dataclasses.replace(row.drop, folder="/no/longer/watched")
    assert bench.parts.settings_of(elsewhere) == Settings()


async def test_a_file_name_is_text_whatever_it_holds(bench: Bench) -> None:
    row = await bench.taken()
    assert bench.parts.file_name(row.drop) == "a.mp4"
    odd = dataclasses.replace(row.drop, path=b"/srv/drop/\xff\n.mp4")
    assert bench.parts.file_name(odd) == r"\xff\n.mp4"
