"""A name is taken only where nobody has it."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.errors import SourceChanged, Trouble
from okdrop.inbox import placing
from okdrop.inbox.placing import LONGEST_NAME, StoppedError, copy, digest_at, free, land, numbered
from okdrop.inbox.revision import revision_at

if TYPE_CHECKING:
    from pathlib import Path

NEVER = threading.Event()


@pytest.mark.parametrize(
    ("name", "second"),
    [
        (b"clip.mp4", b"clip (2).mp4"),
        (b"a.b.tar.mp4", b"a.b.tar (2).mp4"),
        (b"no suffix", b"no suffix (2)"),
        (b".hidden", b".hidden (2)"),
        (b"\xff\xfe.mp4", b"\xff\xfe (2).mp4"),
        (b"clip (2).mp4", b"clip (2) (2).mp4"),
        (b"x" * 251 + b".mp4", b"x" * 247 + b" (2).mp4"),
        ("ж".encode() * 125 + b".mp4", "ж".encode() * 123 + b" (2).mp4"),
        (b"\x80" * 251 + b".mp4", b"\x80" * 247 + b" (2).mp4"),
        (b"x." + b"y" * 253, b"x." + b"y" * 249 + b" (2)"),
    ],
)
def test_a_number_goes_before_the_suffix_and_fits(name: bytes, second: bytes) -> None:
    assert numbered(b"/a/b/" + name, 2) == b"/a/b/" + second


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name), st.integers(2, 10**6))
def test_any_name_can_be_numbered(name: bytes, number: int) -> None:
    folder, _, made = numbered(b"/a/" + name, number).rpartition(b"/")
    assert folder == b"/a"
    assert 0 < len(made) <= LONGEST_NAME
    assert b" (%d)" % number in made


def test_the_first_free_name_is_found(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "clip.mp4")
    assert free(path) == path
    (tmp_path / "clip.mp4").symlink_to("nowhere")
    (tmp_path / "clip (2).mp4").mkdir()
    assert free(path) == os.fsencode(tmp_path / "clip (3).mp4")


@pytest.fixture(params=["links", "no links"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without hard links, which FAT and files of another owner do not have."""
    if request.param == "no links":

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("links")
def test_a_file_lands_with_one_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    inode = (tmp_path / "a").stat().st_ino
    land(os.fsencode(tmp_path / "a"), os.fsencode(tmp_path / "b"))
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").stat().st_ino == inode


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize("there", ["file", "link", "dangling link", "folder"])
def test_what_lies_at_the_target_stays_whatever_it_is(tmp_path: Path, there: str) -> None:
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "other").write_bytes(b"other")
    target = tmp_path / "b"
    match there:
        case "file":
            target.write_bytes(b"")
        case "link":
            target.symlink_to("other")
        case "dangling link":
            target.symlink_to("nowhere")
        case _:
            target.mkdir()
    before = target.lstat()
    with pytest.raises(FileExistsError):
        land(os.fsencode(tmp_path / "a"), os.fsencode(target))
    assert (tmp_path / "a").read_bytes() == b"content"
    assert target.lstat() == before


@pytest.mark.usefixtures("links")
def test_a_link_lands_as_the_link_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("other")
    (tmp_path / "other").write_bytes(b"other")
    land(os.fsencode(tmp_path / "a"), os.fsencode(tmp_path / "b"))
    assert (tmp_path / "b").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "other"]


def test_a_name_that_was_taken_in_vain_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"content")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError, match="not permitted"):
        land(os.fsencode(tmp_path / "a"), os.fsencode(tmp_path / "b"))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def copied(tmp_path: Path, stop: threading.Event = NEVER) -> bytes:
    path = os.fsencode(tmp_path / "a")
    revision = revision_at(path)
    assert revision is not None
    return copy(path, revision, os.fsencode(tmp_path / "copy"), stop)


def test_a_copy_is_equal_and_tells_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content" * 400_000)  # more than a block
    digest = copied(tmp_path)
    assert digest == digest_at(os.fsencode(tmp_path / "a"), NEVER)
    assert (tmp_path / "copy").read_bytes() == b"content" * 400_000


def test_a_copy_never_goes_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "copy").write_bytes(b"other")
    with pytest.raises(FileExistsError):
        copied(tmp_path)
    assert (tmp_path / "copy").read_bytes() == b"other"


def test_a_file_that_grows_while_it_is_copied_gives_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"content")
    fsync = os.fsync

    def late(descriptor: int) -> None:
        fsync(descriptor)
        with (tmp_path / "a").open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(os, "fsync", late)
    with pytest.raises(SourceChanged):
        copied(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_copy_that_a_disk_spoils_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"content")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, block: write(descriptor, b"#" * len(block)))
    with pytest.raises(Trouble) as trouble:
        copied(tmp_path)
    assert trouble.value.code == "copy_damaged"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_disk_that_takes_little_at_a_time_takes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"content")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, block: write(descriptor, bytes(block[:2])))
    copied(tmp_path)
    assert (tmp_path / "copy").read_bytes() == b"content"


@pytest.mark.parametrize("call", ["fchmod", "utime"])
@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_a_disk_without_modes_or_times_takes_the_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    (tmp_path / "a").write_bytes(b"content")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refuse)
    copied(tmp_path)
    assert (tmp_path / "copy").read_bytes() == b"content"


@pytest.mark.parametrize("call", ["fchmod", "utime"])
def test_a_disk_that_breaks_at_the_end_of_a_copy_gives_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "a").write_bytes(b"content")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(OSError, match="Input/output error"):
        copied(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_stopped_copy_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        copied(tmp_path, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(("number", "raised"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_synced_is_taken_as_it_is_but_for_a_broken_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, *, raised: bool
) -> None:
    def refuse(_descriptor: int) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    try:
        placing.sync_folder(os.fsencode(tmp_path / "a"))
    except OSError:
        assert raised
    else:
        assert not raised
