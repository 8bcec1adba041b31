"""Digests, samples, torn leaves and comparisons of real files."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.errors import SourceChanged
from okdrop.inbox import contents
from okdrop.inbox.revision import revision_of
from okdrop.inbox.source import Source
from okdrop.leaves import LEAF_SIZE, PIECE_SIZE, Leaves, Passing, hasher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZES = [0, 1, PIECE_SIZE, LEAF_SIZE, 3 * LEAF_SIZE + 17]


def made(path: Path, content: bytes) -> Source:
    path.write_bytes(content)
    return Source(os.fsencode(path), revision_of(path.stat()))


def seeded(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def digested(content: bytes, like: bytes | None = None) -> bytes:
    whole = hasher(like)
    whole.update(content)
    return whole.digest()


def at_the_first_block(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let something happen once a file is being read."""
    real, pending = os.preadv, [do]

    def meanwhile(*arguments: Any) -> int:
        count = real(*arguments)
        while pending:
            pending.pop()()
        return count

    monkeypatch.setattr(contents.os, "preadv", meanwhile)


@pytest.mark.parametrize("size", SIZES)
async def test_a_digest_is_of_the_kind_that_is_to_be_compared(tmp_path: Path, size: int) -> None:
    source = made(tmp_path / "a.mp4", seeded(size))
    earlier = hashlib.blake2b(seeded(size), digest_size=32).digest()
    assert await contents.digest(source) == digested(seeded(size))
    assert await contents.digest(source, like=digested(b"")) == digested(seeded(size))
    assert await contents.digest(source, like=earlier) == earlier


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_torn_is_read_and_nothing_else(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, leaves = made(tmp_path / "a.mp4", seeded(size)), Leaves(size)
    passing = Passing(0, size)
    passing.feed(seeded(size)[: 2 * LEAF_SIZE])
    leaves.keep(passing.pieces)
    torn, offsets = [*leaves.torn()], []
    real = os.preadv

    def noted(file: int, buffers: list[memoryview], at: int) -> int:
        offsets.append((at, at + len(buffers[0])))
        return real(file, buffers, at)

    monkeypatch.setattr(contents.os, "preadv", noted)
    await contents.fill(source, leaves)
    assert offsets == torn
    assert leaves.root() == digested(seeded(size))


async def test_a_file_that_changes_while_torn_leaves_are_read_leaves_them_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    source, leaves = made(path, seeded(LEAF_SIZE)), Leaves(LEAF_SIZE)
    at_the_first_block(monkeypatch, lambda: os.utime(path, ns=(1, 1)))
    with pytest.raises(SourceChanged):
        await contents.fill(source, leaves)
    assert leaves.root() is None


async def test_a_sample_costs_three_small_reads_of_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, read = made(tmp_path / "a.mp4", seeded(20 * LEAF_SIZE)), []
    real = os.preadv

    def noted(*arguments: Any) -> int:
        read.append(real(*arguments))
        return read[-1]

    monkeypatch.setattr(contents.os, "preadv", noted)
    await contents.sample(source)
    assert read == [PIECE_SIZE] * 3


@pytest.mark.parametrize("at", [0, 10 * LEAF_SIZE, 20 * LEAF_SIZE - 1])
async def test_a_sample_tells_another_begin_middle_or_end(tmp_path: Path, at: int) -> None:
    content = bytearray(seeded(20 * LEAF_SIZE))
    one = await contents.sample(made(tmp_path / "a.mp4", content))
    content[at] ^= 1
    assert await contents.sample(made(tmp_path / "b.mp4", content)) != one


@pytest.mark.parametrize("at", [None, 0, LEAF_SIZE + 5, 3 * LEAF_SIZE + 16])
async def test_files_are_equal_when_every_byte_is(tmp_path: Path, at: int | None) -> None:
    content = bytearray(seeded(3 * LEAF_SIZE + 17))
    one = made(tmp_path / "a.mp4", content)
    if at is not None:
        content[at] ^= 1
    other = made(tmp_path / "b.mp4", content)
    assert await contents.equal(one, other) is (at is None)
    assert not await contents.equal(one, made(tmp_path / "c.mp4", content[:-1]))


async def test_a_comparison_of_a_file_that_changes_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (made(tmp_path / name, seeded(LEAF_SIZE)) for name in ("a.mp4", "b.mp4"))
    at_the_first_block(monkeypatch, lambda: os.utime(other.path, ns=(1, 1)))
    with pytest.raises(SourceChanged):
        await contents.equal(one, other)


async def test_a_cancelled_digest_stops_at_the_next_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"")
    os.truncate(path, 1 << 40)  # a hole of a TiB: hours of hashing, were it not to stop
    source = Source(os.fsencode(path), revision_of(path.stat()))
    loop, started = asyncio.get_running_loop(), asyncio.Event()
    at_the_first_block(monkeypatch, lambda: loop.call_soon_threadsafe(started.set))
    hashing = asyncio.create_task(contents.digest(source))
    await started.wait()
    hashing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hashing
    await loop.shutdown_default_executor()


def truncated(path: Path) -> None:
    os.truncate(path, 7)


@pytest.mark.parametrize(
    ("change", "code"),
    [(truncated, "source_changed"), (os.unlink, "source_gone"), (os.utime, "source_changed")],
)
async def test_a_digest_of_a_file_that_changes_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], code: str
) -> None:
    path = tmp_path / "a.mp4"
    source = made(path, seeded(2 * LEAF_SIZE))
    at_the_first_block(monkeypatch, lambda: change(path))
    with pytest.raises(SourceChanged) as caught:
        await contents.digest(source)
    assert caught.value.code == code


async def test_torn_leaves_are_kept_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is as large as the file; what is held meanwhile must not be."""
    monkeypatch.setattr(contents, "LEAVES_AT_ONCE", 2)
    size = 5 * LEAF_SIZE + 3
    source = made(tmp_path / "a.mp4", seeded(size))
    leaves, kept = Leaves(size), list[int]()
    real = leaves.keep

    def keep(pieces: Any) -> None:
        kept.append(passing_now())
        real(pieces)

    def passing_now() -> int:
        return sum(isinstance(one, Passing) for one in gc.get_objects())

    before = passing_now()
    monkeypatch.setattr(leaves, "keep", keep)
    await contents.fill(source, leaves)
    assert leaves.root() == digested(seeded(size))
    assert max(kept) - before <= 2
