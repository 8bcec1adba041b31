from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from okdrop.inbox import lease
from okdrop.inbox.lease import Writer, can_see_writers, look_for_writer, prepare
from okdrop.names import PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")


@pytest.fixture(autouse=True)
def sigio_ignored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGIO)
    assert prepare()
    yield
    signal.signal(signal.SIGIO, before)


@pytest.fixture
def video(tmp_path: Path) -> bytes:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"video")
    return os.fsencode(path)


@contextlib.contextmanager
def opened_elsewhere(path: bytes, mode: str) -> Iterator[None]:
    """Another process holds the file open; on leaving it has closed it and ended."""
    program = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, path, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"open\n"
        yield
        child.stdin.close()
        assert child.wait() == 0


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_writer_of_another_process_is_seen_until_it_closes(video: bytes, mode: str) -> None:
    with opened_elsewhere(video, mode):
        assert look_for_writer(video) is Writer.WRITING
    assert look_for_writer(video) is Writer.NONE


def test_readers_do_not_matter(video: bytes) -> None:
    with opened_elsewhere(video, "rb"):
        assert look_for_writer(video) is Writer.NONE


def descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def test_no_lease_and_no_descriptor_is_kept(video: bytes) -> None:
    before = descriptors()
    assert look_for_writer(video) is Writer.NONE
    assert descriptors() == before
    os.close(os.open(video, os.O_WRONLY | os.O_NONBLOCK))  # would fail with EAGAIN under a lease


def test_somebody_elses_write_lease_means_a_writer(video: bytes) -> None:
    """A file server that caches writes for its client holds one; it may not make us wait."""
    program = (
        "import fcntl, os, signal, sys\n"
        "signal.signal(signal.SIGIO, signal.SIG_IGN)\n"
        "fd = os.open(sys.argv[1], os.O_RDWR)\n"
        "fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n"
        "print('leased', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, video], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"leased\n"
        assert look_for_writer(video) is Writer.WRITING
        child.stdin.close()


BREAKING = """
import fcntl, os, signal, subprocess, sys
from okdrop.inbox import lease
signal.signal(signal.SIGIO, signal.SIG_DFL)
if sys.argv[2] == "prepared":
    lease.prepare()
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
writer = subprocess.run(
    [sys.executable, "-c", "import os, sys; os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)", sys.argv[1]],
    stderr=subprocess.PIPE, check=False)
assert b"BlockingIOError" in writer.stderr, writer.stderr
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
print("alive")
"""


@pytest.mark.parametrize(("how", "end"), [("prepared", (0, b"alive\n")), ("bare", (-signal.SIGIO, b""))])
def test_a_broken_lease_kills_only_a_process_that_was_not_prepared(
    video: bytes, how: str, end: tuple[int, bytes]
) -> None:
    package = Path(lease.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", BREAKING, video, how],
        env={**os.environ, "PYTHONPATH": str(package)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stdout) == end


def test_no_lease_is_taken_while_sigio_would_kill(video: bytes) -> None:
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    assert look_for_writer(video) is Writer.UNKNOWN


def in_a_thread(call: object) -> object:
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def test_preparing_off_the_main_thread_changes_nothing_and_says_so(video: bytes) -> None:
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    assert in_a_thread(prepare) is False
    assert in_a_thread(lambda: look_for_writer(video)) is Writer.UNKNOWN


def test_once_prepared_any_thread_may_look(video: bytes) -> None:
    assert prepare()
    assert in_a_thread(prepare) is True
    assert in_a_thread(lambda: look_for_writer(video)) is Writer.NONE


def test_what_is_no_readable_file_is_unknown_and_never_waited_for(tmp_path: Path, video: bytes) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    for name in ("pipe.mp4", "link.mp4", "nothing.mp4", ""):
        assert look_for_writer(os.fsencode(tmp_path / name)) is Writer.UNKNOWN
    assert look_for_writer(video) is Writer.NONE


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.ENOLCK])
def test_any_other_refusal_is_unknown(video: bytes, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """The refusals are invented: root may lease any file, and the file system of the test has leases."""

    def refuse(_descriptor: int, _command: int, _argument: int = 0) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert look_for_writer(video) is Writer.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "writer"), [("ext4", Writer.WRITING), ("nfs4", Writer.UNKNOWN), ("cifs", Writer.UNKNOWN)]
)
def test_a_refusal_on_a_network_mount_need_not_mean_a_writer(
    tmp_path: Path, video: bytes, monkeypatch: pytest.MonkeyPatch, kind: str, writer: Writer
) -> None:
    """The mount is invented: NFS refuses a lease whenever its server gave no delegation."""
    device = Path(os.fsdecode(video)).stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"21 1 0:999 / /proc rw - proc proc rw\n"
        f"36 35 {os.major(device)}:{os.minor(device)} / /srv/a\\040b rw shared:1 - {kind} host:/x rw\n"
    )
    monkeypatch.setattr("okdrop.inbox.mounts.MOUNTS", mounts)
    with opened_elsewhere(video, "ab"):
        assert look_for_writer(video) is writer


def test_writers_can_be_seen_in_an_ordinary_folder_and_the_probe_is_gone(tmp_path: Path) -> None:
    assert can_see_writers(os.fsencode(tmp_path)) is True
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("size", "age", "name", "stays"),
    [
        (0, 61.0, f"{PROBE}x", False),
        (0, 30.0, f"{PROBE}x", True),  # another okdrop's, in use
        (1, 61.0, f"{PROBE}x", True),
        (0, 61.0, "a.mp4", True),
    ],
)
def test_an_empty_probe_of_a_run_that_was_killed_is_swept_up_and_nothing_else(
    tmp_path: Path, *, size: int, age: float, name: str, stays: bool
) -> None:
    left = tmp_path / name
    left.write_bytes(b"x" * size)
    then = left.stat().st_mtime - age
    os.utime(left, (then, then))
    (tmp_path / f"{PROBE}folder").mkdir()
    assert can_see_writers(os.fsencode(tmp_path)) is True
    assert left.exists() is stays
    assert (tmp_path / f"{PROBE}folder").exists()


def test_where_no_probe_may_be_laid_a_file_that_lies_there_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "mkstemp", None)
    assert can_see_writers(os.fsencode(tmp_path), probes=False) is None
    (tmp_path / "a.mp4").touch()
    assert can_see_writers(os.fsencode(tmp_path), probes=False) is True


def test_writers_cannot_be_seen_without_preparation(tmp_path: Path) -> None:
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    assert can_see_writers(os.fsencode(tmp_path)) is False
    assert list(tmp_path.iterdir()) == []


def read_only(**_arguments: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_a_folder_that_may_not_be_written_to_is_judged_by_a_file_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read-only folder is invented, since root may write everywhere."""
    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    folder = os.fsencode(tmp_path)
    (tmp_path / "sub").mkdir()
    assert can_see_writers(folder) is None
    (tmp_path / "a.mp4").touch()
    assert can_see_writers(folder) is True


def test_a_folder_with_nothing_to_ask_or_none_at_all_is_unknown(tmp_path: Path) -> None:
    assert can_see_writers(os.fsencode(tmp_path / "nowhere")) is None


def test_files_of_another_owner_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own probe can always be leased; the files that matter may belong to the recorder's user."""
    (tmp_path / "theirs.mp4").touch()
    asked: list[bytes] = []

    def refused_but_for_own(path: bytes) -> Writer:
        asked.append(path)
        return look_for_writer(path) if b"probe" in path else Writer.UNKNOWN

    monkeypatch.setattr(lease, "look_for_writer", refused_but_for_own)
    assert can_see_writers(os.fsencode(tmp_path)) is False
    assert asked[-1] == os.fsencode(tmp_path / "theirs.mp4")
