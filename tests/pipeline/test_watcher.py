"""Which files are led from the folder to the intake, and when."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.errors import GaveUp
from okdrop.inbox import lease
from okdrop.inbox.done import Demand
from okdrop.inbox.promised import broken_promise
from okdrop.inbox.scan import FolderMissing
from okdrop.inbox.settle import Cause
from okdrop.pipeline.standing import Folder
from okdrop.pipeline.watcher import Watcher
from okdrop.rules import Done, Patterns, Rules
from pipeline.bench import SIZE, content, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from okdrop.drop import Drop, Upload
    from okdrop.inbox.done import Said
    from okdrop.inbox.reading import Reading
    from pipeline.bench import Bench

SETTLE = 0.06


def watcher(bench: Bench, *, settle: float = SETTLE, path: Path | None = None) -> Watcher:
    folder = Folder(
        path=str(path or bench.folder), settle=settle, rescan=60, suffixes=(".mp4",), ignore=(".*",)
    )
    return Watcher(bench.parts, bench.intake, bench.opened, [folder])


def ruled(bench: Bench, **settings: Any) -> Watcher:
    plain: dict[str, Any] = {"settle": SETTLE, "rescan": 60, "suffixes": (".mp4",), "ignore": (".*",)}
    folder = Folder(path=str(bench.folder), **plain | settings)
    return Watcher(bench.parts, bench.intake, bench.opened, [folder])


async def to_the_end(bench: Bench, watching: Watcher) -> None:
    """Watch, with a worker that ends each upload at once."""

    async def end() -> None:
        while (number := await bench.line.get()) is not None:
            bench.opened.end(number)

    worker = asyncio.create_task(end())
    async with asyncio.timeout(10):
        await watching.run_to_the_end()
    bench.line.close()
    await worker


async def test_what_lies_in_the_folder_settles_and_is_taken(bench: Bench) -> None:
    bench.file("a.mp4")
    (bench.folder / "deep").mkdir()
    bench.file("deep/B.MP4")
    bench.file("notes.txt")
    bench.file(".hidden.mp4")
    watching = watcher(bench)
    await watching.scan()
    await to_the_end(bench, watching)
    rows = await bench.ledger.uploads()
    assert {os.path.basename(row.drop.path) for row in rows} == {b"a.mp4", b"B.MP4"}  # noqa: PTH119 - paths are bytes
    assert {row.drop.folder for row in rows} == {str(bench.folder)}
    assert {told.path for told in bench.told(events.FileWaiting)} == {
        events.shown(row.drop.path) for row in rows
    }


async def test_an_empty_folder_is_done_at_once(bench: Bench) -> None:
    watching = watcher(bench)
    await watching.scan()
    await to_the_end(bench, watching)
    assert await bench.ledger.uploads() == []


async def test_a_missing_folder_is_told(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(FolderMissing):
        await watcher(bench, path=tmp_path / "none").scan()


async def test_a_missing_folder_decides_nothing_about_the_others(bench: Bench, tmp_path: Path) -> None:
    """Else a first look that was cut short would leave a new folder without its brake."""
    bench.file()
    plain: dict[str, Any] = {"settle": 0, "rescan": 60, "suffixes": (".mp4",), "ignore": ()}
    folders = [Folder(path=str(bench.folder), **plain), Folder(path=str(tmp_path / "none"), **plain)]
    with pytest.raises(FolderMissing):
        await Watcher(bench.parts, bench.intake, bench.opened, folders).scan()
    device = bench.folder.stat().st_dev
    assert not await bench.ledger.is_folder_known(str(bench.folder), device=device)


async def test_what_the_ledger_knows_is_not_looked_at_again(bench: Bench) -> None:
    row = await bench.taken()
    bench.opened.end(row.id)
    bench.events.clear()
    watching = watcher(bench)
    await watching.scan()
    await to_the_end(bench, watching)
    assert bench.events == []
    assert len(await bench.ledger.uploads()) == 1


async def test_a_file_that_goes_before_it_settles_leaves_no_trace(bench: Bench) -> None:
    path = bench.file()
    watching = watcher(bench)
    await watching.scan()
    path.unlink()
    await to_the_end(bench, watching)
    assert await bench.ledger.uploads() == []


async def test_a_file_is_taken_with_the_size_it_settled_at(bench: Bench) -> None:
    path = bench.file(size=SIZE)
    watching = watcher(bench)
    await watching.scan()
    path.write_bytes(content(2 * SIZE))
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.drop.revision.size == 2 * SIZE


async def test_a_file_held_open_by_a_writer_is_left_and_named(bench: Bench) -> None:
    lease.prepare()
    if lease.can_see_writers(os.fsencode(bench.folder)) is not True:
        pytest.skip("writers cannot be seen on this file system")
    path = bench.file()
    bench.file("done.mp4")
    with path.open("r+b"):
        watching = watcher(bench)
        await watching.scan()
        await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.drop.path.endswith(b"done.mp4")
    (left,) = bench.told(events.FileLeft)
    assert left.path == str(path)
    assert "writer" in left.reason


async def test_a_file_that_never_rests_is_left_once_nothing_else_is_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file()
    watching = watcher(bench, settle=0.2)
    await watching.scan()
    look_round = watching._look_round

    async def restless() -> None:
        with path.open("ab") as file:
            file.write(b"more")
        bench.clock.ahead += 0.15
        await look_round()

    monkeypatch.setattr(watching, "_look_round", restless)
    await to_the_end(bench, watching)
    assert await bench.ledger.uploads() == []
    assert [left.path for left in bench.told(events.FileLeft)] == [str(path)]


async def test_a_changed_file_is_looked_at_anew(bench: Bench) -> None:
    row = await bench.taken()
    bench.opened.end(row.id)
    assert await bench.line.get() == row.id
    await bench.orders(row.id, State.SUPERSEDED)
    bench.file(seed="another")
    watching = watcher(bench)
    watching.look_again(row.drop)
    await to_the_end(bench, watching)
    first, second = await bench.ledger.uploads()
    assert (first.state, second.state) == (State.SUPERSEDED, State.QUEUED)
    assert second.drop.folder == str(bench.folder)


async def test_a_named_file_keeps_its_title(bench: Bench) -> None:
    path = bench.file()
    watching = watcher(bench)
    watching.add(os.fsencode(path), title="By hand", settle=SETTLE)
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert (row.drop.title, row.drop.folder) == ("By hand", "")


async def test_while_an_upload_is_open_the_watcher_waits(bench: Bench) -> None:
    bench.opened.begin(77)
    watching = asyncio.create_task(watcher(bench).run_to_the_end())
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert not watching.done()
    bench.opened.end(77)
    await asyncio.wait_for(watching, 5)


async def test_two_names_of_one_file_are_one_video(bench: Bench) -> None:
    path = bench.file("a.mp4")
    for number in range(3):
        (bench.folder / f"link {number}.mp4").hardlink_to(path)
    watching = watcher(bench)
    await watching.scan()
    await to_the_end(bench, watching)
    assert len(await bench.ledger.uploads()) == 1


# --- a run that stays ---------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def staying(bench: Bench, *, settle: float = 0.0, rescan: float = 3600.0) -> AsyncIterator[Watcher]:
    """A watcher that stays, once it watches; whatever it raises comes out."""
    folder = Folder(path=str(bench.folder), settle=settle, rescan=rescan, suffixes=(".mp4",), ignore=(".*",))
    watching = Watcher(bench.parts, bench.intake, bench.opened, [folder])
    task = asyncio.create_task(watching.run())
    try:
        await until(lambda: task.done() or bool(bench.told(events.FolderWatched)))
        yield watching
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def sent(bench: Bench, number: int) -> None:
    """Make an upload published, with its digest."""
    assert await bench.line.get() == number
    await bench.uploader.upload(number)
    assert await bench.finals.get() == number
    await bench.finalizer.publish(number)


async def test_a_run_that_stays_takes_what_lies_there_and_what_comes(bench: Bench) -> None:
    bench.file("a.mp4")
    async with staying(bench):
        bench.file("b.mp4")
        await until(lambda: len(bench.told(events.FileSettled)) == 2)
    assert len(await bench.ledger.uploads()) == 2


async def test_two_names_of_one_file_are_one_video_whenever_they_come(bench: Bench) -> None:
    path = bench.file("a.mp4")
    async with staying(bench, rescan=0.02):
        await until(lambda: bool(bench.told(events.FileSettled)))
        for number in range(3):
            (bench.folder / f"link {number}.mp4").hardlink_to(path)
        await until(lambda: len(bench.told(events.FileKnown)) == 3)
        bench.file("last.mp4")
        await until(lambda: len(bench.told(events.FileSettled)) == 2)
    assert len(bench.told(events.FileKnown)) == 3  # each told once, though scanned again and again
    assert len(await bench.ledger.uploads()) == 2


def renamed(path: Path, leads: str) -> None:
    lower = path.with_name(path.name.lower())
    if leads == "nowhere":
        path.rename(lower)
    else:
        lower.hardlink_to(path)


@pytest.mark.parametrize("leads", ["nowhere", "to the file"])
@pytest.mark.parametrize("when", ["before it is taken", "after"])
async def test_a_rename_that_changes_case_alone_is_one_video(bench: Bench, leads: str, when: str) -> None:
    """On a share that tells no case, the old name leads to the file still, as another hard link does here."""
    path = bench.file("Holiday.mp4")
    if when == "before it is taken":
        async with staying(bench, settle=0.3):
            await until(lambda: bool(bench.told(events.FileWaiting)))
            renamed(path, leads)
            await until(lambda: bool(bench.told(events.FileSettled)))
            bench.file("last.mp4")
            await until(
                lambda: "last.mp4" in {one.path.rpartition("/")[2] for one in bench.told(events.FileSettled)}
            )
    else:
        async with staying(bench):
            await until(lambda: bool(bench.told(events.FileSettled)))
            renamed(path, leads)
            await until(lambda: bool(bench.told(events.FileKnown) or bench.told(events.UploadRenamed)))
    paths = {row.drop.path for row in await bench.ledger.uploads()} - {os.fsencode(bench.folder / "last.mp4")}
    assert len(paths) == 1


async def test_another_name_of_a_published_file_is_judged_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.taken()
    await sent(bench, row.id)
    (bench.folder / "a.mp4").rename(bench.folder / "renamed.mp4")
    judged = 0
    judge = type(bench.ledger).judge

    async def counted(*arguments: Any) -> Any:
        nonlocal judged
        judged += 1
        return await judge(*arguments)

    monkeypatch.setattr(type(bench.ledger), "judge", counted)
    async with staying(bench, rescan=0.02):
        await until(lambda: bool(bench.told(events.FileKnown)))
        for number in range(3):  # each scan that finds one of these would find the other again, too
            bench.file(f"{number}.mp4")
            await until(lambda number=number: len(bench.told(events.FileSettled)) == number + 2)
    assert judged == 1 + 3


async def test_a_file_that_was_taken_and_changes_later_is_taken_again(bench: Bench) -> None:
    async with staying(bench):
        for number in range(1, 4):
            bench.file(seed=str(number))
            await until(lambda number=number: len(bench.told(events.FileSettled)) == number)
    assert [row.state for row in await bench.ledger.uploads()][-1] is State.QUEUED


async def test_a_file_that_was_superseded_and_comes_back_after_a_while_is_taken(bench: Bench) -> None:
    """The scans before knew it; nothing may remember that."""
    row = await bench.taken()
    path, elsewhere = bench.folder / "a.mp4", bench.folder.with_name("elsewhere.mp4")
    async with staying(bench) as watching:
        path.rename(elsewhere)
        await bench.orders(row.id, State.SUPERSEDED)
        watching.look_again(row.drop)
        await until(lambda: row.drop.path not in watching._candidates)
        elsewhere.rename(path)
        await until(lambda: len(bench.told(events.FileSettled)) == 2)


async def test_while_contents_are_compared_other_files_are_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await bench.taken()
    await sent(bench, row.id)
    path = bench.folder / "a.mp4"
    os.utime(path, ns=(1, 1))
    compared, go_on = asyncio.Event(), asyncio.Event()
    compare, calls = bench.intake.compare, 0

    async def slow(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        compared.set()
        await go_on.wait()
        return await compare(*arguments)

    monkeypatch.setattr(bench.intake, "compare", slow)
    async with staying(bench, rescan=0.02):
        await compared.wait()
        for number in range(3):
            bench.file(f"{number}.mp4")
            await until(lambda number=number: len(bench.told(events.FileSettled)) == number + 2)
        go_on.set()
        await until(lambda: bool(bench.told(events.UploadDuplicate)))
    states = [one.state for one in await bench.ledger.uploads()]
    assert sorted(states) == [State.DUPLICATE, State.PUBLISHED, *[State.QUEUED] * 3]
    assert calls == 1


async def test_what_comes_back_after_it_was_superseded_is_taken_again(bench: Bench) -> None:
    """As an editor's undo does: the file has the very size and time that it had before."""
    row = await bench.taken()
    async with staying(bench) as watching:
        await bench.orders(row.id, State.SUPERSEDED)
        watching.look_again(row.drop)
        await until(lambda: len(bench.told(events.FileSettled)) == 2)
    first, second = await bench.ledger.uploads()
    assert (first.state, second.state) == (State.SUPERSEDED, State.QUEUED)
    assert second.drop.revision == row.drop.revision


async def test_what_waits_for_its_comparison_is_judged_as_things_stand_then(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two were touched; while the first is compared, somebody records the second as it is now."""
    first, second = await bench.taken("a.mp4"), await bench.taken("b.mp4", size=SIZE + 1)
    for row in (first, second):
        await sent(bench, row.id)
        os.utime(row.drop.path, ns=(1, 1))
    compared, go_on = asyncio.Event(), asyncio.Event()
    compare, calls = bench.intake.compare, []

    async def slow(drop: Drop, published: Upload, missing: str) -> Upload:
        calls.append(drop.path)
        compared.set()
        await go_on.wait()
        return await compare(drop, published, missing)

    monkeypatch.setattr(bench.intake, "compare", slow)
    async with staying(bench) as watching:
        await compared.wait()
        await until(lambda: watching._to_compare.qsize() == 1)
        [other] = [row.drop for row in (first, second) if row.drop.path not in calls]
        now = bench.drop(bench.folder / bench.parts.file_name(other))
        known = await bench.ledger.add(now, state=State.PUBLISHED)
        go_on.set()
        await until(lambda: not watching._taking)
    assert len(calls) == 1
    assert (await bench.ledger.uploads(paths=[other.path]))[-1] == known


# --- the rules of a folder, and what has to say that a file is done ------------------------------------


async def test_what_the_rules_leave_is_passed_over_and_told_once(bench: Bench) -> None:
    bench.file("a.mp4")
    bench.file("a-proxy.mp4")
    watching = ruled(bench, rules=Rules(leave=Patterns(["*-proxy.*"])))
    await watching.scan()
    await watching.scan()
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.drop.path.endswith(b"/a.mp4")
    (told,) = bench.told(events.FilePassedOver)
    assert (told.path, told.rule) == (str(bench.folder / "a-proxy.mp4"), "leave")


async def test_what_grew_too_large_before_it_settled_is_passed_over(bench: Bench) -> None:
    path = bench.file(size=SIZE)
    watching = ruled(bench, rules=Rules(max_size=SIZE))
    await watching.scan()
    path.write_bytes(content(2 * SIZE))
    await to_the_end(bench, watching)
    assert await bench.ledger.uploads() == []
    assert [told.rule for told in bench.told(events.FilePassedOver)] == ["max_size"]
    [told] = bench.told(events.FileDismissed)  # once it was waited for, that is worth a word
    assert (told.path, told.rule, told.level) == (str(path), "max_size", "info")
    assert not watching._is_busy(os.fsencode(path))  # the next scan judges it anew


async def test_what_was_found_in_time_is_taken_however_late_it_is_done(bench: Bench) -> None:
    path = bench.file()
    watching = ruled(bench, rules=Rules(max_age=60), demand=Demand(done=Done.MARKER, name=b".done"))
    await watching.scan()
    await watching._look_round()
    assert await bench.ledger.uploads() == []
    bench.clock.ahead += 3600
    path.with_name(f"{path.name}.done").touch()
    await to_the_end(bench, watching)
    assert len(await bench.ledger.uploads()) == 1


async def test_a_file_of_the_future_grows_old_while_it_lies_there(bench: Bench) -> None:
    path = bench.file()
    ahead = path.stat().st_mtime + 10**6
    os.utime(path, (ahead, ahead))
    watching = ruled(bench, rules=Rules(min_age=60))
    await watching.scan()
    assert not watching._is_busy(os.fsencode(path))
    bench.clock.ahead += 61
    await watching.scan()
    await to_the_end(bench, watching)
    assert len(await bench.ledger.uploads()) == 1


async def test_a_small_file_fails_as_ever_unless_the_rules_leave_it(bench: Bench) -> None:
    bench.file("a.mp4", size=10)
    watching = ruled(bench, rules=Rules(min_size=100))
    await watching.scan()
    await to_the_end(bench, watching)
    assert await bench.ledger.uploads() == []
    watching = ruled(bench, rules=Rules(min_size=10))
    await watching.scan()
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.failure is not None
    assert row.failure.code == "file_too_small"


MANIFEST = Demand(done=Done.MANIFEST, name=b"SHA256SUMS")


def listed(path: Path, checksum: str) -> None:
    path.with_name("SHA256SUMS").write_text(f"{checksum}  {path.name}\n")


async def test_a_file_with_the_promised_checksum_is_taken(bench: Bench) -> None:
    path = bench.file("a.mp4")
    listed(path, hashlib.sha256(path.read_bytes()).hexdigest())
    watching = ruled(bench, demand=MANIFEST)
    await watching.scan()
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.state is State.QUEUED


async def test_a_file_with_another_checksum_fails_and_is_not_sent(bench: Bench) -> None:
    path = bench.file("a.mp4")
    listed(path, "0" * 64)
    watching = ruled(bench, demand=MANIFEST, takes_unfinished=True)
    await watching.scan()
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.failure is not None
    assert (row.state, row.failure.code) == (State.FAILED, "file_not_as_promised")
    assert row.failure.message.endswith("its sha256 is not the one in SHA256SUMS")


async def test_a_file_of_another_size_than_promised_fails_though_unfinished_ones_are_sent(
    bench: Bench,
) -> None:
    path = bench.file("a.mp4")
    path.with_name("SHA256SUMS").write_text("a.mp4\t1\n")
    watching = ruled(bench, demand=MANIFEST, takes_unfinished=True)
    await watching.scan()
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.failure is not None
    assert row.failure.code == "file_not_as_promised"


async def test_a_file_that_changes_while_its_checksum_is_read_is_looked_at_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file("a.mp4")
    listed(path, hashlib.sha256(path.read_bytes()).hexdigest())
    calls = 0

    async def changing(drop: Drop, said: Said, *, reading: Reading) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            path.write_bytes(content(2 * SIZE))
            listed(path, hashlib.sha256(path.read_bytes()).hexdigest())
        return await broken_promise(drop, said, reading=reading)

    monkeypatch.setattr("okdrop.pipeline.watcher.broken_promise", changing)
    watching = ruled(bench, demand=MANIFEST)
    await watching.scan()
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert (row.state, row.drop.revision.size) == (State.QUEUED, 2 * SIZE)


async def test_a_file_that_cannot_be_compared_fails_with_the_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not sent as if it had been: nobody knows whether it is what was promised."""
    path = bench.file("a.mp4")
    listed(path, "0" * 64)

    async def unreadable(_drop: Drop, _said: Said, *, reading: Reading) -> str:
        raise GaveUp(f"it cannot be read ({reading})", code="file_unreadable", hint="look at the disk")

    monkeypatch.setattr("okdrop.pipeline.watcher.broken_promise", unreadable)
    watching = ruled(bench, demand=MANIFEST)
    await watching.scan()
    await to_the_end(bench, watching)
    (row,) = await bench.ledger.uploads()
    assert row.failure is not None
    assert (row.state, row.failure.code, row.failure.hint) == (
        State.FAILED,
        "file_unreadable",
        "look at the disk",
    )
    assert watching.waiting(9).causes == {}


async def test_a_read_that_hangs_holds_up_the_files_of_its_own_folder_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.file("a.mp4")
    listed(first, hashlib.sha256(first.read_bytes()).hexdigest())
    begun = asyncio.Event()

    async def hanging(drop: Drop, said: Said, *, reading: Reading) -> str:
        if drop.path == os.fsencode(first):
            begun.set()
            await asyncio.Event().wait()
        return await broken_promise(drop, said, reading=reading)

    monkeypatch.setattr("okdrop.pipeline.watcher.broken_promise", hanging)
    other = bench.folder.with_name("other folder")
    other.mkdir()
    plain: dict[str, Any] = {"settle": SETTLE, "rescan": 60, "suffixes": (".mp4",), "ignore": (".*",)}
    folders = [Folder(path=str(path), demand=MANIFEST, **plain) for path in (bench.folder, other)]
    watching = Watcher(bench.parts, bench.intake, bench.opened, folders)
    task = asyncio.create_task(watching.run())
    try:
        await asyncio.wait_for(begun.wait(), 10)
        second = other / "b.mp4"
        second.write_bytes(content(SIZE))
        listed(second, hashlib.sha256(second.read_bytes()).hexdigest())
        assert await asyncio.wait_for(bench.line.get(), 10) is not None
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert [row.drop.path for row in await bench.ledger.uploads()] == [os.fsencode(second)]


async def test_a_run_that_ends_leaves_what_nobody_said_to_be_done(bench: Bench) -> None:
    bench.file("a.mp4")
    watching = ruled(bench, demand=Demand(done=Done.MARKER, name=b".done"))
    await watching.scan()
    await to_the_end(bench, watching)
    assert await bench.ledger.uploads() == []
    (left,) = bench.told(events.FileLeft)
    assert left.reason == "no a.mp4.done yet"


async def test_a_run_that_stays_reads_checksums_beside_everything_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.file("a.mp4")
    listed(first, hashlib.sha256(first.read_bytes()).hexdigest())
    with first.with_name("SHA256SUMS").open("a") as file:
        file.write("b.mp4\n")
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(drop: Drop, said: Said, *, reading: Reading) -> str:
        begun.set()
        await goes_on.wait()
        return await broken_promise(drop, said, reading=reading)

    monkeypatch.setattr("okdrop.pipeline.watcher.broken_promise", slow)
    watching = ruled(bench, demand=MANIFEST)
    task = asyncio.create_task(watching.run())
    try:
        await asyncio.wait_for(begun.wait(), 10)
        bench.file("b.mp4", seed="another")
        assert await bench.line.get() is not None  # that is the one without a checksum
        assert watching._is_busy(os.fsencode(first))
        waiting = watching.waiting(9)
        assert waiting.causes == {Cause.CHECKING: 1}
        assert [(one.path, one.reason) for one in waiting.longest] == [
            (os.fsencode(first), "its sha256 is compared with the one in SHA256SUMS")
        ]
        assert watching.waiting(0).longest == ()
        goes_on.set()
        assert await bench.line.get() is not None
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    names = [os.fsdecode(row.drop.path).rpartition("/")[2] for row in await bench.ledger.uploads()]
    assert names == ["b.mp4", "a.mp4"]
