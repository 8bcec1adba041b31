"""A probe tells whether the kernel's events of a folder come; and nothing of it is left."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from okdrop.inbox import canary as module
from okdrop.inbox.canary import Canary, Heard, listen
from okdrop.inbox.hints import NoHints
from okdrop.names import PROBE

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208 - names alone


class Told:
    """A watch that tells of these changes, one set after the other, and then of nothing."""

    def __init__(self, *answers: object) -> None:
        self.answers = [*answers]
        self.is_closed = False

    def watch(self, _gather: int, _step: int, timeout: int, stop: threading.Event) -> object:
        if not self.answers:
            stop.wait(timeout / 1000)
            return "timeout"
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        self.is_closed = True


def played(monkeypatch: pytest.MonkeyPatch, *answers: object) -> Told:
    told = Told(*answers)
    monkeypatch.setattr(module, "notifier", lambda _folders: told)
    return told


def test_where_the_kernel_tells_that_is_heard_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    assert listen(os.fsencode(tmp_path)) is Heard.YES
    assert listing(tmp_path) == ["a.mp4"]


def test_what_is_told_of_others_is_not_what_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = played(monkeypatch, {(1, f"{tmp_path}/a.mp4")})
    assert Canary(within=0.02).listen(os.fsencode(tmp_path)) is Heard.NO
    assert told.is_closed
    assert listing(tmp_path) == []


def test_the_probe_is_hidden_and_no_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink, names = Path.unlink, []

    def noted(self: Path, *, missing_ok: bool = False) -> None:
        names.append(self.name)
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", noted)
    listen(os.fsencode(tmp_path))
    [name] = names
    assert name.startswith(PROBE)
    assert "." not in name[1:]


def test_nothing_lies_there_while_an_event_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing is left by an okdrop that ends meanwhile."""
    seen: list[list[str]] = []
    told = played(monkeypatch)
    monkeypatch.setattr(told, "watch", lambda *_: seen.append(listing(tmp_path)) or set())
    Canary(within=0.01).listen(os.fsencode(tmp_path))
    assert seen
    assert not any(seen)


@pytest.mark.parametrize(
    ("error", "heard"),
    [
        (RuntimeError('unable to decode path "/drop/\\xFF.mp4"'), Heard.YES),
        (RuntimeError("mutex poisoned"), Heard.NO),
    ],
)
def test_a_watch_that_ends_has_told_only_where_it_ended_for_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, heard: Heard
) -> None:
    played(monkeypatch, error)
    assert Canary(within=0.02).listen(os.fsencode(tmp_path)) is heard
    assert listing(tmp_path) == []


def test_an_interrupt_is_nothing_that_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        listen(os.fsencode(tmp_path))
    assert listing(tmp_path) == []


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file may be made; played, since the tests may be run by somebody who may make files anywhere."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.tempfile, "mkstemp", refuse)


@pytest.mark.usefixtures("closed")
def test_where_no_probe_may_be_laid_nothing_is_known_and_nothing_is_touched(tmp_path: Path) -> None:
    """Not the folder's mode either: setting it to what it is may cost its access list."""
    before = tmp_path.stat().st_ctime_ns
    assert listen(os.fsencode(tmp_path)) is Heard.UNKNOWN
    assert tmp_path.stat().st_ctime_ns == before


@pytest.mark.parametrize("reason", [errno.EPERM, errno.EIO, errno.ESTALE, errno.EROFS])
def test_where_a_probe_cannot_be_removed_no_other_is_laid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    told = played(monkeypatch)

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(Path, "unlink", refuse)
    canary, folder = Canary(), os.fsencode(tmp_path)
    assert [canary.listen(folder), canary.listen(folder)] == [Heard.UNKNOWN, Heard.UNKNOWN]
    [left] = tmp_path.iterdir()
    assert canary.is_barred(folder)
    assert canary.news() == [(os.fsencode(left), os.strerror(reason))]
    assert canary.news() == []
    assert told.is_closed


def test_a_probe_that_cannot_be_closed_is_removed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played(monkeypatch)
    close = os.close

    def fail(descriptor: int) -> NoReturn:
        close(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    canary, folder = Canary(), os.fsencode(tmp_path)
    with monkeypatch.context() as playing:
        playing.setattr(module.os, "close", fail)
        assert canary.listen(folder) is Heard.UNKNOWN
    assert listing(tmp_path) == []
    assert canary.is_barred(folder)
    assert canary.news() == []


@pytest.fixture
def append_only(tmp_path: Path) -> Iterator[Path]:
    """A folder in which the kernel lets files be made, and not removed."""
    folder = tmp_path / "append only"
    folder.mkdir()
    program = shutil.which("chattr")
    if program is None:
        pytest.skip("there is no chattr here")
    if subprocess.run([program, "+a", folder], capture_output=True, check=False).returncode:
        pytest.skip("no folder may be made append-only here: not root, or another file system")
    try:
        yield folder
    finally:
        subprocess.run([program, "-a", folder], capture_output=True, check=True)


def test_an_append_only_folder_is_probed_once(append_only: Path) -> None:
    canary, folder = Canary(), os.fsencode(append_only)
    assert [canary.listen(folder), canary.listen(folder)] == [Heard.UNKNOWN, Heard.UNKNOWN]
    assert len(listing(append_only)) == 1
    assert len(canary.news()) == 1


def test_a_watch_that_cannot_be_had_is_raised(tmp_path: Path) -> None:
    with pytest.raises(NoHints):
        listen(os.fsencode(tmp_path / "none"))


def test_a_probe_that_others_removed_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def removed_before(self: Path, *, missing_ok: bool = False) -> None:
        os.unlink(self)  # noqa: PTH108 - the other is played
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", removed_before)
    assert listen(os.fsencode(tmp_path)) is Heard.YES


def watchers() -> int:
    """How many of the kernel's watchers this process has."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum("inotify" in str(link.readlink()) for link in links if os.path.lexists(link))


def test_an_instance_of_the_kernel_s_watchers_is_let_go(tmp_path: Path) -> None:
    before = watchers()
    listen(os.fsencode(tmp_path))
    end = time.monotonic() + 30.0
    while watchers() > before and time.monotonic() < end:  # its thread closes it, in its own time
        time.sleep(0.01)
    assert watchers() <= before
