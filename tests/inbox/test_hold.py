from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from okdrop.inbox.hold import Hold
from okdrop.inbox.revision import revision_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = [
    b"renamed.mp4",
    b"a.mp4 (deleted)",
    b"new\nline.mp4",
    b"not utf-8 \xff\xfe.mp4",
    b"x" * 251 + b".mp4",
    "\N{CLAPPER BOARD}.mp4".encode(),
]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"a video")
    return path


@pytest.fixture
def hold(video: Path) -> Iterator[Hold]:
    held = Hold(os.open(video, os.O_RDONLY))
    yield held
    held.close()


def anywhere(path: bytes) -> bytes:
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_renamed_file_is_found_whatever_its_name(video: Path, hold: Hold, name: bytes) -> None:
    seen = revision_of(video.stat())
    path = os.fsencode(video.parent) + b"/" + name
    video.rename(os.fsdecode(path))
    assert hold.whereabouts(seen, anywhere) == path
    assert not hold.is_deleted()


def test_a_file_whose_folder_was_renamed_is_found(video: Path, hold: Hold) -> None:
    seen = revision_of(video.stat())
    folder = video.parent.rename(video.parent.with_name("renamed"))
    assert hold.whereabouts(seen, anywhere) == os.fsencode(folder / "a.mp4")


def test_a_file_is_not_followed_to_where_it_is_not_sent_from(video: Path, hold: Hold) -> None:
    assert hold.whereabouts(revision_of(video.stat()), lambda _path: None) is None


def test_a_file_that_changed_is_not_followed(video: Path, hold: Hold) -> None:
    seen = revision_of(video.stat())
    os.utime(video, ns=(1, 1))
    video.rename(video.with_name("b.mp4"))
    assert hold.whereabouts(seen, anywhere) is None


def test_a_deleted_file_is_nowhere(video: Path, hold: Hold) -> None:
    seen = revision_of(video.stat())
    video.unlink()
    assert (hold.whereabouts(seen, anywhere), hold.is_deleted()) == (None, True)


def test_what_lies_where_the_kernel_seems_to_point_is_looked_at(video: Path, hold: Hold) -> None:
    """Its word for a deleted file is also a name that another file may have."""
    seen = revision_of(video.stat())
    video.unlink()
    video.with_name("a.mp4 (deleted)").write_bytes(b"another")
    assert hold.whereabouts(seen, anywhere) is None


def test_another_link_to_a_file_keeps_it_from_being_deleted(video: Path, hold: Hold) -> None:
    seen = revision_of(video.stat())
    video.with_name("b.mp4").hardlink_to(video)
    video.unlink()
    assert (hold.whereabouts(seen, anywhere), hold.is_deleted()) == (None, False)


def test_what_nfs_keeps_of_a_deleted_file_is_deleted(video: Path, hold: Hold) -> None:
    video.rename(video.with_name(".nfs000000000123"))
    assert hold.is_deleted()


def test_a_closed_hold_knows_nothing_and_is_closed_once(video: Path, hold: Hold) -> None:
    seen = revision_of(video.stat())
    hold.close()
    hold.close()
    assert (hold.whereabouts(seen, anywhere), hold.is_deleted()) == (None, False)
