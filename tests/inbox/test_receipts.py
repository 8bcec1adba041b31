"""A receipt appears whole, beside its video, and never in place of another file."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from okdrop.errors import Trouble
from okdrop.inbox import placing
from okdrop.inbox.receipts import Written, is_ours, path_of, write
from okdrop.inbox.revision import revision_at
from okdrop.names import ANY, LONGEST_NAME, Names

DOCUMENT = {"id": 17, "video_id": "90017", "path": "\udcff.mp4"}


@pytest.fixture
def video(tmp_path: Path) -> Path:
    made = tmp_path / "a.mp4"
    made.write_bytes(b"video")
    return made


def receipt(video: Path) -> Path:
    return video.with_name(video.name + ".okdrop.json")


def test_it_says_what_it_is_told_and_what_it_is(video: Path) -> None:
    assert write(os.fsencode(video), DOCUMENT) is Written.WRITTEN
    assert json.loads(receipt(video).read_text()) == {"okdrop_receipt": 1, **DOCUMENT}
    assert {path.name for path in video.parent.iterdir()} == {"a.mp4", "a.mp4.okdrop.json"}


def test_a_second_one_of_the_same_upload_is_the_first(video: Path) -> None:
    write(os.fsencode(video), DOCUMENT)
    before = revision_at(os.fsencode(receipt(video)))
    assert before is not None
    assert write(os.fsencode(video), DOCUMENT | {"more": 1}) is Written.THERE
    assert revision_at(os.fsencode(receipt(video))) == before


@pytest.mark.parametrize(
    "content",
    [
        *("", "x", "[]", "{}", "[" * 100_000),
        '{"okdrop_receipt": 1, "id": 18, "video_id": "90017"}',
        '{"okdrop_receipt": 1, "id": 17, "video_id": "8"}',  # of another ledger
        '{"okdrop_receipt": 1, "id": 17}',
    ],
)
def test_somebody_elses_file_stays(video: Path, content: str) -> None:
    receipt(video).write_text(content)
    assert write(os.fsencode(video), DOCUMENT) is Written.FOREIGN
    assert receipt(video).read_text() == content
    assert len([*video.parent.iterdir()]) == 2


def test_a_link_that_leads_to_one_is_none(video: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    receipt(video).symlink_to(elsewhere)
    assert write(os.fsencode(video), DOCUMENT) is Written.FOREIGN
    assert not elsewhere.exists()


def test_where_no_video_lies_there_is_no_receipt(tmp_path: Path) -> None:
    assert write(os.fsencode(tmp_path / "gone.mp4"), DOCUMENT) is Written.NO_VIDEO
    assert [*tmp_path.iterdir()] == []


def test_what_an_earlier_life_left_half_is_cleared_away(video: Path) -> None:
    (video.parent / ".okdrop-receipt-17").write_text("half")
    assert write(os.fsencode(video), DOCUMENT) is Written.WRITTEN
    assert len([*video.parent.iterdir()]) == 2


def test_a_full_disk_leaves_nothing_behind(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(placing, "land", full)
    with pytest.raises(Trouble) as caught:
        write(os.fsencode(video), DOCUMENT)
    assert caught.value.code == "filing_no_room"
    assert str(receipt(video)) in caught.value.message
    assert [path.name for path in video.parent.iterdir()] == ["a.mp4"]


def test_its_name_is_never_too_long() -> None:
    for name in (b"x" * 251 + b".mp4", "я".encode() * 125 + b".mp4"):
        made = path_of(b"/srv/" + name).rpartition(b"/")[2]
        assert len(made) <= LONGEST_NAME
        assert made.endswith(b".mp4.okdrop.json")
        made.decode()


def test_it_is_no_video_whatever_is_taken() -> None:
    assert Names((ANY,), ()).takes("a.mp4")
    assert not Names((ANY,), ()).takes("a.mp4.okdrop.json")


def test_only_a_receipt_of_the_upload_is_ours(video: Path) -> None:
    write(os.fsencode(video), DOCUMENT)
    open_before = len([*Path("/proc/self/fd").iterdir()])
    assert is_ours(os.fsencode(receipt(video)), 17, "90017")
    assert not is_ours(os.fsencode(receipt(video)), 18, "90017")
    assert not is_ours(os.fsencode(receipt(video)), 17, "90018")
    assert not is_ours(os.fsencode(video), 17, "90017")
    assert not is_ours(os.fsencode(video.parent), 17, "90017")
    assert not is_ours(os.fsencode(video.parent / "nothing"), 17, "90017")
    assert len([*Path("/proc/self/fd").iterdir()]) == open_before


def test_a_link_in_the_place_of_a_sub_folder_is_not_followed(video: Path) -> None:
    others = video.parent / "others"
    others.mkdir()
    video.rename(others / "a.mp4")
    watched = video.parent / "drop"
    watched.mkdir()
    (watched / "sub").symlink_to(others)
    path = os.fsencode(watched / "sub" / "a.mp4")
    assert write(path, DOCUMENT, os.fsencode(watched)) is Written.NO_VIDEO
    assert [one.name for one in others.iterdir()] == ["a.mp4"]
    assert write(path, DOCUMENT) is Written.WRITTEN  # whose word the way is does not matter here
    assert is_ours(path_of(path), 17, "90017")
    assert not is_ours(path_of(path), 17, "90017", os.fsencode(watched))
