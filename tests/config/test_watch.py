from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from okdrop.config import Config, Watch
from okdrop.metadata import Privacy, Settings
from okdrop.rules import EVERYTHING, Done, Patterns, Rules


@pytest.mark.parametrize("name", ["a.mp4", "A.MP4", "a.b.MkV", "видео.mov", "a.M2TS", "\udcff.mp4"])
def test_a_video_is_taken_by_default_whatever_its_case(name: str) -> None:
    assert Watch(path=Path("/a")).names.takes(name)


@pytest.mark.parametrize(
    "name",
    ["a.txt", "mp4", "a.mp4.part", ".a.mp4", "._a.mp4", "~a.mp4", "a.mp4.!QB", "a.mp4.CRDOWNLOAD", ".mp4"],
)
def test_what_is_not_taken_by_default(name: str) -> None:
    assert not Watch(path=Path("/a")).names.takes(name)


@pytest.mark.parametrize(
    "name", ["@eaDir", "@EADIR", "#recycle", "$Recycle.Bin", "lost+found", "THUMBS.DB", ".cache"]
)
def test_folders_that_are_passed_over_by_default(name: str) -> None:
    assert Watch(path=Path("/a")).names.ignores(name)


def test_a_star_takes_every_file_that_is_not_ignored() -> None:
    names = Watch(path=Path("/a"), suffixes=("*",)).names
    assert names.takes("README")
    assert not names.takes(".README")


def test_a_folder_inherits_from_intake_unless_it_has_its_own() -> None:
    config = Config.model_validate(
        {
            "intake": {"suffixes": ["mp4"], "ignore": ["x*"]},
            "watch": [{"path": "/a"}, {"path": "/b", "suffixes": ["mkv"], "ignore": []}],
        }
    )
    assert [watch.suffixes for watch in config.watch] == [("mp4",), ("mkv",)]
    assert [watch.ignore for watch in config.watch] == [("x*",), ()]


def test_published_files_may_move_into_an_ignored_folder() -> None:
    config = Config.model_validate({"watch": [{"path": "/a", "after": "move", "move_to": "/a/x/.done/y"}]})
    assert config.watch[0].move_to == Path("/a/x/.done/y")


def test_published_files_may_move_into_a_folder_that_is_left() -> None:
    folder = {"path": "/a", "after": "move", "move_to": "/a/Sent/y", "leave": ["/sent/"]}
    assert Config.model_validate({"watch": [folder]}).watch[0].move_to == Path("/a/Sent/y")


def test_a_folder_without_rules_takes_everything() -> None:
    assert Watch(path=Path("/a")).rules is EVERYTHING
    watch = Watch(path=Path("/a"), take=("*.mp4",), leave=("raw/",), min_size=1, max_age=60.0)
    assert watch.rules == Rules(take=Patterns(["*.mp4"]), leave=Patterns(["raw/"]), min_size=1, max_age=60.0)


@pytest.mark.parametrize(
    ("done", "name", "called"),
    [
        (Done.QUIET, "", ""),
        (Done.MARKER, "", ".done"),
        (Done.MARKER, "-ok", "-ok"),
        (Done.MANIFEST, "", "SHA256SUMS"),
        (Done.MANIFEST, "MD5SUMS", "MD5SUMS"),
    ],
)
def test_how_markers_and_manifests_are_called(done: Done, name: str, called: str) -> None:
    assert Watch(path=Path("/a"), done=done, done_name=name).done_name == called


def test_folders_with_a_common_beginning_are_not_nested() -> None:
    assert len(Config.model_validate({"watch": [{"path": "/a"}, {"path": "/ab"}]}).watch) == 2


def test_what_a_folder_says_of_its_videos() -> None:
    watch = Watch(path=Path("/a"), title="{{ name }}", tags=("x",), privacy=Privacy.FRIENDS, group_id="5")
    assert watch.metadata == Settings(title="{{ name }}", tags=("x",), privacy=Privacy.FRIENDS, group_id="5")


@pytest.mark.parametrize("marker", [".okdrop-here", "mounted", "deep/here.txt", ""])
def test_a_marker_is_a_name_in_the_folder(marker: str) -> None:
    assert Watch(path=Path("/a"), marker=marker).marker == marker


@pytest.mark.parametrize("marker", ["/etc/passwd", "../here", "a/../b", ".", "a//b", "here.mp4", "a\0b"])
def test_no_other_place_and_no_video_is_a_marker(marker: str) -> None:
    with pytest.raises(ValidationError):
        Watch(path=Path("/a"), marker=marker)
