"""Who has a file open for writing, by what the kernel shows of real processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from okdrop.inbox import writers
from okdrop.inbox.revision import revision_at
from okdrop.inbox.writers import FRESH, SHARE, OpenFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from okdrop.drop import Revision

HOLDER = "import sys; file = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextlib.contextmanager
def held(path: Path, mode: str) -> Iterator[int]:
    """Another process has a file open; gives its number."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"open\n"
        yield process.pid
        process.stdin.close()


def asked(*paths: Path) -> dict[bytes, Revision]:
    found = {os.fsencode(path): revision_at(os.fsencode(path)) for path in paths}
    return {path: revision for path, revision in found.items() if revision is not None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"x")
    return file


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_files(clock: Clock) -> OpenFiles:
    return OpenFiles(clock)


@pytest.mark.parametrize("mode", ["a", "r+"])
def test_a_writer_is_named(open_files: OpenFiles, path: Path, mode: str) -> None:
    with held(path, mode) as number:
        found = open_files.writers(asked(path))
        name = Path(f"/proc/{number}/comm").read_text().strip()
    assert found == {os.fsencode(path): f"{name}, pid {number}"}


def test_a_reader_is_none(open_files: OpenFiles, path: Path) -> None:
    with held(path, "r"):
        assert open_files.writers(asked(path)) == {}


def test_another_file_of_the_same_name_is_none(open_files: OpenFiles, path: Path) -> None:
    other = path.parent / "other" / path.name
    other.parent.mkdir()
    other.write_bytes(b"y")
    with held(other, "a"):
        assert open_files.writers(asked(path)) == {}


def test_what_is_renamed_while_it_is_written_is_seen_under_its_new_name(
    open_files: OpenFiles, path: Path
) -> None:
    with held(path, "a"):
        renamed = path.rename(path.with_name("renamed.mp4"))
        assert open_files.writers(asked(renamed))


def test_a_name_of_any_bytes_is_found(open_files: OpenFiles, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"new\nline \xff.mp4")
    path.write_bytes(b"x")
    with held(path, "a"):
        assert open_files.writers(asked(path))


def test_we_are_not_our_own_writer(open_files: OpenFiles, path: Path) -> None:
    with path.open("ab"):
        assert open_files.writers(asked(path)) == {}


def test_one_walk_serves_many_files_and_a_while(
    open_files: OpenFiles, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.mp4" for number in range(50)]
    for path in paths:
        path.touch()
    walks = 0
    found = writers._found

    def counted(*arguments: object) -> object:
        nonlocal walks
        walks += 1
        return found(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(writers, "_found", counted)
    with held(paths[7], "a"):
        for _ in range(3):
            seen = open_files.writers(asked(*paths))
            assert seen is not None
            assert {*seen} == {os.fsencode(paths[7])}
        assert walks == 1
        clock.now += FRESH
        open_files.writers(asked(*paths))
    assert walks == 2


def test_what_the_last_walk_did_not_look_for_waits_until_the_next_one_is_due(
    open_files: OpenFiles, clock: Clock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_arguments: object) -> list[object]:
        clock.now += 0.5
        return []

    monkeypatch.setattr(writers, "_found", slow)
    assert open_files.writers(asked(path)) == {}
    late = path.with_name("late.mp4")
    late.touch()
    assert open_files.writers(asked(late)) is None
    clock.now += 0.5 * SHARE
    assert open_files.writers(asked(late)) == {}


def test_a_walk_is_bounded(path: Path) -> None:
    with held(path, "a"):
        assert not list(writers._found(b"/proc", {os.fsencode(path.name)}, at_most=0))


def test_nothing_is_asked_about_no_file(tmp_path: Path) -> None:
    assert OpenFiles(Clock(), os.fsencode(tmp_path / "nowhere")).writers({}) == {}


@pytest.mark.parametrize("comm", [b"", b"\xff\x1b[2J\n", b"two words\n"])
def test_the_name_of_a_process_is_shown_safely(tmp_path: Path, comm: bytes) -> None:
    (tmp_path / "comm").write_bytes(comm)
    words = writers._called(os.fsencode(tmp_path), b"12")
    assert words.isprintable()
    assert words.endswith(", pid 12")


def test_where_the_kernel_shows_nothing_nobody_is_seen(tmp_path: Path, path: Path) -> None:
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "self").mkdir()
    assert OpenFiles(Clock(), os.fsencode(tmp_path / "proc")).writers(asked(path)) == {}


def test_files_that_are_called_otherwise_are_not_looked_at(
    open_files: OpenFiles, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look may hang, with a mount of somebody else."""
    other = path.with_name("other.mp4")
    other.touch()
    looked: list[object] = []
    monkeypatch.setattr(writers, "_flags", lambda info: looked.append(info) or os.O_WRONLY)
    with held(other, "a"):
        assert open_files.writers(asked(path)) == {}
    assert looked == []
