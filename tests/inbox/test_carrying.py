"""What lies beside a video goes with it, and nothing else does."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from okdrop.errors import Trouble
from okdrop.inbox import carrying, filing
from okdrop.inbox.carrying import Carried, Seen, Sidecar, carry, going, seen_beside
from okdrop.inbox.lease import prepare
from okdrop.names import Names

SUFFIXES = ("json", "srt", "jpg")
NAMES = Names((".mp4", ".mkv"), (".*",))
STOP = threading.Event()


@pytest.fixture(autouse=True)
def sigio_ignored() -> None:
    assert prepare()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    return made


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(os.fsencode(name))


def found(folder: Path, target: Path | None, video: str = "a.mp4") -> list[Sidecar]:
    path = os.fsencode(folder / video)
    seen = seen_beside(path, SUFFIXES)
    assert [Seen.of_json(one.as_json()) for one in seen] == seen
    return going(seen, path, None if target is None else os.fsencode(target), SUFFIXES, NAMES)


def went(folder: Path, target: Path | None, video: str = "a.mp4") -> Carried:
    return carry(found(folder, target, video), "1-x", STOP)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_those_of_its_stem_and_of_its_name_go_with_it(folder: Path, kept: Path) -> None:
    mine = {"a.json", "a.srt", "a.JPG", "a.mp4.json"}
    others = {"b.json", "a.en.srt", "a", "ab.json", "a.nfo", "a.mp4.okdrop.json", "a.mp4.txt"}
    make(folder, *mine, *others)
    (folder / "a.jpg").mkdir()
    (folder / "a.mp4.srt").symlink_to("a.json")
    assert went(folder, kept / "a.mp4") == Carried(done=4)
    assert {path.name: path.read_text() for path in kept.iterdir()} == {name: name for name in mine}
    assert names(folder) == others | {"a.jpg", "a.mp4.srt"}


def test_a_video_that_got_a_number_takes_them_under_that_number(folder: Path, kept: Path) -> None:
    make(folder, "a.json", "a.mp4.json")
    went(folder, kept / "a (2).mp4")
    assert names(kept) == {"a (2).json", "a (2).mp4.json"}


def test_a_video_that_got_another_name_takes_them_under_that_name(folder: Path, kept: Path) -> None:
    make(folder, "a.json", "a.mp4.json")
    went(folder, kept / "90017.mp4")
    assert names(kept) == {"90017.json", "90017.mp4.json"}


def test_what_belongs_to_another_video_too_stays(folder: Path, kept: Path) -> None:
    make(folder, "a.json", "a.mp4.json", "a.mkv")
    assert went(folder, kept / "a.mp4") == Carried(done=1)
    assert names(folder) == {"a.json", "a.mkv"}
    (folder / "a.mkv").unlink()
    went(folder, kept / "a.mkv", "a.mkv")
    assert names(kept) == {"a.json", "a.mp4.json"}


def test_an_image_that_may_be_its_cover_goes_with_it(folder: Path, kept: Path) -> None:
    mine = {"a.jpg", "a.mp4.jpg", "a-poster.jpg", "a-poster.JPG"}
    others = {"a-poster.json", "a-poster.png", "a.mp4-poster.jpg", "a-poster", "ab-poster.jpg"}
    make(folder, *mine, *others)
    assert went(folder, kept / "90017.mp4") == Carried(done=4)
    assert names(kept) == {"90017.jpg", "90017.mp4.jpg", "90017-poster.jpg", "90017-poster.JPG"}
    assert names(folder) == others


def test_an_image_that_may_be_another_videos_stays(folder: Path, kept: Path) -> None:
    make(folder, "a.jpg", "a-poster.jpg", "a-poster.mp4")
    assert went(folder, kept / "a.mp4") == Carried(done=1)
    assert names(folder) == {"a-poster.jpg", "a-poster.mp4"}
    make(folder, "a.jpg", "a.mkv", "a.mp4.jpg")
    (folder / "a-poster.mp4").unlink()
    (kept / "a.jpg").unlink()
    assert went(folder, kept / "a.mp4") == Carried(done=1)
    assert names(folder) == {"a-poster.jpg", "a.jpg", "a.mkv"}


def test_what_is_passed_over_is_no_other_video(folder: Path, kept: Path) -> None:
    make(folder, "a.json", ".a.mkv", "b.mkv", "a.txt")
    assert went(folder, kept / "a.mp4") == Carried(done=1)


def test_nothing_is_overwritten(folder: Path, kept: Path) -> None:
    make(folder, "a.json", "a.srt")
    (kept / "a.json").write_text("somebody else's")
    came = went(folder, kept / "a.mp4")
    assert (came.done, came.trouble) == (1, None)
    assert came.left == ((os.fsencode(folder / "a.json"), "something lies where it would go"),)
    assert (kept / "a.json").read_text() == "somebody else's"
    assert (folder / "a.json").read_text() == "a.json"
    assert names(folder) == {"a.json"}


def test_they_are_deleted_with_a_video_that_is(folder: Path) -> None:
    make(folder, "a.json", "a.srt", "b.json")
    assert went(folder, None) == Carried(done=2)
    assert names(folder) == {"b.json"}


def test_one_that_changed_since_it_was_written_down_stays(folder: Path) -> None:
    make(folder, "a.json")
    seen = found(folder, None)
    (folder / "a.json").write_text("another content")
    came = carry(seen, "1-x", STOP)
    assert came.left == ((os.fsencode(folder / "a.json"), "it changed meanwhile"),)
    assert (folder / "a.json").read_text() == "another content"


def test_trouble_with_one_does_not_keep_the_others_and_is_tried_again(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, "a.json", "a.srt")
    seen = found(folder, kept / "a.mp4")
    put_away = filing.put_away

    def full(errand: filing.Errand, stop: threading.Event) -> filing.End:
        if errand.source.endswith(b".json"):
            raise filing.translation(OSError(errno.ENOSPC, "No space left on device"))
        return put_away(errand, stop)

    monkeypatch.setattr(filing, "put_away", full)
    came = carry(seen, "1-x", STOP)
    assert came.done == 1
    assert came.trouble is not None
    assert came.trouble.code == "filing_no_room"
    monkeypatch.undo()
    assert carry(seen, "1-x", STOP).trouble is None
    assert names(kept) == {"a.json", "a.srt"}
    assert names(folder) == set()


def test_what_is_written_down_is_read_back(folder: Path, kept: Path) -> None:
    name = os.fsdecode(b"\xff\n")
    make(folder, f"{name}.json")
    seen = found(folder, kept / f"{name} (2).mp4", f"{name}.mp4")
    assert [Sidecar.of_json(one.as_json()) for one in seen] == seen
    assert carry(seen, "1-x", STOP).done == 1
    assert names(kept) == {f"{name} (2).json"}


def test_what_nobody_wants_to_go_by_now_stays(folder: Path) -> None:
    make(folder, "a.json", "a.SRT")
    seen = seen_beside(os.fsencode(folder / "a.mp4"), SUFFIXES)
    (one,) = going(seen, os.fsencode(folder / "a.mp4"), None, ("srt",), NAMES)
    assert one.path == os.fsencode(folder / "a.SRT")


def test_a_link_in_the_place_of_a_sub_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    others = tmp_path / "others"
    others.mkdir()
    make(others, "a.mp4", "a.json")
    (folder / "sub").symlink_to(others)
    video = os.fsencode(folder / "sub" / "a.mp4")
    assert seen_beside(video, SUFFIXES, os.fsencode(folder)) == []
    assert [one.path for one in seen_beside(video, SUFFIXES)] == [os.fsencode(folder / "sub" / "a.json")]
    assert seen_beside(os.fsencode(folder / "gone" / "a.mp4"), SUFFIXES, os.fsencode(folder)) == []


def test_of_a_video_that_got_another_name_meanwhile_nothing_goes(folder: Path) -> None:
    make(folder, "a.json")
    seen = seen_beside(os.fsencode(folder / "a.mp4"), SUFFIXES)
    assert going(seen, os.fsencode(folder / "ab.mp4"), None, SUFFIXES, NAMES) == []


def test_a_name_too_long_for_the_target_stays(folder: Path, kept: Path) -> None:
    make(folder, "a.json")
    came = went(folder, kept / ("x" * 251 + ".mp4"), "a.mp4")
    assert names(folder) == {"a.json"}
    assert len(came.left) == 1


def test_names_as_long_as_they_may_be_have_no_sidecars(folder: Path, kept: Path) -> None:
    assert found(folder, kept / "b.mp4", "x" * 251 + ".mp4") == []


def test_a_folder_that_is_gone_holds_none(folder: Path, kept: Path) -> None:
    shutil.rmtree(folder)
    assert found(folder, kept / "a.mp4") == []


def test_a_folder_that_cannot_be_looked_at_is_trouble(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: bytes, **_: int) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(carrying.os, "lstat", refused)
    with pytest.raises(Trouble) as caught:
        found(folder, kept / "a.mp4")
    assert caught.value.code == "filing_failed"


def test_in_a_cut_between_two_file_systems_none_is_lost(folder: Path, tmp_path: Path) -> None:
    """A copy was made, and the process died: what was written down is enough to go on."""
    shm = Path("/dev/shm")  # noqa: S108 - another file system, of which every Linux has one
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    place = shm / f"okdrop-sidecars-{os.getpid()}"
    place.mkdir()
    try:
        make(folder, "a.json")
        seen = found(folder, place / "a.mp4")
        shutil.copy2(folder / "a.json", place / "a.json")
        assert carry(seen, "1-x", STOP) == Carried(done=1)
        assert (place / "a.json").read_text() == "a.json"
        assert names(folder) == set()
    finally:
        shutil.rmtree(place)
