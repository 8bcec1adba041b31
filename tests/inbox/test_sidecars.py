"""What lies beside a video, and what of it is read: real files, and whatever else may lie there."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from okdrop.errors import Trouble
from okdrop.inbox import lease, sidecars
from okdrop.inbox.lease import Writer
from okdrop.inbox.sidecars import look, read, writer_of
from okdrop.metadata import KINDS
from okdrop.metadata.sidecar import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return tmp_path / "talk.mp4"


def problems(video: Path) -> list[tuple[str, str]]:
    return [*read(look(bytes(video), KINDS)).problems]


def refuse_to_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def folders_alone(path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
        assert flags & os.O_DIRECTORY, "a file was opened"
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(sidecars.os, "open", folders_alone)


def test_all_that_belong_are_read_by_precedence(video: Path) -> None:
    (video.parent / "talk.txt").write_text("By the text")
    (video.parent / "talk.mp4.json").write_text('{"title": "By the longer name"}')
    (video.parent / "talk.json").write_text('{"title": "By the shorter", "tags": ["a"]}')
    (video.parent / "other.json").write_text("{}")
    found = read(look(bytes(video), KINDS))
    assert found.names == ("talk.mp4.json", "talk.json", "talk.txt")
    assert (found.said.title, found.said.tags, found.said.description) == (
        "By the longer name",
        ("a",),
        "By the text",
    )


def test_only_kinds_that_are_heeded_are_looked_for(video: Path) -> None:
    (video.parent / "talk.json").write_text("broken")
    assert look(bytes(video), ("toml", "txt")) == ()
    assert look(bytes(video), ()) == ()


def test_a_file_without_a_sidecar_costs_a_stat_for_each_name(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    real = os.lstat
    monkeypatch.setattr(
        sidecars.os, "lstat", lambda path, *, dir_fd: (asked.append(path), real(path, dir_fd=dir_fd))[1]
    )
    refuse_to_open_files(monkeypatch)
    assert read(look(bytes(video), KINDS)).names == ()
    assert len(asked) == 4 * len(KINDS)


def linked(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def dangling(path: Path) -> None:
    path.symlink_to("/nowhere")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (linked, "it is a symbolic link"),
        (dangling, "it is a symbolic link"),
        (os.mkfifo, "it is a pipe"),
        (listening, "it is a socket"),
    ],
)
def test_what_is_no_file_is_never_opened_and_told(
    video: Path, make: Callable[[Path], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video.parent)
    make(video.parent / "talk.json")
    refuse_to_open_files(monkeypatch)
    ((name, reason),) = problems(video)
    assert name == "talk.json"
    assert reason.startswith(words)


def test_a_folder_that_is_called_so_is_no_sidecar(video: Path) -> None:
    (video.parent / "talk.txt").mkdir()
    assert look(bytes(video), KINDS) == ()


@pytest.mark.timeout(10)
def test_a_pipe_that_takes_a_files_place_after_the_look_is_not_waited_for(video: Path) -> None:
    sidecar = video.parent / "talk.json"
    sidecar.write_text("{}")
    seen = look(bytes(video), KINDS)
    sidecar.unlink()
    os.mkfifo(sidecar)
    with pytest.raises(Trouble) as caught:
        read(seen)
    assert caught.value.code == "sidecar_busy"


def test_a_link_that_takes_a_files_place_after_the_look_is_not_followed(video: Path) -> None:
    sidecar = video.parent / "talk.json"
    sidecar.write_text("{}")
    seen = look(bytes(video), KINDS)
    sidecar.unlink()
    linked(sidecar)
    assert read(seen).problems[0][1].startswith("it cannot be read")


def test_one_that_is_too_large_is_not_read(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (video.parent / "talk.toml").open("wb") as file:
        file.truncate(LARGEST["toml"] + 1)
    refuse_to_open_files(monkeypatch)
    assert problems(video) == [("talk.toml", "it is larger than 65,536 bytes")]


def test_one_that_changed_after_the_look_is_not_read_half(video: Path) -> None:
    sidecar = video.parent / "talk.txt"
    sidecar.write_text("one")
    seen = look(bytes(video), KINDS)
    sidecar.write_text("one and two")
    with pytest.raises(Trouble) as caught:
        read(seen)
    assert caught.value.code == "sidecar_busy"


def test_one_that_is_rewritten_while_it_is_read_is_not_read_half(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = video.parent / "talk.txt"
    sidecar.write_text("old")
    os.utime(sidecar, ns=(1, 1))
    real = os.read

    def read_and_rewrite(descriptor: int, count: int) -> bytes:
        piece = real(descriptor, count)
        sidecar.write_text("new")
        return piece

    monkeypatch.setattr(sidecars.os, "read", read_and_rewrite)
    with pytest.raises(Trouble):
        read(look(bytes(video), KINDS))


def test_one_that_went_away_after_the_look_says_nothing(video: Path) -> None:
    sidecar = video.parent / "talk.txt"
    sidecar.write_text("one")
    seen = look(bytes(video), KINDS)
    sidecar.unlink()
    assert read(seen).names == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_one_that_may_not_be_read_is_told(video: Path) -> None:
    (video.parent / "talk.txt").write_text("one")
    (video.parent / "talk.txt").chmod(0)
    assert problems(video) == [("talk.txt", "it cannot be read: Permission denied")]


def test_a_name_of_any_bytes_has_sidecars_and_is_shown_safely(tmp_path: Path) -> None:
    video = bytes(tmp_path) + b"/a\n\xff\x1b.mp4"
    with open(video[:-4] + b".json", "w", encoding="ascii") as file:  # noqa: PTH123  a name of bytes
        file.write('{"title": "T"}')
    found = read(look(video, KINDS))
    assert found.names == (r"a\n\xff\x1b.json",)
    assert found.said.title == "T"


def test_a_name_as_long_as_there_is_has_no_longer_one_beside_it(tmp_path: Path) -> None:
    video = bytes(tmp_path) + b"/" + b"x" * 251 + b".mp4"
    assert look(video, KINDS) == ()


def test_who_writes_one_is_seen(video: Path) -> None:
    lease.prepare()
    sidecar = video.parent / "talk.txt"
    with sidecar.open("w") as file:
        seen = look(bytes(video), KINDS)
        if lease.look_for_writer(bytes(sidecar)) is Writer.UNKNOWN:
            pytest.skip("no leases here")
        assert writer_of(seen) is Writer.WRITING
        file.write("x")
    assert writer_of(look(bytes(video), KINDS)) is Writer.NONE
    assert writer_of(()) is Writer.NONE


def test_a_link_in_the_place_of_a_folder_leads_to_no_sidecar(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "talk.txt").write_text("secret")
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "sub").symlink_to(tmp_path / "foreign")
    seen = look(bytes(folder / "sub" / "talk.mp4"), KINDS, bytes(folder))
    found = read(seen)
    assert found.said.description == ""
    assert found.problems == (("sub", "the folder is a symbolic link, and those are not followed"),)


def test_a_folder_that_takes_anothers_place_after_the_look_is_not_read(tmp_path: Path) -> None:
    for name in ("drop", "drop/sub", "foreign"):
        (tmp_path / name).mkdir()
    sub, folder = tmp_path / "drop" / "sub", bytes(tmp_path / "drop")
    (sub / "talk.txt").write_text("mine..")
    (tmp_path / "foreign" / "talk.txt").write_text("secret")
    for path in (sub, tmp_path / "foreign"):
        os.utime(path / "talk.txt", ns=(1, 1))
    seen = look(bytes(sub / "talk.mp4"), KINDS, folder)
    sub.rename(tmp_path / "away")
    sub.symlink_to(tmp_path / "foreign")
    with pytest.raises(Trouble):
        read(seen)


def test_what_is_in_a_sub_folder_is_found_and_where_that_is_gone_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "talk.txt").write_text("D")
    video = bytes(tmp_path / "a" / "b" / "talk.mp4")
    assert read(look(video, KINDS, bytes(tmp_path) + b"/")).said.description == "D"
    assert look(bytes(tmp_path / "a" / "c" / "talk.mp4"), KINDS, bytes(tmp_path)) == ()


def test_a_kind_in_capitals_is_seen_and_no_file_is_read_twice(tmp_path: Path) -> None:
    (tmp_path / "CLIP.JSON").write_text('{"TITLE": "T"}')
    found = read(look(bytes(tmp_path / "CLIP.MP4"), KINDS))
    assert (found.names, found.said.title) == (("CLIP.JSON",), "T")
    os.link(tmp_path / "CLIP.JSON", tmp_path / "CLIP.json")  # as where the case tells no names apart
    assert read(look(bytes(tmp_path / "CLIP.MP4"), KINDS)).names == ("CLIP.json",)
