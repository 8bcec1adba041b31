"""When and how a video becomes public: the real process, its commands, kills in between."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from e2e.harness import KB, assert_published_once, published, sha256, until

if TYPE_CHECKING:
    from okdrop.emulator import Emulator

JPEG = b"\xff\xd8\xff\xe0" + bytes(5000) + b"\xff\xd9"
UPDATE = "video.update"


def hours(first: float, last: float) -> str:
    """A window from so many hours from now on, to so many."""
    opens, closes = (datetime.now(UTC) + timedelta(hours=each) for each in (first, last))
    return f"{opens:%H:%M}-{closes:%H:%M}"


def privacies(emulator: Emulator) -> list[str]:
    return [video["privacy"] for video in published(emulator.videos())]


def calls(emulator: Emulator, method: str) -> int:
    count: int = emulator.summary()["calls"].get(method, 0)
    return count


async def test_a_run_that_ends_leaves_what_is_whole_before_its_hours_and_the_next_publishes_it(
    start: Any,
) -> None:
    emulator, daemon = await start()
    daemon.environment["TZ"] = "UTC"
    daemon.watch(publish_window=hours(2, 3))
    file = daemon.file("a.mp4", 200 * KB)
    ended = await daemon.ends()
    assert ended.code == 0, ended.err
    (named,) = ended.named("upload.not_yet_published")
    assert (named["reason"], named["until"] != "") == ("publish_window", True)
    assert published(emulator.videos()) == []
    (row,) = (await daemon.status())["uploads"]
    assert (row["state"], row["waits_to_publish"]) == ("finalizing", "publish_window")
    assert row["opens_at"].endswith("Z")
    shown = (await daemon.ends("show", "1")).out
    assert "whole; published from" in shown
    explained = (await daemon.ends("explain", str(file))).out
    assert "publish_window" in explained
    received = emulator.summary()["received"]
    daemon.watch(publish_window=hours(-1, 2))
    ended = await daemon.ends()
    assert ended.code == 0, ended.err
    assert_published_once(emulator.videos(), [file])
    assert emulator.summary()["received"] == received


async def test_a_daemon_waits_for_the_hours_and_a_kill_changes_nothing(start: Any) -> None:
    emulator, daemon = await start()
    daemon.environment["TZ"] = "UTC"
    daemon.watch(publish_window=hours(2, 3))
    file = daemon.file("a.mp4", 200 * KB)
    async with daemon.started("run") as running:
        await running.tells("upload.not_yet_published")
        await running.kill()
    assert published(emulator.videos()) == []
    daemon.watch(publish_window="")
    async with daemon.staying() as running:
        await running.tells("upload.published")
    assert_published_once(emulator.videos(), [file])


async def test_so_many_a_day_over_runs_and_kills(start: Any) -> None:
    emulator, daemon = await start()
    daemon.set(upload__posts_per_day="2")
    daemon.environment["TZ"] = noon()
    files = daemon.files([100 * KB, 101 * KB, 102 * KB, 103 * KB])
    assert (await daemon.ends()).code == 0
    assert len(published(emulator.videos())) == 2
    assert (await daemon.ends()).code == 0
    assert len(published(emulator.videos())) == 2
    rows = (await daemon.status())["uploads"]
    assert sorted(row["waits_to_publish"] or "" for row in rows) == ["", "", *["posts_per_day"] * 2]
    assert all(video["whole"] for video in emulator.videos())
    daemon.set(upload__posts_per_day="3")
    async with daemon.staying() as running:
        await running.tells("upload.published")
    oldest = sorted(row["id"] for row in rows)[:3]
    states = {row["id"]: row["state"] for row in (await daemon.status())["uploads"]}
    assert [number for number, state in sorted(states.items()) if state == "published"] == oldest
    assert len(files) - len(oldest) == 1


def noon() -> str:
    """A zone in which it is about noon now, so that the day does not end within the test."""
    return f"XXX{datetime.now(UTC).hour - 12:+d}"


@pytest.mark.parametrize("way", ["command", "http"])
async def test_friends_first_and_then_everybody(start: Any, way: str) -> None:
    emulator, daemon = await start()
    daemon.watch(publish="friends first")
    file = daemon.file("a.mp4", 100 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published")
        assert privacies(emulator) == ["FRIENDS"]
        (row,) = (await daemon.status())["uploads"]
        assert (row["state"], row["draft"]) == ("published", "friends")
        if way == "command":
            ended = await daemon.ends("release", "--all")
            assert (ended.code, ended.out) == (0, "upload 1: it is made public\n")
        else:
            async with aiohttp.ClientSession() as http:
                async with http.post(f"{address}/api/uploads/1/release") as answer:
                    assert await answer.json() == {"id": 1, "said": "upload 1: it is made public"}
                async with http.post(f"{address}/api/uploads/2/update") as answer:
                    assert answer.status == 404
        await running.tells("video.released")
        assert privacies(emulator) == ["PUBLIC"]
    assert_published_once(emulator.videos(), [file])
    assert (await daemon.ends("release", "1")).code == 2


async def test_a_release_is_carried_out_after_a_kill(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(publish="friends first")
    daemon.file("a.mp4", 100 * KB)
    assert (await daemon.ends()).code == 0
    assert (await daemon.ends("release", "1")).code == 0
    with emulator.faults.active("stall_answer", method=UPDATE, times=1) as fault:
        async with daemon.started("run") as running:
            await until(lambda: fault.fired)
            await running.kill()
    assert (await daemon.ends()).code == 0
    assert privacies(emulator) == ["PUBLIC"]
    assert [row["draft"] for row in (await daemon.status())["uploads"]] == [None]


async def test_an_image_becomes_the_cover_and_a_broken_one_is_no_trouble(start: Any) -> None:
    emulator, daemon = await start()
    cover = daemon.drop / "a.jpg"
    cover.write_bytes(JPEG)
    (daemon.drop / "b.jpg").write_text("no image")
    files = [daemon.file("a.mp4", 100 * KB), daemon.file("b.mp4", 101 * KB)]
    ended = await daemon.ends()
    assert ended.code == 0, ended.err
    covers = {video["name"]: video["cover"] for video in emulator.videos()}
    assert covers == {"a.mp4": sha256(cover), "b.mp4": ""}
    (told,) = ended.named("video.not_told")
    assert told["code"] == "image_unfit"
    assert_published_once(emulator.videos(), files)
    states = {row["path"][-5:]: row["cover"] for row in (await daemon.status())["uploads"]}
    assert states == {"a.mp4": "set", "b.mp4": "refused"}
    tokens = [json.loads(path.read_text())["token"] for path in emulator.options.data_dir.glob("photos/*")]
    assert len(tokens) == 1
    assert tokens[0] not in ended.text


async def test_a_cover_is_brought_once_whatever_the_process_dies_at(start: Any) -> None:
    emulator, daemon = await start()
    (daemon.drop / "a.jpg").write_bytes(JPEG)
    daemon.file("a.mp4", 100 * KB)
    with emulator.faults.active("stall_answer", method=UPDATE, after=1, times=1) as fault:
        async with daemon.started("run") as running:
            await until(lambda: fault.fired)
            await running.kill()
    assert (await daemon.ends()).code == 0
    assert [video["cover"] != "" for video in emulator.videos()] == [True]
    assert calls(emulator, "photo.upload") == 1


async def test_a_person_has_the_metadata_told_anew(start: Any) -> None:
    emulator, daemon = await start()
    daemon.file("a.mp4", 100 * KB)
    assert (await daemon.ends()).code == 0
    daemon.watch(title="New {{ stem }}")
    async with daemon.staying() as running:
        ended = await daemon.ends("update", "1")
        assert ended.code == 0, ended.err
        await running.tells("video.updated")
    assert [video["title"] for video in published(emulator.videos())] == ["New a"]
    shown = json.loads((await daemon.ends("show", "1", "--json")).out)
    assert [step["note"] for step in shown["history"]][-1] == "the metadata was told anew"
