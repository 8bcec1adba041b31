"""A trial of what is seen in a folder: silent kernels, signals in the middle, a probe that is always gone."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import watch_trial as module
from okdrop.config.watch import Watching
from okdrop.inbox.watching import Mode
from okdrop.names import PROBE
from okdrop.watch_trial import CutShort, Deed, Probe, WatchTrialError, try_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AT_ONCE = 0.05


class Deaf:
    """A watch that tells of nothing."""

    def watch(self, _gather: int, _step: int, timeout: int, stop: threading.Event) -> str:
        return "stop" if stop.wait(timeout / 1000) else "timeout"

    def close(self) -> None:
        pass


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "notifier", lambda _folders: Deaf())


def test_each_deed_is_heard_of_by_itself(tmp_path: Path) -> None:
    outcome = try_out(os.fsencode(tmp_path))
    assert [(seen.deed, seen.by) for seen in outcome.deeds] == [(deed, "events") for deed in Deed]
    assert outcome.way.mode is Mode.EVENTS
    assert not outcome.missed


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize(("watching", "mode"), [(Watching.AUTO, Mode.POLLING), (Watching.EVENTS, Mode.SCANS)])
def test_where_the_kernel_is_silent_looks_see_it(tmp_path: Path, watching: Watching, mode: Mode) -> None:
    outcome = try_out(os.fsencode(tmp_path), watching=watching, within=AT_ONCE)
    assert {seen.by for seen in outcome.deeds} == {"polling"}
    assert outcome.way.mode is mode
    assert outcome.way.why == "the kernel did not tell of: create, grow, rename, remove"
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("silent")
def test_what_neither_sees_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "is_seen", lambda _self, deed: deed is not Deed.GROW)
    outcome = try_out(os.fsencode(tmp_path), within=AT_ONCE)
    assert outcome.missed == [Deed.GROW]
    assert "not seen within" in outcome.as_text()
    assert outcome.as_json()["all_seen"] is False


def test_a_change_of_another_file_or_another_kind_tells_of_nothing() -> None:
    probe = Probe(b"/drop")
    assert probe.name.startswith(os.fsencode(PROBE))
    assert not probe.is_told(Deed.GROW, 1, probe.name)
    assert not probe.is_told(Deed.REMOVE, 3, probe.name)
    assert not probe.is_told(Deed.CREATE, 1, b"a.mp4")
    assert probe.is_told(Deed.RENAME, 1, probe.later)


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("at", [*Deed])
def test_a_signal_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, at: Deed
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"of others")

    def is_seen(_self: Probe, deed: Deed) -> bool:
        if deed is at:
            os.kill(os.getpid(), number)
        return deed is not at

    monkeypatch.setattr(Probe, "is_seen", is_seen)
    before = signal.getsignal(number)
    with pytest.raises(CutShort):
        try_out(os.fsencode(tmp_path), watching=Watching.POLL)
    assert signal.getsignal(number) == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_signal_while_an_event_is_waited_for_is_heeded_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asking(Deaf):
        def watch(self, gather: int, step: int, timeout: int, stop: threading.Event) -> str:
            os.kill(os.getpid(), signal.SIGTERM)
            return super().watch(gather, step, timeout, stop)

    monkeypatch.setattr(module, "notifier", lambda _folders: Asking())
    with pytest.raises(CutShort):
        try_out(os.fsencode(tmp_path), within=600)
    assert [*tmp_path.iterdir()] == []


def test_from_another_thread_signals_are_left_alone(tmp_path: Path) -> None:
    outcomes: list[module.Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(try_out(os.fsencode(tmp_path))))
    thread.start()
    thread.join()
    assert outcomes[0].missed == []


def refused(call: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, f"Permission denied by {call}")

    return refuse


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize(
    ("call", "deed"), [("open", "created"), ("write", "written"), ("rename", "renamed"), ("lstat", None)]
)
def test_what_cannot_be_done_ends_it_in_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, deed: str | None
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module.os if call in {"open", "write"} else module.Path, call, refused(call))
        with pytest.raises(WatchTrialError) as caught:
            try_out(os.fsencode(tmp_path), within=AT_ONCE)
    wanted = f"cannot be {deed} there: Permission denied" if deed else "cannot be looked there any more"
    assert wanted in caught.value.message
    assert [*tmp_path.iterdir()] == []


def test_a_probe_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module.Path, "unlink", refused("unlink"))
        with pytest.raises(WatchTrialError, match="is left there: Permission denied") as caught:
            try_out(os.fsencode(tmp_path), watching=Watching.POLL)
    [left] = tmp_path.iterdir()
    assert left.name.startswith(PROBE)
    assert str(left) in caught.value.message
