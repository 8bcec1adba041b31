from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from okdrop.inbox.beneath import LinkedError, folder_of, require_unlinked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "real" / "a" / "b").mkdir(parents=True)
    (tmp_path / "watched").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "link").symlink_to(tmp_path / "real" / "a")
    return tmp_path


@pytest.mark.parametrize("end", [b"", b"/"])
def test_it_is_the_files_folder_and_the_watched_one_may_be_a_link(tree: Path, end: bytes) -> None:
    watched = bytes(tree / "watched")
    with folder_of(watched + b"/a/b/x.mp4", watched + end) as opened:
        assert os.fstat(opened).st_ino == (tree / "real" / "a" / "b").stat().st_ino
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened)


@pytest.mark.parametrize("path", [b"link/x.mp4", b"link/b/x.mp4"])
def test_a_link_between_is_not_followed_and_named(tree: Path, path: bytes) -> None:
    watched = bytes(tree / "watched")
    with pytest.raises(LinkedError) as caught, folder_of(watched + b"/" + path, watched):
        pass
    assert caught.value.path == watched + b"/link"
    with pytest.raises(LinkedError):
        require_unlinked(watched + b"/" + path, watched)


def test_what_lies_in_no_watched_folder_is_reached_by_its_own(tree: Path) -> None:
    for folder in (b"", bytes(tree / "elsewhere"), bytes(tree / "rea")):
        with folder_of(bytes(tree / "real" / "link" / "x.mp4"), folder) as opened:
            assert os.fstat(opened).st_ino == (tree / "real" / "a").stat().st_ino
    with folder_of(b"/x.mp4", b"/") as opened:
        assert os.path.samestat(os.fstat(opened), os.stat("/"))  # noqa: PTH116


def test_one_that_is_not_there_is_told_and_nothing_stays_open(tree: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with (
        pytest.raises(OSError, match="No such") as caught,
        folder_of(bytes(tree / "real" / "c" / "x.mp4"), bytes(tree / "real")),
    ):
        pass
    assert caught.value.errno == errno.ENOENT
    require_unlinked(bytes(tree / "real" / "c" / "x.mp4"), bytes(tree / "real"))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
