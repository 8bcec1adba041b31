"""What stands between a file and being taken, as one look tells."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.config import Watch
from okdrop.drop import Drop
from okdrop.explain import finishing as module
from okdrop.explain.finishing import whether_finished
from okdrop.inbox.lease import Writer
from okdrop.inbox.revision import revision_at
from okdrop.inbox.writers import OpenFiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a.mp4"
    file.write_bytes(bytes(20_000))
    return file


@pytest.fixture(autouse=True)
def _nobody_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "look_for_writer", lambda _path: Writer.NONE)


def said(path: Path, **settings: Any) -> tuple[str, bool]:
    revision = revision_at(os.fsencode(path))
    assert revision is not None
    drop = Drop(path=os.fsencode(path), revision=revision, folder=str(path.parent))
    return whether_finished(drop, Watch(path=path.parent, **settings), lambda: 0.0)


def test_nothing_but_quiet_is_asked_of_a_plain_file(path: Path) -> None:
    text, waits = said(path)
    assert text.endswith("no writer has it open: it is taken once nothing changed for 10 s")
    assert not waits


def test_a_writer_is_named_whoever_saw_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenFiles, "writers", lambda _self, files: dict.fromkeys(files, "ffmpeg, pid 12"))
    for lease in (Writer.WRITING, Writer.UNKNOWN):
        monkeypatch.setattr(module, "look_for_writer", lambda _path, says=lease: says)
        text, waits = said(path)
        assert "a writer (ffmpeg, pid 12) has it open" in text
        assert waits


def test_a_marker_that_is_not_there_is_named_and_one_that_is_shortens_the_wait(path: Path) -> None:
    text, waits = said(path, done="marker")
    assert text.endswith("nothing changed for 10 s, and once it is said to be done: no a.mp4.done yet")
    assert waits
    path.with_name("a.done").touch()
    text, waits = said(path, done="marker")
    assert text.endswith("for 10 s (0.5 s if that it is done was said while a run looked on)")
    assert not waits
    assert said(path, done="marker", settle="100ms")[0].endswith("nothing changed for 0.1 s")


def test_what_a_manifest_promises_is_told(path: Path) -> None:
    manifest = path.with_name("SHA256SUMS")
    manifest.write_text("a.mp4\t1")
    assert said(path, done="manifest")[0].endswith("; but SHA256SUMS says 1 bytes, it has 20000")
    manifest.write_text(f"{hashlib.sha256(bytes(20_000)).hexdigest()}  a.mp4\n")
    text, waits = said(path, done="manifest")
    assert text.endswith(", if its sha256 is that in SHA256SUMS")
    assert not waits
