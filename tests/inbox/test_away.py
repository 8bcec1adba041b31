from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from okdrop.inbox import away as module
from okdrop.inbox.away import away

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = os.makedev(4000, 4000)
"""A device that nothing in these tests lies on."""


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    (folder / "disk").mkdir(parents=True)
    return folder


def asked(path: Path, drop: Path, device: int | None = None) -> str:
    here = drop.stat().st_dev if drop.exists() else 0
    return away(os.fsencode(path), os.fsencode(drop), here if device is None else device)


def test_a_file_that_was_deleted_is_gone(drop: Path) -> None:
    assert asked(drop / "a.mp4", drop) == ""
    assert asked(drop / "disk" / "a.mp4", drop) == ""


def test_a_file_that_was_deleted_with_its_folder_is_gone(drop: Path) -> None:
    assert asked(drop / "no" / "such" / "a.mp4", drop) == ""


def test_a_file_is_away_with_its_watched_folder(drop: Path) -> None:
    shutil.rmtree(drop)
    assert "is missing" in asked(drop / "a.mp4", drop)


def test_a_file_is_away_when_its_place_is_empty_and_on_another_device(drop: Path) -> None:
    assert "not mounted" in asked(drop / "disk" / "a.mp4", drop, ELSEWHERE)
    assert str(drop / "disk") in asked(drop / "disk" / "a.mp4", drop, ELSEWHERE)


def test_a_file_is_away_when_its_place_went_with_its_device(drop: Path) -> None:
    (drop / "other.mp4").touch()
    assert "not mounted" in asked(drop / "usb" / "a.mp4", drop, ELSEWHERE)


def test_after_devices_were_renumbered_a_file_beside_others_is_gone(drop: Path) -> None:
    (drop / "disk" / "other.mp4").touch()
    assert asked(drop / "disk" / "a.mp4", drop, ELSEWHERE) == ""


def test_a_file_is_away_with_the_device_that_this_process_saw_whatever_lies_in_its_place(drop: Path) -> None:
    (drop / "disk" / ".keep").touch()
    path, here = os.fsencode(drop / "disk" / "a.mp4"), drop.stat().st_dev
    assert "not mounted" in away(path, os.fsencode(drop), ELSEWHERE, seen={here, ELSEWHERE})
    assert away(path, os.fsencode(drop), ELSEWHERE, seen={here}) == ""
    assert away(path, os.fsencode(drop), here, seen={here, ELSEWHERE}) == ""


def test_on_an_overlay_nothing_can_be_told(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "kind_of", lambda _device: b"overlay")
    assert asked(drop / "disk" / "a.mp4", drop, ELSEWHERE) == ""


def test_a_folder_that_cannot_be_looked_at_tells_nothing_of_its_files(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: bytes) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "_device_of_folder", refuse)
    assert "cannot be looked at: Permission denied" in asked(drop / "a.mp4", drop)


def test_a_file_where_a_folder_was_is_no_folder(drop: Path) -> None:
    (drop / "disk").rmdir()
    (drop / "disk").touch()
    assert asked(drop / "disk" / "a.mp4", drop) == ""
