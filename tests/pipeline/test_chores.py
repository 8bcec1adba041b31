"""After publishing: nothing is lost, nothing is deleted without OK's word, nothing is sent again."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.config.watch import After
from okdrop.drop import Chore, State
from okdrop.errors import Halted, Trouble
from okdrop.inbox import filing, placing
from okdrop.inbox.errand import CAUGHT, End
from okdrop.inbox.lease import prepare
from okdrop.pipeline import CHORES, after
from okdrop.pipeline.after import ASKED_FOR, FIRST_ASK, LONGEST_PAUSE, MISSED, WORDS, Word
from okdrop.pipeline.chores import STILL_TRUE
from okdrop.protocol.unreachable import NO_HOST
from pipeline.bench import KIB, SIZE, content, until

if TYPE_CHECKING:
    import threading
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from okdrop.drop import Upload
    from okdrop.inbox.errand import Errand
    from okdrop.protocol.messages import VideoStatus
    from pipeline.bench import Bench

GET = "video.get"
REFUSED = [status.value for status, word in WORDS.items() if word is Word.REFUSED]
NOT_YET = [status.value for status, word in WORDS.items() if word is Word.NOT_YET]


@pytest.fixture(autouse=True)
def sigio_ignored() -> None:
    assert prepare()


async def does(bench: Bench, row: Upload) -> float | None:
    return await bench.chores.do(row.id)


async def confirmed(bench: Bench, row: Upload) -> float | None:
    """Let OK's processing end, and ask."""
    bench.faults.set("video_status", status="OK")
    return await does(bench, row)


def source(bench: Bench) -> Path:
    return bench.folder / "a.mp4"


def target(bench: Bench) -> Path:
    return bench.move_to / "a.mp4"


def hidden(bench: Bench) -> list[Path]:
    return [path for path in bench.folder.parent.rglob(".okdrop-*") if "probe" not in path.name]


# --- the first chore ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "first"),
    [(After.KEEP, Chore.CONFIRM), (After.MOVE, Chore.MOVE), (After.DELETE, Chore.CONFIRM)],
)
async def test_published_and_its_first_chore_are_one_write(bench: Bench, what: After, first: Chore) -> None:
    bench.after(what)
    row = await bench.whole()
    seen: list[Chore | None] = []
    write = bench.ledger.write

    async def watched(upload: Upload, **options: str) -> Upload:
        written = await write(upload, **options)
        if written.state is State.PUBLISHED:
            seen.append(written.chore)
        return written

    bench.ledger.write = watched  # type: ignore[method-assign]
    await bench.finalizer.publish(row.id)
    assert seen == [first]
    assert [one.id for one in await bench.with_chores()] == [row.id]
    assert [one.chore for one in bench.with_chore] == [first]


# --- confirm ------------------------------------------------------------------------------------------


async def test_a_video_that_ok_processed_is_confirmed_and_that_is_all(bench: Bench) -> None:
    row = await bench.done()
    assert await confirmed(bench, row) is None
    assert (await bench.row(row.id)).chore is None
    (told,) = bench.told(events.VideoConfirmed)
    assert told.video_id == bench.published[0]["id"]
    assert source(bench).read_bytes() == content()


@pytest.mark.parametrize("status", NOT_YET)
async def test_ok_is_asked_again_and_again_with_growing_pauses(bench: Bench, status: str) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    pauses = []
    with bench.faults.active("video_status", status="NEVER HEARD" if status == "UNKNOWN" else status):
        for _ in range(25):
            pause = await does(bench, row)
            assert pause is not None
            pauses.append(pause)
    assert pauses == sorted(pauses)
    assert (pauses[0] >= FIRST_ASK, pauses[-1]) == (True, LONGEST_PAUSE)
    kept = await bench.row(row.id)
    assert (kept.state, kept.chore) == (State.PUBLISHED, Chore.CONFIRM)
    assert kept.retry_at is not None
    history = await bench.ledger.history(row.id)
    assert len([step for step in history if status in step.note]) == 1
    assert source(bench).exists()


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("what", After)
async def test_a_refusal_fails_the_upload_and_leaves_the_file(bench: Bench, what: After, status: str) -> None:
    bench.after(what)
    row = await bench.done()
    with bench.faults.active("video_status", status=status):
        if what is After.MOVE:
            await does(bench, row)
        assert await does(bench, row) is None
    failed = await bench.row(row.id)
    assert failed.failure is not None
    assert (failed.state, failed.chore) == (State.FAILED, None)
    lies = target(bench) if what is After.MOVE else source(bench)
    assert str(lies) in failed.failure.message
    assert lies.read_bytes() == content()
    assert bench.parts.tally[State.FAILED] == 1
    (told,) = bench.told(events.VideoRefused)
    assert (told.status, told.video_id) == (status, bench.published[0]["id"])
    assert len(bench.told(events.UploadFailed)) == 1
    assert await bench.with_chores() == []
    assert await bench.ledger.orphans() == []


async def test_a_fresh_video_may_be_missing_for_a_while(bench: Bench) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    with bench.faults.active("api_error", code=300, method=GET, times=MISSED - 1):
        for _ in range(MISSED - 1):
            assert await does(bench, row)
    assert await confirmed(bench, row) == 0
    assert (await bench.row(row.id)).chore is Chore.DELETE


async def test_a_video_that_is_gone_from_ok_saves_its_file(bench: Bench) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    await bench.parts.client.delete(bench.published[0]["id"])
    for _ in range(MISSED - 1):
        assert await does(bench, row)
    assert await does(bench, row) is None
    kept = await bench.row(row.id)
    assert (kept.state, kept.chore) == (State.PUBLISHED, None)
    assert source(bench).exists()
    (told,) = bench.told(events.VideoUnconfirmed)
    assert told.status == "MISSING"


@pytest.mark.parametrize("what", After)
async def test_after_days_ok_is_asked_no_more_unless_a_file_waits_for_it(bench: Bench, what: After) -> None:
    bench.after(what)
    row = await bench.done()
    if what is After.MOVE:
        await does(bench, row)
    with bench.faults.active("video_status"):
        assert await does(bench, row)
        bench.clock.ahead += ASKED_FOR.total_seconds() + 1
        again = await does(bench, row)
    if what is After.DELETE:
        assert again
        assert source(bench).exists()
    else:
        assert again is None
        assert (await bench.row(row.id)).chore is None
        assert bench.told(events.VideoUnconfirmed)[0].status == "ON_MODERATION"


@pytest.mark.parametrize("code", [1, 8, 10, 100, 102, 200, 300_000])
async def test_trouble_with_the_question_is_never_final_and_halts_nobody(bench: Bench, code: int) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    with bench.faults.active("api_error", code=code, method=GET):
        for _ in range(20):
            assert await does(bench, row)
            bench.clock.ahead += 60.0  # whatever pause there is, is over
    kept = await bench.row(row.id)
    assert (kept.state, kept.chore, kept.troubles) == (State.PUBLISHED, Chore.CONFIRM, 20)
    assert not bench.parts.brake.holds
    assert {told.code for told in bench.told(events.ChoreTrouble)} == {f"api_{code}"}
    notes = [step.note for step in await bench.ledger.history(row.id)]
    assert len([note for note in notes if f"api_{code}" in note]) == 1
    assert source(bench).exists()


# --- retry of what OK refused -------------------------------------------------------------------------


async def refused(bench: Bench, status: str = "BLOCKED") -> Upload:
    row = await bench.done()
    with bench.faults.active("video_status", status=status):
        while (await bench.row(row.id)).chore is not None:
            await does(bench, row)
    return await bench.row(row.id)


@pytest.mark.parametrize("fate", ["there", "moved", "changed", "gone"])
async def test_a_refused_video_that_is_retried_is_the_same_video(bench: Bench, fate: str) -> None:
    if fate == "moved":
        bench.after(After.MOVE)
    row = await refused(bench)
    if fate == "changed":
        bench.file(seed="another")
    if fate == "gone":
        source(bench).unlink()
    back = await bench.ledger.write(row.handed_back(), note="by hand")
    assert back.state is State.FINALIZING
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.chore) == (State.PUBLISHED, Chore.CONFIRM)
    (video,) = bench.emulator.videos()
    assert (video["published"], video["updates"], video["deleted"]) == (True, 2, False)
    assert await bench.ledger.orphans() == []
    assert await confirmed(bench, row) is None


async def test_a_refused_video_that_a_person_deleted_is_sent_anew(bench: Bench) -> None:
    row = await refused(bench, "ERROR")
    await bench.parts.client.delete(bench.published[0]["id"])
    await bench.ledger.write(row.handed_back(), note="by hand")
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.UPLOADING
    await bench.uploader.upload(row.id)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.PUBLISHED
    assert [video["deleted"] for video in bench.emulator.videos()] == [True, False]


@pytest.mark.parametrize("put_back", [False, True])
async def test_a_moved_file_whose_video_was_refused_is_sent_anew_from_where_it_lies(
    bench: Bench, *, put_back: bool
) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    await does(bench, row)
    assert target(bench).exists()
    with bench.faults.active("video_status", status="ERROR"):
        await does(bench, row)
    row = await bench.row(row.id)
    assert row.failure is not None
    assert str(target(bench)) in row.failure.message
    await bench.parts.client.delete(bench.published[0]["id"])
    if put_back:
        target(bench).rename(source(bench))
    await bench.ledger.write(row.handed_back())
    await bench.finalizer.publish(row.id)
    await bench.uploader.upload(row.id)
    await bench.finalizer.publish(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.drop.path) == (State.PUBLISHED, os.fsencode(source(bench)))
    assert row.chore is (Chore.MOVE if put_back else Chore.CONFIRM)
    [video] = [video for video in bench.published if not video["deleted"]]
    assert (video["whole"], video["title"]) == (True, "a")
    await confirmed(bench, row)
    await confirmed(bench, row)
    assert (target(bench).read_bytes(), (await bench.row(row.id)).chore) == (content(), None)
    assert [*bench.move_to.iterdir()] == [target(bench)]


async def test_a_newer_file_neither_hides_the_refusal_nor_deletes_the_video(bench: Bench) -> None:
    row = await refused(bench)
    bench.file(seed="another")
    os.utime(source(bench), ns=(1, 1))
    await bench.intake.take(bench.drop(source(bench)))
    assert await bench.row(row.id) == row
    assert await bench.ledger.orphans() == []


async def test_a_refused_video_gets_no_second_one_by_a_new_name(bench: Bench) -> None:
    row = await refused(bench)
    source(bench).rename(bench.folder / "b.mp4")
    again = await bench.intake.take(bench.drop(bench.folder / "b.mp4"))
    assert again is not None
    assert (again.id, again.state) == (row.id, State.FAILED)
    assert len(bench.emulator.videos()) == 1


# --- move ---------------------------------------------------------------------------------------------


async def test_a_published_file_moves_to_where_its_folder_says(bench: Bench) -> None:
    bench.after(After.MOVE)
    (bench.folder / "x" / "y").mkdir(parents=True)
    row = await bench.done("x/y/a.mp4")
    assert await does(bench, row) == 0
    moved = await bench.row(row.id)
    there = bench.move_to / "x" / "y" / "a.mp4"
    assert there.read_bytes() == content(seed="x/y/a.mp4")
    assert (moved.chore, moved.moved_to) == (Chore.CONFIRM, os.fsencode(there))
    assert [*(bench.folder / "x" / "y").iterdir()] == []  # the folder stays
    (told,) = bench.told(events.FileMoved)
    assert (told.path, told.to) == (str(bench.folder / "x" / "y" / "a.mp4"), str(there))
    assert await confirmed(bench, row) is None


async def test_where_it_goes_is_written_before_it_moves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    rename, seen = os.rename, []

    def watched(path: bytes, there: bytes) -> None:
        seen.append(bench.written(row.id).moved_to)
        rename(path, there)

    monkeypatch.setattr(os, "rename", watched)
    await does(bench, row)
    assert seen == [os.fsencode(target(bench))]


async def test_a_collision_gets_a_number(bench: Bench) -> None:
    bench.after(After.MOVE)
    bench.move_to.mkdir(parents=True)
    target(bench).write_bytes(b"older")
    (bench.move_to / "a (2).mp4").write_bytes(b"old")
    row = await bench.done()
    await does(bench, row)
    assert sorted(path.name for path in bench.move_to.iterdir()) == ["a (2).mp4", "a (3).mp4", "a.mp4"]
    assert target(bench).read_bytes() == b"older"
    assert (bench.move_to / "a (3).mp4").read_bytes() == content()


async def test_a_name_that_is_taken_at_the_last_moment_gets_a_number(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    link = os.link

    def late(path: bytes, there: bytes, **options: Any) -> None:
        if there == os.fsencode(target(bench)):
            target(bench).write_bytes(b"somebody else's")
        link(path, there, **options)

    monkeypatch.setattr(os, "link", late)
    await does(bench, row)
    assert (bench.move_to / "a (2).mp4").read_bytes() == content()
    assert target(bench).read_bytes() == b"somebody else's"
    assert (await bench.row(row.id)).moved_to == os.fsencode(bench.move_to / "a (2).mp4")


async def test_a_file_that_changed_is_left_alone_and_the_video_is_asked_about(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    bench.file(seed="another")
    os.utime(source(bench), ns=(1, 1))
    await does(bench, row)
    left = await bench.row(row.id)
    assert (left.chore, left.moved_to) == (Chore.CONFIRM, None)
    assert source(bench).read_bytes() == content(seed="another")
    assert [*bench.move_to.iterdir()] == []
    assert "changed" in bench.told(events.FileLeftAlone)[0].reason


async def test_a_file_that_is_gone_ends_the_chore(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    source(bench).unlink()
    await does(bench, row)
    assert (await bench.row(row.id)).chore is Chore.CONFIRM
    assert "gone" in bench.told(events.FileLeftAlone)[0].reason


async def test_a_watched_folder_that_is_not_mounted_is_waited_for(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    away = bench.folder.rename(bench.folder.parent / "unmounted")
    assert await does(bench, row)
    assert bench.told(events.ChoreTrouble)[0].code == "filing_no_folder"
    away.rename(bench.folder)
    assert await does(bench, row) == 0
    assert target(bench).exists()


async def test_a_place_to_move_to_that_vanished_is_not_made_anew(bench: Bench) -> None:
    bench.after(After.MOVE)
    await does(bench, await bench.done("b.mp4"))
    away = bench.move_to.rename(bench.folder.parent / "unmounted")
    row = await bench.done()
    assert await does(bench, row)
    assert bench.told(events.ChoreTrouble)[-1].code == "move_to_gone"
    assert not bench.move_to.exists()
    away.rename(bench.move_to)
    assert await does(bench, row) == 0
    assert sorted(path.name for path in bench.move_to.iterdir()) == ["a.mp4", "b.mp4"]


async def test_a_place_that_may_not_even_be_looked_at_is_trouble(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.after(After.MOVE)
    row = await bench.done()

    def refuse(path: object, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", refuse)
        patch.setattr(os.path, "isdir", lambda path: b"kept" not in os.fsencode(path))
        assert await does(bench, row)
    assert bench.told(events.ChoreTrouble)[0].code == "filing_denied"
    assert await does(bench, row) == 0
    assert target(bench).exists()


async def test_trouble_waits_longer_and_longer_and_is_never_final(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.after(After.MOVE)
    row = await bench.done()

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", b"/srv")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse)
        for _ in range(30):
            assert await does(bench, row)
    kept = await bench.row(row.id)
    assert (kept.state, kept.chore, kept.troubles) == (State.PUBLISHED, Chore.MOVE, 30)
    assert len([step for step in await bench.ledger.history(row.id) if "filing_denied" in step.note]) == 1
    assert source(bench).read_bytes() == content()
    assert await does(bench, row) == 0
    assert (await bench.row(row.id)).troubles == 0


async def test_a_move_to_that_is_another_now_counts(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    elsewhere = bench.folder.parent / "old place" / "a.mp4"
    await bench.ledger.write(row.with_(moved_to=os.fsencode(elsewhere)))
    assert await does(bench, row) == 0
    assert target(bench).exists()
    assert not elsewhere.parent.exists()


async def test_a_file_that_lies_at_an_older_place_to_move_to_is_moved(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    elsewhere = bench.folder.parent / "old place"
    elsewhere.mkdir()
    source(bench).rename(elsewhere / "a.mp4")
    row = await bench.ledger.write(row.with_(moved_to=os.fsencode(elsewhere / "a.mp4")))
    assert await does(bench, row) == 0
    assert (await bench.row(row.id)).moved_to == os.fsencode(elsewhere / "a.mp4")


async def test_a_renamed_file_is_moved_under_its_new_name(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    renamed = source(bench).rename(bench.folder / "b.mp4")
    await bench.intake.take(bench.drop(renamed))
    await does(bench, row)
    assert (bench.move_to / "b.mp4").read_bytes() == content()


async def test_a_touched_twin_is_moved_and_never_deleted(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    os.utime(source(bench), ns=(1, 1))
    twin = await bench.intake.take(bench.drop(source(bench)))
    assert (twin.state, twin.chore) == (State.DUPLICATE, Chore.MOVE)
    assert await does(bench, row) == 0  # another revision than the first one's
    assert source(bench).exists()
    assert await does(bench, twin) is None
    assert target(bench).read_bytes() == content()
    assert (await bench.row(twin.id)).chore is None


async def test_a_touched_twin_is_kept_where_published_files_are_deleted(bench: Bench) -> None:
    bench.after(After.DELETE)
    await bench.done()
    os.utime(source(bench), ns=(1, 1))
    twin = await bench.intake.take(bench.drop(source(bench)))
    assert (twin.state, twin.chore) == (State.DUPLICATE, None)


async def test_a_twin_that_was_superseded_is_put_back_where_it_was_caught(bench: Bench) -> None:
    bench.after(After.MOVE)
    await bench.done()
    os.utime(source(bench), ns=(1, 1))
    twin = await bench.intake.take(bench.drop(source(bench)))
    source(bench).rename(bench.folder / f"{CAUGHT.decode()}{twin.id}-{stamp(twin)}")
    bench.file(seed="another")
    await bench.intake.take(bench.drop(source(bench)))
    assert (await bench.row(twin.id)).state is State.SUPERSEDED
    assert await does(bench, twin) is None
    assert (await bench.row(twin.id)).chore is None
    assert (bench.folder / "a (2).mp4").read_bytes() == content()
    assert hidden(bench) == []


def stamp(row: Upload) -> str:
    return f"{int(row.created_at.timestamp() * 1e6):x}"


# --- delete -------------------------------------------------------------------------------------------


async def test_a_file_is_deleted_once_ok_has_it_and_not_before(bench: Bench) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    with bench.faults.active("video_status", times=3):
        for _ in range(3):
            assert await does(bench, row)
            assert source(bench).exists()
    assert await confirmed(bench, row) == 0
    assert source(bench).exists()
    assert await does(bench, row) is None
    assert [*bench.folder.iterdir()] == []
    assert bench.told(events.FileDeleted)[0].path == str(source(bench))
    assert (await bench.row(row.id)).chore is None


@pytest.mark.parametrize("status", ["ON_MODERATION", "BLOCKED", "UNKNOWN THING", "MISSING"])
async def test_oks_word_of_another_day_is_asked_for_again_before_the_file_goes(
    bench: Bench, status: str
) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    await confirmed(bench, row)
    bench.clock.ahead += STILL_TRUE + 1
    bench.faults.clear()
    if status == "MISSING":
        await bench.parts.client.delete(bench.published[0]["id"])
    else:
        bench.faults.set("video_status", status=status)
    await does(bench, row)
    assert (await bench.row(row.id)).chore is Chore.CONFIRM
    assert source(bench).exists()


async def test_oks_word_that_still_holds_deletes(bench: Bench) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    await confirmed(bench, row)
    bench.clock.ahead += STILL_TRUE + 1
    assert await does(bench, row) == 0
    assert await does(bench, row) is None
    assert not source(bench).exists()


async def about_to_delete(bench: Bench) -> Upload:
    bench.after(After.DELETE)
    row = await bench.done()
    await confirmed(bench, row)
    return row


@pytest.mark.parametrize("how", ["trouble", "stopped", "folder away"])
async def test_who_takes_a_file_away_between_two_tries_is_not_us(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    row = await about_to_delete(bench)
    away = bench.folder.with_name("away")

    def in_the_way(errand: Errand, _stop: threading.Event) -> End:
        assert bench.written(row.id).removed_at is not None
        if how == "stopped":
            return End.STOPPED
        if how == "folder away":
            bench.folder.rename(away)
        raise Trouble(f"{events.shown(errand.source)} is held open by a writer", code="file_in_use")

    with monkeypatch.context() as patched:
        patched.setattr(filing, "put_away", in_the_way)
        assert await does(bench, row) is not None
    assert (await bench.row(row.id)).removed_at is None
    if how == "folder away":
        away.rename(bench.folder)
    source(bench).rename(bench.folder.with_name("elsewhere.mp4"))
    await does(bench, row)
    row = await bench.row(row.id)
    assert (row.chore, row.removed_at) == (None, None)
    assert bench.told(events.FileDeleted) == []
    assert [told.reason for told in bench.told(events.FileLeftAlone)] == ["it is gone"]


async def test_a_file_that_went_before_the_trouble_did_go_by_us(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await about_to_delete(bench)

    def refused(path: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error", path)

    with monkeypatch.context() as patched:
        patched.setattr(placing, "sync_folder", refused)
        await does(bench, row)
    assert not source(bench).exists()
    assert bench.told(events.FileDeleted) == []
    await does(bench, row)
    assert (await bench.row(row.id)).removed_at is not None
    assert len(bench.told(events.FileDeleted)) == 1


DAY = 86_400.0


async def kept_for(bench: Bench, seconds: float) -> Upload:
    """A file whose video OK has, and which is to be deleted so many seconds later."""
    bench.after(After.DELETE, delete_after=seconds)
    row = await bench.done()
    assert await confirmed(bench, row) == pytest.approx(seconds, abs=5)
    row = await bench.row(row.id)
    assert row.chore is Chore.DELETE
    return row


async def test_a_file_is_kept_for_a_while_after_ok_has_it(bench: Bench) -> None:
    row = await kept_for(bench, DAY)
    bench.clock.ahead += DAY - 60
    assert await does(bench, row) == pytest.approx(60, abs=5)
    assert source(bench).exists()
    bench.clock.ahead += 60
    assert await does(bench, row) == 0  # OK's word is a day old: asked once more
    assert await does(bench, row) is None
    assert not source(bench).exists()


@pytest.mark.parametrize(("now", "left"), [(2 * DAY, 2 * DAY), (60.0, 60.0), (0.0, 0.0)])
async def test_a_restart_forgets_neither_that_a_file_is_kept_nor_how_long_by_now(
    set_up: Callable[..., Awaitable[Bench]], monkeypatch: pytest.MonkeyPatch, now: float, left: float
) -> None:
    bench = await set_up(stays=True)
    row = await kept_for(bench, DAY)
    bench.after(After.DELETE, delete_after=now)
    put: list[tuple[int, float]] = []
    monkeypatch.setattr(bench.chores._line, "put", lambda *what: put.append(what))
    bench.chores.recover(await bench.with_chores())
    [(number, delay)] = put
    assert (number, delay) == (row.id, pytest.approx(left, abs=5))


async def test_a_clock_that_ran_ahead_keeps_no_file_for_longer_than_was_meant(bench: Bench) -> None:
    row = await kept_for(bench, DAY)
    bench.clock.ahead -= 400 * DAY
    assert await does(bench, row) == DAY


async def test_a_run_that_ends_leaves_a_file_that_is_kept_to_a_later_one(bench: Bench) -> None:
    row = await kept_for(bench, DAY)
    bench.chores.recover(await bench.with_chores())
    await asyncio.wait_for(bench.chores.wait_until_none(), 5)
    assert source(bench).exists()
    bench.clock.ahead += DAY + 1
    bench.chores.recover(await bench.with_chores())
    await works(bench)
    assert not source(bench).exists()
    assert (await bench.row(row.id)).chore is None


@pytest.mark.parametrize("caught", [True, False])
@pytest.mark.parametrize("now", ["keep", "not watched"])
async def test_a_folder_that_keeps_its_files_by_now_loses_none(
    bench: Bench, now: str, *, caught: bool
) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    await confirmed(bench, row)
    if caught:
        source(bench).rename(bench.folder / f"{CAUGHT.decode()}{row.id}-{stamp(row)}")
    if now == "keep":
        bench.after(After.KEEP)
    else:
        bench.parts.afterwards.clear()  # type: ignore[attr-defined]
    assert await does(bench, row) is None
    assert source(bench).read_bytes() == content()
    assert (await bench.row(row.id)).chore is None
    assert hidden(bench) == []


async def test_a_move_that_is_not_wanted_any_more_is_not_made(bench: Bench) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    bench.after(After.KEEP)
    assert await does(bench, row) == 0
    kept = await bench.row(row.id)
    assert (kept.chore, kept.moved_to) == (Chore.CONFIRM, None)
    assert source(bench).exists()


async def test_without_a_ticket_nobody_can_confirm_and_nothing_is_deleted(bench: Bench) -> None:
    bench.after(After.DELETE)
    row = await bench.done()
    for chore in (Chore.CONFIRM, Chore.DELETE):
        row = await bench.ledger.write((await bench.row(row.id)).with_(ticket=None, chore=chore))
        assert await does(bench, row) is None
        assert (await bench.row(row.id)).chore is None
    assert source(bench).exists()


# --- the worker ---------------------------------------------------------------------------------------


async def works(bench: Bench) -> None:
    """Work until this run can do no more."""
    working = asyncio.create_task(bench.chores.work())
    async with asyncio.timeout(10):
        await bench.chores.wait_until_none()
    bench.chores.close()
    await working


async def test_a_run_that_ends_does_what_it_can_once_and_leaves_the_rest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.after(After.MOVE)
    first, second = await bench.done("a.mp4"), await bench.done("b.mp4")
    rename = os.rename

    def refuse(path: bytes, there: bytes) -> None:
        if path.endswith(b"b.mp4"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        rename(path, there)

    monkeypatch.setattr(os, "rename", refuse)
    for row in bench.with_chore:
        bench.chores.take_up(row)
    await works(bench)
    assert (await bench.row(first.id)).chore is Chore.CONFIRM  # asked once: PROCESSING
    assert (await bench.row(second.id)).chore is Chore.MOVE
    assert bench.emulator.summary()["calls"][GET] == 1
    assert target(bench).exists()


async def test_an_earlier_runs_chores_are_taken_up_and_only_due_questions_asked(bench: Bench) -> None:
    bench.after(After.MOVE)
    row, asked = await bench.done("a.mp4"), await bench.done("b.mp4")
    await does(bench, asked)
    await does(bench, asked)
    assert (await bench.row(asked.id)).retry_at is not None
    bench.chores.recover(await bench.with_chores())
    await works(bench)
    assert target(bench).exists()
    assert bench.emulator.summary()["calls"][GET] == 2
    assert (await bench.row(row.id)).chore is Chore.CONFIRM
    assert (await bench.row(asked.id)).troubles == 1


async def test_a_clock_that_is_set_back_keeps_no_run_that_ends_from_asking(bench: Bench) -> None:
    bench.clock.ahead = 90_000.0
    row = await bench.done()
    await does(bench, row)
    row = await bench.row(row.id)
    assert (row.chore, row.retry_at is None) == (Chore.CONFIRM, False)
    bench.clock.ahead = 0.0
    bench.chores.recover(await bench.with_chores())
    await works(bench)
    assert bench.emulator.summary()["calls"][GET] == 2


async def test_a_daemon_goes_on_asking(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True)
    bench.after(After.DELETE)
    row = await bench.done()
    # A row whose question is due, as after a restart.
    bench.faults.set("video_status", status="OK")
    bench.chores.recover(await bench.with_chores())
    working = asyncio.create_task(bench.chores.work())
    await until(lambda: bool(bench.told(events.FileDeleted)))
    bench.chores.close()
    await working
    assert not source(bench).exists()
    assert (await bench.row(row.id)).chore is None


async def test_a_row_that_somebody_else_wrote_is_read_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.done()
    status = bench.parts.client.video_status

    async def overtaken(video_id: str) -> VideoStatus:
        if bench.emulator.summary()["calls"].get(GET, 0) == 0:
            await bench.ledger.write(await bench.row(row.id), note="by another")
        return await status(video_id)

    monkeypatch.setattr(bench.parts.client, "video_status", overtaken)
    bench.faults.set("video_status", status="OK")
    bench.chores.recover(await bench.with_chores())
    await works(bench)
    assert (await bench.row(row.id)).chore is None
    assert bench.emulator.summary()["calls"][GET] == 2


async def test_nothing_is_touched_while_the_brake_holds(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(stays=True)
    bench.after(After.MOVE)
    row = await bench.done()
    bench.parts.brake.halt(Halted("no token"))
    bench.chores.recover(await bench.with_chores())
    working = asyncio.create_task(bench.chores.work())
    for _ in range(20):
        await asyncio.sleep(0)
    assert source(bench).exists()
    bench.parts.brake.pull()
    await working
    assert source(bench).exists()
    assert (await bench.row(row.id)).chore is Chore.MOVE


async def test_a_long_copy_stops_with_the_brake_and_is_made_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.after(After.MOVE)
    row = await bench.done()
    monkeypatch.setattr("okdrop.inbox.filing._Filing._differs", lambda _: True)
    loop, read = asyncio.get_running_loop(), os.read
    pulled: list[object] = []

    def pulling(descriptor: int, count: int) -> bytes:
        if not pulled:
            done = asyncio.run_coroutine_threadsafe(pull(), loop)
            pulled.append(done.result())
        return read(descriptor, count)

    async def pull() -> None:
        bench.parts.brake.pull()

    monkeypatch.setattr(os, "read", pulling)
    assert await does(bench, row) == 0
    assert (await bench.row(row.id)).chore is Chore.MOVE
    assert source(bench).stat().st_size == SIZE
    assert hidden(bench) == []
    assert [*bench.move_to.iterdir()] == []


# --- nobody can be reached ----------------------------------------------------------------------------


@contextlib.contextmanager
def offline(bench: Bench) -> Iterator[list[str]]:
    """Nobody can be reached; gives what was asked all the same, video by video."""
    api, asked = bench.parts.client._api, []
    status = api.video_status

    async def fails(video_id: str) -> VideoStatus:
        asked.append(video_id)
        raise Trouble(f"video.get: {NO_HOST}", code="api_unreachable")

    api.video_status = fails  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        api.video_status = status  # type: ignore[method-assign]


@contextlib.asynccontextmanager
async def at_work(bench: Bench, rows: list[Upload]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        for _ in range(CHORES):
            group.create_task(bench.chores.work())
        for row in rows:
            bench.chores.take_up(row)
        yield
        bench.chores.close()


@pytest.fixture
async def many(set_up: Callable[..., Awaitable[Bench]]) -> tuple[Bench, list[Upload]]:
    """A run that stays, and published videos that OK is to be asked about."""
    bench = await set_up(stays=True)
    return bench, [await bench.done(f"{number}.mp4", 64 * KIB) for number in range(8)]


async def test_offline_one_asks_at_a_time_and_afterwards_all_are_asked(
    many: tuple[Bench, list[Upload]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "FIRST_ASK", 0.0)
    bench, rows = many
    bench.faults.set("video_status", status="OK")
    online = bench.parts.client._api.video_status
    with offline(bench) as asked:
        async with at_work(bench, rows):
            await until(lambda: len(asked) > 4 * len(rows))
            # What was under way when it began may have asked too; then one after the other, each in its turn.
            turn = asked[3 * len(rows) : 4 * len(rows)]
            assert len({*turn}) == len(rows)
            assert asked[2 * len(rows) : 3 * len(rows)] == turn
            bench.parts.client._api.video_status = online  # type: ignore[method-assign]
            await until(lambda: len(bench.told(events.VideoConfirmed)) == len(rows))
    assert {told.code for told in bench.told(events.ChoreTrouble)} == {"api_unreachable"}
    assert len(bench.told(events.ChoreTrouble)) <= len(asked)


async def test_nobody_reached_is_no_try(many: tuple[Bench, list[Upload]]) -> None:
    bench, rows = many
    with offline(bench):
        assert await does(bench, rows[0])
    assert await bench.row(rows[0].id) == rows[0]


async def test_who_is_to_ask_for_all_and_has_nothing_to_ask_any_more_hands_it_on(
    many: tuple[Bench, list[Upload]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "FIRST_ASK", 0.0)
    bench, rows = many
    with offline(bench) as asked:
        async with at_work(bench, rows):
            await until(lambda: len(asked) > 2)
            for row in rows[1:]:
                await bench.ledger.write((await bench.row(row.id)).with_(chore=None))
            begun = len(asked)
            await until(lambda: len(asked) > begun + 5)
    assert rows[0].ticket is not None
    assert {*asked[begun + 2 :]} == {rows[0].ticket.video_id}


async def test_offline_a_run_that_ends_asks_no_more_than_it_must(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up()
    rows = [await bench.done(f"{number}.mp4", 64 * KIB) for number in range(8)]
    with offline(bench) as asked:
        async with at_work(bench, rows):
            await asyncio.wait_for(bench.chores.wait_until_none(), 10)
    assert len(asked) <= CHORES


async def test_offline_files_are_put_away_all_the_same(many: tuple[Bench, list[Upload]]) -> None:
    bench, rows = many
    bench.after(After.MOVE)
    row = await bench.done("moved.mp4", 64 * KIB)
    with offline(bench):
        await does(bench, rows[0])
        assert await does(bench, row) == FIRST_ASK
    assert (bench.move_to / "moved.mp4").exists()
