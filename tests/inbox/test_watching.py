"""How a folder is watched: by what was asked for, by what the kernel grants and tells, by the mount."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from okdrop.config.watch import Watching
from okdrop.inbox import watching as module
from okdrop.inbox.canary import Heard
from okdrop.inbox.hints import NoHints
from okdrop.inbox.watching import ASKED_FOR, Mode, Silent, Way, decide, devices_of, look, prove
from okdrop.observe.folder_gauges import MODES

if TYPE_CHECKING:
    from pathlib import Path

    from okdrop.inbox.walk import Identity

AUTO, EVENTS, POLL = Watching.AUTO, Watching.EVENTS, Watching.POLL


@pytest.mark.parametrize(
    ("wanted", "refusal", "remote", "mode", "polls"),
    [
        (AUTO, "", b"", Mode.EVENTS, False),
        (AUTO, "", b"nfs4", Mode.BOTH, True),
        (AUTO, "no watches", b"", Mode.POLLING, True),
        (AUTO, "no watches", b"nfs4", Mode.POLLING, True),
        (EVENTS, "", b"nfs4", Mode.EVENTS, False),
        (EVENTS, "no watches", b"", Mode.SCANS, False),
        (POLL, "", b"", Mode.POLLING, True),
        (POLL, "no watches", b"nfs4", Mode.POLLING, True),
    ],
)
def test_the_mode_follows_from_what_is_wanted_granted_and_mounted(
    wanted: Watching, refusal: str, remote: bytes, mode: Mode, *, polls: bool
) -> None:
    way = decide(wanted, refusal=refusal, remote=remote)
    assert (way.mode, way.polls) == (mode, polls)


def test_a_mode_is_told_in_words_with_its_reason() -> None:
    assert decide(AUTO).in_words(5) == "kernel events"
    assert decide(EVENTS, refusal="why").in_words(5) == "scans only: why"
    assert decide(AUTO, refusal="why").in_words(2.5) == "polling every 2.5 s: why"
    assert decide(POLL).in_words(5) == f"polling every 5 s: {ASKED_FOR}"
    assert decide(AUTO, remote=b"cifs").in_words(5) == (
        "kernel events, and polling every 5 s, since other machines may write here unseen (cifs)"
    )


def test_metrics_name_every_mode() -> None:
    assert {*MODES} == {*Mode}


FOLDERS: dict[bytes, Identity] = {
    b"/drop": (1, 10),
    b"/drop/a/b": (2, 30),
    b"/drop/a": (2, 20),
    b"/drop/c": (1, 40),
}


def test_each_device_is_stood_for_by_the_folder_that_is_nearest() -> None:
    assert devices_of(FOLDERS) == {1: b"/drop", 2: b"/drop/a"}


def test_every_device_is_listened_to_until_one_is_silent() -> None:
    heard: list[bytes] = []

    def hear(folder: bytes) -> Heard:
        heard.append(folder)
        return Heard.UNKNOWN

    prove(devices_of(FOLDERS), hear)
    assert sorted(heard) == [b"/drop", b"/drop/a"]
    with pytest.raises(Silent, match=r"tells of nothing that happens in /drop/a \(an unknown file system\)"):
        prove({2: b"/drop/a", 1: b"/drop"}, lambda _folder: Heard.NO)


def test_a_real_folder_is_watched_by_the_kernel_s_events(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path)
    status = tmp_path.stat()
    assert look(AUTO, {path: (status.st_dev, status.st_ino)}) == Way(mode=Mode.EVENTS)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names alone


def test_looking_begins_no_watch_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "notifier", None)
    assert look(POLL, FOLDERS).mode is Mode.POLLING


def test_looking_lays_no_probe_where_events_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "prove", None)
    assert look(EVENTS, {os.fsencode(tmp_path): (1, 1)}).mode is Mode.EVENTS


def test_a_watch_that_is_refused_and_a_mount_that_is_silent_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = {os.fsencode(tmp_path / "none"): (1, 1)}
    assert look(AUTO, none).mode is Mode.POLLING
    assert look(EVENTS, none).mode is Mode.SCANS

    def silent(_devices: object) -> None:
        raise Silent("it tells of nothing")

    monkeypatch.setattr(module, "prove", silent)
    assert look(AUTO, {os.fsencode(tmp_path): (1, 1)}) == Way(mode=Mode.POLLING, why="it tells of nothing")
    assert issubclass(Silent, NoHints)
