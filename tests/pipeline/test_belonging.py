"""What lies beside a path belongs to an upload only while that path is its own."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.drop import State
from okdrop.inbox.beside import NOTHING, Beside, look_beside
from okdrop.pipeline.belonging import file_of, image_place_of, look_beside_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Upload
    from pipeline.bench import Bench


@pytest.fixture
async def bench(set_up: Any) -> Bench:
    made: Bench = await set_up()
    return made


def told(row: Upload) -> Upload:
    """The row, as it notes what lies beside its file now."""
    return row.with_(publication=row.publication.with_(beside=bytes(look_beside(row.drop.path))))


def overwrite(row: Upload) -> None:
    remove(row).write_bytes(b"another recording")


def remove(row: Upload) -> Path:
    path = Path(os.fsdecode(row.drop.path))
    path.unlink()
    return path


def moved(row: Upload) -> Upload:
    path = Path(os.fsdecode(row.drop.path))
    return row.with_(moved_to=bytes(path.rename(path.with_suffix(".moved"))))


async def test_it_is_where_the_file_lies(bench: Bench) -> None:
    row = await bench.done()
    assert place_of(row) == file_of(row) == row.drop.path
    row = moved(row)
    assert place_of(row) == file_of(row) == row.moved_to


async def test_another_file_of_its_name_takes_the_name_with_it(bench: Bench) -> None:
    row = await bench.done()
    overwrite(row)
    (bench.folder / "a.json").write_text("{}")
    assert (place_of(row), file_of(row)) == (None, None)
    assert look_beside_of(row) == Beside(NOTHING, NOTHING)


async def test_what_comes_before_the_next_file_of_its_name_is_not_its_own(bench: Bench) -> None:
    row = await bench.done()
    remove(row)
    (bench.folder / "a.json").write_text("{}")
    assert place_of(row) is None
    assert place_of(told(row)) == row.drop.path  # it was there when OK was told


async def test_what_stayed_behind_is_its_own_until_it_changes(bench: Bench) -> None:
    (bench.folder / "a.jpg").write_bytes(b"an image")
    row = moved(told(await bench.done()))
    assert place_of(row) == row.drop.path
    (bench.folder / "a.jpg").write_bytes(b"another image")
    assert place_of(row) == row.moved_to


@pytest.mark.parametrize("goes", [remove, moved])
async def test_an_image_stays_its_own_though_the_texts_beside_it_went_with_the_file(
    bench: Bench, goes: Callable[[Upload], Any]
) -> None:
    row = await bench.done()
    (bench.folder / "a.jpg").write_bytes(b"an image")
    (bench.folder / "a.json").write_text("{}")
    row = told(row)
    became = goes(row)
    row = became if goes is moved else row
    (bench.folder / "a.json").unlink()
    assert image_place_of(row) == row.drop.path
    assert place_of(row) == row.moved_to
    (bench.folder / "a.jpg").write_bytes(b"the image of another recording")
    assert image_place_of(row) == row.moved_to


async def test_where_no_image_was_none_is_its_own_by_being_as_it_was(bench: Bench) -> None:
    row = await bench.done()
    (bench.folder / "a.json").write_text("{}")
    row = told(row)
    remove(row)
    assert image_place_of(row) is None


async def test_a_place_that_was_aimed_at_and_is_another_files_is_none(bench: Bench) -> None:
    row = await bench.done()
    row = row.with_(moved_to=bytes(bench.file("b.mp4", 9)))
    overwrite(row)
    assert place_of(row) is None


async def test_what_is_on_its_way_has_its_name(bench: Bench) -> None:
    row = dataclasses.replace(await bench.whole(), state=State.FINALIZING)
    remove(row)
    assert (place_of(row), file_of(row)) == (row.drop.path, None)
    (bench.folder / "a.mp4").write_bytes(b"another recording")
    assert place_of(row) == row.drop.path  # it is looked at once more, and not published
    assert place_of(row.with_(publish_offered=True)) is None
