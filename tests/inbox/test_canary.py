"""A probe tells whether the kernel's events of a folder come; and nothing of it is left."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from okdrop.inbox import canary as module
from okdrop.inbox.canary import Heard, listen
from okdrop.inbox.hints import NoHints
from okdrop.names import PROBE

if TYPE_CHECKING:
    import threading


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
    assert listen(os.fsencode(tmp_path), within=0.02) is Heard.NO
    assert told.is_closed
    assert listing(tmp_path) == []


def test_the_probe_is_hidden_and_no_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    told = played(monkeypatch)
    monkeypatch.setattr(told, "watch", lambda *_: names.extend(listing(tmp_path)) or set())
    listen(os.fsencode(tmp_path), within=0.01)
    assert all(name.startswith(PROBE) and "." not in name[1:] for name in names)
    assert names


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
    assert listen(os.fsencode(tmp_path), within=0.02) is heard
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
def test_where_no_probe_may_be_laid_the_folder_s_own_mode_is_set_to_what_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o751)
    assert listen(os.fsencode(tmp_path)) is Heard.YES
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o751


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("mode", [0o2755, 0o755])
def test_where_nothing_can_be_done_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """A bit that the kernel may take away is not set anew; and a folder of others cannot be touched."""
    tmp_path.chmod(mode)

    def refuse(*_: Any) -> NoReturn:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(module.Path, "chmod", refuse)
    assert listen(os.fsencode(tmp_path)) is Heard.UNKNOWN


def test_a_watch_that_cannot_be_had_is_raised(tmp_path: Path) -> None:
    with pytest.raises(NoHints):
        listen(os.fsencode(tmp_path / "none"))


def test_a_probe_that_others_removed_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = played(monkeypatch)

    def remove(*_: Any) -> set[object]:
        for path in tmp_path.iterdir():
            path.unlink()
        return set()

    monkeypatch.setattr(told, "watch", remove)
    assert listen(os.fsencode(tmp_path), within=0.01) is Heard.NO


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
