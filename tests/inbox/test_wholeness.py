from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from containers import made
from okdrop.containers import Standing
from okdrop.inbox.revision import revision_at
from okdrop.inbox.wholeness import UNSEEN, structure_at

if TYPE_CHECKING:
    import pytest

    from okdrop.drop import Revision


def laid(path: Path, data: bytes) -> tuple[bytes, Revision]:
    path.write_bytes(data)
    name = os.fsencode(path)
    revision = revision_at(name)
    assert revision is not None
    return name, revision


def test_a_file_is_judged_by_what_it_holds(tmp_path: Path) -> None:
    whole = b"".join(made.MP4)
    assert structure_at(*laid(tmp_path / "a.mp4", whole)).standing is Standing.WHOLE
    told = structure_at(*laid(tmp_path / "b.mp4", whole[:-1]))
    assert (told.standing, told.reason) == (
        Standing.NOT_WHOLE,
        "its moov box ends 1 byte past the end of the file",
    )


def test_of_another_revision_nothing_is_said(tmp_path: Path) -> None:
    path, revision = laid(tmp_path / "a.mp4", b"".join(made.MP4[:2]))
    os.utime(path, ns=(1, 1))
    assert structure_at(path, revision) is UNSEEN


def test_what_cannot_be_opened_is_left_to_its_upload(tmp_path: Path) -> None:
    path, revision = laid(tmp_path / "a.mp4", b"".join(made.MP4))
    link, pipe = tmp_path / "link.mp4", tmp_path / "pipe.mp4"
    link.symlink_to(Path(os.fsdecode(path)))
    os.mkfifo(pipe)  # opening it would wait for a writer
    for other in (link, pipe, tmp_path / "none.mp4", tmp_path):
        assert structure_at(os.fsencode(other), revision) is UNSEEN


def test_a_disk_that_fails_is_left_to_its_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, revision = laid(tmp_path / "a.mp4", b"".join(made.MP4))

    def failing(_descriptor: int, _count: int, _at: int) -> bytes:
        raise OSError(5, "Input/output error")

    before = len([*Path("/proc/self/fd").iterdir()])
    monkeypatch.setattr(os, "pread", failing)
    assert structure_at(path, revision) is UNSEEN
    assert len([*Path("/proc/self/fd").iterdir()]) == before
