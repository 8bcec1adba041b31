"""Blocks come out of the kernel's cache, or out of a thread, and nobody can tell which by their bytes."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import threading
from typing import TYPE_CHECKING

import pytest

from okdrop.inbox import blocks as module
from okdrop.inbox.blocks import TURN, Blocks, NotedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BLOCK = 4096
SIZE = 20 * BLOCK + 17
CONTENT = random.Random("blocks").randbytes(SIZE)


class Notes:
    """What was read, and by which threads."""

    def __init__(self) -> None:
        self.bytes = b""
        self.threads: list[threading.Thread] = []

    def __call__(self, block: bytes | memoryview) -> None:
        self.bytes += block
        self.threads.append(threading.current_thread())

    @property
    def in_threads(self) -> int:
        return sum(thread is not threading.main_thread() for thread in self.threads)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def file(tmp_path: Path, notes: Notes) -> Iterator[NotedFile]:
    path = tmp_path / "a.mp4"
    path.write_bytes(CONTENT)
    with NotedFile(str(path), os.open, notes) as opened:
        yield opened


async def whole(blocks: Blocks) -> list[bytes | memoryview]:
    found = []
    while blocks.left:
        found.append(await blocks.next())
        assert found[-1], "the file ends early"
    return found


def cache(monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], int | OSError | None]) -> list[int]:
    """Have the cache hold so many of the bytes that are asked for; None: nothing, as after a while.

    What it really holds is the kernel's affair, and a test cannot take anything out of it for sure.
    """
    asked: list[int] = []
    real = os.preadv

    def preadv(descriptor: int, buffers: list[memoryview], offset: int, flags: int) -> int:
        assert flags == os.RWF_NOWAIT, "the loop would wait for a disk"
        asked.append(len(buffers[0]))
        count = answer(len(asked))
        if isinstance(count, OSError):
            raise count
        if count is None:
            raise BlockingIOError(errno.EAGAIN, "not in the cache")
        return real(descriptor, [buffers[0][:count]], offset, flags)

    monkeypatch.setattr(module.os, "preadv", preadv)
    return asked


@pytest.mark.parametrize(("start", "count"), [(0, SIZE), (0, 1), (BLOCK + 3, 5 * BLOCK), (SIZE - 1, 1)])
async def test_what_was_just_written_is_read_without_a_thread(
    file: NotedFile, notes: Notes, start: int, count: int
) -> None:
    file.seek(start)
    try:
        os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
    except OSError as error:
        pytest.skip(f"this file system does not tell of its cache: {error}")
    found = b"".join(await whole(Blocks(file, count, BLOCK)))
    assert found == notes.bytes == CONTENT[start : start + count]
    assert notes.in_threads == 0


async def test_what_is_not_in_the_cache_is_read_and_noted_by_threads(
    file: NotedFile, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache(monkeypatch, lambda _number: None)
    found = await whole(Blocks(file, SIZE, BLOCK))
    assert b"".join(found) == notes.bytes == CONTENT
    assert {len(block) for block in found} == {BLOCK, 17}
    assert notes.in_threads == len(notes.threads) == len(found)


async def test_no_more_is_read_than_is_asked_for(
    file: NotedFile, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows belongs to another segment, and is not hashed for this one."""
    cache(monkeypatch, lambda _number: None)
    assert b"".join(await whole(Blocks(file, BLOCK + 1, BLOCK))) == notes.bytes == CONTENT[: BLOCK + 1]


@pytest.mark.parametrize("seed", range(20))
async def test_a_cache_with_gaps_gives_every_byte_once_and_in_order(
    file: NotedFile, notes: Notes, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    cache(monkeypatch, lambda _number: chance.choice([None, 1, 1000, BLOCK]))
    assert b"".join(await whole(Blocks(file, SIZE, BLOCK))) == notes.bytes == CONTENT


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EINVAL])
async def test_a_file_system_that_does_not_tell_of_its_cache_is_asked_once(
    file: NotedFile, notes: Notes, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    asked = cache(monkeypatch, lambda _number: OSError(number, os.strerror(number)))
    assert b"".join(await whole(Blocks(file, SIZE, BLOCK))) == notes.bytes == CONTENT
    assert len(asked) == 1


async def test_without_the_kernel_s_word_all_is_read_by_threads(
    file: NotedFile, notes: Notes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 0)  # a Python that was built without it
    asked = cache(monkeypatch, lambda _number: None)
    with NotedFile(str(tmp_path / "a.mp4"), os.open, notes) as opened:
        assert b"".join(await whole(Blocks(opened, SIZE, BLOCK))) == CONTENT
    assert (asked, file.closed) == ([], False)


@pytest.mark.parametrize("cached", [True, False])
async def test_a_file_that_ends_early_gives_nothing_more(
    file: NotedFile, monkeypatch: pytest.MonkeyPatch, *, cached: bool
) -> None:
    cache(monkeypatch, lambda _number: BLOCK if cached else None)
    os.truncate(file.name, BLOCK + 5)
    blocks = Blocks(file, SIZE, BLOCK)
    assert [len(await blocks.next()) for _ in range(3)] == [BLOCK, 5, 0]
    assert blocks.left == SIZE - BLOCK - 5


async def test_a_trouble_of_the_disk_is_raised(file: NotedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    cache(monkeypatch, lambda _number: OSError(errno.EIO, "bad"))
    monkeypatch.setattr(NotedFile, "read", broken)
    with pytest.raises(OSError, match="bad"):
        await Blocks(file, SIZE, BLOCK).next()


def broken(_file: NotedFile, _size: int) -> bytes:
    raise OSError(errno.EIO, "bad")


@pytest.mark.parametrize("cached", [True, False])
async def test_a_block_that_is_kept_stays_as_it_was(
    file: NotedFile, monkeypatch: pytest.MonkeyPatch, *, cached: bool
) -> None:
    """A transport sends what it was given when it can."""
    cache(monkeypatch, lambda _number: BLOCK if cached else None)
    blocks = Blocks(file, SIZE, BLOCK)
    first = await blocks.next()
    await whole(blocks)
    assert first == CONTENT[:BLOCK]


async def test_everybody_else_has_a_turn_of_the_loop_now_and_then(tmp_path: Path) -> None:
    """Neither the cache nor a fast line would ever let go of it."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"")
    os.truncate(path, 4 * TURN)
    path.write_bytes(path.read_bytes())
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    with NotedFile(str(path), os.open) as opened:
        await whole(Blocks(opened, 4 * TURN, TURN // 4))
    task.cancel()
    assert turns >= 3


def test_a_close_waits_for_the_read_that_runs(file: NotedFile, notes: Notes) -> None:
    """Freed under it, the descriptor's number could be another file's by then."""
    reads, goes_on = threading.Event(), threading.Event()
    order: list[str] = []

    def note(_block: bytes | memoryview) -> None:
        reads.set()
        goes_on.wait(10)
        order.append("read")

    def close() -> None:
        file.close()
        order.append("closed")

    file._note = note  # type: ignore[misc]
    reading = threading.Thread(target=file.read, args=(BLOCK,))
    reading.start()
    assert reads.wait(10)
    closing = threading.Thread(target=close)
    closing.start()
    assert not file.closed
    goes_on.set()
    for thread in (reading, closing):
        thread.join(10)
    assert (order, file.closed, notes.bytes) == (["read", "closed"], True, b"")
