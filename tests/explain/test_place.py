"""Which folder holds a file, and every rule that keeps a scan from finding it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from okdrop.config import Watch
from okdrop.explain.place import against, where
from okdrop.inbox.scan import scan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def watches(tmp_path: Path) -> list[Watch]:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    return [Watch(path=folders[0]), Watch(path=folders[1], suffixes=("mp4",), ignore=("*.part", "tmp"))]


def reasons(watches: list[Watch], path: Path) -> list[str]:
    found, index = where(watches, bytes(path))
    return list(against(watches, index, found))


def test_a_file_is_the_folders_that_holds_it(watches: list[Watch]) -> None:
    path = watches[1].path / "deep" / "a.mp4"
    assert where(watches, bytes(path)) == (bytes(path), 1)
    assert reasons(watches, path) == []


def test_a_folder_holds_neither_itself_nor_its_neighbours(watches: list[Watch], tmp_path: Path) -> None:
    assert where(watches, bytes(watches[0].path))[1] is None
    assert where(watches, bytes(tmp_path / "one-more" / "a.mp4"))[1] is None
    (why,) = reasons(watches, tmp_path / "a.mp4")
    assert why == f"no watched folder holds it; watched: {watches[0].path}, {watches[1].path}"
    (tmp_path / "same").symlink_to(watches[0].path)
    for itself in (watches[0].path, tmp_path / "same"):
        assert reasons(watches, itself) == ["it is a watched folder itself: name a file in it"]
    assert reasons([], tmp_path / "a.mp4") == ["no watched folder holds it; watched: none is configured"]


def test_a_file_that_is_named_by_another_way_is_told_as_the_scan_would(
    watches: list[Watch], tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(watches[0].path)
    assert where(watches, bytes(tmp_path / "link" / "a.mp4")) == (bytes(watches[0].path / "a.mp4"), 0)


def test_every_rule_is_named_with_its_pattern(watches: list[Watch]) -> None:
    assert reasons(watches, watches[1].path / "TMP" / "b" / "x.part") == [
        f'the folder TMP on its way is passed over, by the pattern "tmp" of [[watch]] {watches[1].path}',
        f'its name is passed over, by the pattern "*.part" of [[watch]] {watches[1].path}',
        f"its name has none of the suffixes of [[watch]] {watches[1].path}: mp4",
    ]


def test_a_link_on_the_way_is_named(watches: list[Watch], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (watches[0].path / "in").symlink_to(tmp_path / "elsewhere")
    (why,) = reasons(watches, watches[0].path / "in" / "a.mp4")
    assert why == "the folder in on its way is a symbolic link, and those are not followed"


def test_names_are_made_for_the_eye(watches: list[Watch]) -> None:
    (why,) = reasons(watches, watches[0].path / ".\n\udcff" / "a.mp4")
    assert why.startswith("the folder .\\n\\xff on its way")


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.txt", ".a.mp4", ".b/a.mp4", "b/a.MP4", "b/@eaDir/a.mp4", "link.mp4/a.mp4"]
)
def test_it_agrees_with_the_scan(watches: list[Watch], tmp_path: Path, name: str) -> None:
    watch = watches[0]
    (tmp_path / "far").mkdir()
    (watch.path / "link.mp4").symlink_to(tmp_path / "far")
    path = watch.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    found = [one.path for one in scan(bytes(watch.path), suffixes=watch.suffixes, ignore=watch.ignore).found]
    assert (bytes(path) in found) is (reasons(watches, path) == [])
