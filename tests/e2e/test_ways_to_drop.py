"""A table of ways in which real tools put files into a folder, all of them into one running daemon.

Each row says what it dropped and sees to it, at the last moment before its end, that nothing was taken yet.
In the end each file is one published video, byte for byte, or is told why it is not. Tools that are not
installed are skipped in words.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from e2e.harness import KB, assert_no_litter, published, record, seeded, sha256, shell, until
from okdrop.events import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from e2e.harness import Running

SETTLE: Final = 1.0
LONGER: Final = 1.6
"""Seconds: a pause of a writer that is longer than `settle`."""

SIZE: Final = 100 * KB
MANY: Final = 200
TEN_THOUSAND: Final = 10_000

LIVE: Final = 60.0
PAUSES: Final = 4
"""Seconds that are recorded live, and how often nothing comes for `LONGER`."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the other file system that every Linux has

FAST_COPY: Final = """
import os, sys, time
size, pause = int(sys.argv[2]), float(sys.argv[3])
with open(sys.argv[1], "wb") as file:
    os.posix_fallocate(file.fileno(), 0, size)
    for at in range(0, size, size // 4 + 1):
        time.sleep(pause)
        os.pwrite(file.fileno(), sys.stdin.buffer.read(min(size // 4 + 1, size - at)), at)
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a row drops, and how it looks whether something was taken."""

    drop: Path  #: a folder of its own in the watched one
    elsewhere: Path  #: a place on the same file system
    running: Running

    def video(self, name: str, size: int = SIZE) -> Path:
        """A file that is finished, and lies elsewhere."""
        path = self.elsewhere / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeded(size, (self.drop.name, name)))
        return path

    def refuse_taken(self, path: Path) -> None:
        """The file is not finished; so nobody has taken it."""
        took = {told["path"] for told in self.running.told("file.settled")}
        assert shown(os.fsencode(path)) not in took, f"{path.name} was taken before its end"


def is_another_file_system(one: Path, other: Path) -> bool:
    return one.is_dir() and one.stat().st_dev != other.stat().st_dev


# --- copies and renames -------------------------------------------------------------------------------


async def cp(ground: Ground) -> list[Path]:
    await shell("cp", "--preserve=timestamps", ground.video("copied.mp4"), ground.drop)
    return [ground.drop / "copied.mp4"]


async def mv(ground: Ground) -> list[Path]:
    await shell("mv", ground.video("moved.mp4"), ground.drop)
    return [ground.drop / "moved.mp4"]


async def mv_from_another_file_system(ground: Ground) -> list[Path]:
    if not is_another_file_system(MEMORY, ground.drop):
        pytest.skip("there is no other file system")
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        await shell("mv", shutil.move(ground.video("from memory.mp4"), place), ground.drop)
    return [ground.drop / "from memory.mp4"]


async def rsync(ground: Ground) -> list[Path]:
    await shell(
        "rsync", "--archive", "--bwlimit=200", ground.video("synced.mp4", 300 * KB), f"{ground.drop}/"
    )
    return [ground.drop / "synced.mp4"]


async def rsync_in_place(ground: Ground) -> list[Path]:
    source = ground.video("in place.mp4", 300 * KB)
    await shell("rsync", "--archive", "--inplace", "--bwlimit=200", source, f"{ground.drop}/")
    return [ground.drop / "in place.mp4"]


async def under_another_name_until_it_is_there(ground: Ground) -> list[Path]:
    """As browsers, WinSCP and many an FTP client do; a rename is prompt to be seen."""
    wanted = []
    for ending in ("part", "filepart", "crdownload", "tmp"):
        partial = ground.drop / f"{ending}.mp4.{ending}"
        await record(partial, seeded(SIZE, ending), pieces=2, pause=LONGER / 4, mode="reopening")
        ground.refuse_taken(partial)
        wanted.append(partial.rename(ground.drop / f"{ending}.mp4"))
    return wanted


async def a_folder_moved_in(ground: Ground) -> list[Path]:
    names = ("a.mp4", "deep/b.mp4", "deep/er/c.mp4")
    for name in names:
        ground.video(f"season/{name}", 40 * KB)
    await shell("mv", ground.elsewhere / "season", ground.drop)
    return [ground.drop / "season" / name for name in names]


async def many_at_once(ground: Ground) -> list[Path]:
    names = [f"clip-{number}.mp4" for number in range(MANY)]
    for name in names:
        ground.video(f"many/{name}", 17 * KB)
    await shell("cp", "--recursive", ground.elsewhere / "many", ground.drop)
    return [ground.drop / "many" / name for name in names]


async def a_hard_link(ground: Ground) -> list[Path]:
    path = ground.drop / "linked.mp4"
    path.hardlink_to(ground.video("original.mp4"))
    return [path]


async def a_sparse_file(ground: Ground) -> list[Path]:
    path = ground.video("sparse.mp4", 20 * KB)
    os.truncate(path, 300 * KB)
    await shell("cp", "--sparse=always", path, ground.drop)
    return [ground.drop / "sparse.mp4"]


# --- written while we look ----------------------------------------------------------------------------


async def grown_with_pauses_while_it_is_held_open(ground: Ground) -> list[Path]:
    path = ground.drop / "growing.mp4"
    content = seeded(SIZE, "growing")
    writing = asyncio.create_task(record(path, content, pieces=3, pause=LONGER, mode="holding"))
    while path.stat().st_size < len(content) if path.exists() else True:
        if path.exists():
            ground.refuse_taken(path)
        await asyncio.sleep(0.1)  # its own rhythm
    await writing
    return [path]


async def given_its_size_first_and_filled_then(ground: Ground) -> list[Path]:
    """As some copying tools do: from the begin it is as large as in the end."""
    path, size = ground.drop / "filled.mp4", SIZE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FAST_COPY, path, str(size), str(LONGER / 2), stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(seeded(size, "filled"))
    assert process.returncode == 0
    return [path]


def ffmpeg(path: Path, seconds: float, *more: str) -> tuple[str, ...]:
    """Record a moving picture in real time."""
    source = f"testsrc2=size=320x240:rate=10:duration={seconds}"
    quiet = ("-nostdin", "-loglevel", "error", "-y")
    return ("ffmpeg", *quiet, "-re", "-f", "lavfi", "-i", source, "-c:v", "mpeg4", *more, str(path))


async def recorded_by_ffmpeg_for_a_minute(ground: Ground) -> list[Path]:
    """In each form that is recorded live, with pauses in which nothing comes."""
    paths = [ground.drop / f"live.{kind}" for kind in ("mp4", "mkv", "ts")]
    recorders = [await asyncio.create_subprocess_exec(*ffmpeg(path, LIVE)) for path in paths]
    for _ in range(PAUSES):
        await asyncio.sleep(LIVE / (PAUSES + 1))
        for recorder in recorders:
            recorder.send_signal(signal.SIGSTOP)
        await asyncio.sleep(LONGER)
        for path in paths:
            ground.refuse_taken(path)
        for recorder in recorders:
            recorder.send_signal(signal.SIGCONT)
    assert [await recorder.wait() for recorder in recorders] == [0, 0, 0]
    return paths


async def recorded_by_an_ffmpeg_that_pauses(ground: Ground) -> list[Path]:
    path = ground.drop / "paused.mkv"
    recorder = await asyncio.create_subprocess_exec(*ffmpeg(path, 2, "-flush_packets", "1"))
    await until(lambda: path.exists() and path.stat().st_size)
    recorder.send_signal(signal.SIGSTOP)
    await asyncio.sleep(LONGER)
    ground.refuse_taken(path)
    recorder.send_signal(signal.SIGCONT)
    assert await recorder.wait() == 0
    return [path]


async def recorded_by_an_ffmpeg_that_is_killed(ground: Ground) -> list[Path]:
    """Half an MP4 is no video: it is held, and says why."""
    path = ground.drop / "killed.mp4"
    recorder = await asyncio.create_subprocess_exec(*ffmpeg(path, 30, "-flush_packets", "1"))
    await until(lambda: path.exists() and path.stat().st_size > 20 * KB)
    recorder.kill()
    await recorder.wait()
    held = await until(
        lambda: [one for one in ground.running.told("upload.failed") if one["path"] == str(path)]
    )
    assert held[0]["code"] == "file_not_whole"
    return []


ROWS: Final[tuple[tuple[Callable[[Ground], Awaitable[list[Path]]], str], ...]] = (
    (cp, "cp"),
    (mv, "mv"),
    (mv_from_another_file_system, "mv"),
    (rsync, "rsync"),
    (rsync_in_place, "rsync"),
    (under_another_name_until_it_is_there, ""),
    (a_folder_moved_in, "mv"),
    (many_at_once, "cp"),
    (a_hard_link, ""),
    (a_sparse_file, "cp"),
    (grown_with_pauses_while_it_is_held_open, ""),
    (given_its_size_first_and_filled_then, ""),
    (recorded_by_ffmpeg_for_a_minute, "ffmpeg"),
    (recorded_by_an_ffmpeg_that_pauses, "ffmpeg"),
    (recorded_by_an_ffmpeg_that_is_killed, "ffmpeg"),
)
"""Each way, and the tool that it needs beside Python."""

Outcome = list[Path] | BaseException


@pytest.mark.timeout(240)
async def test_whatever_drops_a_file_it_is_taken_once_whole_and_not_before_its_end(
    start: Any, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    emulator, daemon = await start(settings={"upload__workers": "8", "log__level": "info"})
    daemon.watch(settle=f"{SETTLE}s", rescan="1h", unfinished_after="1s")
    async with daemon.staying() as running:
        if running.told("folder.watched")[0]["writers"] != "are seen":
            pytest.skip("writers cannot be seen on this file system")

        async def dropped(way: Callable[[Ground], Awaitable[list[Path]]], tool: str) -> list[Path]:
            if tool and shutil.which(tool) is None:
                pytest.skip(f"needs {tool}")
            ground = Ground(
                drop=daemon.drop / way.__name__, elsewhere=tmp_path / way.__name__, running=running
            )
            ground.drop.mkdir()
            ground.elsewhere.mkdir()
            return await way(ground)

        outcomes: list[Outcome] = await asyncio.gather(
            *(outcome_of(dropped(way, tool)) for way, tool in ROWS)
        )
        files = [path for outcome in outcomes if isinstance(outcome, list) for path in outcome]
        wanted = len({sha256(path) for path in files})
        with contextlib.suppress(TimeoutError):  # the row of what is not there says so
            await until(lambda: running.count("upload.published") >= wanted, within=120, every=0.2)
            # Whatever would be sent besides has had its time once a file that was dropped later is there.
            daemon.file("the last.mp4", SIZE)
            await until(lambda: running.count("upload.published") > wanted)
    states = await daemon.states()
    digests = [video["sha256"] for video in published(emulator.videos())]
    for (way, _), outcome in zip(ROWS, outcomes, strict=True):
        with subtests.test(way=way.__name__):
            if isinstance(outcome, BaseException):
                raise outcome
            odd = [path.name for path in outcome if digests.count(sha256(path)) != 1]
            assert {name: states.get(name) for name in odd} == {}
    assert len(digests) == wanted + 1
    assert_no_litter(emulator.videos())


async def outcome_of(dropping: Awaitable[list[Path]]) -> Outcome:
    """What a row dropped, or how it failed: the others go on."""
    try:
        return await dropping
    except (Exception, pytest.skip.Exception) as failure:  # noqa: BLE001 - told for its row
        return failure


@pytest.mark.timeout(240)
async def test_ten_thousand_files_at_once_are_taken_once_each(start: Any, tmp_path: Path) -> None:
    """That they are whole is seen with fewer of them; here OK takes none, since its token is no good."""
    emulator, daemon = await start(settings={"log__level": "info"})
    daemon.watch(settle=f"{SETTLE}s", rescan="1h")
    many = tmp_path / "many"
    many.mkdir()
    for number in range(TEN_THOUSAND):
        (many / f"clip-{number}.mp4").write_bytes(seeded(17 * KB, str(number)))
    with emulator.faults.active("api_error", code=102):
        async with daemon.staying() as running:
            await shell("cp", "--recursive", many, daemon.drop)
            await until(lambda: running.count("file.settled") >= TEN_THOUSAND, within=200, every=0.5)
    paths = [one["path"] for one in running.told("file.settled")]
    assert sorted(paths) == sorted(str(daemon.drop / "many" / path.name) for path in many.iterdir())
    assert emulator.videos() == []
