"""What lies beside a published file goes with it, and a receipt is written; the video waits for neither."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import sqlite3
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from okdrop import events
from okdrop.config.watch import After, Watch
from okdrop.drop import Chore
from okdrop.errors import Trouble
from okdrop.inbox import filing
from okdrop.inbox.lease import prepare
from okdrop.metadata import Settings
from okdrop.names import Names
from okdrop.pipeline import Place
from okdrop.pipeline.after import Afterwards
from okdrop.pipeline.attendants import Attendants
from okdrop.pipeline.filer import Filer
from okdrop.pipeline.moved import Moved
from okdrop.pipeline.notices import Consequences
from okdrop.pipeline.outbox import Outbox
from okdrop.steps import FILES, Kind, Outcome
from pipeline.bench import Bench, content
from pipeline.test_neighbours import rounds
from pipeline.test_teller import WITH_COVER, video

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from okdrop.drop import Upload


@pytest.fixture(autouse=True)
def sigio_ignored() -> None:
    assert prepare()


def says(bench: Bench, what: After, **more: Any) -> None:
    """What the folder says of its published files."""
    afterwards = Afterwards(after=what, **{"move_to": os.fsencode(bench.move_to), **more})
    cast("dict[str, Afterwards]", bench.parts.afterwards)[str(bench.folder)] = afterwards
    place = Place(names=Names((".mp4", ".mkv"), (".*",)), group_id="", patience=0.0)
    cast("dict[str, Place]", bench.parts.places)[str(bench.folder)] = place
    bench.ledger.follow_by(Consequences((), bench.parts.settings_of, bench.parts.afterwards_of), lambda: None)


async def all_chores(bench: Bench, row: Upload) -> Upload:
    bench.faults.set("video_status", status="OK")
    for _ in range(10):
        if await bench.chores.do(row.id) is None:
            break
    return await bench.row(row.id)


async def serve(bench: Bench) -> None:
    """Take what is due, once."""
    attendants = Attendants(bench.parts, Filer(bench.parts))
    takers = {Kind.SIDECARS: attendants.file_sidecars, Kind.RECEIPT: attendants.write_receipt}
    outbox = Outbox(bench.parts, takers)
    outbox.wake()
    await outbox.tell_at_the_end()


def beside(bench: Bench, *names: str) -> None:
    for name in names:
        (bench.folder / name).write_text(name)


def source(bench: Bench) -> Path:
    return bench.folder / "a.mp4"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_sidecars_follow_their_video_under_its_number(bench: Bench) -> None:
    says(bench, After.MOVE, move_along=("json", "srt"))
    bench.move_to.mkdir(parents=True)
    (bench.move_to / "a.mp4").write_text("another")
    row = await bench.done()
    beside(bench, "a.json", "a.mp4.json", "b.srt")
    await all_chores(bench, row)
    assert names(bench.folder) == {"a.json", "a.mp4.json", "b.srt"}  # the video did not wait for them
    await serve(bench)
    assert names(bench.move_to) == {"a.mp4", "a (2).mp4", "a (2).json", "a (2).mp4.json"}
    assert names(bench.folder) == {"b.srt"}
    (told,) = bench.told(events.SidecarsFiled)
    assert told.files == 2


async def test_sidecars_are_deleted_with_their_video_and_not_before(bench: Bench) -> None:
    says(bench, After.DELETE, delete_along=("json",))
    row = await bench.done()
    beside(bench, "a.json", "b.json")
    bench.faults.set("video_status", status="PROCESSING")
    await bench.chores.do(row.id)
    await serve(bench)
    assert names(bench.folder) == {"a.mp4", "a.json", "b.json"}
    row = await all_chores(bench, row)
    assert row.removed_at is not None
    await serve(bench)
    assert names(bench.folder) == {"b.json"}


async def test_a_photo_of_the_name_of_a_deleted_video_stays_unless_a_person_says_so(bench: Bench) -> None:
    by_default = Watch.model_validate({"path": bench.folder, "after": "delete"})
    says(bench, After.DELETE, move_along=by_default.move_along, delete_along=by_default.delete_along)
    row = await bench.done()
    beside(bench, "a.JPG", "a.json", "a.mp4.json")
    assert (await all_chores(bench, row)).removed_at is not None
    await serve(bench)
    assert names(bench.folder) == {"a.JPG", "a.json", "a.mp4.json"}


async def test_sidecars_of_a_video_that_was_left_alone_stay(bench: Bench) -> None:
    says(bench, After.DELETE, delete_along=("json",))
    row = await bench.done()
    beside(bench, "a.json")
    (bench.folder / "a.mp4").write_bytes(b"another recording")
    row = await all_chores(bench, row)
    assert row.removed_at is None
    await serve(bench)
    assert names(bench.folder) == {"a.mp4", "a.json"}


async def test_sidecars_of_a_new_file_of_that_name_stay(bench: Bench) -> None:
    says(bench, After.MOVE, move_along=("json",))
    row = await bench.done()
    await all_chores(bench, row)
    bench.file("a.mp4", seed="new")
    beside(bench, "a.json", "a.mp4.json")
    await serve(bench)
    assert names(bench.folder) == {"a.mp4", "a.json", "a.mp4.json"}


@pytest.mark.parametrize("what", [After.MOVE, After.DELETE])
async def test_what_the_next_recording_of_that_name_brings_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, what: After
) -> None:
    says(bench, what, move_along=("json", "srt", "txt"), delete_along=("json", "srt", "txt"))
    row = await bench.done()
    beside(bench, "a.srt", "a.txt")
    put_away = filing.put_away

    def recording(errand: filing.Errand, stop: threading.Event) -> filing.End:
        end = put_away(errand, stop)
        if errand.source.endswith(b".mp4"):  # its sidecars come before the video itself
            (bench.folder / "a.json").write_text("the next one's")
            (bench.folder / "a.txt").unlink()
            (bench.folder / "a.txt").write_text("the next one's")
        return end

    monkeypatch.setattr(filing, "put_away", recording)
    row = await all_chores(bench, row)
    assert row.along == ""
    await serve(bench)
    assert names(bench.folder) == {"a.json", "a.txt"}
    assert (bench.folder / "a.txt").read_text() == "the next one's"
    (left,) = bench.told(events.SidecarsLeft)
    assert "a.txt is left: it changed" in left.reason


async def test_what_lies_beside_a_video_is_known_while_its_place_is_taken_by_another(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(bench, After.MOVE, move_along=("json",))
    row = await bench.done()
    beside(bench, "a.json")
    put_away, taken = filing.put_away, list[bytes]()

    def overtaken(errand: filing.Errand, stop: threading.Event) -> filing.End:
        if not taken and errand.target is not None:
            taken.append(errand.target)
            source(bench).rename(bench.folder / os.fsdecode(errand.caught).rpartition("/")[2])
            (bench.move_to / "a.mp4").write_text("another")
        return put_away(errand, stop)

    monkeypatch.setattr(filing, "put_away", overtaken)
    await all_chores(bench, row)
    await serve(bench)
    assert names(bench.move_to) == {"a.mp4", "a (2).mp4", "a (2).json"}


async def test_trouble_with_a_sidecar_is_told_and_tried_again_and_the_video_stays_moved(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(bench, After.MOVE, move_along=("json",))
    row = await bench.done()
    beside(bench, "a.json")
    row = await all_chores(bench, row)
    put_away = filing.put_away

    def full(_errand: filing.Errand, _stop: threading.Event) -> filing.End:
        raise filing.translation(OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(filing, "put_away", full)
    await serve(bench)
    (trouble,) = bench.told(events.StepTrouble)[:1]
    assert (trouble.lane, trouble.occasion) == (FILES, "sidecars")
    assert "No space left" in trouble.said
    monkeypatch.setattr(filing, "put_away", put_away)
    assert row.moved_to == os.fsencode(bench.move_to / "a.mp4")
    bench.clock.ahead += 4000.0
    await serve(bench)
    assert names(bench.move_to) == {"a.mp4", "a.json"}


async def test_which_they_are_is_written_down_before_the_first_is_touched(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(bench, After.MOVE, move_along=("json", "srt"))
    row = await bench.done()
    beside(bench, "a.json", "a.srt")
    await all_chores(bench, row)
    seen: list[int] = []
    put_away = filing.put_away

    def watched(errand: filing.Errand, stop: threading.Event) -> filing.End:
        seen.append(len(json.loads(bench_step(bench)).get("found", ())))
        return put_away(errand, stop)

    monkeypatch.setattr(filing, "put_away", watched)
    await serve(bench)
    assert seen == [2, 2]


def bench_step(bench: Bench) -> str:
    # As another process sees it.
    with contextlib.closing(sqlite3.connect(bench.ledger_url.removeprefix("sqlite:///"))) as database:
        ((payload,),) = database.execute("SELECT payload FROM outbox WHERE kind = 'sidecars'")
    return str(payload)


async def test_a_folder_that_is_away_is_waited_for(bench: Bench) -> None:
    says(bench, After.MOVE, move_along=("json",))
    row = await bench.done()
    beside(bench, "a.json")
    await all_chores(bench, row)
    bench.folder.rename(bench.folder.parent / "away")
    await serve(bench)
    assert bench.told(events.StepTrouble)
    (bench.folder.parent / "away").rename(bench.folder)
    bench.clock.ahead += 4000.0
    await serve(bench)
    assert names(bench.move_to) == {"a.mp4", "a.json"}


# --- receipts -----------------------------------------------------------------------------------------


async def test_a_receipt_lies_beside_the_moved_file_and_says_what_there_is_to_say(bench: Bench) -> None:
    says(bench, After.MOVE, receipt=True)
    row = await bench.done()
    row = await all_chores(bench, row)
    await serve(bench)
    document = json.loads((bench.move_to / "a.mp4.okdrop.json").read_text())
    (video,) = bench.published
    assert (document["id"], document["video_id"], document["url"]) == (
        row.id,
        video["id"],
        f"https://ok.ru/video/{video['id']}",
    )
    assert row.digest is not None
    assert document["hash"] == {"kind": "blake3", "hex": row.digest.hex()}
    assert document["size"] == len(content())
    assert document["bytes_sent"] >= document["size"]
    assert document["attempts"] == row.attempts
    assert document["found_at"] <= document["started_at"] <= document["published_at"]
    assert document["moved_to"] == str(bench.move_to / "a.mp4")
    assert "sig" not in json.dumps(document)


async def test_a_receipt_of_a_kept_file_lies_beside_it_and_is_taken_for_nothing_else(bench: Bench) -> None:
    says(bench, After.KEEP, receipt=True, move_along=("json",))
    row = await bench.done()
    await serve(bench)
    assert names(bench.folder) == {"a.mp4", "a.mp4.okdrop.json"}
    says(bench, After.DELETE, receipt=True, delete_along=("json",))
    bench.parts.afterwards_of(row.drop)
    assert not Names(("*",), ()).takes("a.mp4.okdrop.json")


@pytest.mark.parametrize("what", [After.KEEP, After.MOVE])
async def test_no_receipt_is_written_where_a_link_took_the_place_of_a_sub_folder(
    bench: Bench, what: After
) -> None:
    says(bench, what, receipt=True)
    sub, others = bench.folder / "sub", bench.folder.parent / "others"
    sub.mkdir()
    others.mkdir()
    bench.move_to.parent.mkdir()
    bench.move_to.symlink_to(others)  # that is the word of whoever runs it
    row = await bench.done("sub/a.mp4")
    if what is After.MOVE:
        await all_chores(bench, row)
    else:
        (sub / "a.mp4").rename(others / "a.mp4")
        sub.rmdir()
        sub.symlink_to(others)
    await serve(bench)
    written = {path.name for path in others.rglob("*.okdrop.json")}
    assert written == ({"a.mp4.okdrop.json"} if what is After.MOVE else set())
    assert len(bench.told(events.ReceiptLeft)) == (what is After.KEEP)


async def test_somebody_elses_file_is_never_overwritten_by_a_receipt(bench: Bench) -> None:
    says(bench, After.KEEP, receipt=True)
    (bench.folder / "a.mp4.okdrop.json").write_text("mine")
    row = await bench.done()
    await serve(bench)
    assert (bench.folder / "a.mp4.okdrop.json").read_text() == "mine"
    (left,) = bench.told(events.ReceiptLeft)
    assert "another file" in left.reason
    (step,) = await bench.ledger.steps_of(row.id)
    assert step.outcome is Outcome.FAILED


# --- pruning ------------------------------------------------------------------------------------------

DAY = 86_400.0


async def pruned(bench: Bench, row: Upload) -> Upload:
    """Look for what is due, and do what there is to do."""
    taken: list[Upload] = []
    await Moved(bench.parts, taken.append).look()
    for one in taken:
        assert one.chore is Chore.PRUNE
    if taken:
        await all_chores(bench, row)
        await serve(bench)
    return await bench.row(row.id)


async def archived(bench: Bench, **more: Any) -> Upload:
    plain = {"prune_after": 30 * DAY, "move_along": ("json",), "delete_along": ("json",), "receipt": True}
    says(bench, After.MOVE, **plain | more)
    row = await bench.done()
    beside(bench, "a.json")
    row = await all_chores(bench, row)
    await serve(bench)
    assert names(bench.move_to) == {"a.mp4", "a.json", "a.mp4.okdrop.json"}
    return row


async def test_a_moved_file_is_pruned_with_its_sidecars_and_its_receipt_once_it_is_old(bench: Bench) -> None:
    row = await archived(bench)
    bench.clock.ahead += 29 * DAY
    await pruned(bench, row)
    assert (bench.move_to / "a.mp4").exists()
    (bench.move_to / "b.json").write_text("another's")
    bench.clock.ahead += 2 * DAY
    row = await pruned(bench, row)
    assert names(bench.move_to) == {"b.json"}
    assert (row.chore, row.removed_at is not None) == (None, True)
    (told,) = bench.told(events.FilePruned)
    assert told.path == str(bench.move_to / "a.mp4")
    assert any("pruned" in step.note for step in await bench.ledger.history(row.id))
    await pruned(bench, row)
    assert len(bench.told(events.FilePruned)) == 1


async def test_with_a_pruned_file_goes_nothing_but_our_receipt_unless_a_person_says_so(bench: Bench) -> None:
    row = await archived(bench, delete_along=())
    bench.clock.ahead += 31 * DAY
    row = await pruned(bench, row)
    assert row.removed_at is not None
    assert names(bench.move_to) == {"a.json"}


@pytest.mark.parametrize("status", ["BLOCKED", "PROCESSING", "MISSING", "NEVER HEARD"])
async def test_nothing_is_pruned_that_ok_does_not_have_now(bench: Bench, status: str) -> None:
    row = await archived(bench)
    bench.clock.ahead += 31 * DAY
    says(bench, After.MOVE, prune_after=30 * DAY)
    await Moved(bench.parts, lambda _: None).look()
    bench.faults.clear()
    with bench.faults.active("video_status", status=status):
        for _ in range(3):
            await bench.chores.do(row.id)
    assert (bench.move_to / "a.mp4").read_bytes() == content()
    assert (await bench.row(row.id)).confirmed_at is None


async def test_a_clock_that_is_years_ahead_prunes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await archived(bench)
    monkeypatch.setattr(bench.emulator, "_clock", time.time)
    bench.clock.ahead += 3650 * DAY
    row = await pruned(bench, row)
    assert (bench.move_to / "a.mp4").exists()
    assert (row.chore, row.moved_at is None, row.removed_at) == (None, False, None)
    assert any("by OK's clock" in step.note for step in await bench.ledger.history(row.id))
    assert await Moved(bench.parts, lambda _: None).look() == 0
    monkeypatch.setattr(bench.emulator, "_clock", lambda: bench.clock.now().timestamp())
    await bench.parts.client.current_user()
    await pruned(bench, row)
    assert not (bench.move_to / "a.mp4").exists()


async def test_where_ok_does_not_say_what_time_it_is_nothing_is_pruned(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await archived(bench)
    bench.clock.ahead += 31 * DAY
    await Moved(bench.parts, lambda _: None).look()
    monkeypatch.setattr("okdrop.client.api.date_of", lambda _: None)
    monkeypatch.setattr(bench.parts.client._api, "_answered", None)
    row = await all_chores(bench, row)
    assert (bench.move_to / "a.mp4").exists()
    assert (row.chore, row.removed_at) == (None, None)
    assert await Moved(bench.parts, lambda _: None).look() == 0


async def test_a_moved_file_that_is_another_by_now_is_left_alone_for_good(bench: Bench) -> None:
    row = await archived(bench)
    (bench.move_to / "a.mp4").write_bytes(b"edited")
    bench.clock.ahead += 31 * DAY
    row = await pruned(bench, row)
    assert (bench.move_to / "a.mp4").read_bytes() == b"edited"
    assert names(bench.move_to) == {"a.mp4", "a.json", "a.mp4.okdrop.json"}
    assert (row.chore, row.moved_at, row.removed_at) == (None, None, None)
    assert len(bench.told(events.FileLeftAlone)) == 1


async def test_a_copy_whose_times_were_rounded_is_known_by_its_content(bench: Bench) -> None:
    row = await archived(bench)
    path = bench.move_to / "a.mp4"
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    seconds = path.stat().st_mtime_ns // 10**9 * 10**9
    copy.replace(path)
    os.utime(path, ns=(seconds, seconds))
    bench.clock.ahead += 31 * DAY
    row = await pruned(bench, row)
    assert row.removed_at is not None
    assert not path.exists()


async def test_of_equal_size_and_time_only_the_content_counts(bench: Bench) -> None:
    row = await archived(bench)
    path = bench.move_to / "a.mp4"
    stat = path.stat()
    other = path.with_name("other")
    other.write_bytes(content(seed="other"))
    other.replace(path)
    os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    bench.clock.ahead += 31 * DAY
    row = await pruned(bench, row)
    assert path.read_bytes() == content(seed="other")
    assert row.removed_at is None


async def test_where_the_place_is_away_nothing_is_believed_to_be_gone(bench: Bench) -> None:
    row = await archived(bench)
    bench.move_to.rename(bench.move_to.parent / "away")
    bench.clock.ahead += 31 * DAY
    row = await pruned(bench, row)
    assert (row.chore, row.last_trouble) == (Chore.PRUNE, "move_to_gone")
    (bench.move_to.parent / "away").rename(bench.move_to)
    row = await all_chores(bench, row)
    await serve(bench)
    assert names(bench.move_to) == set()


async def test_where_files_were_moved_before_is_waited_for_too(bench: Bench) -> None:
    row = await archived(bench)
    old = bench.move_to.rename(bench.move_to.parent / "away")
    elsewhere = bench.folder.parent / "elsewhere"
    elsewhere.mkdir()
    plain = {"prune_after": 30 * DAY, "delete_along": ("json",), "receipt": True}
    says(bench, After.MOVE, **plain, move_to=os.fsencode(elsewhere))
    bench.clock.ahead += 31 * DAY
    row = await pruned(bench, row)
    assert (row.chore, row.last_trouble) == (Chore.PRUNE, "move_to_gone")
    old.rename(bench.move_to)
    elsewhere.rmdir()  # what it is now matters to none that lies elsewhere
    row = await all_chores(bench, row)
    await serve(bench)
    assert (names(bench.move_to), row.removed_at is not None) == (set(), True)


async def test_of_a_folder_that_was_swapped_for_a_link_nothing_goes_along(bench: Bench) -> None:
    says(bench, After.DELETE, delete_along=("json",))
    others = bench.folder.parent / "others"
    others.mkdir()
    row = await bench.done()
    (bench.folder / "a.mp4").rename(others / "a.mp4")
    (others / "a.json").write_text("another's")
    (bench.folder / "sub").symlink_to(others)
    video = os.fsencode(bench.folder / "sub" / "a.mp4")
    row = row.with_(drop=dataclasses.replace(row.drop, path=video))
    assert await Filer(bench.parts).along(row, video, ("json",)) == "[]"


async def test_of_another_file_of_equal_size_and_time_nothing_goes_along(bench: Bench) -> None:
    row = await bench.done()
    beside(bench, "a.json")
    path, filer = bench.folder / "a.mp4", Filer(bench.parts)
    assert "a.json" in await filer.along(row, row.drop.path, ("json",))
    elsewhere = dataclasses.replace(row.drop.revision, device=row.drop.revision.device + 1)
    remounted = row.with_(drop=dataclasses.replace(row.drop, revision=elsewhere))
    assert "a.json" in await filer.along(remounted, row.drop.path, ("json",))
    other = path.with_name("other")
    other.write_bytes(content(seed="other"))
    os.utime(other, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert await filer.along(row, row.drop.path, ("json",)) == row.along


async def test_a_moved_file_that_a_person_takes_away_between_two_tries_is_not_pruned_by_us(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await archived(bench)
    bench.clock.ahead += 31 * DAY
    await Moved(bench.parts, lambda _: None).look()
    bench.faults.set("video_status", status="OK")

    def busy(errand: filing.Errand, _stop: threading.Event) -> filing.End:
        assert bench.written(row.id).removed_at is not None
        raise Trouble(f"{events.shown(errand.source)} is held open by a writer", code="file_in_use")

    with monkeypatch.context() as patched:
        patched.setattr(filing, "put_away", busy)
        for _ in range(3):
            await bench.chores.do(row.id)
    assert bench.told(events.ChoreTrouble)
    (bench.move_to / "a.mp4").rename(bench.folder.parent / "elsewhere.mp4")
    row = await all_chores(bench, row)
    assert (row.chore, row.removed_at) == (None, None)
    await serve(bench)
    assert bench.told(events.FilePruned) == []
    assert names(bench.move_to) == {"a.json", "a.mp4.okdrop.json"}


async def test_a_folder_that_prunes_no_more_loses_nothing(bench: Bench) -> None:
    row = await archived(bench)
    bench.clock.ahead += 31 * DAY
    await Moved(bench.parts, lambda _: None).look()
    says(bench, After.MOVE)
    row = await all_chores(bench, row)
    assert row.chore is None
    assert row.moved_to == os.fsencode(bench.move_to / "a.mp4")
    assert (bench.move_to / "a.mp4").exists()


async def test_what_was_never_confirmed_is_never_pruned(bench: Bench) -> None:
    row = await archived(bench)
    await bench.ledger.write(dataclasses.replace(row, confirmed_at=None))
    bench.clock.ahead += 400 * DAY
    await pruned(bench, row)
    assert (bench.move_to / "a.mp4").exists()


# --- what goes along is no change of what lies beside it --------------------------------------------------


async def test_a_video_is_not_renamed_by_what_went_along_but_by_what_changes_there(set_up: Any) -> None:
    settings = Settings(settle=0.0, description="{{ sidecar.note }}")
    bench = await set_up(posting=WITH_COVER, stays=True, settings=settings)
    says(bench, After.MOVE, move_along=("json", "txt"), receipt=True)
    (bench.folder / "a.json").write_text('{"title": "before", "note": "n"}')
    (bench.folder / "a.mp4.toml").write_text('title = "it stays behind"')  # no suffix of `move_along`
    row = await bench.done()
    assert video(bench)["title"] == "before"
    row = await all_chores(bench, row)
    await serve(bench)
    assert names(bench.move_to) == {"a.mp4", "a.json", "a.mp4.okdrop.json"}
    await rounds(bench, row.id, 4)
    assert (video(bench)["title"], video(bench)["updates"]) == ("before", 1)
    (bench.move_to / "a.json").write_text('{"title": "afterwards", "note": "m"}')
    await rounds(bench, row.id)
    assert (video(bench)["title"], video(bench)["description"]) == ("afterwards", "m")
    assert video(bench)["updates"] == 2
