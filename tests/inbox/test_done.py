"""Whether somebody has said that a file is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from okdrop.config import Watch
from okdrop.drop import Revision
from okdrop.inbox.done import (
    LARGEST_MANIFEST,
    LAST_LINE,
    MANIFESTS,
    MANY,
    NO_DEMAND,
    NOT_ASKED,
    UNASKED,
    Demand,
    Said,
    Sayings,
    demand_of,
)
from okdrop.inbox.manifest import Promise
from okdrop.rules import Done

MARKER = Demand(done=Done.MARKER, name=b".done")
MANIFEST = Demand(done=Done.MANIFEST, name=b"LIST")


def said(path: Path, demand: Demand, *, now: float = 1000.0, sayings: Sayings | None = None) -> Said:
    folder = next(place for place in path.parents if place.name == "drop")
    return (sayings or Sayings()).of(os.fsencode(path), os.fsencode(folder), demand, now)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "drop" / "day" / "clip.mp4"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_where_nothing_is_asked_for_every_file_is_done(clip: Path) -> None:
    assert said(clip, NO_DEMAND) is NOT_ASKED


@pytest.mark.parametrize("marker", ["clip.mp4.done", "clip.done"])
def test_a_marker_beside_the_file_says_so(clip: Path, marker: str) -> None:
    assert said(clip, MARKER).waits_for == "no clip.mp4.done yet"
    (clip.parent / marker).touch()
    assert said(clip, MARKER) == NOT_ASKED


@pytest.mark.parametrize("marker", ["../clip.mp4.done", "clip.mp4.DONE", "clip.mp4.done.part", ".done"])
def test_what_is_no_marker_of_the_file_says_nothing(clip: Path, marker: str) -> None:
    (clip.parent / marker).touch()
    assert said(clip, MARKER).waits_for


def test_a_folder_or_a_link_is_no_marker(clip: Path) -> None:
    (clip.parent / "clip.mp4.done").mkdir()
    (clip.parent / "clip.done").symlink_to("clip.mp4")
    assert said(clip, MARKER).waits_for


def test_a_name_that_leaves_no_room_for_a_marker_waits(clip: Path) -> None:
    longest = clip.with_name("x" * 251 + ".mp4")
    longest.touch()
    assert said(longest, MARKER).waits_for.startswith("no xxx")
    longest.with_name("x" * 250 + ".done").touch()
    assert said(longest, MARKER).waits_for


def test_a_name_of_any_bytes_is_said_safely(clip: Path) -> None:
    odd = clip.with_name(os.fsdecode(b"new\nline \xff.mp4"))
    odd.touch()
    assert said(odd, MARKER).waits_for.isprintable()
    (clip.parent / os.fsdecode(b"new\nline \xff.mp4.done")).touch()
    assert said(odd, MARKER) == NOT_ASKED


def test_a_manifest_lists_what_is_done(clip: Path) -> None:
    assert said(clip, MANIFEST).waits_for == "no LIST yet"
    (clip.parent / "LIST").write_text("other.mp4\n")
    assert said(clip, MANIFEST).waits_for == "day/LIST does not list it"
    (clip.parent / "LIST").write_text("other.mp4\nclip.mp4\t12\n")
    assert said(clip, MANIFEST) == Said(promise=Promise(size=12), by="day/LIST")


def test_a_manifest_above_lists_by_the_way_down(clip: Path) -> None:
    (clip.parents[1] / "LIST").write_text("./day/clip.mp4\nclip.mp4\t1\n")
    assert said(clip, MANIFEST) == Said(by="LIST")


def test_the_nearest_manifest_that_lists_it_holds(clip: Path) -> None:
    (clip.parents[1] / "LIST").write_text("day/clip.mp4\t1\n")
    (clip.parent / "LIST").write_text("clip.mp4\t2\n")
    assert said(clip, MANIFEST).promise.size == 2
    (clip.parent / "LIST").write_text("another.mp4\n")
    assert said(clip, MANIFEST).promise.size == 1


def test_a_manifest_outside_the_watched_folder_is_none(clip: Path) -> None:
    (clip.parents[2] / "LIST").write_text("drop/day/clip.mp4\nday/clip.mp4\nclip.mp4\n")
    assert said(clip, MANIFEST).waits_for == "no LIST yet"


def test_a_last_line_without_an_end_has_to_be_quiet(clip: Path) -> None:
    (clip.parent / "LIST").write_text("clip.mp4")
    sayings = Sayings()
    assert said(clip, MANIFEST, now=10, sayings=sayings).waits_for
    assert said(clip, MANIFEST, now=10 + LAST_LINE - 0.1, sayings=sayings).waits_for
    assert not said(clip, MANIFEST, now=10 + LAST_LINE, sayings=sayings).waits_for


def test_a_manifest_is_read_again_when_it_changed(clip: Path) -> None:
    sayings = Sayings()
    (clip.parent / "LIST").write_text("other.mp4\n")
    assert said(clip, MANIFEST, sayings=sayings).waits_for
    (clip.parent / "LIST").write_text("other.mp4\nclip.mp4\n")
    assert not said(clip, MANIFEST, sayings=sayings).waits_for
    (clip.parent / "LIST").unlink()
    assert said(clip, MANIFEST, sayings=sayings).waits_for == "no LIST yet"


def test_so_many_manifests_are_remembered_and_no_more(clip: Path) -> None:
    sayings = Sayings()
    for number in range(MANIFESTS + 5):
        file = clip.parents[1] / str(number) / "clip.mp4"
        file.parent.mkdir()
        (file.parent / "LIST").write_text("clip.mp4\n")
        assert not said(file, MANIFEST, sayings=sayings).waits_for
    assert sum(read.manifest is not None for read in sayings._read.values()) == MANIFESTS


def test_however_many_manifests_there_are_each_last_line_is_quiet_in_the_end(clip: Path) -> None:
    """What is forgotten is what a manifest lists, and not since when it does."""
    sayings, files = Sayings(), []
    for number in range(MANIFESTS + 5):
        file = clip.parents[1] / str(number) / "clip.mp4"
        file.parent.mkdir()
        (file.parent / "LIST").write_text("clip.mp4")
        files.append(file)
    assert all(said(file, MANIFEST, now=10, sayings=sayings).waits_for for file in files)
    assert not any(said(file, MANIFEST, now=10 + LAST_LINE, sayings=sayings).waits_for for file in files)
    (files[0].parent / "LIST").unlink()
    assert said(files[0], MANIFEST, now=20, sayings=sayings).waits_for
    (files[0].parent / "LIST").write_text("clip.mp4")
    assert said(files[0], MANIFEST, now=30, sayings=sayings).waits_for


def test_manifests_that_nobody_asks_for_any_more_are_forgotten(clip: Path) -> None:
    sayings, now = Sayings(), 1000.0
    for number in range(2 * MANY):
        file = clip.parents[1] / str(number) / "clip.mp4"
        file.parent.mkdir()
        (file.parent / "LIST").write_text("clip.mp4\n")
        assert not said(file, MANIFEST, now=now, sayings=sayings).waits_for
        now += UNASKED / 100
    assert len(sayings._read) <= MANY
    assert sayings._parsed.keys() <= sayings._read.keys()
    assert not said(file, MANIFEST, now=now, sayings=sayings).waits_for


def test_what_is_no_regular_file_lists_nothing_and_is_not_waited_for(clip: Path) -> None:
    os.mkfifo(clip.parent / "LIST")
    assert said(clip, MANIFEST).waits_for == "no LIST yet"


def test_a_huge_manifest_lists_nothing(clip: Path) -> None:
    manifest = clip.parent / "LIST"
    manifest.write_text("clip.mp4\n")
    os.truncate(manifest, LARGEST_MANIFEST + 1)
    assert said(clip, MANIFEST).waits_for


def test_another_size_than_was_said_is_told() -> None:
    one = Said(promise=Promise(size=12), by="LIST")
    assert one.misfit(Revision(device=1, inode=1, size=12, mtime_ns=0)) == ""
    misfit = one.misfit(Revision(device=1, inode=1, size=7, mtime_ns=0))
    assert misfit == "LIST says 12 bytes, it has 7"


def test_what_is_asked_for_comes_from_the_configuration() -> None:
    assert demand_of(Watch(path=Path("/a"))) == NO_DEMAND
    assert demand_of(Watch(path=Path("/a"), done=Done.MARKER)) == MARKER
    named = Watch(path=Path("/a"), done=Done.MANIFEST, done_name="LIST")
    assert demand_of(named) == MANIFEST
