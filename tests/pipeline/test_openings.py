"""What is whole is published in its hours, and as many a day as a person wants: the oldest first."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.config.window import PublishWindow
from okdrop.drop import State
from okdrop.errors import Halted, Trouble
from okdrop.pipeline.openings import Openings
from okdrop.pipeline.posting import ANY_TIME, Posting, Postings
from okdrop.publication import Closed
from pipeline.bench import SEGMENT, after, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from okdrop.drop import Upload
    from pipeline.bench import Bench

HOUR = 3600.0
DAY = 24 * HOUR
SMALL = SEGMENT
UPDATE = "video.update"
DEAD = Halted("the token is dead", code="api_102")
LIMIT = Trouble("too many calls", code="api_8", retry_after=60.0)


def window_in(hours: float) -> PublishWindow:
    """A window of an hour that opens in so many, by the clock of UTC."""
    opens = datetime.now(UTC) + timedelta(hours=hours)
    return PublishWindow.parse(f"{opens:%H:%M}-{opens + timedelta(hours=1):%H:%M}")


def morning() -> timezone:
    """A zone in which it is three in the morning now: hours to come belong to the same day."""
    now = datetime.now(UTC)
    minutes = (3 * 60 - now.hour * 60 - now.minute) % (24 * 60)
    return timezone(timedelta(minutes=minutes if minutes < 12 * 60 else minutes - 24 * 60))


def change(bench: Bench, **changes: Any) -> None:
    """The configuration is another one from now on: of the folder, or of all (`everywhere`)."""
    folder = str(bench.folder)
    posting = dataclasses.replace(bench.parts.posting.of(folder), **changes)
    postings = dataclasses.replace(bench.parts.posting, folders={folder: posting})
    object.__setattr__(bench.parts, "posting", postings)


async def drained(bench: Bench) -> list[int]:
    """Who stands in line to be published."""
    numbers: list[int] = []
    while bench.finals._standing:
        number = await bench.finals.get()
        assert number is not None
        numbers.append(number)
    return numbers


async def publish(bench: Bench, *rows: Upload) -> list[State]:
    await drained(bench)  # there the uploader put them
    for row in rows:
        await bench.finalizer.publish(row.id)
    return [(await bench.row(row.id)).state for row in rows]


async def go_on(bench: Bench) -> list[int]:
    """Let go whose time has come, and have them published; returns who went."""
    await bench.openings.look()
    went = await drained(bench)
    for number in went:
        await bench.finalizer.publish(number)
    return went


async def three(bench: Bench) -> list[Upload]:
    return [await bench.whole(f"{name}.mp4", SMALL + number) for number, name in enumerate("abc")]


# --- hours ------------------------------------------------------------------------------------------------


async def test_what_is_whole_waits_for_its_hours_and_says_so(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    assert await publish(bench, row) == [State.FINALIZING]
    row = await bench.row(row.id)
    assert (row.publication.closed_by, row.publish_offered) == (Closed.WINDOW, False)
    assert row.publication.opens_at is not None
    assert 0 < (row.publication.opens_at - bench.clock.now()).total_seconds() <= 2 * HOUR
    (told,) = bench.told(events.UploadNotYetPublished)
    assert (told.upload, told.reason, told.until != "") == (row.id, "publish_window", True)
    assert bench.published == []
    assert (bench.openings.waiting, bench.finals.due) == (1, 0)
    assert await go_on(bench) == []
    bench.clock.ahead += 2 * HOUR
    assert await go_on(bench) == [row.id]
    row = await bench.row(row.id)
    assert (row.state, row.publication.closed_by, row.publication.opens_at) == (State.PUBLISHED, None, None)
    assert len(bench.published) == 1
    assert bench.openings.waiting == 0


async def test_within_its_hours_nothing_waits(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(0)), zone=UTC)
    assert await publish(bench, await bench.whole()) == [State.PUBLISHED]
    assert bench.told(events.UploadNotYetPublished) == []


async def test_a_run_that_ends_leaves_what_may_not_be_published_yet(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    assert await publish(bench, row) == [State.FINALIZING]
    assert len(bench.told(events.UploadNotYetPublished)) == 1
    assert (len(bench.opened), bench.opened.is_left(row.id)) == (0, True)
    # The next one that ends says so again: it is named, as a file is that is still open.
    await publish(bench, row)
    assert len(bench.told(events.UploadNotYetPublished)) == 2


async def test_a_twin_of_what_is_left_is_left_as_well(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    await publish(bench, row)
    twin = await bench.intake.take(bench.drop(bench.file("b.mp4", seed="a.mp4")))
    assert twin is not None
    await bench.uploader.upload(twin.id)
    twin = await bench.row(twin.id)
    assert (twin.waits_for, twin.ticket) == (row.id, None)
    assert len(bench.opened) == 0
    assert len(bench.emulator.videos()) == 1


async def test_what_may_have_been_published_is_repeated_at_any_time(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(0)), zone=UTC)
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await publish(bench, row)
    change(bench, window=window_in(2))
    assert await publish(bench, row) == [State.PUBLISHED]


async def test_a_file_that_changes_while_it_waits_is_not_published(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    await publish(bench, row)
    bench.file(seed="another")
    bench.clock.ahead += 2 * HOUR
    assert await go_on(bench) == [row.id]
    assert (await bench.row(row.id)).state is State.SUPERSEDED
    assert bench.published == []


async def test_one_that_is_taken_out_waits_no_more(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    await publish(bench, row)
    await bench.orders(row.id, State.CANCELLED)
    bench.opened.end(row.id)
    bench.clock.ahead += 2 * HOUR
    assert await go_on(bench) == []


async def test_a_restart_forgets_neither_who_waits_nor_why(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    rows = await three(bench)
    await publish(bench, *rows)
    bench.openings = bench.finalizer._openings = Openings(bench.parts, bench.finals, bench.opened)  # type: ignore[misc]
    assert all([bench.openings.recall(await bench.row(row.id)) for row in rows])
    assert await go_on(bench) == []
    assert len(bench.told(events.UploadNotYetPublished)) == 3  # no one is told of twice
    bench.clock.ahead += 2 * HOUR
    assert await go_on(bench) == [row.id for row in rows]


async def test_the_configuration_of_the_day_is_what_counts(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    await publish(bench, row)
    change(bench, window=PublishWindow())
    assert await go_on(bench) == [row.id]
    assert len(bench.published) == 1


async def test_a_clock_that_is_set_back_closes_and_one_that_is_set_on_opens(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    await publish(bench, row)
    bench.clock.ahead += 2 * HOUR
    await bench.openings.look()
    bench.clock.ahead -= 2 * HOUR  # between being let go and being published
    number = await bench.finals.get()
    assert number == row.id
    assert await publish(bench, row) == [State.FINALIZING]
    bench.clock.ahead += 365 * DAY + 2 * HOUR
    assert await go_on(bench) == [row.id]


async def test_it_goes_on_by_itself(
    set_up: Callable[..., Awaitable[Bench]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.pipeline.openings.LOOK_EVERY", 0.001)
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.openings.run()), group.create_task(bench.finalizer.work())]
        bench.finals.put(row.id)
        await until(lambda: bench.told(events.UploadNotYetPublished) != [])
        bench.clock.ahead += 2 * HOUR
        await until(lambda: bench.published != [])
        for task in tasks:
            task.cancel()


async def test_the_window_is_asked_once_more_at_the_last_moment(
    set_up: Callable[..., Awaitable[Bench]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(0)), zone=UTC)
    row = await bench.whole()

    async def passes() -> None:
        bench.clock.ahead += HOUR

    after(monkeypatch, bench.finalizer._describing, "describe", 1, passes)  # or a file is read again
    assert await publish(bench, row) == [State.FINALIZING]
    row = await bench.row(row.id)
    assert (row.publication.closed_by, row.publish_offered, bench.published) == (Closed.WINDOW, False, [])
    assert row.publication.posted_at is None
    assert await go_on(bench) == []
    bench.clock.ahead += DAY - HOUR
    assert await go_on(bench) == [row.id]
    assert len(bench.published) == 1


async def renamed_into_another_folder(bench: Bench, row: Upload, posting: Posting, **parts: Any) -> str:
    """The file of an upload moves to a folder of which other things are said."""
    other = bench.folder.parent / "other"
    other.mkdir()
    (bench.folder / "a.mp4").rename(other / "a.mp4")
    folders = {str(bench.folder): bench.parts.posting.of(str(bench.folder)), str(other): posting}
    postings = dataclasses.replace(bench.parts.posting, folders=folders)
    for name, value in ({"posting": postings} | parts).items():
        object.__setattr__(bench.parts, name, value)
    drop = dataclasses.replace(bench.drop(other / "a.mp4"), folder=str(other))
    taken = await bench.intake.take(drop)
    assert taken is not None
    assert taken.id == row.id
    return str(other)


async def test_a_file_that_is_renamed_while_it_waits_goes_by_the_hours_of_its_new_folder(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    assert await publish(bench, row) == [State.FINALIZING]
    await renamed_into_another_folder(bench, row, ANY_TIME)
    assert await drained(bench) == [row.id]
    assert await publish(bench, row) == [State.PUBLISHED]
    assert await go_on(bench) == []


async def test_a_file_that_waits_and_is_renamed_to_another_account_is_sent_there(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, posting=Posting(window=window_in(2)), zone=UTC)
    row = await bench.whole()
    assert await publish(bench, row) == [State.FINALIZING]
    assert await bench.line.get() == row.id  # there it was put as it was taken
    other = str(bench.folder.parent / "other")
    kids = {"clients": {"kids": bench.parts.client}, "senders": {str(bench.folder): "", other: "kids"}}
    await renamed_into_another_folder(bench, row, ANY_TIME, **kids)
    moved = await bench.row(row.id)
    assert (moved.state, moved.ticket, moved.publication.closed_by) == (State.UPLOADING, None, None)
    assert await drained(bench) == [row.id]
    await bench.finalizer.publish(row.id)
    assert await bench.line.get() == row.id


# --- days -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["the folder's", "the account's"])
async def test_so_many_are_published_a_day_and_the_oldest_first(
    set_up: Callable[..., Awaitable[Bench]], whose: str
) -> None:
    limit = {"per_day": 1} if whose == "the account's" else {"posting": Posting(per_day=1)}
    bench = await set_up(stays=True, zone=morning(), **limit)
    rows = await three(bench)
    assert await publish(bench, *rows) == [State.PUBLISHED, State.FINALIZING, State.FINALIZING]
    waits = await bench.row(rows[1].id)
    assert (waits.publication.closed_by, waits.publication.opens_at) == (Closed.DAY, None)
    assert [told.reason for told in bench.told(events.UploadNotYetPublished)] == ["posts_per_day"] * 2
    for row in rows[1:]:
        assert await go_on(bench) == []
        bench.clock.ahead += DAY
        assert await go_on(bench) == [row.id]
    assert len(bench.published) == 3


async def test_a_newcomer_does_not_go_before_those_that_wait(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    rows = await three(bench)
    await publish(bench, *rows[:2])
    bench.clock.ahead += DAY
    assert await publish(bench, rows[2]) == [State.FINALIZING]
    assert await go_on(bench) == [rows[1].id]
    assert (await bench.row(rows[1].id)).state is State.PUBLISHED


async def test_those_that_come_at_once_are_not_one_too_many(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=2, posting=Posting(per_day=2))
    rows = [await bench.whole(f"{number}.mp4", SMALL + number) for number in range(6)]
    await asyncio.gather(*(bench.finalizer.publish(row.id) for row in rows))
    assert len(bench.published) == 2
    assert (await bench.row(rows[0].id)).state is State.PUBLISHED


@pytest.mark.parametrize("stays", [True, False])
async def test_the_day_is_used_up_to_the_last_however_they_come(
    set_up: Callable[..., Awaitable[Bench]], *, stays: bool
) -> None:
    bench = await set_up(stays=stays, zone=morning(), per_day=5, posting=Posting(per_day=5))
    rows = [await bench.whole(f"{number}.mp4", SMALL + number) for number in range(5)]
    await drained(bench)
    await asyncio.gather(*(bench.finalizer.publish(row.id) for row in reversed(rows)))
    assert len(bench.published) == 5


async def test_a_restart_does_not_forget_what_was_posted(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    rows = await three(bench)
    await publish(bench, rows[0])
    bench.openings = bench.finalizer._openings = Openings(bench.parts, bench.finals, bench.opened)  # type: ignore[misc]
    assert await publish(bench, rows[1]) == [State.FINALIZING]


async def test_what_may_have_been_posted_counts_and_what_was_refused_does_not(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    first, second, third = await three(bench)
    with bench.faults.active("api_error", code=454, method=UPDATE, times=1):
        assert await publish(bench, first) == [State.FAILED]
    assert (await bench.row(first.id)).publication.posted_at is None
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        assert await publish(bench, second) == [State.FINALIZING]
    assert (await bench.row(second.id)).publication.posted_at is not None
    assert await publish(bench, third) == [State.FINALIZING]
    assert (await bench.row(third.id)).publication.closed_by is Closed.DAY
    assert await publish(bench, second) == [State.PUBLISHED]


async def test_a_post_of_a_clock_that_ran_ahead_does_not_count_for_ever(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    rows = await three(bench)
    bench.clock.ahead += 365 * DAY
    await publish(bench, rows[0])
    bench.clock.ahead -= 365 * DAY
    assert await publish(bench, rows[1]) == [State.PUBLISHED]


async def test_each_folder_has_a_day_of_its_own(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True, zone=morning(), posting=Posting(per_day=1))
    here, *_ = await three(bench)
    await publish(bench, here)
    named = await bench.whole("d.mp4", SMALL + 9)
    row = await bench.row(named.id)
    await bench.ledger.write(row.with_(drop=dataclasses.replace(row.drop, folder="")))
    assert await publish(bench, row) == [State.PUBLISHED]


async def test_what_is_let_go_and_meets_trouble_keeps_its_place(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    rows = await three(bench)
    await publish(bench, *rows)
    bench.clock.ahead += DAY
    with bench.faults.active("api_error", code=9999, method=UPDATE, times=1):
        assert await go_on(bench) == [rows[1].id]
    assert await publish(bench, rows[2]) == [State.FINALIZING]
    assert await publish(bench, rows[1]) == [State.PUBLISHED]


async def test_an_answer_that_is_lost_takes_one_place_and_not_two(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=2)
    rows = [await bench.whole(f"{name}.mp4", SMALL + number) for number, name in enumerate("abcd")]
    await publish(bench, *rows)
    bench.clock.ahead += DAY
    await bench.openings.look()
    assert await drained(bench) == [rows[2].id, rows[3].id]
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await bench.finalizer.publish(rows[2].id)
    assert (await bench.row(rows[2].id)).publish_offered
    assert await publish(bench, rows[3]) == [State.PUBLISHED]
    assert await publish(bench, rows[2]) == [State.PUBLISHED]


class _Countless(dict[int, bool]):
    """Too many to be looked through."""

    def items(self) -> Any:
        raise AssertionError

    def __iter__(self) -> Any:
        raise AssertionError


async def test_while_there_is_no_room_those_that_wait_are_not_looked_through(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    rows = await three(bench)
    await publish(bench, *rows[:2])
    ((key, waiting),) = bench.openings._waiting.items()
    bench.openings._waiting[key] = _Countless(waiting)
    await bench.openings.look()
    assert await publish(bench, rows[2]) == [State.FINALIZING]
    bench.openings._waiting[key] = {**waiting, rows[2].id: False}
    bench.clock.ahead += DAY
    assert await go_on(bench) == [rows[1].id]


async def of_kids(bench: Bench, row: Upload) -> None:
    """An upload of another account."""
    object.__setattr__(bench.parts, "clients", {"kids": bench.parts.client})
    await bench.ledger.write((await bench.row(row.id)).with_(account="kids"))


async def test_those_that_wait_for_a_halted_account_are_in_nobodys_way(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    rows = await three(bench)
    await of_kids(bench, rows[1])
    assert await publish(bench, *rows[:2]) == [State.PUBLISHED, State.FINALIZING]
    bench.parts.brake.halt(DEAD, account="kids")
    bench.clock.ahead += DAY
    assert await go_on(bench) == []
    assert await publish(bench, rows[2]) == [State.PUBLISHED]
    bench.clock.ahead += DAY
    bench.parts.brake.release("kids")
    assert await go_on(bench) == [rows[1].id]
    assert len(bench.published) == 3


@pytest.mark.parametrize("why", ["halted", "in trouble", "a sidecar", "lost by OK", "renamed"])
async def test_whoever_waits_for_something_else_by_then_takes_no_place(
    set_up: Callable[..., Awaitable[Bench]], why: str
) -> None:
    bench = await set_up(stays=True, zone=morning(), per_day=1)
    rows = await three(bench)
    await of_kids(bench, rows[1])
    await publish(bench, *rows)
    bench.clock.ahead += DAY
    await bench.openings.look()
    assert await drained(bench) == [rows[1].id]
    match why:
        case "halted":
            bench.parts.brake.halt(DEAD, account="kids")
        case "in trouble":
            bench.parts.breakers.failed(0, "the account kids", LIMIT)
        case "a sidecar":
            (bench.folder / "b.json").write_text("{}")
        case "renamed":
            await bench.orders(rows[1].id, State.UPLOADING, ticket=None)
    lost = bench.faults.active("api_error", code=300, method=UPDATE, times=1)
    with lost if why == "lost by OK" else contextlib.nullcontext():
        await bench.finalizer.publish(rows[1].id)
    assert (await bench.row(rows[1].id)).state is not State.PUBLISHED
    assert await go_on(bench) == [rows[2].id]
    assert (await bench.row(rows[2].id)).state is State.PUBLISHED


def test_of_a_folder_that_is_watched_no_longer_nothing_is_told_by_itself() -> None:
    postings = Postings(folders={"": Posting(per_day=3), "/srv": Posting(per_day=1)})
    assert postings.of("").per_day == 3
    assert postings.of("/gone") == Postings().of("/gone") == ANY_TIME
    assert Postings(folders={"/a": Posting(update_within=5.0)}).update_within == 5.0
