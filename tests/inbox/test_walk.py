"""A walk that pauses finds what one that does not pause finds, and trusts no name for what lies there now."""

from __future__ import annotations

import errno
import gc
import os
from typing import TYPE_CHECKING, Any, Self

import pytest

from okdrop.drop import Drop
from okdrop.inbox import walk as module
from okdrop.inbox.known import KnownFiles
from okdrop.inbox.revision import revision_of
from okdrop.inbox.scan import FolderMissing, FolderUnmarked, FolderUnreadable, scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from okdrop.inbox.scan import Scan


def look(folder: Path, **more: Any) -> Scan:
    return scan(os.fsencode(folder), suffixes={".mp4"}, ignore=(".*",), **more)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a", "deep/b", "deep/er/c", "deep/d", "e", "f/g"):
        path = tmp_path / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def parts(folder: Path, at_most: int) -> list[Scan]:
    seen = [look(folder, at_most=at_most)]
    while (rest := seen[-1].rest) is not None:
        seen.append(rest())
    return seen


def known_in(folder: Path, *names: str) -> KnownFiles:
    known = KnownFiles()
    for name in names:
        path = folder / name
        known.note([Drop(path=os.fsencode(path), revision=revision_of(path.lstat()), folder=str(folder))])
    return known


@pytest.mark.parametrize("at_most", [1, 2, 5, 6, 7])
def test_parts_are_the_whole(tree: Path, at_most: int) -> None:
    [whole] = parts(tree, 1000)
    seen = parts(tree, at_most)
    assert all(len(part.found) <= at_most for part in seen)
    assert sorted(one.path for part in seen for one in part.found) == sorted(one.path for one in whole.found)
    assert seen[-1].folders == whole.folders
    assert {(part.device, part.is_empty) for part in seen} == {(whole.device, False)}


def test_a_folder_whose_listing_pauses_is_not_listed_yet(tree: Path) -> None:
    """Nor is it watched before it is: what comes to lie in it meanwhile is found by one or the other."""
    deep = tree / "deep" / "er"
    (deep / "more.mp4").touch()
    first, last = parts(deep, 1)[0], parts(deep, 1)[-1]
    assert first.folders == {}
    assert [*last.folders] == [os.fsencode(deep)]


def test_a_look_that_is_given_up_half_way_leaves_nothing_open(tree: Path) -> None:
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - names alone
    part = look(tree, at_most=1)
    assert part.rest is not None
    del part
    gc.collect()
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_a_folder_that_fails_while_it_is_listed_is_unreadable_and_not_a_smaller_one(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.scandir

    class Failing:
        def __init__(self, folder: bytes) -> None:
            self._folder, self._entries = folder, listed(folder)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def close(self) -> None:
            self._entries.close()

        def __iter__(self) -> Failing:
            return self

        def __next__(self) -> os.DirEntry[bytes]:
            if self._folder in failing:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return next(self._entries)

    monkeypatch.setattr(module.os, "scandir", Failing)
    failing = {os.fsencode(tree)}
    with pytest.raises(FolderUnreadable):
        parts(tree, 1000)
    failing = {os.fsencode(tree / "deep")}
    [seen] = parts(tree, 1000)
    assert [problem.path for problem in seen.problems] == [*failing]
    assert not failing & {*seen.folders}


def test_a_folder_that_goes_between_two_parts_is_told_where_it_is_the_watched_one(tree: Path) -> None:
    marker = tree / ".here"
    marker.touch()
    part = look(tree, at_most=1, marker=".here")
    marker.unlink()
    assert part.rest is not None
    with pytest.raises(FolderUnmarked):
        part.rest()
    with pytest.raises(FolderMissing):
        look(tree / "nowhere")


def test_a_file_that_grew_in_place_is_found_though_its_folder_is_as_it_was(tree: Path) -> None:
    """Nothing but the file itself tells of it: so each is looked at, at every scan."""
    known = known_in(tree, "a.mp4", "e.mp4", "f/g.mp4", "deep/b.mp4", "deep/d.mp4", "deep/er/c.mp4")
    folder = (tree / "f").stat()
    with (tree / "f" / "g.mp4").open("ab") as file:
        file.write(b"more")
    assert (tree / "f").stat() == folder
    found = look(tree, known=known.sighting()).found
    assert [one.path for one in found] == [os.fsencode(tree / "f" / "g.mp4")]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to("e.mp4")


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inner.mp4").touch()


@pytest.mark.parametrize(("makes", "found"), [(pipe, []), (link, []), (folder, ["a.mp4/inner.mp4"])])
def test_what_lies_where_a_known_file_lay_is_judged_anew(
    tree: Path, makes: Callable[[Path], None], found: list[str]
) -> None:
    known = known_in(tree, "a.mp4", "e.mp4", "f/g.mp4", "deep/b.mp4", "deep/d.mp4", "deep/er/c.mp4")
    (tree / "a.mp4").unlink()
    makes(tree / "a.mp4")
    seen = look(tree, known=known.sighting())
    assert [os.fsdecode(one.path) for one in seen.found] == [str(tree / name) for name in found]
    assert seen.problems == []


def test_a_folder_of_a_known_size_and_time_is_looked_through(tree: Path) -> None:
    """Whatever it is called and however large it says it is: what lies in it was not known."""
    place = tree / "place"
    place.mkdir()
    (place / "inner.mp4").touch()
    video = tree / "a.mp4"
    os.truncate(video, place.stat().st_size)
    os.utime(video, ns=(1, 1))
    known = known_in(tree, "a.mp4")
    video.unlink()
    place.rename(video)
    os.utime(video, ns=(1, 1))
    found = look(tree, known=known.sighting()).found
    assert os.fsencode(video / "inner.mp4") in {one.path for one in found}
