"""The last step: one revision, one video, published once."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.metadata import Privacy, Settings
from okdrop.protocol.verdicts import NOT_TAKEN_TRIES
from pipeline.bench import SEGMENT, SIZE, after, content, root_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from okdrop.drop import Upload
    from pipeline.bench import Bench

UPDATE = "video.update"


async def test_published(set_up: Callable[..., Awaitable[Bench]]) -> None:
    settings = Settings(
        title="{{ stem }}!", description="of {{ folder }}", tags=("a", "b"), privacy=Privacy.FRIENDS
    )
    bench = await set_up(settings=settings)
    row = await bench.whole()
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    (video,) = bench.published
    assert (row.state, row.publish_offered, row.failure) == (State.PUBLISHED, False, None)
    assert row.digest == root_of(content())
    assert (video["title"], video["description"]) == ("a!", "of drop")
    assert (video["tags"], video["privacy"]) == ("a,b", "FRIENDS")
    assert video["sha256"] == hashlib.sha256(content()).hexdigest()
    assert (len(bench.opened), bench.parts.tally[State.PUBLISHED]) == (0, 1)
    (told,) = bench.told(events.UploadPublished)
    assert (told.upload, told.video_id) == (row.id, video["id"])


async def test_a_title_given_by_hand_goes_before_the_template(bench: Bench) -> None:
    row = await bench.whole()
    await bench.ledger.write(row.with_(drop=dataclasses.replace(row.drop, title="By hand")))
    await bench.finalizer.publish(row.id)
    assert bench.published[0]["title"] == "By hand"


async def test_an_id_that_is_not_due_is_let_go(bench: Bench) -> None:
    row = await bench.taken()
    await bench.finalizer.publish(row.id)
    await bench.finalizer.publish(999)
    assert (await bench.row(row.id)).state is State.QUEUED
    assert bench.emulator.summary()["calls"] == {}


async def test_that_an_update_was_offered_is_in_the_ledger_before_it_leaves(bench: Bench) -> None:
    row = await bench.whole()
    seen: list[bool] = []
    bench.faults.taps[UPDATE] = lambda _video: seen.append(bench.written(row.id).publish_offered)
    await bench.finalizer.publish(row.id)
    assert seen == [True]


@pytest.mark.parametrize("fate", ["replaced", "gone"])
async def test_once_an_update_may_have_taken_effect_it_is_repeated_whatever_becomes_of_the_file(
    bench: Bench, fate: str
) -> None:
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.publish_offered, row.troubles) == (State.FINALIZING, True, 1)
    if fate == "replaced":
        bench.file(seed="another")
    else:
        (bench.folder / "a.mp4").unlink()
    await bench.finalizer.publish(row.id)
    (video,) = bench.published
    assert (await bench.row(row.id)).state is State.PUBLISHED
    assert (video["updates"], len(bench.emulator.videos())) == (2, 1)
    assert bench.again == []


async def test_an_update_that_surely_took_no_effect_does_not_bind(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("api_error", code=1, method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).publish_offered is False
    bench.file(seed="another")
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.SUPERSEDED
    assert bench.published == []


async def test_a_file_that_changed_since_is_not_published(bench: Bench) -> None:
    row = await bench.whole()
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    await bench.finalizer.publish(row.id)
    assert row.ticket is not None
    assert (await bench.row(row.id)).state is State.SUPERSEDED
    assert await bench.ledger.orphans() == [row.ticket.video_id]
    assert [drop.path for drop in bench.again] == [row.drop.path]
    assert bench.published == []
    assert len(bench.opened) == 0


async def test_a_file_that_is_gone_is_published_since_ok_holds_it(bench: Bench) -> None:
    row = await bench.whole()
    (bench.folder / "a.mp4").unlink()
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.digest) == (State.PUBLISHED, root_of(content()))  # hashed as it was sent
    assert len(bench.published) == 1


async def torn(bench: Bench) -> Upload:
    """A whole upload, none of whose leaves was hashed on the way."""
    row = await bench.whole()
    return await bench.ledger.write(row.with_(digest=None))


async def test_what_is_torn_is_read_again_before_it_is_published(bench: Bench) -> None:
    row = await torn(bench)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).digest == root_of(content())


async def test_what_is_torn_and_gone_is_published_without_a_proof(bench: Bench) -> None:
    row = await torn(bench)
    (bench.folder / "a.mp4").unlink()
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.digest) == (State.PUBLISHED, None)


async def test_trouble_is_tried_again_later(bench: Bench) -> None:
    row = await bench.whole()
    assert await bench.finals.get() == row.id
    before = row.attempts
    with bench.faults.active("api_error", code=1, method=UPDATE, times=2):
        for troubles in (1, 2):
            await bench.finalizer.publish(row.id)
            row = await bench.row(row.id)
            assert (row.state, row.troubles, row.attempts) == (State.FINALIZING, troubles, before + troubles)
            assert row.retry_at is not None
            assert await bench.finals.get() == row.id
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.troubles, row.retry_at) == (State.PUBLISHED, 0, None)
    assert [told.code for told in bench.told(events.UploadTrouble)] == ["api_1", "api_1"]


async def test_a_page_instead_of_an_answer_is_no_success(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("garbage", method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING


async def not_taken(bench: Bench, number: int) -> int:
    """Publish for as long as it is due; returns how often that was."""
    tries = 0
    with bench.faults.active("api_error", code=100, method=UPDATE):
        while (await bench.row(number)).state is State.FINALIZING:
            await bench.finalizer.publish(number)
            tries += 1
    return tries


async def test_not_taken_yet_is_tried_a_bounded_number_of_times(bench: Bench) -> None:
    row = await bench.whole()
    assert await not_taken(bench, row.id) == NOT_TAKEN_TRIES
    # The host is asked once whether that is true. It has everything: nothing is sent.
    assert (await bench.row(row.id)).state is State.UPLOADING
    await bench.uploader.upload(row.id)
    assert await not_taken(bench, row.id) == NOT_TAKEN_TRIES
    row = await bench.row(row.id)
    assert row.failure is not None
    assert (row.state, row.failure.code) == (State.FAILED, "api_100")
    (video,) = bench.emulator.videos()
    assert video["received"] == SIZE


async def test_what_was_never_taken_is_found_out_and_sent(bench: Bench) -> None:
    # Somebody in between says 200 to the last segment, and keeps it.
    row = await bench.taken(size=SEGMENT)
    with bench.faults.active("garbage", kind="empty", method="segment", times=1):
        await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING
    assert not bench.emulator.videos()[0]["whole"]
    while (await bench.row(row.id)).state is State.FINALIZING:
        await bench.finalizer.publish(row.id)
    await bench.uploader.upload(row.id)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.PUBLISHED
    (video,) = bench.published
    assert video["sha256"] == hashlib.sha256(content(SEGMENT)).hexdigest()


async def never_taken(bench: Bench) -> Upload:
    """An upload whose last segment somebody in between kept, and whose update got no answer at first."""
    row = await bench.taken(size=SEGMENT)
    with bench.faults.active("garbage", kind="empty", method="segment", times=1):
        await bench.uploader.upload(row.id)
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.publish_offered) == (State.FINALIZING, True)
    return row


async def test_it_is_found_out_as_well_when_an_update_may_have_taken_effect(bench: Bench) -> None:
    row = await never_taken(bench)
    while (await bench.row(row.id)).state is State.FINALIZING:
        await bench.finalizer.publish(row.id)
    back = await bench.row(row.id)
    assert (back.state, back.publish_offered, back.ticket) == (State.UPLOADING, False, row.ticket)
    await bench.uploader.upload(row.id)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.PUBLISHED
    (video,) = bench.published
    assert video["sha256"] == hashlib.sha256(content(SEGMENT)).hexdigest()


async def test_what_may_be_public_is_not_sent_again(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    assert await not_taken(bench, row.id) == NOT_TAKEN_TRIES
    row = await bench.row(row.id)
    assert (row.state, row.publish_offered) == (State.FAILED, True)


@pytest.mark.parametrize("code", [1, 100])
async def test_a_question_that_is_not_answered_is_asked_again_later(bench: Bench, code: int) -> None:
    row = await never_taken(bench)
    tries = 0
    with bench.faults.active("api_error", code=code, method="video.get", times=1):
        while (await bench.row(row.id)).state is State.FINALIZING:
            await bench.finalizer.publish(row.id)
            tries += 1
    assert tries == 2 * NOT_TAKEN_TRIES - (code == 100)
    assert (await bench.row(row.id)).state is State.UPLOADING


async def test_dead_credentials_at_the_question_fail_nothing(bench: Bench) -> None:
    row = await never_taken(bench)
    with bench.faults.active("api_error", code=102, method="video.get", times=1):
        for _ in range(NOT_TAKEN_TRIES):
            await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.FINALIZING
    assert bench.told(events.PoolHalted)


async def test_text_that_is_refused_keeps_the_ticket_and_nothing_is_sent_again(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("api_error", code=454, method=UPDATE):
        await bench.finalizer.publish(row.id)
    failed = await bench.row(row.id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code) == (State.FAILED, "text_refused")
    assert (failed.ticket, failed.received) == (row.ticket, SIZE)
    assert await bench.ledger.orphans() == []
    assert len(bench.opened) == 0
    back = await bench.ledger.write(failed.handed_back())
    assert back.state is State.FINALIZING
    await bench.finalizer.publish(row.id)
    (video,) = bench.published
    assert (video["received"], len(bench.emulator.videos())) == (SIZE, 1)


async def test_a_video_that_ok_lost_is_sent_anew(bench: Bench) -> None:
    row = await bench.whole()
    assert await bench.line.get() == row.id
    with bench.faults.active("api_error", code=300, method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    lost = await bench.row(row.id)
    assert (lost.state, lost.ticket, lost.offered_all) == (State.UPLOADING, None, False)
    assert (lost.publish_offered, lost.received) == (False, 0)
    assert await bench.line.get() == row.id
    await bench.uploader.upload(row.id)
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    first, second = bench.emulator.videos()
    assert (row.state, row.tickets) == (State.PUBLISHED, 2)
    assert [video["id"] for video in bench.published] == [second["id"]]
    assert await bench.ledger.orphans() == [first["id"]]


async def test_a_video_that_ok_lost_and_that_may_be_public_is_no_orphan(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    with bench.faults.active("api_error", code=300, method=UPDATE, times=1):
        await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).ticket is None
    assert await bench.ledger.orphans() == []


async def test_dead_credentials_fail_nothing(bench: Bench) -> None:
    row = await bench.whole()
    bench.finals.close()
    with bench.faults.active("expire_session"):
        await bench.finalizer.work()
    row = await bench.row(row.id)
    assert (row.state, row.failure, row.publish_offered) == (State.FINALIZING, None, False)
    assert bench.parts.brake.halted is not None
    assert bench.parts.tally[State.FAILED] == 0


async def test_a_row_that_somebody_cancelled_meanwhile_stays_cancelled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.whole()
    after(monkeypatch, bench.parts.client, "update", 1, lambda: bench.orders(row.id, State.CANCELLED))
    bench.finals.close()
    await bench.finalizer.work()
    stored = await bench.row(row.id)
    assert (stored.state, stored.ticket) == (State.CANCELLED, row.ticket)
    assert bench.parts.tally[State.CANCELLED] == 1
    assert len(bench.opened) == 0


async def test_a_row_that_somebody_else_wrote_is_taken_up_as_it_stands(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.whole()

    async def renamed() -> None:
        await bench.ledger.write(await bench.row(row.id), note="by another")

    after(monkeypatch, bench.parts.client, "update", 1, renamed)
    assert await bench.finals.get() == row.id
    bench.finals.put(row.id)
    working = bench.finalizer.work()
    task = asyncio.create_task(working)
    await asyncio.wait_for(bench.opened.wait_until_none(), 5)
    bench.finals.close()
    await task
    assert (await bench.row(row.id)).state is State.PUBLISHED
    assert bench.published[0]["updates"] == 2


async def test_a_video_that_ok_forgot_is_sent_anew_after_a_wait(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("api_error", code=300, method="video.update"):
        await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.ticket, row.troubles) == (State.UPLOADING, None, 1)
    assert row.retry_at is not None
