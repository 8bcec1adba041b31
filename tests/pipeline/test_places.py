"""A file that gets another name, or goes away, while its upload is under way."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.metadata import Settings
from okdrop.names import Names
from okdrop.pipeline import Brake, Place
from okdrop.rules import Patterns, Rules
from pipeline.bench import after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench


@pytest.fixture
async def single(set_up: Callable[..., Awaitable[Bench]]) -> Bench:
    """One connection: segments go one by one, in order."""
    return await set_up(connections=1)


def placed(bench: Bench, *, patience: float = 60.0, **groups: str) -> Bench:
    """The same bench, whose folder (and further ones, each with its group) is known to be watched."""
    names = Names(["mp4"], [".*", "*.part"])
    folders = {"drop": ""} | groups
    places = {}
    for name, group in folders.items():
        folder = bench.folder.with_name(name)
        folder.mkdir(exist_ok=True)
        places[str(folder)] = Place(names=names, group_id=group, patience=patience)
    settings = {path: Settings(group_id=place.group_id) for path, place in places.items()}
    return dataclasses.replace(
        bench, parts=dataclasses.replace(bench.parts, places=places, folders=bench.parts.folders | settings)
    )


def at_segment(bench: Bench, number: int, what: Callable[[], object]) -> None:
    """Let something happen as the head of the `number`-th segment arrives."""
    heads: list[str] = []

    def head(video: str) -> None:
        heads.append(video)
        if len(heads) == number:
            what()

    bench.faults.taps["segment"] = head


def renaming(bench: Bench, to: str) -> Callable[[], object]:
    def rename() -> None:
        (bench.folder / to).parent.mkdir(parents=True, exist_ok=True)
        (bench.folder / "a.mp4").rename(bench.folder / to)

    return rename


@pytest.mark.parametrize("to", ["b.mp4", "below/b.mp4", "b.mp4 (deleted).mp4", "../other/b.mp4"])
async def test_a_rename_in_mid_upload_costs_nothing(single: Bench, to: str) -> None:
    bench = placed(single, other="")
    row = await bench.taken()
    at_segment(bench, 3, renaming(bench, to))
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    wanted = (bench.folder / to).resolve()
    assert (row.state, row.drop.path) == (State.FINALIZING, os.fsencode(wanted))
    assert row.drop.folder == str(wanted.parents[len(wanted.relative_to(bench.folder.parent).parts) - 2])
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["held_bytes_resent"], row.tickets, row.attempts) == (True, 0, 1, 1)
    assert row.bytes_sent == row.drop.revision.size
    (told,) = bench.told(events.UploadRenamed)
    assert (told.path, told.before) == (str(wanted), str(bench.folder / "a.mp4"))


async def test_a_folder_that_is_renamed_above_an_upload_costs_nothing(single: Bench) -> None:
    bench = placed(single)
    (bench.folder / "cam").mkdir()
    row = await bench.taken("cam/a.mp4")
    at_segment(bench, 3, lambda: (bench.folder / "cam").rename(bench.folder / "cam 2"))
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.drop.path) == (State.FINALIZING, os.fsencode(bench.folder / "cam 2" / "a.mp4"))
    assert row.bytes_sent == row.drop.revision.size


async def test_a_folder_that_is_reached_by_a_link_keeps_its_name(single: Bench) -> None:
    bench = placed(single)
    real = bench.folder.rename(bench.folder.with_name("real"))
    bench.folder.symlink_to(real)
    row = await bench.taken()
    at_segment(bench, 3, renaming(bench, "b.mp4"))
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).drop.path == os.fsencode(bench.folder / "b.mp4")


async def test_another_file_under_the_old_name_is_an_upload_of_its_own(single: Bench) -> None:
    bench = placed(single)
    row = await bench.taken()

    def rotate() -> None:
        renaming(bench, "a.1.mp4")()
        bench.file("a.mp4", seed="the next one")

    at_segment(bench, 3, rotate)
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.drop.path) == (State.FINALIZING, os.fsencode(bench.folder / "a.1.mp4"))
    new = await bench.intake.take(bench.drop(bench.folder / "a.mp4"))
    assert new is not None
    assert new.id != row.id
    assert (await bench.row(row.id)).state is State.FINALIZING


async def test_the_intake_that_sees_the_new_file_first_asks_whoever_carries_the_old_one(
    single: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = placed(single)
    row = await bench.taken()

    async def rotate() -> None:
        renaming(bench, "a.1.mp4")()
        await bench.intake.take(bench.drop(bench.file("a.mp4", seed="the next one")))

    after(monkeypatch, bench.parts.client, "send", 2, rotate)
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.drop.path) == (State.FINALIZING, os.fsencode(bench.folder / "a.1.mp4"))


async def test_the_intake_that_sees_the_new_name_first_cuts_nothing(
    single: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = placed(single)
    row = await bench.taken()

    async def rename() -> None:
        renaming(bench, "b.mp4")()
        known = await bench.intake.take(bench.drop(bench.folder / "b.mp4"))
        assert known is not None
        assert (known.id, known.drop.path) == (row.id, os.fsencode(bench.folder / "b.mp4"))

    after(monkeypatch, bench.parts.client, "send", 2, rename)
    await bench.uploader.upload(row.id)  # no StaleVersion: one attempt all the way
    row = await bench.row(row.id)
    assert (row.state, row.attempts, row.bytes_sent) == (State.FINALIZING, 1, row.drop.revision.size)


def overwrite_by_rename(bench: Bench) -> None:
    """An atomic save."""
    bench.file("saved.part", seed="saved").rename(bench.folder / "a.mp4")


def rewrite_in_place(bench: Bench) -> None:
    with (bench.folder / "a.mp4").open("r+b") as file:
        file.write(b"other")


def map_and_write(bench: Bench) -> None:
    with (bench.folder / "a.mp4").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:5] = b"other"
        mapped.flush()


def rename_and_rewrite(bench: Bench) -> None:
    rewrite_in_place(bench)
    renaming(bench, "b.mp4")()
    bench.file(seed="another")


@pytest.mark.parametrize("change", [overwrite_by_rename, rewrite_in_place, map_and_write, rename_and_rewrite])
async def test_what_holds_other_bytes_is_superseded_whatever_its_name(
    single: Bench, change: Callable[[Bench], None]
) -> None:
    bench = placed(single)
    row = await bench.taken()
    at_segment(bench, 3, lambda: change(bench))
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    (video,) = bench.emulator.videos()
    assert (row.state, video["whole"]) == (State.SUPERSEDED, False)


async def test_a_file_that_is_deleted_while_it_is_held_is_not_waited_for(single: Bench) -> None:
    bench = placed(single)
    row = await bench.taken()
    at_segment(bench, 3, (bench.folder / "a.mp4").unlink)
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert row.lost_its_file
    assert len(await bench.ledger.orphans()) == 1


@pytest.mark.parametrize("to", ["a.part", ".hidden/a.mp4", "a.txt", "../elsewhere/a.mp4", "../group/a.mp4"])
async def test_a_file_that_is_taken_away_is_waited_for_with_its_ticket(single: Bench, to: str) -> None:
    bench = placed(single, group="77")
    row = await bench.taken()
    at_segment(bench, 3, renaming(bench, to))
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.last_trouble) == (State.UPLOADING, "source_missed")
    assert row.ticket is not None
    # Back again: nothing that OK holds is sent twice.
    (bench.folder / to).rename(bench.folder / "a.mp4")
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    (video,) = bench.emulator.videos()
    assert (row.state, video["whole"], video["held_bytes_resent"]) == (State.FINALIZING, True, 0)


async def test_a_file_that_stays_away_fails_when_patience_is_over(single: Bench) -> None:
    bench = placed(single, patience=60.0)
    row = await bench.taken()
    at_segment(bench, 3, renaming(bench, "../elsewhere/a.mp4"))
    await bench.uploader.upload(row.id)
    bench.clock.ahead += 59.0
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).state is State.UPLOADING
    assert await bench.ledger.orphans() == []
    bench.clock.ahead += 2.0
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).lost_its_file
    assert len(await bench.ledger.orphans()) == 1


async def test_a_file_renamed_while_nobody_holds_it_keeps_its_ticket(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    """After a restart, say, the upload comes before the scan has found the new name, and waits long."""
    bench = placed(await set_up(connections=1, first_delay=3600.0, max_delay=3600.0))
    row = await bench.taken()
    assert await bench.line.get() == row.id
    at_segment(bench, 3, bench.parts.brake.pull)
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.received > 0) == (State.UPLOADING, True)
    bench = placed(dataclasses.replace(bench, parts=dataclasses.replace(bench.parts, brake=Brake())))
    bench.line.remove(row.id)
    renaming(bench, "b.mp4")()
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).last_trouble == "source_missed"
    moved = await bench.intake.take(bench.drop(bench.folder / "b.mp4"))
    assert moved is not None
    assert (moved.id, moved.troubles, moved.retry_at) == (row.id, 0, None)
    async with asyncio.timeout(5):
        while await bench.line.get() != row.id:
            pass
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    (video,) = bench.emulator.videos()
    assert (row.state, row.tickets, video["held_bytes_resent"]) == (State.FINALIZING, 1, 0)
    bench.line.close()


async def test_in_the_folder_of_another_group_an_upload_begins_anew(single: Bench) -> None:
    bench = placed(single, group="77")
    row = await bench.taken()
    at_segment(bench, 3, renaming(bench, "../group/a.mp4"))
    await bench.uploader.upload(row.id)
    path = bench.folder.with_name("group") / "a.mp4"
    moved = await bench.intake.take(dataclasses.replace(bench.drop(path), folder=str(path.parent)))
    assert moved is not None
    assert (moved.id, moved.ticket, moved.received) == (row.id, None, 0)
    assert len(await bench.ledger.orphans()) == 1
    await bench.uploader.upload(row.id)
    assert [video["request"].get("gid", "") for video in bench.emulator.videos()] == ["", "77"]


async def test_where_a_folder_below_says_the_group_a_rename_within_it_costs_nothing(single: Bench) -> None:
    bench = placed(single, drop="{{ parts[0] }}")
    (bench.folder / "77").mkdir()
    row = await bench.taken("77/a.mp4")

    def rename() -> None:
        (bench.folder / "77" / "deep").mkdir()
        (bench.folder / "77" / "a.mp4").rename(bench.folder / "77" / "deep" / "b.mp4")

    at_segment(bench, 3, rename)
    await bench.uploader.upload(row.id)
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["request"]["gid"]) == (True, "77")
    assert (await bench.row(row.id)).state is State.FINALIZING


async def test_where_a_folder_below_says_the_group_another_one_is_another_group(single: Bench) -> None:
    bench = placed(single, drop="{{ parts[0] }}")
    (bench.folder / "77").mkdir()
    row = await bench.taken("77/a.mp4")

    def rename() -> None:
        (bench.folder / "88").mkdir()
        (bench.folder / "77" / "a.mp4").rename(bench.folder / "88" / "a.mp4")

    at_segment(bench, 3, rename)
    await bench.uploader.upload(row.id)
    moved = await bench.intake.take(bench.drop(bench.folder / "88" / "a.mp4"))
    assert moved is not None
    assert (moved.id, moved.ticket) == (row.id, None)
    await bench.uploader.upload(row.id)
    assert [video["request"].get("gid", "") for video in bench.emulator.videos()] == ["77", "88"]


async def test_a_file_without_a_group_fails_before_anything_is_asked_of_ok(single: Bench) -> None:
    bench = placed(single, drop="{{ parts[0] }}")
    (bench.folder / "holidays").mkdir()
    row = await bench.taken("holidays/a.mp4")
    await bench.uploader.upload(row.id)
    failed = await bench.row(row.id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code) == (State.FAILED, "metadata_group")
    assert bench.emulator.videos() == []


async def test_a_file_that_gets_a_name_which_the_rules_leave_is_taken_away(single: Bench) -> None:
    bench = placed(single)
    leaving = {
        path: dataclasses.replace(place, rules=Rules(leave=Patterns(["raw/"])))
        for path, place in bench.parts.places.items()
    }
    bench = dataclasses.replace(bench, parts=dataclasses.replace(bench.parts, places=leaving))
    row = await bench.taken()
    at_segment(bench, 3, renaming(bench, "raw/a.mp4"))
    await bench.uploader.upload(row.id)
    assert (await bench.row(row.id)).last_trouble == "source_missed"


async def test_a_name_that_has_an_upload_of_its_own_ends_the_other(single: Bench) -> None:
    """Two rows of one file: a mount that renumbered it, say."""
    bench = placed(single)
    row = await bench.taken()

    drop = dataclasses.replace(row.drop, path=os.fsencode(bench.folder / "b.mp4"))
    await bench.ledger.add(drop)
    at_segment(bench, 3, renaming(bench, "b.mp4"))
    await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    assert (row.state, row.drop.path) == (State.SUPERSEDED, os.fsencode(bench.folder / "a.mp4"))


async def test_nothing_is_held_once_the_upload_is_out_of_hand(single: Bench) -> None:
    bench = placed(single)
    row = await bench.taken()
    held: list[int] = []
    at_segment(bench, 3, lambda: held.append(open_descriptors(bench.folder / "a.mp4")))
    await bench.uploader.upload(row.id)
    assert held
    assert held[0] > 0
    assert open_descriptors(bench.folder / "a.mp4") == 0


def open_descriptors(path: Path) -> int:
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(entry.readlink())
    return links.count(path)
