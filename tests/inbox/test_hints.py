"""The kernel's events by way of watchfiles: real folders, real events, and what breaks a watch."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from okdrop.inbox import hints as module
from okdrop.inbox.hints import MANY, Hints, NoHints, is_undecodable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from okdrop.inbox.walk import Identity


@pytest.fixture
async def hints() -> AsyncIterator[Hints]:
    watching = Hints()
    yield watching
    watching.close()


def folders(*paths: Path) -> dict[bytes, Identity]:
    return {os.fsencode(path): (4000, number) for number, path in enumerate(paths)}


async def hinted(hints: Hints, path: Path | bytes) -> None:
    """Wait until there was a hint of this path."""
    async with asyncio.timeout(10):
        while os.fsencode(path) not in await hints.wait(10):
            pass


async def test_a_file_that_appears_or_grows_or_goes_is_hinted_at(hints: Hints, tmp_path: Path) -> None:
    await hints.watch(folders(tmp_path))
    path = tmp_path / "new\nline \N{CLAPPER BOARD}.mp4"
    path.write_bytes(b"x")
    await hinted(hints, path)
    with path.open("ab") as file:
        file.write(b"y")
    await hinted(hints, path)
    path.rename(tmp_path / "renamed.mp4")
    await hinted(hints, tmp_path / "renamed.mp4")
    (tmp_path / "renamed.mp4").unlink()
    await hinted(hints, tmp_path / "renamed.mp4")


async def test_only_the_named_folders_are_watched(hints: Hints, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    await hints.watch(folders(tmp_path))
    (tmp_path / "below" / "a.mp4").touch()
    (tmp_path / "b.mp4").touch()
    assert await hints.wait(10) == {os.fsencode(tmp_path / "b.mp4")}


async def test_a_watch_is_replaced_without_a_gap(hints: Hints, tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    await hints.watch(folders(tmp_path))
    await hints.watch(folders(tmp_path, below))
    assert hints.folders == folders(tmp_path, below)
    (below / "a.mp4").touch()
    await hinted(hints, below / "a.mp4")


async def test_what_happened_just_before_a_watch_is_replaced_is_told(hints: Hints, tmp_path: Path) -> None:
    """However often that is: each of them gathers its last hints for a while."""
    await hints.watch(folders(tmp_path))
    wanted = set()
    for number in range(4):
        path = tmp_path / f"{number}.mp4"
        path.touch()
        wanted.add(os.fsencode(path))
        await hints.watch(folders(tmp_path))
    async with asyncio.timeout(10):
        while wanted:
            wanted -= await hints.wait(10)


def watching() -> int:
    return [thread.name for thread in threading.enumerate()].count("hints")


async def test_there_are_never_more_than_two_watches_and_one_in_the_end(hints: Hints, tmp_path: Path) -> None:
    before = watching()
    for _ in range(4):
        await hints.watch(folders(tmp_path))
        assert watching() <= before + 2
    async with asyncio.timeout(10):
        while watching() > before + 1:
            await hints.wait(0.1)
    (tmp_path / "a.mp4").touch()
    await hinted(hints, tmp_path / "a.mp4")


async def test_a_watch_that_was_replaced_says_of_no_folder_that_it_is_watched_no_more(
    hints: Hints, tmp_path: Path
) -> None:
    """It hears that a folder came which the next one watches."""
    await hints.watch(folders(tmp_path))
    below = tmp_path / "below"
    below.mkdir()
    await hints.watch(folders(tmp_path, below))
    await hinted(hints, below)
    assert hints.folders == folders(tmp_path, below)


async def test_what_a_replaced_watch_could_not_tell_is_told_as_a_loss(hints: Hints, tmp_path: Path) -> None:
    await hints.watch(folders(tmp_path))
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff.mp4", os.O_CREAT))
    await hints.watch(folders(tmp_path))
    with pytest.raises(NoHints, match="not UTF-8"):
        await hinted(hints, tmp_path)


async def test_symbolic_links_are_not_followed(hints: Hints, tmp_path: Path) -> None:
    watched, outside = tmp_path / "watched", tmp_path / "outside"
    watched.mkdir()
    outside.mkdir()
    (watched / "link").symlink_to(outside, target_is_directory=True)
    await hints.watch(folders(watched))
    (outside / "a.mp4").touch()
    (watched / "b.mp4").touch()
    assert await hints.wait(10) == {os.fsencode(watched / "b.mp4")}


async def test_a_folder_that_was_removed_or_renamed_is_watched_no_more(hints: Hints, tmp_path: Path) -> None:
    """Though another one lies there: the kernel watches folders, not paths."""
    removed, renamed, stays = (tmp_path / name for name in ("removed", "renamed", "stays"))
    for folder in (removed, renamed, stays):
        folder.mkdir()
    await hints.watch(folders(tmp_path, removed, renamed, stays))
    removed.rmdir()
    removed.mkdir()
    renamed.rename(tmp_path / "away")
    renamed.mkdir()
    stays.chmod(0o700)
    await hinted(hints, stays)
    assert set(hints.folders) == {os.fsencode(tmp_path), os.fsencode(stays)}


async def test_nothing_happens_is_an_answer(hints: Hints, tmp_path: Path) -> None:
    await hints.watch(folders(tmp_path))
    assert await hints.wait(0.01) == set()


async def test_without_a_watch_time_runs_out(hints: Hints) -> None:
    assert await hints.wait(0.01) == set()


async def test_a_name_that_is_not_utf8_ends_a_watch_and_another_can_begin(
    hints: Hints, tmp_path: Path
) -> None:
    await hints.watch(folders(tmp_path))
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff.mp4", os.O_CREAT))
    with pytest.raises(NoHints, match="not UTF-8") as ended:
        await hinted(hints, tmp_path)
    assert ended.value.message.endswith(f": {tmp_path}/\\xFF.mp4")
    assert ended.value.hint.startswith("rename it; meanwhile every file is still found")
    assert not hints.folders
    await hints.watch(folders(tmp_path))
    (tmp_path / "beside.mp4").touch()
    await hinted(hints, tmp_path / "beside.mp4")


async def test_folders_that_are_not_utf8_or_vanished_are_left_to_the_scans(
    hints: Hints, tmp_path: Path
) -> None:
    bad = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(bad)  # noqa: PTH102 - the path is bytes
    await hints.watch(folders(tmp_path, tmp_path / "vanished") | {bad: (4000, 2)})
    (tmp_path / "a.mp4").touch()
    await hinted(hints, tmp_path / "a.mp4")


async def test_a_folder_that_may_not_be_read_does_not_spoil_the_rest(
    hints: Hints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Played, since the tests may be run by somebody who may read everything."""
    locked = tmp_path / "locked"
    real = module._rust_notify.RustNotify

    def refuse(paths: list[str], *rest: Any) -> Any:
        if str(locked) in paths:
            raise PermissionError(13, "Permission denied")
        return real(paths, *rest)

    monkeypatch.setattr(module._rust_notify, "RustNotify", refuse)
    await hints.watch(folders(tmp_path, locked))
    (tmp_path / "a.mp4").touch()
    await hinted(hints, tmp_path / "a.mp4")


async def test_no_folder_is_nothing_to_watch(hints: Hints, tmp_path: Path) -> None:
    with pytest.raises(NoHints, match="no folder"):
        await hints.watch(folders(tmp_path / "none"))


class Panic(BaseException):
    pass


@pytest.mark.parametrize(
    "error", [Panic("mutex poisoned"), OSError(5, "Input/output error"), RuntimeError("")]
)
async def test_whatever_a_watch_raises_ends_it_in_words(
    hints: Hints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    class Raising:
        def watch(self, *_: object) -> NoReturn:
            raise error

        def close(self) -> None:
            closed.set()

    closed = threading.Event()
    monkeypatch.setattr(module._rust_notify, "RustNotify", lambda *_: Raising())
    await hints.watch(folders(tmp_path))
    with pytest.raises(NoHints) as caught:
        await hints.wait(10)
    assert caught.value.message in {str(error), type(error).__name__}
    assert closed.wait(10)


async def test_what_another_watch_raises_when_it_begins_is_told(
    hints: Hints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise Panic

    monkeypatch.setattr(module._rust_notify, "RustNotify", refuse)
    with pytest.raises(NoHints, match="Panic"):
        await hints.watch(folders(tmp_path))


async def test_the_end_of_a_watch_that_was_closed_is_no_news(hints: Hints, tmp_path: Path) -> None:
    await hints.watch(folders(tmp_path))
    closed = hints._watch
    assert closed is not None
    hints.close()
    hints._end(closed, "too late")
    assert await hints.wait(0.01) == set()


async def test_a_loss_is_told_though_another_watch_began_since(hints: Hints, tmp_path: Path) -> None:
    await hints.watch(folders(tmp_path))
    assert hints._watch is not None
    hints._end(hints._watch, "the disk is gone")
    await hints.watch(folders(tmp_path))
    with pytest.raises(NoHints, match="the disk is gone"):
        await hints.wait(10)


async def test_what_nobody_takes_is_bounded(hints: Hints, tmp_path: Path) -> None:
    await hints.watch(folders(tmp_path))
    assert hints._watch is not None
    for start in range(0, 3 * MANY, 100):
        hints._hinted(hints._watch, {(1, b"/drop/%d.mp4" % number) for number in range(start, start + 100)})
    assert MANY < len(await hints.wait(0)) < 2 * MANY


LIMITED = """
import asyncio, os, sys
from okdrop.config.watch import Watching
from okdrop.inbox.hints import Hints, NoHints
from okdrop.inbox.watching import look
place = os.fsencode(sys.argv[1])
names = {name: (1, 1) for name in [place] + [place + b"/%d" % number for number in range(8)]}
for name in names.keys() - {place}:
    os.mkdir(name)
async def main():
    try:
        await Hints().watch(names)
    except NoHints as refusal:
        print(refusal.message, "|", refusal.hint, "|", look(Watching.AUTO, names).in_words(5))
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("limit", "granted", "said"),
    [("max_inotify_watches", 2, "limit of watches"), ("max_inotify_instances", 0, "limit of watchers")],
)
def test_a_limit_of_the_kernel_is_told_with_what_raises_it(
    tmp_path: Path, limit: str, granted: int, said: str
) -> None:
    script = f'echo {granted} > /proc/sys/user/{limit} && exec "$0" "$@"'
    within = ["unshare", "--user", "--map-root-user", "sh", "-c", script]
    if subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces")
    ended = subprocess.run(
        [*within, sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    message, hint, mode = ended.stdout.strip().split(" | ")
    assert said in message
    assert "sysctl" in hint
    assert mode == f"polling every 5 s: {message}"


def test_the_end_of_a_watch_for_a_name_is_told_from_any_other() -> None:
    assert is_undecodable('unable to decode path "/drop/\\xFF.mp4"')
    assert not is_undecodable("mutex poisoned")
