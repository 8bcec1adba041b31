"""Recordings that broke off: the real process waits for their end, then holds or sends them, and says so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from containers import made
from e2e.harness import KB, assert_published_once, published, seeded, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.harness import Daemon, Ended
    from okdrop.emulator import Emulator

BOX = made.box(b"mdat", seeded(100 * KB, "samples"))
WHOLE = made.MP4[0] + BOX + made.MP4[3]
BROKEN = made.MP4[0] + BOX


@pytest.fixture
async def both(start: Any) -> tuple[Emulator, Daemon]:
    emulator, daemon = await start()
    return emulator, daemon


@pytest.fixture
def emulator(both: tuple[Emulator, Daemon]) -> Emulator:
    return both[0]


@pytest.fixture
def daemon(both: tuple[Emulator, Daemon]) -> Daemon:
    return both[1]


@pytest.fixture
def cut(daemon: Daemon) -> Path:
    """A recording whose recorder died; at rest, and nobody has it open."""
    path = daemon.drop / "night.mp4"
    path.write_bytes(BROKEN)
    return path


async def test_it_is_waited_for_and_becomes_whole(daemon: Daemon, emulator: Emulator, cut: Path) -> None:
    daemon.watch(settle="50ms", unfinished_after="1h")
    async with daemon.staying() as running:
        told = await running.tells("file.waiting")
        while "whole" not in told["reason"]:
            told = await running.tells("file.waiting", running.count("file.waiting") + 1)
        assert told["reason"] == "not whole: its moov box is missing, which a recorder writes last"
        assert emulator.videos() == []
        with cut.open("ab") as file:
            file.write(made.MP4[3])
        await until(lambda: published(emulator.videos()))
    assert_published_once(emulator.videos(), [cut], titles=False)


async def test_one_that_ok_would_not_take_whole_either_fails_at_once_as_explain_says(daemon: Daemon) -> None:
    daemon.watch(settle="50ms", unfinished_after="1h")
    path = daemon.drop / "tiny.mp4"
    path.write_bytes(BROKEN[:5000])
    said = await daemon.ends("explain", str(path))
    assert "it cannot be sent: the file has only 5000 bytes" in said.out
    assert "it is noted as failed, and nothing is sent" in said.out
    async with daemon.staying() as running:
        assert (await running.tells("upload.failed"))["code"] == "file_too_small"


async def test_held_it_fails_for_a_person_who_may_send_it_as_it_is(
    daemon: Daemon, emulator: Emulator, cut: Path
) -> None:
    daemon.watch(settle="50ms", unfinished_after="100ms")
    async with daemon.staying() as running:
        told = await running.tells("upload.failed")
        assert (told["code"], emulator.videos()) == ("file_not_whole", [])
        assert running.told("file.not_whole")[0]["sent"] is False
        [row] = (await daemon.status())["uploads"]
        assert row["failure"]["message"].startswith("the file is not whole: its moov box is missing")
        assert (await daemon.ends("retry", str(row["id"]))).code == 0
        await until(lambda: published(emulator.videos()))
    assert_published_once(emulator.videos(), [cut], titles=False)


async def test_a_mended_file_takes_the_place_of_the_one_that_was_held(
    daemon: Daemon, emulator: Emulator, cut: Path
) -> None:
    daemon.watch(settle="50ms", unfinished_after="100ms")
    async with daemon.staying() as running:
        await running.tells("upload.failed")
        beside = daemon.drop / "mended.mp4.part"
        beside.write_bytes(WHOLE)
        shutil.move(beside, cut)
        await until(lambda: published(emulator.videos()))
        await running.tells("upload.published")
        assert {*(await daemon.states())[cut.name]} == {"superseded", "published"}
    assert_published_once(emulator.videos(), [cut], titles=False)


async def test_taken_it_is_sent_as_it_is_and_that_is_told(
    daemon: Daemon, emulator: Emulator, cut: Path
) -> None:
    daemon.watch(settle="50ms", unfinished_after="100ms", unfinished="take")
    async with daemon.staying() as running:
        assert (await running.tells("file.not_whole"))["sent"] is True
        await until(lambda: published(emulator.videos()))
    assert_published_once(emulator.videos(), [cut], titles=False)


async def test_a_run_that_ends_leaves_it_and_names_it(daemon: Daemon, emulator: Emulator, cut: Path) -> None:
    (daemon.drop / "day.mp4").write_bytes(WHOLE)
    daemon.watch(settle="50ms", unfinished_after="1h")
    ended: Ended = await daemon.ends("run", "--once")
    assert ended.code == 0
    [left] = ended.named("file.left")
    assert left["path"].endswith(cut.name)
    assert left["reason"].startswith("not whole: its moov box is missing")
    assert_published_once(emulator.videos(), [daemon.drop / "day.mp4"], titles=False)


async def test_one_that_a_person_names_is_sent(daemon: Daemon, emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "named.mp4"
    path.write_bytes(BROKEN)
    ended = await daemon.ends("upload", str(path))
    assert ended.code == 0
    assert_published_once(emulator.videos(), [path], titles=False)


MATROSKA = made.element(made.INFO, b"i" * 30) + made.element(made.CLUSTER, seeded(40 * KB, "mkv"))
SURE: dict[str, Callable[[], bytes]] = {
    "avi": lambda: made.chunk(b"AVI ", seeded(40 * KB, "avi"), length=0),
    "mkv": lambda: made.MATROSKA[0] + made.element(made.SEGMENT, MATROSKA)[:-30],
    "flv": lambda: b"".join(made.FLV) + made.tag(9, seeded(40 * KB, "flv"))[:-30],
    "ts": lambda: b"".join(made.TS) * 40 + b"\x47" + b"t" * 80,
}


@pytest.mark.parametrize("suffix", SURE)
async def test_each_container_tells(daemon: Daemon, emulator: Emulator, suffix: str) -> None:
    (daemon.drop / f"a.{suffix}").write_bytes(SURE[suffix]())
    daemon.watch(settle="50ms")
    ended = await daemon.ends("run", "--once")
    told: list[Any] = [one["reason"] for one in ended.named("file.left")]
    assert len(told) == 1
    assert told[0].startswith("not whole: ")
    assert emulator.videos() == []


async def test_one_as_long_as_the_file_it_replaces_is_held_as_well(
    daemon: Daemon, emulator: Emulator
) -> None:
    """Its contents are compared with those that were published, and are others."""
    path = daemon.drop / "loop.mp4"
    path.write_bytes(WHOLE)
    daemon.watch(settle="50ms", unfinished_after="100ms")
    async with daemon.staying() as running:
        await running.tells("upload.published")
        beside = daemon.drop / "next.mp4.part"
        beside.write_bytes(made.MP4[0] + made.box(b"mdat", seeded(100 * KB + len(made.MP4[3]), "another")))
        assert beside.stat().st_size == path.stat().st_size
        shutil.move(beside, path)
        assert (await running.tells("upload.failed"))["code"] == "file_not_whole"
    assert len(published(emulator.videos())) == 1
