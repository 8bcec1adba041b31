"""Sidecars, as the real process meets them: there before, late, half written, broken, and hostile."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, published, shell, until

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.harness import Daemon
    from okdrop.emulator import Emulator


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


def beside(video: Path, text: str, suffix: str = ".json") -> Path:
    path = video.with_suffix(suffix)
    path.write_text(text)
    return path


async def test_what_it_says_is_published_and_it_is_no_video(daemon: Daemon, emulator: Emulator) -> None:
    video = daemon.file("talk.mp4", 50 * KB)
    beside(video, json.dumps({"title": "A talk", "tags": ["a", "b"], "privacyStatus": "private"}))
    beside(video, "What it is about", ".txt")
    ended = await daemon.ends("run", "--once")
    assert ended.code == 0, ended.text
    (one,) = published(emulator.videos())
    assert (one["title"], one["description"], one["tags"], one["privacy"]) == (
        "A talk",
        "What it is about",
        "a,b",
        "FRIENDS",
    )


async def test_one_that_comes_late_is_waited_for_while_the_bytes_are_sent(
    daemon: Daemon, emulator: Emulator
) -> None:
    daemon.watch(sidecar_wait="1h")
    async with daemon.staying() as running:
        video = daemon.file("talk.mp4", 50 * KB)
        told = await running.tells("upload.awaits_sidecar")
        assert "sidecar_wait" in told["reason"]
        (one,) = emulator.videos()
        assert (one["whole"], one["published"]) == (True, False)
        (row,) = (await daemon.status())["uploads"]
        assert (row["state"], row["awaits"]) == ("finalizing", "sidecar_awaited")
        assert "waits for a sidecar" in (await daemon.ends("status")).out
        assert "waits for a sidecar" in (await daemon.ends("explain", str(video))).out
        beside(video, '{"title": "Late"}')
        await until(lambda: published(emulator.videos()))
    assert published(emulator.videos())[0]["title"] == "Late"


async def test_a_kill_begins_no_wait_anew_and_sends_nothing_again(daemon: Daemon, emulator: Emulator) -> None:
    daemon.watch(sidecar_wait="1h")
    async with daemon.started("run") as running:
        video = daemon.file("talk.mp4", 50 * KB)
        await running.tells("upload.awaits_sidecar")
        await running.kill()
    beside(video, '{"title": "While it was away"}')
    async with daemon.staying():
        await until(lambda: published(emulator.videos()))
    (one,) = emulator.videos()
    assert (one["title"], one["whole"]) == ("While it was away", True)


async def test_when_the_wait_is_over_it_is_published_without(daemon: Daemon, emulator: Emulator) -> None:
    daemon.watch(sidecar_wait="300ms")
    daemon.file("talk.mp4", 50 * KB)
    ended = await daemon.ends("run", "--once")
    assert ended.code == 0, ended.text
    assert published(emulator.videos())[0]["title"] == "talk"


async def test_a_broken_one_holds_its_video_alone_until_it_is_mended(
    daemon: Daemon, emulator: Emulator
) -> None:
    video = daemon.file("broken.mp4", 50 * KB)
    beside(video, '{"title": "half')
    daemon.file("sound.mp4", 40 * KB)
    ended = await daemon.ends("run", "--once")
    assert ended.code == 1
    assert [one["title"] for one in published(emulator.videos())] == ["sound"]
    (failed,) = ended.named("upload.failed")
    assert failed["code"] == "sidecar_broken"
    assert "no JSON" in failed["message"]
    assert "retry" in failed["hint"]
    beside(video, '{"title": "Mended"}')
    assert (await daemon.ends("retry", "--failed")).code == 0
    assert (await daemon.ends("run", "--once")).code == 0
    assert {one["title"] for one in published(emulator.videos())} == {"sound", "Mended"}
    assert len(emulator.videos()) == 2


@pytest.mark.parametrize("kind", ["pipe", "link", "huge", "bomb"])
async def test_a_hostile_one_blocks_nothing(daemon: Daemon, emulator: Emulator, kind: str) -> None:
    video = daemon.file("a.mp4", 50 * KB)
    path = video.with_suffix(".nfo")
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to("/etc/passwd")
        case "huge":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        case _:
            path.write_text('<!DOCTYPE m [<!ENTITY a "aaa">]><movie><title>&a;</title></movie>')
    daemon.file("b.mp4", 40 * KB)
    daemon.watch(broken_sidecar="ignore")
    ended = await daemon.ends("run", "--once")
    assert ended.code == 0, ended.text
    assert {one["title"] for one in published(emulator.videos())} == {"a", "b"}
    (told,) = ended.named("metadata.remark")
    assert told["reason"].startswith("a.nfo: it ")


async def test_a_title_given_by_a_person_goes_before_it(
    daemon: Daemon, emulator: Emulator, tmp_path: Path
) -> None:
    video = tmp_path / "talk.mp4"
    daemon.file("x.mp4", 50 * KB).rename(video)
    beside(video, '{"title": "By the sidecar", "tags": ["a"]}')
    assert (await daemon.ends("upload", str(video), "--title", "By hand")).code == 0
    (one,) = published(emulator.videos())
    assert (one["title"], one["tags"]) == ("By hand", "a")


@pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None, reason="ffmpeg is not installed"
)
async def test_what_a_real_container_says_is_published(daemon: Daemon, emulator: Emulator) -> None:
    clip = daemon.place / "clip.mp4"
    await shell(
        *("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=3"),
        *("-metadata", "title=Inside", str(clip)),
    )
    clip.rename(daemon.drop / "clip.mp4")
    daemon.watch(title="{{ media.title or stem }}, {{ height }}p, {{ duration | round | int }} s")
    ended = await daemon.ends("run", "--once")
    assert ended.code == 0, ended.text
    assert published(emulator.videos())[0]["title"] == "Inside, 240p, 3 s"


@pytest.mark.parametrize("program", ["", "no-such-program", "/bin/false"])
async def test_without_ffprobe_the_rest_is_published(
    daemon: Daemon, emulator: Emulator, program: str
) -> None:
    daemon.file("clip.mp4", 50 * KB)
    daemon.set(metadata__ffprobe=program)
    daemon.watch(title="{{ media.title or stem }}")
    ended = await daemon.ends("run", "--once")
    assert ended.code == 0, ended.text
    assert published(emulator.videos())[0]["title"] == "clip"
    assert len(ended.named("metadata.remark")) == 1
