"""What lies beside a published file goes with it, and a receipt is written; the video waits for neither."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any, cast

import pytest

from okdrop import events
from okdrop.config.watch import After
from okdrop.drop import Chore
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
    afterwards = Afterwards(after=what, move_to=os.fsencode(bench.move_to), **more)
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


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_sidecars_follow_their_video_under_its_number(bench: Bench) -> None:
    says(bench, After.MOVE, along=("json", "srt"))
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
    says(bench, After.DELETE, along=("json",))
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


async def test_sidecars_of_a_video_that_was_left_alone_stay(bench: Bench) -> None:
    says(bench, After.DELETE, along=("json",))
    row = await bench.done()
    beside(bench, "a.json")
    (bench.folder / "a.mp4").write_bytes(b"another recording")
    row = await all_chores(bench, row)
    assert row.removed_at is None
    await serve(bench)
    assert names(bench.folder) == {"a.mp4", "a.json"}


async def test_sidecars_of_a_new_file_of_that_name_stay(bench: Bench) -> None:
    says(bench, After.MOVE, along=("json",))
    row = await bench.done()
    await all_chores(bench, row)
    bench.file("a.mp4", seed="new")
    beside(bench, "a.json", "a.mp4.json")
    await serve(bench)
    assert names(bench.folder) == {"a.mp4", "a.json", "a.mp4.json"}


async def test_trouble_with_a_sidecar_is_told_and_tried_again_and_the_video_stays_moved(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(bench, After.MOVE, along=("json",))
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
    says(bench, After.MOVE, along=("json", "srt"))
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
    says(bench, After.MOVE, along=("json",))
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
    says(bench, After.KEEP, receipt=True, along=("json",))
    row = await bench.done()
    await serve(bench)
    assert names(bench.folder) == {"a.mp4", "a.mp4.okdrop.json"}
    says(bench, After.DELETE, receipt=True, along=("json",))
    bench.parts.afterwards_of(row.drop)
    assert not Names(("*",), ()).takes("a.mp4.okdrop.json")


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
    says(bench, After.MOVE, **{"prune_after": 30 * DAY, "along": ("json",), "receipt": True} | more)
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
    says(bench, After.MOVE, along=("json", "txt"), receipt=True)
    (bench.folder / "a.json").write_text('{"title": "before", "note": "n"}')
    (bench.folder / "a.mp4.toml").write_text('title = "it stays behind"')  # no suffix of `along`
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
