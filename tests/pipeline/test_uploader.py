"""The workers: how an outcome becomes a state, and what is left behind."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.config.model import Order
from okdrop.drop import TICKETS_PER_REVISION, Mode, State, Ticket
from okdrop.errors import Trouble
from okdrop.inbox.source import Source
from okdrop.pipeline import Brake
from okdrop.pipeline.line import Line
from okdrop.pipeline.precedence import Precedence
from okdrop.pipeline.sessions import DIED_ASKING
from pipeline.bench import SEGMENT, SIZE, after, content

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench


@pytest.fixture
async def single(set_up: Callable[..., Awaitable[Bench]]) -> Bench:
    """One connection: segments go one by one, in order."""
    return await set_up(connections=1)


async def test_whole_goes_on_to_the_finals(bench: Bench) -> None:
    row = await bench.taken()
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.received, row.attempts) == (State.FINALIZING, SIZE, 1)
    assert await bench.finals.get() == row.id
    assert [step.to_state for step in await bench.ledger.history(row.id)] == [
        State.QUEUED,
        State.UPLOADING,
        State.FINALIZING,
    ]
    (told,) = bench.told(events.UploadWhole)
    assert (told.size, told.bytes_sent) == (SIZE, SIZE)
    assert len(bench.opened) == 1


@pytest.mark.parametrize("state", [State.CANCELLED, State.FAILED])
async def test_an_id_whose_row_is_not_ours_any_more_is_let_go(bench: Bench, state: State) -> None:
    row = await bench.taken()
    await bench.orders(row.id, state)
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is state
    assert len(bench.opened) == 0
    assert bench.emulator.videos() == []


async def test_an_id_without_a_row_is_let_go(bench: Bench) -> None:
    await bench.uploader.upload(12345)
    assert bench.events == []


async def test_a_file_that_changed_before_its_turn_is_superseded(bench: Bench) -> None:
    row = await bench.taken()
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.SUPERSEDED
    assert [drop.path for drop in bench.again] == [row.drop.path]
    assert (len(bench.opened), bench.parts.tally[State.SUPERSEDED]) == (0, 1)


async def test_a_file_that_is_gone_fails(bench: Bench) -> None:
    row = await bench.taken()
    (bench.folder / "a.mp4").unlink()
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.state is State.FAILED
    assert row.failure is not None
    assert row.failure.code == "source_gone"
    assert len(bench.opened) == 0


def staying(bench: Bench) -> Bench:
    """The same bench, on which a run stays."""
    return dataclasses.replace(bench, parts=dataclasses.replace(bench.parts, brake=Brake(stays=True)))


async def test_a_file_that_is_away_with_its_folder_is_waited_for(bench: Bench) -> None:
    bench = staying(bench)
    row = await bench.taken()
    away = bench.folder.rename(bench.folder.with_name("unmounted"))
    assert await bench.line.get() == row.id
    for troubles in (1, 2, 3):
        await bench.uploader.upload(row.id)
        row = await bench.row(row.id)
        assert (row.state, row.last_trouble, row.troubles) == (State.QUEUED, "source_away", troubles)
        assert await bench.line.get() == row.id
    assert bench.told(events.UploadFailed) == []
    away.rename(bench.folder)
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING


async def test_a_file_that_goes_away_while_it_is_sent_keeps_its_ticket(single: Bench) -> None:
    bench = staying(single)
    row = await bench.taken()
    heads: list[str] = []

    def second(video: str) -> None:
        heads.append(video)
        if len(heads) == 2:
            bench.folder.rename(bench.folder.with_name("unmounted"))

    bench.faults.taps["segment"] = second
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.last_trouble) == (State.UPLOADING, "source_away")
    assert row.ticket is not None
    bench.folder.with_name("unmounted").rename(bench.folder)
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING
    assert len(bench.emulator.videos()) == 1


async def test_what_waits_for_a_folder_goes_on_as_soon_as_it_is_back(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = staying(await set_up(first_delay=3600.0, max_delay=3600.0))
    row = await bench.taken()
    away = bench.folder.rename(bench.folder.with_name("unmounted"))
    assert await bench.line.get() == row.id
    await bench.uploader.upload(row.id)
    away.rename(bench.folder)
    bench.uploader.folder_is_back()
    async with asyncio.timeout(5):
        assert await bench.line.get() == row.id
    bench.line.close()


@pytest.mark.parametrize("stays", [True, False])
async def test_a_file_that_is_gone_from_a_folder_that_is_there_fails_in_either_run(
    bench: Bench, *, stays: bool
) -> None:
    bench = staying(bench) if stays else bench
    row = await bench.taken()
    (bench.folder / "a.mp4").unlink()
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.FAILED


async def test_a_run_that_ends_waits_for_no_folder(bench: Bench) -> None:
    row = await bench.taken()
    bench.folder.rename(bench.folder.with_name("unmounted"))
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.failure is not None
    assert row.failure.code == "source_gone"


async def test_a_file_that_changes_mid_segment_is_superseded_and_its_video_an_orphan(single: Bench) -> None:
    row = await single.taken()
    heads: list[str] = []

    def second(video: str) -> None:
        heads.append(video)
        if len(heads) == 2:
            (single.folder / "a.mp4").write_bytes(content(seed="another"))

    single.faults.taps["segment"] = second
    await single.uploader.upload(row.id)
    row = await single.row(row.id)
    (video,) = single.emulator.videos()
    assert (row.state, row.ticket) == (State.SUPERSEDED, None)
    assert await single.ledger.orphans() == [video["id"]]
    assert [drop.path for drop in single.again] == [row.drop.path]
    assert video["whole"] is False


async def test_a_file_that_goes_mid_upload_fails_and_its_video_is_an_orphan(single: Bench) -> None:
    row = await single.taken()
    single.faults.taps["segment"] = lambda _video: (single.folder / "a.mp4").unlink(missing_ok=True)
    await single.uploader.upload(row.id)
    row = await single.row(row.id)
    (video,) = single.emulator.videos()
    assert (row.state, row.ticket) == (State.FAILED, None)
    assert await single.ledger.orphans() == [video["id"]]


async def test_tickets_used_up_fail_with_a_reason_and_no_ticket(bench: Bench) -> None:
    row = await bench.taken()
    with bench.faults.active("expire_url"):
        await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.failure is not None
    assert (row.state, row.failure.code, row.ticket) == (State.FAILED, "ticket_expired", None)
    assert sorted(await bench.ledger.orphans()) == sorted(video["id"] for video in bench.emulator.videos())
    # By hand it begins anew, with all its tickets.
    await bench.ledger.write(row.handed_back())
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING


async def test_a_file_that_ok_refuses_fails_alone(bench: Bench) -> None:
    row, other = await bench.taken(), await bench.taken("b.mp4")
    with bench.faults.active(
        "api_error", code=100, message="BadFormat", method="video.getUploadUrl", times=1
    ):
        await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.failure is not None
    assert (row.state, row.failure.code) == (State.FAILED, "bad_format")
    await bench.uploader.upload(other.id)
    assert (await bench.row(other.id)).state is State.FINALIZING


async def test_dead_credentials_fail_nothing(bench: Bench) -> None:
    row, other = await bench.taken(), await bench.taken("b.mp4")
    with bench.faults.active("expire_session"):
        await bench.uploader.work()
    rows = [await bench.row(number) for number in (row.id, other.id)]
    assert {each.state for each in rows} == {State.QUEUED}
    assert [each.failure for each in rows] == [None, None]
    assert bench.parts.brake.halted is not None
    assert bench.parts.brake.halted.code == "api_102"
    assert bench.parts.tally[State.FAILED] == 0
    assert len(bench.told(events.PoolHalted)) == 1


async def test_a_long_wait_gives_the_worker_to_another(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(max_delay=300.0)
    row, other = await bench.taken(), await bench.taken("b.mp4")
    with bench.faults.active("api_error", code=777, method="video.getUploadUrl", times=1):
        bench.line.close()
        assert await bench.line.get() == row.id
        await bench.uploader.upload(row.id)
    await bench.uploader.work()
    poisoned, good = await bench.row(row.id), await bench.row(other.id)
    assert (poisoned.state, poisoned.failure, poisoned.attempts) == (State.UPLOADING, None, 2)
    assert poisoned.retry_at is not None
    assert poisoned.retry_at > bench.clock.now()
    assert good.state is State.FINALIZING


async def test_an_upload_that_is_cancelled_meanwhile_stops_and_is_not_published(
    single: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await single.taken()

    async def cancel() -> None:
        stored = await single.row(row.id)
        assert stored.ticket is not None
        await single.ledger.write(stored.to(State.CANCELLED, ticket=None), orphan=stored.ticket.video_id)

    after(monkeypatch, single.parts.client, "send", 2, cancel)
    single.line.close()
    await single.uploader.work()
    single.finals.close()
    await single.finalizer.work()
    (video,) = single.emulator.videos()
    assert (await single.row(row.id)).state is State.CANCELLED
    assert single.parts.tally[State.CANCELLED] == 1
    assert len(single.opened) == 0
    assert (video["whole"], video["published"]) == (False, False)
    assert video["held"] < SIZE - SEGMENT + 1
    assert await single.ledger.orphans() == [video["id"]]


async def test_a_ticket_that_no_row_took_is_an_orphan(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await bench.taken()
    client = bench.parts.client
    after(monkeypatch, client, "request_ticket", 1, lambda: bench.orders(row.id, State.CANCELLED))
    bench.line.close()
    await bench.uploader.work()
    (video,) = bench.emulator.videos()
    assert await bench.ledger.orphans() == [video["id"]]
    assert (await bench.row(row.id)).state is State.CANCELLED


async def test_a_ticket_that_comes_while_draining_into_a_cancelled_row_is_an_orphan(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.taken()

    async def both() -> None:
        bench.parts.brake.pull()
        await bench.orders(row.id, State.CANCELLED)

    after(monkeypatch, bench.parts.client, "request_ticket", 1, both)
    bench.line.close()
    await bench.uploader.work()
    (video,) = bench.emulator.videos()
    assert await bench.ledger.orphans() == [video["id"]]


async def test_a_file_renamed_on_the_way_goes_on_under_its_new_name(
    single: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await single.taken()
    renamed = single.folder / "b.mp4"

    async def rename() -> None:
        (single.folder / "a.mp4").rename(renamed)
        await single.intake.take(single.drop(renamed))

    after(monkeypatch, single.parts.client, "send", 2, rename)
    worker = asyncio.create_task(single.uploader.work())
    assert await asyncio.wait_for(single.finals.get(), 5) == row.id
    single.line.close()
    await worker
    row = await single.row(row.id)
    assert row.drop.path == os.fsencode(renamed)
    (video,) = single.emulator.videos()
    assert (row.state, row.tickets) == (State.FINALIZING, 1)
    assert (video["whole"], video["held_bytes_resent"]) == (True, 0)


async def test_a_source_that_is_busy_when_its_turn_comes_gets_another(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.taken()

    async def hangs(*_: object, **__: object) -> Source:
        raise Trouble("the mount hangs", code="source_busy")

    with monkeypatch.context() as patched:
        patched.setattr(Source, "open", hangs)
        await bench.uploader.upload(row.id)
    later = await bench.row(row.id)
    assert (later.state, later.troubles, later.failure) == (State.QUEUED, 1, None)
    assert later.retry_at is not None
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING


async def test_a_file_too_small_fails_again_when_it_is_handed_back(bench: Bench) -> None:
    row = await bench.taken(size=0)
    await bench.ledger.write(row.handed_back())
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.state is State.FAILED
    assert row.failure is not None
    assert row.failure.code == "file_too_small"
    assert bench.emulator.videos() == []


async def test_an_upload_url_that_is_none_fails_its_upload_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.taken()

    async def odd(*_: object, **__: object) -> Ticket:
        return Ticket(video_id="7", upload_url="http://[::1/u?sig=S", issued_at=bench.clock.now())

    monkeypatch.setattr(type(bench.parts.client), "request_ticket", odd)
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.failure is not None
    assert (row.failure.code, row.ticket) == ("upload_host_refused", None)
    assert await bench.ledger.orphans() == ["7"]


async def test_who_is_stopped_before_there_is_a_ticket_waits_in_the_queue(bench: Bench) -> None:
    row = await bench.taken()
    bench.parts.brake.pull()
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.QUEUED
    assert bench.emulator.videos() == []


async def test_a_ticket_that_may_have_been_lost_with_a_process_is_told_once(bench: Bench) -> None:
    row = await bench.taken()
    row = await bench.ledger.write(row.to(State.UPLOADING, attempts=1))  # and there the process died
    await bench.uploader.upload(row.id)
    assert [(told.upload, told.reason) for told in bench.told(events.TicketLost)] == [(row.id, DIED_ASKING)]
    assert DIED_ASKING in [step.note for step in await bench.ledger.history(row.id)]


async def test_a_ticket_whose_answer_got_lost_is_told(bench: Bench) -> None:
    row = await bench.taken()
    with bench.faults.active("lost_api_answer", method="video.getUploadUrl", times=1):
        await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING
    (told,) = bench.told(events.TicketLost)
    assert told.reason.startswith("video.getUploadUrl")
    assert len(bench.emulator.videos()) == 2


async def test_a_refused_ticket_is_not_told_as_lost(bench: Bench) -> None:
    row = await bench.taken()
    with bench.faults.active("api_error", code=8, method="video.getUploadUrl", times=1):
        await bench.uploader.upload(row.id)
    assert bench.told(events.TicketLost) == []


# --- waits that are longer than a worker's patience ---------------------------------------------------


@pytest.fixture
async def impatient(set_up: Callable[..., Awaitable[Bench]], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Every wait is one for which the worker takes up something else, so that each try is another attempt."""
    monkeypatch.setattr("okdrop.pipeline.patience.LONGEST", 0.0)
    bench = await set_up(first_delay=3600.0, max_delay=3600.0)
    await bench.ledger.remember_host("127.0.0.1", Mode.PARALLEL)
    return bench


async def test_a_404_after_all_was_offered_is_no_end_however_long_the_waits_are(impatient: Bench) -> None:
    row = await impatient.taken(size=SEGMENT)
    impatient.faults.set("error_500_before_storing", times=1)
    await impatient.uploader.upload(row.id)
    assert (await impatient.row(row.id)).last_trouble == "http_500"
    await impatient.uploader.upload(row.id)
    row = await impatient.row(row.id)
    assert (row.state, row.tickets) == (State.FINALIZING, 1)


async def test_a_dead_url_is_not_asked_again_after_a_long_wait(impatient: Bench) -> None:
    row = await impatient.taken()
    impatient.faults.set("expire_url", times=1, status=410, after=3)
    await impatient.uploader.upload(row.id)
    row = await impatient.row(row.id)
    assert (row.state, row.ticket, row.tickets) == (State.UPLOADING, None, 1)
    assert row.retry_at is not None
    assert row.retry_at > impatient.clock.now()
    assert await impatient.ledger.orphans() == [video["id"] for video in impatient.emulator.videos()]
    await impatient.uploader.upload(row.id)
    assert (await impatient.row(row.id)).state is State.FINALIZING


async def test_urls_that_die_are_used_up_however_long_the_waits_are(impatient: Bench) -> None:
    row = await impatient.taken()
    impatient.faults.set("expire_url", status=410)
    for tickets in range(1, TICKETS_PER_REVISION):
        await impatient.uploader.upload(row.id)
        assert (await impatient.row(row.id)).tickets == tickets
    await impatient.uploader.upload(row.id)
    row = await impatient.row(row.id)
    assert (row.state, row.tickets) == (State.FAILED, TICKETS_PER_REVISION)
    assert row.failure is not None
    assert row.failure.code == "ticket_expired"
    assert "410" in row.failure.message


async def test_a_host_whose_urls_die_of_the_canary_gets_none_after_a_long_wait(
    set_up: Callable[..., Awaitable[Bench]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.pipeline.patience.LONGEST", 0.0)
    bench = await set_up(first_delay=3600.0, max_delay=3600.0)
    row = await bench.taken()
    bench.faults.set("expire_url", times=1, status=410)
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).ticket is None
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.tickets, row.mode) == (State.FINALIZING, 2, Mode.SEQUENTIAL)


async def test_what_has_begun_comes_back_before_what_has_not(single: Bench) -> None:
    bench = dataclasses.replace(single, line=Line(Precedence(Order.SMALLEST, lambda _folder: 0)))
    large = await bench.taken("large.mp4")
    assert await bench.line.get() == large.id
    small = await bench.taken("small.mp4", SEGMENT)
    bench.faults.taps["segment"] = lambda _video: bench.opened.let_go(large.id)
    with bench.opened.taken(large.id):
        await bench.uploader.upload(large.id)
    assert (await bench.row(large.id)).ticket is not None
    assert [await bench.line.get() for _ in range(2)] == [large.id, small.id]
