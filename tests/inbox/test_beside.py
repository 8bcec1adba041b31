"""What lies beside a video: told apart without reading a folder, and read without being led anywhere."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.inbox import beside
from okdrop.inbox.beside import NOTHING, Beside, UnfitImageError, image_beside, look_beside, read_image

if TYPE_CHECKING:
    from pathlib import Path

JPEG = b"\xff\xd8\xff\xe0" + bytes(3000) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(3000) + b"IEND\xaeB\x60\x82"
WEBP = b"RIFF" + (2000).to_bytes(4, "little") + b"WEBP" + bytes(1996)


def video(folder: Path, name: str | bytes = "a.mp4") -> bytes:
    return os.fsencode(folder) + b"/" + os.fsencode(name)


def reason(path: Path) -> tuple[str, bool]:
    with pytest.raises(UnfitImageError) as caught:
        read_image(bytes(path))
    return caught.value.reason, caught.value.may_change


def test_nothing_lies_there(tmp_path: Path) -> None:
    assert look_beside(video(tmp_path)) == Beside(NOTHING, NOTHING)
    assert look_beside(video(tmp_path / "gone")) == Beside(NOTHING, NOTHING)
    assert image_beside(video(tmp_path)) is None


@pytest.mark.parametrize("name", ["a.json", "a.toml", "a.nfo", "a.txt"])
def test_a_text_of_its_name(tmp_path: Path, name: str) -> None:
    before = look_beside(video(tmp_path))
    (tmp_path / name).write_text("{}")
    now = look_beside(video(tmp_path))
    assert (now.has_new_texts(before), now.has_new_images(before)) == (True, False)
    assert not now.has_new_texts(now)
    assert not before.has_new_texts(now)


def test_what_is_gone_may_come_back_as_it_was(tmp_path: Path) -> None:
    never = Beside.of(b"")
    nothing = look_beside(video(tmp_path))
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "a.jpg").write_bytes(JPEG)
    both = look_beside(video(tmp_path))
    assert nothing.with_what_is_gone(both) == both
    assert both.with_what_is_gone(nothing) == both.with_what_is_gone(never) == both
    assert nothing.with_what_is_gone(never) == nothing


@pytest.mark.parametrize("name", ["a.jpg", "a.PNG", "a.mp4.jpeg", "a-poster.webp"])
def test_an_image_of_its_name(tmp_path: Path, name: str) -> None:
    before = look_beside(video(tmp_path))
    (tmp_path / name).write_bytes(JPEG)
    now = look_beside(video(tmp_path))
    assert (now.has_new_texts(before), now.has_new_images(before), now.has_images) == (False, True, True)
    assert image_beside(video(tmp_path)) == bytes(tmp_path / name)


@pytest.mark.parametrize("name", ["b.json", "aa.txt", "a.mp4", "a.md", "a.json.txt", "a-posters.jpg", "ajpg"])
def test_what_is_of_another_name_is_none_of_its_business(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(JPEG)
    assert look_beside(video(tmp_path)) == Beside(NOTHING, NOTHING)


def test_an_image_that_is_the_video_itself_lies_not_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    assert look_beside(bytes(path)).images == NOTHING


def test_a_change_of_size_or_time_is_seen_and_another_name_for_all_is_none(tmp_path: Path) -> None:
    text = tmp_path / "a.json"
    text.write_text("{}")
    first = look_beside(video(tmp_path))
    os.utime(text, ns=(1, 1))
    second = look_beside(video(tmp_path))
    assert second.has_new_texts(first)
    text.rename(tmp_path / "b.json")
    assert look_beside(video(tmp_path, "b.mp4")) == second


def test_a_fingerprint_is_kept_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    now = look_beside(video(tmp_path))
    assert Beside.of(bytes(now)) == now
    assert now.has_new_texts(Beside.of(b""))


@pytest.mark.parametrize(
    "name", [b"\xff\n'\".mp4", b"x" * 255, b".mp4", b"a", b"\xf0\x9f\x8e\xac.mp4", b"x" * 250 + b".mp4"]
)
def test_any_name_of_a_video_may_have_neighbours(tmp_path: Path, name: bytes) -> None:
    path = video(tmp_path, name)
    assert look_beside(path) == Beside(NOTHING, NOTHING)
    stem = name.rpartition(b".")[0] or name
    if len(stem) < 250:
        with open(video(tmp_path, stem + b".txt"), "wb"):  # noqa: PTH123 - its name need not be text
            pass
        assert look_beside(path).texts != NOTHING


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP])
def test_an_image_is_what_its_bytes_say(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert read_image(bytes(path)).data == data
    assert read_image(bytes(path)).name == b"a.jpg"


@pytest.mark.parametrize("data", [JPEG[:-2], PNG[:-8], WEBP[:-1], JPEG[:3]])
def test_one_that_is_cut_may_be_on_its_way(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert reason(path) == ("it is not whole", True)


def test_what_is_no_image_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"<html>")
    assert reason(path) == ("it is no JPEG, PNG or WebP by its bytes", False)
    path.write_bytes(bytes(100))  # room was made for it
    assert reason(path)[1] is True


def test_one_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "LARGEST_IMAGE", 100)
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    assert reason(path) == (f"it has {len(JPEG)} bytes, and a cover may have 100", False)


def test_neither_a_link_nor_a_pipe_nor_a_folder_is_followed_or_waited_for(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(JPEG)
    for name in ("link", "pipe", "folder"):
        path = tmp_path / f"{name}.jpg"
        match name:
            case "link":
                path.symlink_to(tmp_path / "elsewhere")
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
        assert look_beside(video(tmp_path, f"{name}.mp4")).images == NOTHING
        with pytest.raises(UnfitImageError):
            read_image(bytes(path))


def test_one_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    assert reason(tmp_path / "gone.jpg") == ("it cannot be read: No such file or directory", False)


def test_an_image_that_changes_while_it_is_read_is_taken_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    original = os.pread

    def grows(descriptor: int, count: int, at: int) -> bytes:
        with path.open("ab") as more:
            more.write(b"more")
        return original(descriptor, count, at)

    monkeypatch.setattr(os, "pread", grows)
    assert reason(path) == ("it changes while it is read", True)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_image_or_told(data: bytes) -> None:
    with contextlib.suppress(UnfitImageError):
        beside._judge(data)


def test_no_image_is_read_over_a_link_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "a.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    (tmp_path / "drop" / "sub").symlink_to(tmp_path / "foreign")
    with pytest.raises(UnfitImageError, match="symbolic link"):
        read_image(bytes(tmp_path / "drop" / "sub" / "a.jpg"), bytes(tmp_path / "drop"))
    assert read_image(bytes(tmp_path / "drop" / "sub" / "a.jpg")).data  # a folder of its own, however reached
