from __future__ import annotations

import asyncio
import dataclasses
import errno
import itertools
import os
import threading
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okdrop.errors import GaveUp, LocalProtocolError, OkdropError, SourceChanged, Trouble, Verdict
from okdrop.inbox import contents
from okdrop.inbox import source as source_module
from okdrop.inbox.revision import revision_of
from okdrop.inbox.source import Source
from okdrop.protocol.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Revision

CONTENT = bytes(range(256)) * 400
BLOCK = 1000
ALL = ByteRange(0, len(CONTENT))

HOSTILE = [
    b"new\nline.mp4",
    b"'quotes\" and `ticks`.mp4",
    b"not utf-8 \xff\xfe.mp4",
    b"x" * 251 + b".mp4",
    "\N{CLAPPER BOARD} ☂.mp4".encode(),
    b"-rf.mp4",
]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(CONTENT)
    return path


def source_of(path: Path) -> Source:
    return Source(os.fsencode(path), seen(path))


def seen(path: Path) -> Revision:
    return revision_of(path.stat())


async def opened(path: Path, expected: Revision) -> Source:
    return await Source.open(os.fsencode(path), expected)


async def whole(source: Source, span: ByteRange = ALL, block_size: int = BLOCK) -> bytes:
    async with aclosing(source.read(span, block_size=block_size)) as blocks:
        return b"".join([block async for block in blocks])


async def read_while(source: Source, meddle: Callable[[bytes], None], block_size: int = BLOCK) -> None:
    """Read all, telling after each block what has come so far."""
    got = b""
    async with aclosing(source.read(ALL, block_size=block_size)) as blocks:
        async for block in blocks:
            got += block
            meddle(got)


def open_files(path: Path) -> int:
    """How many descriptors of this process are open on the file, or on what was deleted there."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own is closed by now
            links.append(str(entry.readlink()))
    return sum(link.removesuffix(" (deleted)") == str(path) for link in links)


# --- reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "span", [ALL, ByteRange(0, 1), ByteRange(99_999, len(CONTENT)), ByteRange(1001, 7003)]
)
async def test_gives_exactly_the_bytes_of_the_span(video: Path, span: ByteRange) -> None:
    assert await whole(source_of(video), span) == CONTENT[span.start : span.stop]
    assert open_files(video) == 0


async def test_gives_one_block_at_a_time(video: Path) -> None:
    async with aclosing(source_of(video).read(ByteRange(10, 2510), block_size=BLOCK)) as blocks:
        assert [len(block) async for block in blocks] == [1000, 1000, 500]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shared") / "a.mp4"
    path.write_bytes(CONTENT)
    return path


@given(data=st.data(), block_size=st.integers(1000, 9000))
@settings(deadline=None, max_examples=50)  # its time is that of threads on a busy machine
def test_spans_cut_anywhere_add_up_to_the_file(shared: Path, data: st.DataObject, block_size: int) -> None:
    start = data.draw(st.integers(0, len(CONTENT) - 1))
    stop = data.draw(st.integers(start + 1, min(start + 20_000, len(CONTENT))))
    got = asyncio.run(whole(source_of(shared), ByteRange(start, stop), block_size))
    assert got == CONTENT[start:stop]


async def test_several_spans_may_be_read_at_once(video: Path) -> None:
    source = source_of(video)
    cuts = [0, 10_000, 33_333, 70_000, len(CONTENT)]
    spans = [ByteRange(start, stop) for start, stop in itertools.pairwise(cuts)]
    assert b"".join(await asyncio.gather(*(whole(source, span) for span in spans))) == CONTENT


@pytest.fixture(params=HOSTILE)
def oddly_named(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / os.fsdecode(request.param)
    path.write_bytes(CONTENT)
    return path


async def test_takes_any_bytes_for_a_name(oddly_named: Path) -> None:
    source = await opened(oddly_named, seen(oddly_named))
    assert await whole(source) == CONTENT
    move(oddly_named)
    with pytest.raises(SourceChanged) as caught:
        await source.check()
    assert str(caught.value).isprintable()


async def test_a_span_past_the_end_is_our_own_mistake(video: Path) -> None:
    with pytest.raises(LocalProtocolError):
        await whole(source_of(video), ByteRange(0, len(CONTENT) + 1))


# --- another revision ---------------------------------------------------------------------------------


def replace(path: Path) -> None:
    """Put another file with the same size, time and bytes in its place."""
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_mtime_ns, status.st_mtime_ns))
    other.rename(path)


def truncate(path: Path) -> None:
    os.truncate(path, 1500)


def truncate_and_hide(path: Path) -> None:
    """Shorter, but with the time it had before."""
    status = path.stat()
    os.truncate(path, len(CONTENT) - 1)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def touch(path: Path) -> None:
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other bytes")
    touch(path)


def link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def forbid(path: Path) -> None:
    path.chmod(0)


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


CHANGES = [
    replace,
    truncate,
    truncate_and_hide,
    append,
    touch,
    overwrite,
    link,
    become_a_pipe,
    become_a_folder,
]
LOSSES = [Path.unlink, move]
EITHER = [(change, "source_changed") for change in CHANGES] + [(loss, "source_gone") for loss in LOSSES]

either = pytest.mark.parametrize(
    ("change", "code"), EITHER, ids=lambda value: getattr(value, "__name__", value)
)


@either
async def test_a_change_between_segments_is_noticed(
    video: Path, change: Callable[[Path], None], code: str
) -> None:
    source = source_of(video)
    await source.check()
    change(video)
    for call in (
        source.check,
        lambda: contents.digest(source),
        lambda: whole(source),
        lambda: whole(source, ByteRange(0, 1)),
    ):
        with pytest.raises(SourceChanged, match=r"a\.mp4") as caught:
            await call()
        assert (caught.value.code, caught.value.verdict) == (code, Verdict.SUPERSEDE)
    assert open_files(video) == 0


@either
@pytest.mark.parametrize("at", [0, 5000, len(CONTENT) - 2 * BLOCK])
async def test_no_segment_becomes_complete_when_the_file_changed_meanwhile(
    video: Path, change: Callable[[Path], None], code: str, at: int
) -> None:
    came = [b""]

    def meddle(got: bytes) -> None:
        if len(came[-1]) <= at < len(got):
            change(video)
        came.append(got)

    with pytest.raises(SourceChanged) as caught:
        await read_while(source_of(video), meddle)
    assert caught.value.code == code
    assert len(came[-1]) < len(CONTENT)
    assert open_files(video) == 0


async def test_a_short_read_is_never_padded(video: Path) -> None:
    came = []

    def meddle(got: bytes) -> None:
        os.truncate(video, 70_000)
        came.append(got)

    with pytest.raises(SourceChanged):
        await read_while(source_of(video), meddle, block_size=65_536)
    assert came == [CONTENT[:65_536], CONTENT[:70_000]][: len(came)]


# --- the beginning of a run ---------------------------------------------------------------------------


async def test_renumbered_device_and_inode_are_accepted_once(video: Path) -> None:
    now = seen(video)
    remembered = dataclasses.replace(now, device=now.device + 7, inode=now.inode + 7)
    source = await opened(video, remembered)
    assert source.revision == now
    replace(video)
    with pytest.raises(SourceChanged):
        await source.check()


@pytest.mark.parametrize("change", [truncate, truncate_and_hide, append, touch, link, become_a_pipe])
async def test_another_size_or_time_is_another_revision_from_the_beginning(
    video: Path, change: Callable[[Path], None]
) -> None:
    expected = seen(video)
    change(video)
    with pytest.raises(SourceChanged) as caught:
        await opened(video, expected)
    assert caught.value.code == "source_changed"


@pytest.mark.parametrize("name", ["nothing.mp4", "a.mp4/below.mp4"])
async def test_a_lost_file_is_gone_from_the_beginning(video: Path, name: str) -> None:
    with pytest.raises(SourceChanged) as caught:
        await opened(video.parent / name, seen(video))
    assert caught.value.code == "source_gone"


# --- what the disk says -------------------------------------------------------------------------------

REFUSALS: list[tuple[int, type[OkdropError], str]] = [
    (errno.EIO, GaveUp, "source_read"),
    (errno.EACCES, GaveUp, "source_unreadable"),
    (errno.EPERM, GaveUp, "source_unreadable"),
    (errno.EMFILE, Trouble, "source_busy"),
    (errno.ESTALE, Trouble, "source_busy"),
    (errno.ETIMEDOUT, Trouble, "source_busy"),
    (errno.ENOENT, SourceChanged, "source_gone"),
    (errno.ELOOP, SourceChanged, "source_changed"),
]


@pytest.mark.parametrize(("number", "kind", "code"), REFUSALS)
@pytest.mark.parametrize("call", ["open", "lseek", "lstat", "fstat"])
async def test_a_refusal_of_the_kernel_becomes_an_error_of_ours(
    video: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, kind: type[OkdropError], code: str
) -> None:
    """The refusals are invented: no disk fails on demand, and no permission stops root."""
    source = source_of(video)

    def refuse(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number), str(video))

    monkeypatch.setattr(source_module.os, call, refuse)
    for attempt in (lambda: whole(source), lambda: contents.digest(source)):
        with pytest.raises(kind, match=r"a\.mp4") as caught:
            await attempt()
        assert caught.value.code == code
        assert caught.value.hint or kind is not GaveUp
    monkeypatch.undo()
    assert open_files(video) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file, whatever its mode")
async def test_a_file_that_may_not_be_read_needs_a_person(video: Path) -> None:
    forbid(video)
    source = source_of(video)
    with pytest.raises(GaveUp) as caught:
        await whole(source)
    assert caught.value.code == "source_unreadable"


async def test_a_read_that_fails_midway_is_told(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_from_now_on(_got: bytes) -> None:
        monkeypatch.setattr("okdrop.inbox.blocks.NotedFile.cached", nothing_cached)
        monkeypatch.setattr("aiofiles.threadpool.binary.AsyncFileIO.read", failing_read)

    with pytest.raises(GaveUp) as caught:
        await read_while(source_of(video), fail_from_now_on)
    assert caught.value.code == "source_read"
    assert open_files(video) == 0


def nothing_cached(_file: object, _size: int) -> None:
    """Whatever was just written is in the cache, and no disk fails on demand."""


async def failing_read(_file: object, _size: int) -> bytes:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


# --- stopping early -----------------------------------------------------------------------------------


async def test_a_consumer_that_stops_early_leaves_no_handle(video: Path) -> None:
    async with aclosing(source_of(video).read(ALL, block_size=BLOCK)) as blocks:
        assert await anext(blocks) == CONTENT[:BLOCK]
        assert open_files(video) == 1
    assert open_files(video) == 0


class Gate:
    """Holds a call in its thread until it is let go."""

    def __init__(self, call: Callable[..., object]) -> None:
        self.call = call
        self.loop = asyncio.get_running_loop()
        self.entered = asyncio.Event()
        self.go = threading.Event()
        self.left = asyncio.Event()

    def __call__(self, *arguments: object) -> object:
        self.loop.call_soon_threadsafe(self.entered.set)
        assert self.go.wait(10)
        try:
            return self.call(*arguments)
        finally:
            self.loop.call_soon_threadsafe(self.left.set)


@pytest.mark.parametrize("call", ["open", "lseek"])
async def test_cancelled_while_it_opens_leaves_no_handle(
    video: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    gate = Gate(getattr(os, call))
    monkeypatch.setattr(source_module.os, call, gate)
    reading = asyncio.create_task(whole(source_of(video)))
    await gate.entered.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    gate.go.set()
    await gate.left.wait()
    await asyncio.get_running_loop().shutdown_default_executor()
    await all_other_tasks()
    assert open_files(video) == 0


async def test_cancelled_while_it_compares_leaves_no_handle(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(video)
    gate = Gate(os.lstat)
    blocks = source.read(ByteRange(0, 2 * BLOCK), block_size=BLOCK)
    await anext(blocks)
    monkeypatch.setattr(source_module.os, "lstat", gate)
    reading = asyncio.ensure_future(anext(blocks))
    await gate.entered.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    gate.go.set()
    await gate.left.wait()
    await all_other_tasks()
    assert open_files(video) == 0


async def all_other_tasks() -> None:
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    await asyncio.sleep(0)  # one turn of the loop: what a task that just ended leaves to be called


async def test_a_hold_that_a_mount_keeps_waiting_does_not_hold_up_whoever_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x" * 100)
    source = await Source.open(os.fsencode(path), revision_of(path.stat()))
    asked, answers, closed = threading.Event(), threading.Event(), threading.Event()
    descriptor, close = Source._descriptor, source_module.Hold.close

    def hangs(source: Source) -> int:
        asked.set()
        answers.wait(30)
        return descriptor(source)

    def noted(hold: source_module.Hold) -> None:
        close(hold)
        closed.set()

    monkeypatch.setattr(Source, "_descriptor", hangs)
    monkeypatch.setattr(source_module.Hold, "close", noted)

    async def hold() -> None:
        async with source.held(lambda _path: None):
            pytest.fail("there is nothing to hold yet")

    holding = asyncio.create_task(hold())
    await asyncio.to_thread(asked.wait, 30)
    holding.cancel()
    done, _ = await asyncio.wait({holding}, timeout=20)
    assert done, "it waits for the mount"
    answers.set()
    assert await asyncio.to_thread(closed.wait, 30), "the descriptor is left open"
