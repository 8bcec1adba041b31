"""ffprobe as a child: a real one where it is installed, and such as hang, crash, or talk too much."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.inbox import ffprobe
from okdrop.inbox.ffprobe import MOST, NoProbeError, probe

if TYPE_CHECKING:
    from collections.abc import Callable

has_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None, reason="ffmpeg is not installed"
)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=5:duration=2"),
            *("-metadata", "title=Ёлки", "-metadata", "artist=Me", path),
        ],
        check=True,
    )
    return path


@has_ffmpeg
def test_what_a_real_file_says(clip: Path) -> None:
    media = probe("ffprobe", bytes(clip))
    assert (media.width, media.height, media.tags["title"], media.tags["artist"]) == (320, 240, "Ёлки", "Me")
    assert media.duration == pytest.approx(2.0, abs=0.1)


@has_ffmpeg
@pytest.mark.parametrize(
    "name",
    [
        *(b"-version.mp4", b"concat:a.mp4|b.mp4", b"http:__127.0.0.1:1_a.mp4", b"a%03d.mp4", b"pipe:0.mp4"),
        *(b"a b'c\"d$(id).mp4", b"\xff\xfe\n.mp4", b"file:x.mp4", b"?a=b#c.mp4"),
    ],
)
def test_no_name_is_taken_for_anything_but_a_file(clip: Path, tmp_path: Path, name: bytes) -> None:
    path = bytes(tmp_path) + b"/" + name
    os.link(clip, path)
    assert probe("ffprobe", path).tags["title"] == "Ёлки"


@has_ffmpeg
@pytest.mark.parametrize(
    "script",
    [
        "ffconcat version 1.0\nfile clip.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.mp4\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:1/clip.ts\n#EXT-X-ENDLIST\n",
    ],
    ids=["concat", "playlist", "playlist of another machine"],
)
def test_a_script_called_a_video_has_no_other_file_asked(clip: Path, tmp_path: Path, script: str) -> None:
    shutil.copy(clip, tmp_path)
    path = tmp_path / "x.mp4"
    path.write_text(script)
    with pytest.raises(NoProbeError, match="makes nothing of"):
        probe("ffprobe", bytes(path))


@has_ffmpeg
def test_a_file_that_is_none_or_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video" * 999)
    for name in ("x.mp4", "missing.mp4"):
        with pytest.raises(NoProbeError, match="makes nothing of"):
            probe("ffprobe", bytes(tmp_path / name))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "probe"


def does(program: Path, script: str) -> str:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("script", "words", "within"),
    [
        ("exit 1", "makes nothing of", 60.0),
        ("kill -SEGV $$", "makes nothing of", 60.0),
        ("echo nonsense", "makes nothing of", 60.0),
        ("exec yes '{}'", "says more than", 60.0),
        ("exec >&-; sleep 60", "does not end", 60.0),
        ("sleep 60", "gives no answer in time", 0.3),
        ("trap '' TERM INT HUP; while :; do sleep 60; done", "gives no answer in time", 0.3),
    ],
)
def test_one_that_fails_hangs_or_talks_too_much_is_told_and_ended(
    program: Path, script: str, words: str, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def begun(*arguments: Any, **keywords: Any) -> subprocess.Popen[bytes]:
        children.append(begin(*arguments, **keywords))
        return children[-1]

    monkeypatch.setattr(ffprobe.subprocess, "Popen", begun)
    with pytest.raises(NoProbeError, match=words):
        probe(does(program, script), b"/x.mp4", within=within)
    (child,) = children
    assert child.returncode is not None  # it was seen to its end


def test_its_answer_may_come_in_pieces_and_its_complaints_are_not_heard(program: Path) -> None:
    command = does(
        program, """echo complaint >&2; printf '{"format": '; sleep 0.05; echo '{"duration": 5}}'"""
    )
    assert probe(command, b"/x.mp4").duration == 5.0


def test_one_that_is_not_there_is_told() -> None:
    with pytest.raises(NoProbeError, match="no-such-program is not installed"):
        probe("no-such-program", b"/x.mp4")


def test_one_that_cannot_be_started_is_told(program: Path) -> None:
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    with pytest.raises(NoProbeError, match="cannot be started"):
        probe(str(program), b"/x.mp4")


def test_when_nobody_waits_any_more_it_is_ended_with_what_it_started(program: Path) -> None:
    number, unwanted = program.parent / "number", threading.Event()
    command = does(program, f"sleep 600 & echo $! > {number}.new; mv {number}.new {number}; wait")
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(probe, command, b"/x.mp4", within=60.0, unwanted=unwanted)
        wait_until(number.exists)
        unwanted.set()
        with pytest.raises(NoProbeError, match="nobody waits"):
            asked.result()
    wait_until(lambda: has_ended(int(number.read_text())))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def has_ended(process: int) -> bool:
    """Whether it is gone, or nobody has taken note of its end yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_its_whole_answer_is_bounded(program: Path) -> None:
    padding = "x" * 1000
    command = does(
        program, f"""printf '{{"a": "'; head -c {MOST} /dev/zero | tr '\\0' x; echo '"}}' # {padding}"""
    )
    with pytest.raises(NoProbeError, match="says more than"):
        probe(command, b"/x.mp4")
