"""Read gently: real threads, real priorities, real pages."""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import mmap
import os
import random
import threading
from typing import TYPE_CHECKING

import pytest

from okdrop.inbox import blocks, contents, reading
from okdrop.inbox.hold import Hold
from okdrop.inbox.reading import IDLE, PLAIN, STEP, Behind, Reading, gentle
from okdrop.inbox.revision import revision_of
from okdrop.inbox.source import Source
from okdrop.protocol.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1024 * 1024
SIZE = 12 * MIB + 4711
CONTENT = random.Random("gentle").randbytes(SIZE)


@pytest.fixture
def gently() -> Iterator[Reading]:
    way = gentle()
    yield way
    assert way.executor is not None
    way.executor.shutdown()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(CONTENT)
    with path.open("rb+") as file:
        os.fsync(file.fileno())  # what is not on the disk yet cannot be forgotten
    return path


def cached(path: Path) -> int:
    """How many pages of a file are in the kernel's cache (mincore)."""
    with path.open("rb+") as file, mmap.mmap(file.fileno(), 0) as mapped:
        pages = -(-len(mapped) // mmap.PAGESIZE)
        found = (ctypes.c_ubyte * pages)()
        window = (ctypes.c_char * len(mapped)).from_buffer(mapped)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            address = ctypes.c_void_p(ctypes.addressof(window))
            assert libc.mincore(address, ctypes.c_size_t(len(mapped)), found) == 0
        finally:
            del window
        return sum(page & 1 for page in found)


def require_that_pages_can_go(path: Path) -> None:
    with path.open("rb") as file:
        reading.forget(file.fileno())
    if cached(path):
        pytest.skip("this file system keeps its files in memory")


def source(path: Path, way: Reading) -> Source:
    return Source(os.fsencode(path), revision_of(path.lstat()), reading=way)


async def read(source: Source, start: int, stop: int) -> tuple[bytes, set[str]]:
    """The bytes of a span, and the threads that read them with the class that they were read in."""
    by: set[str] = set()

    def note(_block: bytes | memoryview) -> None:
        by.add(f"{threading.current_thread().name.partition('_')[0]} {reading.class_of_thread()}")

    pieces = [bytes(block) async for block in source.read(ByteRange(start, stop), note=note)]
    return b"".join(pieces), by


async def test_whoever_reads_gently_is_served_when_nobody_else_asks(video: Path, gently: Reading) -> None:
    if not reading.can_yield():
        pytest.skip("this kernel does not let reads come last")
    found, by = await read(source(video, gently), 100, SIZE)
    assert found == CONTENT[100:]
    assert by == {f"gentle {IDLE}"}, "not even what is in the cache is read by the loop"
    assert reading.class_of_thread() != IDLE, "the others are served as before"


async def test_threads_that_others_begin_are_served_as_before(video: Path, gently: Reading) -> None:
    await read(source(video, gently), 0, MIB)
    assert await asyncio.to_thread(reading.class_of_thread) != IDLE


async def test_what_was_read_gently_is_not_in_the_cache_afterwards(video: Path, gently: Reading) -> None:
    require_that_pages_can_go(video)
    file = source(video, gently)
    async with file.held(lambda path: path):
        halves = [await read(file, 0, SIZE // 2), await read(file, SIZE // 2, SIZE)]
    assert b"".join(found for found, _ in halves) == CONTENT
    assert cached(video) == 0


async def test_it_is_forgotten_while_it_is_read_and_not_at_the_end_alone(
    video: Path, gently: Reading
) -> None:
    require_that_pages_can_go(video)
    most = 0
    async for _ in source(video, gently).read(ByteRange(0, SIZE)):
        most = max(most, cached(video))
    assert most * mmap.PAGESIZE < SIZE, "the whole file was in memory"


async def test_what_is_read_as_usual_stays_in_the_cache(video: Path) -> None:
    require_that_pages_can_go(video)
    found, by = await read(source(video, PLAIN), 0, SIZE)
    assert found == CONTENT
    assert not any(f" {IDLE}" in one for one in by)
    assert cached(video) * mmap.PAGESIZE >= SIZE


async def test_bytes_that_are_wanted_again_are_read_again(video: Path, gently: Reading) -> None:
    file = source(video, gently)
    for _ in range(2):
        assert (await read(file, MIB, 3 * MIB))[0] == CONTENT[MIB : 3 * MIB]


async def test_spans_that_are_read_side_by_side_are_whole(video: Path, gently: Reading) -> None:
    file = source(video, gently)
    spans = [(start, min(start + 777_777, SIZE)) for start in range(0, SIZE, 777_777)]
    found = await asyncio.gather(*(read(file, start, stop) for start, stop in spans))
    assert b"".join(piece for piece, _ in found) == CONTENT


async def test_what_is_read_beside_the_sending_is_gentle_too(
    video: Path, gently: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_that_pages_can_go(video)
    classes: set[int] = set()
    real = os.preadv

    def preadv(*arguments: object) -> int:
        classes.add(reading.class_of_thread())
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(contents.os, "preadv", preadv)
    digest = await contents.digest(source(video, gently))
    assert cached(video) == 0
    assert digest == await contents.digest(source(video, PLAIN))
    if reading.can_yield():
        assert IDLE in classes


class Advice:
    """What the kernel was told to forget."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: list[tuple[int, int]] = []
        monkeypatch.setattr(reading.os, "posix_fadvise", self)

    def __call__(self, _descriptor: int, begin: int, length: int, advice: int) -> None:
        assert advice == os.POSIX_FADV_DONTNEED
        self.given.append((begin, begin + length))


def test_nothing_before_the_span_is_forgotten_and_everything_in_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What lies before it may be read ahead for the span of another connection."""
    advice = Advice(monkeypatch)
    behind = Behind(5 * MIB)
    for at in range(5 * MIB, 17 * MIB, 256 * 1024):
        behind.passed(0, at)
    behind.end(0, 17 * MIB)
    assert min(begin for begin, _ in advice.given) == 5 * MIB
    assert max(end for _, end in advice.given) == 17 * MIB
    ends = [end for _, end in advice.given]
    assert all(later - sooner <= STEP for sooner, later in itertools.pairwise(ends))
    assert all(begin <= end - STEP or begin == 5 * MIB for begin, end in advice.given)


def test_where_nothing_was_read_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    advice = Advice(monkeypatch)
    Behind(7).end(0, 7)
    assert advice.given == []


def test_a_file_that_is_let_go_of_is_forgotten_whole_where_that_is_wanted(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advice = Advice(monkeypatch)
    for forgets in (False, True):
        Hold(os.open(video, os.O_RDONLY), forgets=forgets).close()
    assert advice.given == [(0, 0)]


def test_a_kernel_that_takes_no_advice_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(reading.os, "posix_fadvise", refuse)
    Behind(0).end(0, 10)


def test_where_memory_may_not_be_executed_reads_come_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert not reading.yield_the_disk()
    assert reading.class_of_thread() == -1
    assert not reading.can_yield()


@pytest.mark.parametrize(
    ("scheduler", "heeds"),
    [("bfq", True), ("mq-deadline", True), ("none", False), ("kyber", False), ("", False)],
)
def test_not_every_scheduler_knows_who_comes_last(scheduler: str, *, heeds: bool) -> None:
    assert reading.heeds_classes(scheduler) is heeds


def test_a_device_that_is_no_disk_has_no_scheduler(tmp_path: Path) -> None:
    assert reading.scheduler_of(os.makedev(4000, 4000)) == ""
    found = reading.scheduler_of(tmp_path.stat().st_dev)
    assert "[" not in found


def test_a_plain_file_is_never_forgotten(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advice = Advice(monkeypatch)
    with blocks.NotedFile(str(video), os.open) as file:
        file.read(4 * MIB)
    assert advice.given == []
