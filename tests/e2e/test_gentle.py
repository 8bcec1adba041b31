"""A daemon that reads gently: what it sends is whole, also what it sends again, and its readers come last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_published_once, published, received, until
from e2e.test_drops import another_file_system
from okdrop.inbox import reading

if TYPE_CHECKING:
    from e2e.harness import Running

GENTLE = {"upload__gentle_reads": "true", "upload__segment_size": "64KiB"}
SLOW = 500 * KB


def classes(running: Running) -> dict[int, int]:
    """Thread → the class in which it is served by the disks."""
    tasks = [int(path.name) for path in Path(f"/proc/{running.process.pid}/task").iterdir()]
    return {task: reading.class_of_thread(task) for task in tasks}


async def test_whoever_sends_gently_reads_when_nobody_else_asks_and_does_all_else_as_before(
    start: Any,
) -> None:
    if not reading.can_yield():
        pytest.skip("this kernel does not let reads come last")
    emulator, daemon = await start(bytes_per_second=SLOW, settings=GENTLE)
    path = daemon.file("a.mp4", 1 * MB)
    async with daemon.staying() as running:
        await until(lambda: received(emulator) > 200 * KB)
        found = classes(running)
        assert reading.IDLE in found.values()
        assert found[running.process.pid] != reading.IDLE, "the loop is served as before"
        assert len([one for one in found.values() if one == reading.IDLE]) <= reading.READERS
        await until(lambda: published(emulator.videos()))
    assert_published_once(emulator.videos(), [path])


async def test_what_was_cut_is_read_again_and_whole(start: Any) -> None:
    emulator, daemon = await start("cut_after_bytes:bytes=30000,times=3", settings=GENTLE)
    files = daemon.files([1 * MB + number for number in range(3)])
    ended = await daemon.ends()
    assert ended.code == 0, ended.text
    assert_published_once(emulator.videos(), files)


async def test_a_file_that_moves_to_another_file_system_is_whole(start: Any) -> None:
    emulator, daemon = await start(settings=GENTLE)
    with another_file_system(daemon.drop) as place:
        [path] = daemon.files([300 * KB])
        daemon.watch(after="move", move_to=str(place / "kept"))
        async with daemon.staying() as running:
            await running.tells("file.moved")
        assert not path.exists()
        assert_published_once(emulator.videos(), [place / "kept" / path.name])
