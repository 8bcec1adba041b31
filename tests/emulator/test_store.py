from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from okdrop.emulator.options import EmulatorError
from okdrop.emulator.store import Store
from okdrop.emulator.videos import Video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def made(store: Store) -> Video:
    return store.create(name="a.mp4", size=1 << 30, request={"gid": "7"}, expires_at=1.5)


def test_a_video_is_found_by_its_id_and_by_its_whole_query(store: Store) -> None:
    video = made(store)
    assert store.get(str(video.id)) is video
    assert store.by_query(video.ticket.query) is video
    assert store.by_query(video.ticket.query.replace("%2F", "/")) is None
    assert [store.get(other) for other in ("", "x", "-1", "²", "1")] == [None] * 5


def test_a_far_byte_costs_no_disk(store: Store) -> None:
    video = made(store)
    with store.writing(video) as descriptor:
        os.pwrite(descriptor, b"x", (1 << 30) - 1)
    used = store.path(video).stat()
    assert (used.st_size, used.st_blocks * 512 < 1 << 20) == (1 << 30, True)


def test_a_record_is_the_video(store: Store) -> None:
    video = made(store)
    video.held = video.held.add(0, 10).add(20, 30)
    video.total = 30
    assert Video.from_record(video.record()) == video


def test_a_half_written_record_never_takes_the_place_of_a_whole_one(store: Store, tmp_path: Path) -> None:
    video = made(store)
    (tmp_path / "videos" / str(video.id) / "video.new").write_text('{"id": 67')
    store.close()
    again = Store(tmp_path)
    assert [each.id for each in again.all()] == [video.id]
    store._lock = again._lock


def test_a_file_is_no_folder_and_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "below"):
        with pytest.raises(EmulatorError, match="leads to a file; name a folder"):
            Store(place)
