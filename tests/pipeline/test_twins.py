"""Of several files of the same bytes one is sent."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from okdrop import events
from okdrop.config.watch import After
from okdrop.drop import Chore, State
from okdrop.errors import GaveUp, Trouble
from okdrop.inbox import contents
from okdrop.leaves import hasher
from okdrop.ledger.orders import retry
from okdrop.metadata import Settings
from okdrop.pipeline import twins as module
from pipeline.bench import SIZE, content, root_of, until

if TYPE_CHECKING:
    from pathlib import Path

    from okdrop.drop import Upload
    from okdrop.inbox.reading import Reading
    from pipeline.bench import Bench

LARGE = 16 * 64 * 1024  #: has bytes that no sample sees


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is woken by what it waits for, and by no clock."""
    monkeypatch.setattr(module, "LOOK_AGAIN", 3600.0)


async def take(bench: Bench, path: Path) -> Upload:
    row = await bench.intake.take(bench.drop(path))
    assert row is not None
    return row


def digested(what: bytes, like: bytes) -> bytes:
    made = hasher(like)
    made.update(what)
    return made.digest()


async def copied(bench: Bench, name: str = "b.mp4", *, of: str = "a.mp4") -> Upload:
    """A second file of the same bytes, another inode, another time; it is taken up."""
    path = bench.folder / name
    shutil.copyfile(bench.folder / of, path)
    return await take(bench, path)


async def go_on(bench: Bench, row: Upload) -> Upload:
    """Give an upload to a worker, and compare it if it is to be compared."""
    await bench.uploader.upload(row.id)
    if bench.twins._suspects._due.qsize():
        assert await bench.twins._suspects.get() == row.id
        await bench.twins.compare(row.id)
    return await bench.row(row.id)


def sent(bench: Bench) -> int:
    total: int = bench.emulator.summary()["received"]
    return total


async def in_line(bench: Bench) -> list[int]:
    """What a worker would be given now."""
    found = []
    while bench.line._due.qsize():
        number = await bench.line.get()
        assert number is not None
        found.append(number)
    return found


# --- after it was published -----------------------------------------------------------------------------


async def test_a_copy_of_a_published_file_is_not_sent(bench: Bench) -> None:
    first = await bench.done()
    before = sent(bench)
    twin = await go_on(bench, await copied(bench))
    assert (twin.state, twin.duplicate_of, twin.ticket) == (State.DUPLICATE, first.id, None)
    assert sent(bench) == before
    assert len(bench.emulator.videos()) == 1
    (told,) = bench.told(events.UploadDuplicate)
    assert (told.upload, told.of) == (twin.id, first.id)
    assert len(bench.opened) == 0
    assert bench.parts.tally[State.DUPLICATE] == 1
    step = (await bench.ledger.history(twin.id))[-1]
    assert step.note == f"the same bytes as upload {first.id}"


async def refused(bench: Bench) -> Upload:
    """An upload that OK holds whole, and whose text it refused."""
    row = await bench.whole()
    with bench.faults.active("api_error", code=454, method="video.update"):
        await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert row.state is State.FAILED
    return row


async def test_who_is_handed_back_after_its_copy_was_published_is_a_duplicate(bench: Bench) -> None:
    """A copy went on when the first had failed; to publish both would be one recording twice."""
    first = await refused(bench)
    copy = await go_on(bench, await copied(bench))
    await bench.finalizer.publish(copy.id)
    assert (await bench.row(copy.id)).state is State.PUBLISHED
    assert (await retry(bench.ledger, first.id)).done
    again = await go_on(bench, await bench.row(first.id))
    assert (again.state, again.duplicate_of) == (State.DUPLICATE, copy.id)
    assert len(bench.published) == 1
    assert first.ticket is not None
    assert await bench.ledger.orphans() == [first.ticket.video_id]


async def test_who_is_handed_back_while_its_copy_is_on_its_way_waits_for_it(bench: Bench) -> None:
    first = await refused(bench)
    copy = await go_on(bench, await copied(bench))
    assert copy.state is State.FINALIZING
    assert (await retry(bench.ledger, first.id)).done
    waits = await go_on(bench, await bench.row(first.id))
    assert (waits.state, waits.waits_for) == (State.QUEUED, copy.id)
    await bench.finalizer.publish(copy.id)
    again = await go_on(bench, waits)
    assert (again.state, again.duplicate_of) == (State.DUPLICATE, copy.id)


async def test_who_is_handed_back_beside_others_of_its_size_is_published_and_sent_once(bench: Bench) -> None:
    first = await refused(bench)
    (bench.folder / "b.mp4").write_bytes(content(SIZE, seed="another"))
    other = await take(bench, bench.folder / "b.mp4")
    before = sent(bench)
    assert other.state is State.QUEUED
    await retry(bench.ledger, first.id)
    row = await bench.row(first.id)
    if row.state is State.QUEUED:
        row = await go_on(bench, row)
    assert row.state is State.FINALIZING
    assert sent(bench) == before


async def test_the_proof_was_recorded_while_the_first_was_sent(bench: Bench) -> None:
    """So the first file need not be there any more."""
    first = await bench.done()
    assert first.digest == root_of(content())
    path = bench.folder / "a.mp4"
    path.rename(bench.folder.parent / "elsewhere")
    shutil.copyfile(bench.folder.parent / "elsewhere", bench.folder / "b.mp4")
    (bench.folder.parent / "elsewhere").unlink()
    twin = await go_on(bench, await take(bench, bench.folder / "b.mp4"))
    assert (twin.state, twin.duplicate_of) == (State.DUPLICATE, first.id)


@pytest.mark.parametrize("at", [0, 5 * 64 * 1024, LARGE // 2, LARGE - 1])
async def test_one_other_byte_anywhere_is_another_video(bench: Bench, at: int) -> None:
    """One of these places no sample sees."""
    await bench.done(size=LARGE)
    changed = bytearray(content(LARGE))
    changed[at] ^= 1
    path = bench.folder / "b.mp4"
    path.write_bytes(changed)
    row = await go_on(bench, await take(bench, path))
    if row.state is State.QUEUED:  # it was compared
        assert await bench.line.get() is not None
        row = await go_on(bench, row)
    assert row.state is State.FINALIZING
    assert row.digest == root_of(bytes(changed))


async def test_other_bytes_of_the_same_size_are_not_even_compared(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "digest", None)
    await bench.done()
    assert (await bench.whole("b.mp4")).state is State.FINALIZING


async def test_files_of_other_sizes_are_not_read_for_each_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.done()
    read = []
    real = os.preadv

    def noted(*arguments):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202 - a wrapper of preadv
        count = real(*arguments)
        if len(arguments) == 3:  # with flags it is what is sent that is read
            read.append(count)
        return count

    monkeypatch.setattr(contents.os, "preadv", noted)
    await bench.whole("b.mp4", SIZE + 1)
    assert sum(read) <= 3 * 64 * 1024  # its own sample


@pytest.mark.parametrize("like", [bytes(32), b"\1" + bytes(32)])
async def test_a_digest_of_an_earlier_version_is_still_a_proof(bench: Bench, like: bytes) -> None:
    first = await bench.done()
    earlier = digested(content(), like)
    await bench.ledger.write(first.with_(digest=earlier, sample=None))
    (bench.folder / "a.mp4").rename(bench.folder.parent / "kept.mp4")
    shutil.copyfile(bench.folder.parent / "kept.mp4", bench.folder / "b.mp4")
    twin = await go_on(bench, await take(bench, bench.folder / "b.mp4"))
    assert (twin.state, twin.duplicate_of) == (State.DUPLICATE, first.id)


async def test_digests_of_several_kinds_are_each_compared_with_their_like(bench: Bench) -> None:
    """Roots of SHA-256 and of BLAKE3 are of one length."""
    rows = []
    for name, what, like in (("a.mp4", b"other", b"\1"), ("b.mp4", content(), b"\2")):
        row = await bench.ledger.add(bench.drop(bench.file(name, seed="a.mp4")), state=State.PUBLISHED)
        rows.append(await bench.ledger.write(row.with_(digest=digested(what, like + bytes(32)))))
    twin = await go_on(bench, await copied(bench, "c.mp4"))
    assert (twin.state, twin.duplicate_of) == (State.DUPLICATE, rows[1].id)


@pytest.mark.parametrize("moved", [False, True])
async def test_without_a_digest_the_files_are_compared(bench: Bench, *, moved: bool) -> None:
    """`adopt --fast` makes such rows."""
    path = bench.file()
    first = await bench.ledger.add(bench.drop(path), state=State.PUBLISHED)
    shutil.copyfile(path, bench.folder / "b.mp4")
    if moved:
        kept = bench.folder.parent / "kept.mp4"
        path.rename(kept)
        await bench.ledger.write(first.with_(moved_to=os.fsencode(kept)))
    twin = await go_on(bench, await take(bench, bench.folder / "b.mp4"))
    assert (twin.state, twin.duplicate_of) == (State.DUPLICATE, first.id)


async def test_where_nothing_can_be_proven_the_file_is_sent(bench: Bench) -> None:
    first = await bench.done()
    await bench.ledger.write(first.with_(digest=None))
    path = bench.folder / "a.mp4"
    path.rename(bench.folder / "b.mp4")
    os.utime(bench.folder / "b.mp4", ns=(1, 1))  # by its stat it is no more what was published
    row = await go_on(bench, await take(bench, bench.folder / "b.mp4"))
    assert row.state is State.QUEUED
    assert (await go_on(bench, row)).state is State.FINALIZING


async def test_a_twin_is_moved_as_the_first_one_was(bench: Bench) -> None:
    bench.after(After.MOVE)
    await bench.done()
    twin = await go_on(bench, await copied(bench))
    assert twin.chore is Chore.MOVE
    assert bench.with_chore[-1].id == twin.id


async def test_a_twin_is_not_deleted(bench: Bench) -> None:
    bench.after(After.DELETE)
    await bench.done()
    assert (await go_on(bench, await copied(bench))).chore is None


async def test_a_twin_that_had_begun_leaves_an_orphan(bench: Bench) -> None:
    """It began before the other was published: another process was killed, say."""
    first = await bench.done()
    twin = await copied(bench)
    ticket = await bench.parts.client.request_ticket(file_name="b.mp4", size=SIZE, group_id="")
    twin = await bench.ledger.write(twin.to(State.UPLOADING, ticket=ticket, tickets=1))
    twin = await go_on(bench, twin)
    assert (twin.state, twin.duplicate_of, twin.ticket) == (State.DUPLICATE, first.id, None)
    assert await bench.ledger.orphans() == [ticket.video_id]


async def test_a_file_that_changes_while_it_is_compared_is_left_to_its_upload(bench: Bench) -> None:
    await bench.done()
    twin = await copied(bench)
    await bench.uploader.upload(twin.id)
    os.utime(bench.folder / "b.mp4", ns=(1, 1))
    await in_line(bench)
    await bench.twins.compare(twin.id)
    assert await in_line(bench) == [twin.id]
    assert (await go_on(bench, twin)).state is State.SUPERSEDED


async def test_a_twin_that_was_cancelled_while_it_was_compared_stays_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.done()
    twin = await copied(bench)
    digest = contents.digest

    async def overtaken(source, **keywords):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        await bench.orders(twin.id, State.CANCELLED)
        return await digest(source, **keywords)

    monkeypatch.setattr(contents, "digest", overtaken)
    await bench.uploader.upload(twin.id)
    await bench.twins._suspects.get()
    await bench.twins._compare_or_yield(twin.id)
    assert (await bench.row(twin.id)).state is State.CANCELLED


async def test_two_groups_are_two_places(bench: Bench) -> None:
    await bench.done()
    cast("dict[str, Settings]", bench.parts.folders)["/elsewhere"] = Settings(group_id="77")
    path = bench.folder / "b.mp4"
    shutil.copyfile(bench.folder / "a.mp4", path)
    row = await bench.intake.take(dataclasses.replace(bench.drop(path), folder="/elsewhere"))
    assert row is not None
    assert (await go_on(bench, row)).state is State.FINALIZING


async def test_a_file_that_gives_no_answer_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's file lies on a mount that hangs."""
    await bench.taken()
    second = await copied(bench)

    async def hangs(_row: Upload, _reading: Reading) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "_file_of", hangs)
    monkeypatch.setattr(module, "SAMPLED_WITHIN", 0.01)
    assert (await go_on(bench, second)).state is State.FINALIZING


# --- of two found at once -----------------------------------------------------------------------------


async def pair(bench: Bench) -> tuple[Upload, Upload]:
    first = await bench.taken()
    second = await copied(bench)
    await in_line(bench)
    return first, second


async def test_the_second_waits_for_the_first_and_says_so(bench: Bench) -> None:
    first, second = await pair(bench)
    second = await go_on(bench, second)
    assert (second.state, second.waits_for, second.attempts) == (State.QUEUED, first.id, 0)
    (told,) = bench.told(events.UploadWaitsForTwin)
    assert (told.upload, told.first) == (second.id, first.id)
    await go_on(bench, second)
    assert len(bench.told(events.UploadWaitsForTwin)) == 1
    assert len([step for step in await bench.ledger.history(second.id) if "waits" in step.note]) == 1


async def test_once_the_first_is_published_the_second_is_a_duplicate(bench: Bench) -> None:
    first, second = await pair(bench)
    await go_on(bench, second)
    await go_on(bench, first)
    assert await in_line(bench) == []
    assert (await go_on(bench, second)).waits_for == first.id  # it is whole, not published
    await bench.finalizer.publish(first.id)
    assert await in_line(bench) == [second.id]
    second = await go_on(bench, second)
    assert (second.state, second.duplicate_of, second.waits_for) == (State.DUPLICATE, first.id, None)
    assert len(bench.emulator.videos()) == 1


@pytest.mark.parametrize("end", [State.FAILED, State.CANCELLED, State.SUPERSEDED])
async def test_once_the_first_ended_otherwise_the_second_goes_on(bench: Bench, end: State) -> None:
    first, second = await pair(bench)
    await go_on(bench, second)
    await bench.orders(first.id, end)
    await bench.uploader.upload(first.id)
    assert await in_line(bench) == [second.id]
    second = await go_on(bench, second)
    assert (second.state, second.waits_for) == (State.FINALIZING, None)


async def test_the_next_of_several_in_line_goes_on(bench: Bench) -> None:
    first, second = await pair(bench)
    third = await copied(bench, "c.mp4")
    for row in (third, second):
        assert (await go_on(bench, row)).waits_for == first.id
    await in_line(bench)
    await bench.orders(first.id, State.CANCELLED)
    await bench.uploader.upload(first.id)
    assert sorted(await in_line(bench)) == [second.id, third.id]
    assert (await go_on(bench, third)).waits_for == second.id
    assert (await go_on(bench, second)).state is State.FINALIZING
    await bench.finalizer.publish(second.id)
    assert (await go_on(bench, third)).duplicate_of == second.id


async def test_one_that_has_begun_is_first_whatever_its_number(bench: Bench) -> None:
    first, second = await pair(bench)
    ticket = await bench.parts.client.request_ticket(file_name="b.mp4", size=SIZE, group_id="")
    await bench.ledger.write(second.to(State.UPLOADING, ticket=ticket, tickets=1))
    assert (await go_on(bench, first)).waits_for == second.id
    assert (await go_on(bench, second)).state is State.FINALIZING


async def test_two_that_began_both_do_not_wait_for_each_other(bench: Bench) -> None:
    first, second = await pair(bench)
    for row in (first, second):
        ticket = await bench.parts.client.request_ticket(file_name="b.mp4", size=SIZE, group_id="")
        await bench.ledger.write(row.to(State.UPLOADING, ticket=ticket, tickets=1))
    assert (await go_on(bench, second)).waits_for == first.id
    assert (await go_on(bench, first)).state is State.FINALIZING


async def test_of_two_taken_up_at_the_same_moment_one_waits(bench: Bench) -> None:
    first, second = await pair(bench)
    await asyncio.gather(bench.uploader.upload(second.id), bench.uploader.upload(first.id))
    assert (await bench.row(first.id)).state is State.FINALIZING
    assert (await bench.row(second.id)).waits_for == first.id


@pytest.mark.parametrize(
    "changes",
    [
        {"held": True},
        {"troubles": 1, "last_trouble": "source_away"},
        {"retry_at": timedelta(minutes=11)},
    ],
    ids=["held", "away with its folder", "waits for long"],
)
async def test_one_that_does_not_go_on_is_not_waited_for(bench: Bench, changes: dict[str, object]) -> None:
    first, second = await pair(bench)
    later = changes.get("retry_at")
    if isinstance(later, timedelta):
        changes = {"retry_at": bench.parts.now() + later}
    await bench.ledger.write(first.with_(**changes))
    assert (await go_on(bench, second)).state is State.FINALIZING


async def test_one_that_this_run_does_not_see_to_is_not_waited_for(bench: Bench) -> None:
    """`okdrop upload` sees to the files it was given."""
    first, second = await pair(bench)
    bench.opened.end(first.id)
    assert (await go_on(bench, second)).state is State.FINALIZING


async def test_one_that_comes_back_late_waits_for_the_one_that_went_ahead(bench: Bench) -> None:
    """It lay on a disk that was away, say; by its number it would be first."""
    first, second = await pair(bench)
    first = await bench.ledger.write(first.with_(troubles=1, last_trouble="source_away"))
    with bench.faults.active("stall"):
        sending = asyncio.create_task(bench.uploader.upload(second.id))
        await until(lambda: bool(bench.twins._sending))
        assert (await go_on(bench, first)).waits_for == second.id
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert not bench.twins._sending


async def test_one_that_waits_for_a_moment_is_waited_for(bench: Bench) -> None:
    first, second = await pair(bench)
    soon = bench.parts.now() + timedelta(seconds=30)
    await bench.ledger.write(first.with_(retry_at=soon, troubles=3, last_trouble="api_busy"))
    assert (await go_on(bench, second)).waits_for == first.id


async def test_an_upload_that_ok_may_hold_whole_waits_for_nobody(bench: Bench) -> None:
    first = await bench.taken()
    begun = await bench.parts.client.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
    await bench.ledger.write(first.to(State.UPLOADING, ticket=begun, tickets=1))
    twin = await copied(bench)
    ticket = await bench.parts.client.request_ticket(file_name="b.mp4", size=SIZE, group_id="")
    twin = await bench.ledger.write(twin.to(State.UPLOADING, ticket=ticket, tickets=1, offered_all=True))
    await bench.uploader.upload(twin.id)
    twin = await bench.row(twin.id)
    assert (twin.waits_for, twin.state is not State.DUPLICATE) == (None, True)
    assert bench.told(events.UploadWaitsForTwin) == []


async def test_what_waits_is_looked_at_again_without_being_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = await pair(bench)
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.001)
    await go_on(bench, second)
    assert await bench.line.get() == second.id


# --- the stage --------------------------------------------------------------------------------------------


async def test_a_long_comparison_ends_with_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.done()
    twin = await copied(bench)
    comparing = asyncio.Event()

    async def endless(*_: object, **__: object) -> bytes:
        comparing.set()
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr(module.contents, "digest", endless)
    await bench.uploader.upload(twin.id)
    working = asyncio.create_task(bench.twins.work())
    await comparing.wait()
    assert bench.opened.is_in_hand(twin.id)
    bench.parts.brake.pull()
    bench.twins.close()
    await working
    assert (await bench.row(twin.id)).state is State.QUEUED


async def test_comparisons_come_one_after_the_other(bench: Bench) -> None:
    first = await bench.done()
    others = [await copied(bench, name) for name in ("b.mp4", "c.mp4")]
    for row in others:
        await bench.uploader.upload(row.id)
    bench.twins.close()
    await bench.twins.work()
    assert [(await bench.row(row.id)).duplicate_of for row in others] == [first.id] * 2


# --- where a comparison cannot be made ------------------------------------------------------------------


def comparisons_meet(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[int]:
    """Let each reading of a whole file fail; returns how often that was met."""
    met: list[int] = []

    async def digest(*_: object, **__: object) -> bytes:
        met.append(1)
        raise error

    monkeypatch.setattr(contents, "digest", digest)
    return met


async def test_a_file_that_cannot_be_read_whole_is_compared_once_and_then_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is wrong with it itself; else it would be compared for ever."""
    await bench.done()
    twin = await copied(bench)
    met = comparisons_meet(monkeypatch, GaveUp("Input/output error", code="source_read"))
    await in_line(bench)
    twin = await go_on(bench, twin)
    assert (twin.state, met) == (State.QUEUED, [1])
    assert await in_line(bench) == [twin.id]
    twin = await go_on(bench, twin)
    assert (twin.state, met) == (State.FINALIZING, [1])


async def test_a_file_that_cannot_be_read_now_is_compared_another_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.done()
    twin = await copied(bench)
    with monkeypatch.context() as patched:
        comparisons_meet(patched, Trouble("the mount hangs", code="source_busy"))
        twin = await go_on(bench, twin)
    assert (twin.state, twin.troubles, twin.last_trouble) == (State.QUEUED, 1, "source_busy")
    assert twin.retry_at is not None
    assert (await go_on(bench, twin)).state is State.DUPLICATE


async def test_equal_files_for_two_groups_do_not_wait_for_each_other(bench: Bench) -> None:
    cast("dict[str, Settings]", bench.parts.folders)["/elsewhere"] = Settings(group_id="77")
    first = await bench.taken()
    path = bench.folder / "b.mp4"
    shutil.copyfile(bench.folder / "a.mp4", path)
    second = await bench.intake.take(dataclasses.replace(bench.drop(path), folder="/elsewhere"))
    assert second is not None
    sources = [await bench.parts.open_source(row) for row in (first, second)]
    admitted = [
        await bench.twins.admit(row, source) for row, source in zip((first, second), sources, strict=True)
    ]
    assert [row and row.id for row in admitted] == [first.id, second.id]


async def test_one_that_ok_holds_whole_is_no_second_video_where_its_twin_was_published(bench: Bench) -> None:
    """It was away for so long that the other one was not kept waiting."""
    late = await bench.taken()
    ticket = await bench.parts.client.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
    late = await bench.ledger.write(late.to(State.UPLOADING, ticket=ticket, tickets=1, offered_all=True))
    shutil.copyfile(bench.folder / "a.mp4", bench.folder / "b.mp4")
    other = await take(bench, bench.folder / "b.mp4")
    far = bench.clock.now() + timedelta(hours=1)
    late = await bench.ledger.write(late.with_(retry_at=far))
    await bench.uploader.upload(other.id)
    await bench.finalizer.publish(other.id)
    assert (await bench.row(other.id)).state is State.PUBLISHED
    late = await go_on(bench, late)
    assert (late.state, late.duplicate_of) == (State.DUPLICATE, other.id)
    assert await bench.ledger.orphans(tries_below=1) == [ticket.video_id]


@pytest.mark.parametrize("many", [False, True])
async def test_many_of_one_size_without_a_trace_of_their_bytes_are_no_suspicion(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, many: bool
) -> None:
    """A recorder that cuts its recordings to one size; from a ledger that kept no samples yet."""
    monkeypatch.setattr(module, "MOST_BLIND", 3)
    for number in range(4 if many else 3):
        name = f"old {number}.mp4"
        drop = bench.drop(bench.file(name, LARGE))
        digest = hashlib.blake2b(f"{number}".encode(), digest_size=32).digest()
        await bench.ledger.add(drop, state=State.PUBLISHED, digest=digest)
        (bench.folder / name).unlink()
    met = comparisons_meet(monkeypatch, GaveUp("not to be read", code="source_read"))
    await go_on(bench, await bench.taken("new.mp4", LARGE))
    assert met == ([] if many else [1])
