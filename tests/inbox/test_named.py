"""A file that a person names: one path for it, and words for what cannot be sent."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from okdrop.drop import MINIMUM_SIZE
from okdrop.inbox import named
from okdrop.inbox.named import place, refusal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the present one too."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def video(path: Path, size: int = MINIMUM_SIZE) -> Path:
    path.write_bytes(bytes(size))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "./a.mp4", ".//a.mp4", "sub/../a.mp4", b"a.mp4", "sub/./../a.mp4"])
def test_one_file_has_one_path_however_it_is_named(folder: Path, name: str | bytes) -> None:
    (folder / "sub").mkdir()
    assert place(name) == bytes(folder / "a.mp4")


def test_an_absolute_path_stays_as_it_is_links_in_it_too(folder: Path) -> None:
    (folder / "link").symlink_to("nowhere")
    assert place(f"{folder}/link") == bytes(folder / "link")
    assert place(f"//{folder}/link/b.mp4") == bytes(folder / "link" / "b.mp4")


def test_two_dots_lead_where_the_kernel_goes(folder: Path) -> None:
    (folder / "real" / "deep").mkdir(parents=True)
    (folder / "link").symlink_to("real/deep")
    assert place("link/../b.mp4") == bytes(folder / "real" / "b.mp4")


@pytest.mark.parametrize(("name", "found"), [("", "."), (".", "."), ("..", ".."), ("/", "/")])
def test_what_has_no_last_name_is_the_folder_itself(folder: Path, name: str, found: str) -> None:
    assert place(name) == os.fsencode((folder / found).resolve())


def test_a_name_of_any_bytes_is_kept(folder: Path) -> None:
    assert place(b"\xff\n.mp4") == bytes(folder) + b"/\xff\n.mp4"


def test_a_video_is_not_refused(folder: Path) -> None:
    assert refusal(bytes(video(folder / "a.mp4"))) is None


@pytest.mark.parametrize(
    ("size", "words"), [(0, "the file is empty"), (MINIMUM_SIZE - 1, "the file has only 16383 bytes")]
)
def test_a_file_that_ok_would_not_take_is_refused_at_once(folder: Path, size: int, words: str) -> None:
    why = refusal(bytes(video(folder / "a.mp4", size)))
    assert why == f"cannot be sent: {words}; OK takes no video under 16384 bytes"


def test_what_is_no_regular_file_is_named_and_never_opened(folder: Path) -> None:
    os.mkfifo("pipe.mp4")
    (folder / "folder.mp4").mkdir()
    (folder / "broken.mp4").symlink_to("nowhere")
    (folder / "link.mp4").symlink_to(video(folder / "a.mp4"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.mp4")
        found = {path.stem: refusal(bytes(path)) for path in folder.iterdir()}
    assert found == {
        "a": None,
        "pipe": "is a pipe; only a regular file can be read again after a cut",
        "folder": "is a folder; name the files in it",
        "socket": "is a socket, no regular file",
        "broken": "is a symbolic link, and those are not followed; it leads to no file",
        "link": f"is a symbolic link, and those are not followed; name the file itself: {folder}/a.mp4",
    }
    assert refusal(b"/dev/null") == "is a device, no regular file"


@pytest.mark.parametrize("name", ["missing.mp4", "a.mp4/below.mp4"])
def test_what_is_not_there_is_said_so(folder: Path, name: str) -> None:
    video(folder / "a.mp4")
    assert refusal(os.fsencode(folder / name)) == "is not there"


def test_a_path_that_cannot_be_is_said_so(folder: Path) -> None:
    assert refusal(bytes(folder) + b"/" + b"x" * 300) == "cannot be looked at: File name too long"


def test_an_unreadable_file_is_said_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's answer is invented here, since no permission stops root."""
    monkeypatch.setattr(named.os, "access", lambda *_arguments, **_keywords: False)
    why = refusal(bytes(video(folder / "a.mp4")))
    assert why == "cannot be read: this user may not; mend its permissions, or ask as the user who may"
