"""What becomes of a settled file."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.config.model import Order
from okdrop.drop import MINIMUM_SIZE, State
from okdrop.errors import GaveUp, LedgerError
from okdrop.inbox import contents
from okdrop.pipeline.first_look import WHY_IGNORED
from okdrop.pipeline.line import Line
from okdrop.pipeline.precedence import Precedence
from pipeline.bench import SIZE, after, content

if TYPE_CHECKING:
    from okdrop.drop import Drop, Upload
    from pipeline.bench import Bench


async def take(bench: Bench, drop: Drop) -> Upload:
    row = await bench.intake.take(drop)
    assert row is not None
    return row


async def published(bench: Bench) -> Upload:
    row = await bench.whole()
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert row.state is State.PUBLISHED
    return row


async def test_a_new_file_has_a_row_before_it_stands_in_line(bench: Bench) -> None:
    row = await bench.taken()
    assert bench.written(row.id).state is State.QUEUED
    assert await bench.line.get() == row.id
    assert len(bench.opened) == 1
    (told,) = bench.told(events.FileSettled)
    assert (told.upload, told.size) == (row.id, SIZE)


async def test_a_held_file_that_is_touched_is_held_and_stands_in_no_line(bench: Bench) -> None:
    path = bench.file()
    held = await bench.ledger.add(bench.drop(path), held=True)
    os.utime(path)
    row = await take(bench, bench.drop(path))
    assert row.id != held.id
    assert (row.state, row.held) == (State.QUEUED, True)
    assert (await bench.row(held.id)).state is State.SUPERSEDED
    assert len(bench.opened) == 0
    assert bench.told(events.FileSettled) == []


async def test_a_known_file_is_left_alone(bench: Bench) -> None:
    row = await bench.taken()
    again = await bench.intake.take(row.drop)
    assert again == row
    assert len(await bench.ledger.uploads()) == 1


@pytest.mark.parametrize(("size", "words"), [(0, "is empty"), (MINIMUM_SIZE - 1, "has only 16383 bytes")])
async def test_what_ok_would_not_take_fails_at_once(bench: Bench, size: int, words: str) -> None:
    row = await bench.taken(size=size)
    assert row.state is State.FAILED
    assert row.failure is not None
    assert row.failure.code == "file_too_small"
    assert words in row.failure.message
    assert len(bench.opened) == 0
    assert bench.parts.tally[State.FAILED] == 1
    assert len(bench.told(events.UploadFailed)) == 1


async def test_the_smallest_file_that_ok_takes_is_taken(bench: Bench) -> None:
    assert (await bench.taken(size=MINIMUM_SIZE)).state is State.QUEUED


async def test_a_renamed_upload_goes_on_under_its_new_name(bench: Bench) -> None:
    row = await bench.taken()
    renamed = bench.folder / "b.mp4"
    (bench.folder / "a.mp4").rename(renamed)
    moved = await bench.intake.take(bench.drop(renamed))
    assert (moved.id, moved.drop.path) == (row.id, os.fsencode(renamed))
    assert bench.written(row.id).drop.path == os.fsencode(renamed)


async def test_a_rename_keeps_the_title_that_a_person_gave(bench: Bench) -> None:
    path = bench.file()
    row = await bench.intake.take(dataclasses.replace(bench.drop(path), title="By hand"))
    path.rename(bench.folder / "b.mp4")
    moved = await bench.intake.take(bench.drop(bench.folder / "b.mp4"))
    assert row is not None
    assert moved is not None
    assert (moved.id, moved.drop.title) == (row.id, "By hand")
    (bench.folder / "b.mp4").rename(path)
    moved = await bench.intake.take(dataclasses.replace(bench.drop(path), title="Better"))
    assert moved is not None
    assert moved.drop.title == "Better"


async def test_a_rename_that_meets_another_write_is_judged_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.taken()
    renamed = bench.folder / "b.mp4"
    (bench.folder / "a.mp4").rename(renamed)
    judge = bench.ledger.judge
    judged = []

    async def overtaken(drop):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a wrapper of judge
        judgement = await judge(drop)
        judged.append(judgement)
        if len(judged) == 1:
            await bench.orders(row.id, State.UPLOADING)
        return judgement

    monkeypatch.setattr(bench.ledger, "judge", overtaken)
    moved = await bench.intake.take(bench.drop(renamed))
    assert (moved.state, moved.drop.path) == (State.UPLOADING, os.fsencode(renamed))
    assert len(judged) == 2


async def test_a_rename_that_is_judged_while_the_file_is_missed_begins_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.taken()
    renamed = bench.folder / "b.mp4"
    (bench.folder / "a.mp4").rename(renamed)

    async def missed() -> None:
        await bench.uploader.upload(row.id)  # looks under the old name
        assert bench.written(row.id).lost_its_file

    after(monkeypatch, bench.ledger, "judge", 1, missed)
    moved = await take(bench, bench.drop(renamed))
    assert (moved.id, moved.drop.path) == (row.id, os.fsencode(renamed))
    assert (moved.state, moved.failure) == (State.QUEUED, None)
    assert row.id in bench.opened


async def test_a_renamed_published_file_is_not_sent_again(bench: Bench) -> None:
    row = await published(bench)
    renamed = bench.folder / "b.mp4"
    (bench.folder / "a.mp4").rename(renamed)
    assert (await bench.intake.take(bench.drop(renamed))).id == row.id
    assert len(await bench.ledger.uploads()) == 1


async def test_a_touched_file_with_the_same_bytes_is_a_duplicate(bench: Bench) -> None:
    row = await published(bench)
    assert row.digest is not None
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    twin = await bench.intake.take(bench.drop(bench.folder / "a.mp4"))
    assert (twin.state, twin.duplicate_of) == (State.DUPLICATE, row.id)
    (told,) = bench.told(events.UploadDuplicate)
    assert (told.upload, told.of) == (twin.id, row.id)
    assert bench.parts.tally[State.DUPLICATE] == 1
    # Touched once more, it is compared with the same bytes and leads to the row that published them.
    os.utime(bench.folder / "a.mp4", ns=(2, 2))
    third = await bench.intake.take(bench.drop(bench.folder / "a.mp4"))
    assert third.duplicate_of == row.id


async def test_other_bytes_of_the_same_size_are_sent(bench: Bench) -> None:
    row = await published(bench)
    (bench.folder / "a.mp4").write_bytes(content(seed="other"))
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    fresh = await bench.intake.take(bench.drop(bench.folder / "a.mp4"))
    assert (fresh.state, fresh.id != row.id) == (State.QUEUED, True)


async def test_without_a_digest_nothing_is_proven_and_the_file_is_sent(bench: Bench) -> None:
    row = await published(bench)
    await bench.ledger.write(row.with_(digest=None))
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    assert (await bench.intake.take(bench.drop(bench.folder / "a.mp4"))).state is State.QUEUED


async def test_a_suspect_that_changes_while_it_is_compared_is_left_to_its_upload(bench: Bench) -> None:
    await published(bench)
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    drop = bench.drop(bench.folder / "a.mp4")
    os.utime(bench.folder / "a.mp4", ns=(2, 2))
    assert (await bench.intake.take(drop)).state is State.QUEUED


async def test_a_row_that_another_process_adds_meanwhile_is_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = bench.drop(bench.file())

    async def adopted() -> None:
        await bench.ledger.add(drop, state=State.PUBLISHED, note="adopted")

    after(monkeypatch, bench.ledger, "judge", 1, adopted)
    row = await bench.intake.take(drop)
    assert row is not None
    assert row.state is State.PUBLISHED
    assert len(await bench.ledger.uploads()) == 1
    assert len(bench.opened) == 0


async def test_a_ledger_that_cannot_be_written_is_no_known_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise LedgerError("the disk is full", code="ledger_disk")

    monkeypatch.setattr(bench.ledger, "add", full)
    with pytest.raises(LedgerError, match="full"):
        await bench.intake.take(bench.drop(bench.file()))


async def test_a_file_that_has_to_be_compared_may_be_compared_later(bench: Bench) -> None:
    row = await bench.whole()
    await bench.finalizer.publish(row.id)
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    drop = bench.drop(bench.folder / "a.mp4")
    later: list[Drop] = []
    assert await bench.intake.take(drop, compare_later=later.append) is None
    [which] = later
    row = await bench.intake.take(which)
    assert row is not None
    assert row.state is State.DUPLICATE


async def gone(bench: Bench) -> Upload:
    """An upload that failed since its file was gone."""
    row = await bench.taken()
    path = bench.folder / "a.mp4"
    path.rename(bench.folder.parent / "elsewhere")
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.lost_its_file
    return row


async def test_a_file_that_was_gone_and_is_back_goes_on(bench: Bench) -> None:
    """A mount that came late, say: same path, same revision."""
    row = await gone(bench)
    (bench.folder.parent / "elsewhere").rename(bench.folder / "a.mp4")
    drop = bench.drop(bench.folder / "a.mp4")
    assert await bench.ledger.unknown([drop]) == [drop]
    again = await take(bench, drop)
    assert (again.id, again.state, again.failure) == (row.id, State.QUEUED, None)
    assert await bench.line.get() == row.id
    assert len(bench.opened) == 1


async def test_a_file_that_was_gone_and_is_there_under_another_name_goes_on(bench: Bench) -> None:
    row = await gone(bench)
    (bench.folder.parent / "elsewhere").rename(bench.folder / "b.mp4")
    again = await take(bench, bench.drop(bench.folder / "b.mp4"))
    assert (again.id, again.state) == (row.id, State.QUEUED)
    assert again.drop.path == bytes(bench.folder / "b.mp4")


async def test_a_file_touched_while_its_publishing_is_in_doubt_gets_no_second_video(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method="video.update", times=1):
        await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert row.publish_offered
    path = bench.folder / "a.mp4"
    os.utime(path, ns=(1, 1))
    again = await take(bench, bench.drop(path))
    assert (again.id, again.drop.revision.mtime_ns) == (row.id, 1)
    await bench.finalizer.publish(row.id)
    assert [row.state for row in await bench.ledger.uploads()] == [State.PUBLISHED]
    assert len(bench.published) == 1


async def test_a_file_touched_just_when_its_publishing_is_settled_is_a_duplicate(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method="video.update", times=1):
        await bench.finalizer.publish(row.id)
    path = bench.folder / "a.mp4"
    os.utime(path, ns=(1, 1))
    after(monkeypatch, type(bench.ledger), "judge", 1, lambda: bench.finalizer.publish(row.id))
    again = await take(bench, bench.drop(path))
    assert (again.state, again.duplicate_of) == (State.DUPLICATE, row.id)
    assert len(bench.published) == 1


async def test_other_bytes_are_another_file_though_publishing_is_in_doubt(bench: Bench) -> None:
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method="video.update", times=1):
        await bench.finalizer.publish(row.id)
    path = bench.file(seed="another")
    os.utime(path, ns=(1, 1))
    again = await take(bench, bench.drop(path))
    assert again.id != row.id
    assert again.state is State.QUEUED


async def test_a_published_file_goes_by_its_new_name(bench: Bench) -> None:
    """Touched later under that name, it is compared with itself."""
    row = await published(bench)
    path = bench.folder / "b.mp4"
    (bench.folder / "a.mp4").rename(path)
    assert (await take(bench, bench.drop(path))).id == row.id
    os.utime(path, ns=(1, 1))
    assert (await take(bench, bench.drop(path))).state is State.DUPLICATE


async def test_what_was_cancelled_stays_so_under_a_new_name(bench: Bench) -> None:
    """So does what lay there before the first start, with `existing = "ignore"`."""
    row = await bench.taken()
    row = await bench.ledger.write(row.to(State.CANCELLED))
    path = bench.folder / "b.mp4"
    (bench.folder / "a.mp4").rename(path)
    again = await take(bench, bench.drop(path))
    assert (again.id, again.state, again.drop.path) == (row.id, State.CANCELLED, bytes(path))
    assert len(await bench.ledger.uploads()) == 1


async def test_a_recording_that_took_over_an_inode_is_another_video(bench: Bench) -> None:
    """A recorder splits by size, and what was sent is deleted: the next file may have its inode and size."""
    row = await published(bench)
    (bench.folder / "a.mp4").unlink()
    path = bench.file("b.mp4", seed="next")
    os.utime(path, ns=(1, row.drop.revision.mtime_ns))
    drop = bench.drop(path)
    # As if this file system had given the freed inode away again; some do, some do not.
    row = await bench.ledger.write(row.with_(drop=dataclasses.replace(row.drop, revision=drop.revision)))
    fresh = await take(bench, drop)
    assert (fresh.id != row.id, fresh.state) == (True, State.QUEUED)
    assert (await bench.row(row.id)).drop.path == row.drop.path


async def test_a_file_that_was_renamed_is_known_by_its_sample(bench: Bench) -> None:
    row = await published(bench)
    assert row.sample is not None
    (bench.folder / "a.mp4").rename(bench.folder / "b.mp4")
    assert (await take(bench, bench.drop(bench.folder / "b.mp4"))).id == row.id


async def test_a_file_of_another_sample_is_not_read_to_its_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(bench)
    bench.file(seed="other")
    os.utime(bench.folder / "a.mp4", ns=(1, 1))
    monkeypatch.setattr(contents, "digest", None)
    assert (await take(bench, bench.drop(bench.folder / "a.mp4"))).state is State.QUEUED


async def set_aside(bench: Bench) -> Upload:
    """A file that lay there before the first start, with `existing = "ignore"`."""
    drop = bench.drop(bench.file())
    return await bench.ledger.add(drop, state=State.CANCELLED, failure=WHY_IGNORED)


async def test_a_touch_of_what_was_set_aside_sends_nothing(bench: Bench) -> None:
    """Whatever somebody's archive goes through: a restored backup, a tool that sets times."""
    aside, path = await set_aside(bench), bench.folder / "a.mp4"
    for time in (1, 2, 3):
        os.utime(path, ns=(time, time))
        row = await take(bench, bench.drop(path))
        assert (row.id, row.is_set_aside, row.drop) == (aside.id, True, bench.drop(path))
        assert (await take(bench, bench.drop(path))) == row  # known by its new time
    assert len(await bench.ledger.uploads()) == 1
    assert len(bench.opened) == 0
    notes = [step.note for step in await bench.ledger.history(aside.id)]
    assert len(notes) == 2  # however often it is touched


async def test_new_contents_in_place_of_what_was_set_aside_are_taken(bench: Bench) -> None:
    aside, path = await set_aside(bench), bench.folder / "a.mp4"
    bench.file(size=SIZE + 1)
    row = await take(bench, bench.drop(path))
    assert (row.id != aside.id, row.state) == (True, State.QUEUED)
    assert (await bench.row(aside.id)).state is State.SUPERSEDED


async def test_another_file_in_place_of_what_was_set_aside_is_taken(bench: Bench) -> None:
    """Of the same size, as a format of a fixed size is; renamed into place, it has an inode of its own."""
    aside, path = await set_aside(bench), bench.folder / "a.mp4"
    bench.file("new.mp4", seed="new").rename(path)
    os.utime(path, ns=(1, 1))
    row = await take(bench, bench.drop(path))
    assert (row.id != aside.id, row.state) == (True, State.QUEUED)


async def test_what_is_written_into_a_set_aside_file_is_told_by_its_contents_once_it_was_touched(
    bench: Bench,
) -> None:
    """The first time nothing but its stat is known; a recorder that goes round is right from then on."""
    aside, path = await set_aside(bench), bench.folder / "a.mp4"
    bench.file(seed="first round")
    os.utime(path, ns=(1, 1))
    assert (await take(bench, bench.drop(path))).id == aside.id
    bench.file(seed="second round")
    os.utime(path, ns=(2, 2))
    row = await take(bench, bench.drop(path))
    assert (row.id != aside.id, row.state) == (True, State.QUEUED)


async def test_a_set_aside_file_that_cannot_be_read_stays_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside, path = await set_aside(bench), bench.folder / "a.mp4"
    os.utime(path, ns=(1, 1))
    touched = await take(bench, bench.drop(path))

    async def refused(_source: object) -> bytes:
        raise GaveUp("no")

    monkeypatch.setattr(contents, "sample", refused)
    os.utime(path, ns=(2, 2))
    row = await take(bench, bench.drop(path))
    assert (row.id, row.is_set_aside, row.sample) == (aside.id, True, touched.sample)


async def test_what_a_person_hands_back_meanwhile_is_judged_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside, path = await set_aside(bench), bench.folder / "a.mp4"
    os.utime(path, ns=(1, 1))

    async def hand_back() -> None:
        await bench.ledger.write((await bench.row(aside.id)).handed_back())

    after(monkeypatch, contents, "sample", 1, hand_back)
    row = await take(bench, bench.drop(path))
    assert (row.id != aside.id, row.state) == (True, State.QUEUED)
    assert (await bench.row(aside.id)).state is State.SUPERSEDED


@pytest.fixture
def smallest_first(bench: Bench) -> Bench:
    """A line that goes by size, and by a folder's priority."""
    ranks = Precedence(Order.SMALLEST, lambda folder: 9 if folder.endswith("first") else 0)
    return dataclasses.replace(bench, line=Line(ranks))


async def test_new_files_stand_in_line_in_their_order(smallest_first: Bench) -> None:
    bench = smallest_first
    rows = [await bench.taken(f"{size}.mp4", size * MINIMUM_SIZE) for size in (3, 1, 2)]
    assert [await bench.line.get() for _ in rows] == [rows[1].id, rows[2].id, rows[0].id]


async def test_a_file_that_moves_to_a_folder_with_a_priority_gets_its_place(smallest_first: Bench) -> None:
    bench = smallest_first
    rows = [await bench.taken(f"{size}.mp4", size * MINIMUM_SIZE) for size in (1, 2)]
    (bench.folder / "first").mkdir()
    path = (bench.folder / "2.mp4").rename(bench.folder / "first" / "2.mp4")
    moved = dataclasses.replace(bench.drop(path), folder=str(path.parent))
    assert (await take(bench, moved)).id == rows[1].id
    assert [await bench.line.get() for _ in rows] == [rows[1].id, rows[0].id]
