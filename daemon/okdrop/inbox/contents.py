"""Contents of files that are looked at beside the sending: a digest, torn leaves, a sample, a comparison.

Each reads in a thread, between two comparisons of the file's stat; a thread cannot be cancelled, so it is
asked to stop when nobody waits for it any more. Each raises what a `Source` does:

    SourceChanged   the file is not this revision, before or after
    GaveUp          it cannot be read (`source_unreadable`, `source_read`)
    Trouble         not now (`source_busy`)
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from okdrop.inbox.reading import Behind
from okdrop.leaves import Passing, hasher, sample_of, sample_spans

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator

    from okdrop.inbox.blocks import Note
    from okdrop.inbox.source import Source
    from okdrop.leaves import Leaves

T = TypeVar("T")

BLOCK_SIZE: Final = 1024 * 1024
"""Bytes read at a time."""

LEAVES_AT_ONCE: Final = 256
"""Torn leaves that are read between two comparisons of the revision: until then their pieces are kept."""


async def digest(source: Source, *, like: bytes | None = None) -> bytes:
    """Hash the whole file, as a digest that `like` may be compared with; None: as a root."""
    made = hasher(like)
    whole = [(0, source.revision.size)]
    await _in_thread(source, lambda stop: _visit(source, whole, lambda _start: made.update, stop))
    return made.digest()


async def hashed(source: Source, note: Note) -> None:
    """Give every byte of the file to `note`, in order."""
    whole = [(0, source.revision.size)]
    await _in_thread(source, lambda stop: _visit(source, whole, lambda _start: note, stop))


async def fill(source: Source, leaves: Leaves) -> None:
    """Read again what is torn of the leaves."""
    await _in_thread(source, lambda stop: _fill(source, leaves, stop))


async def sample(source: Source) -> bytes:
    """What stands for a file of this size and some of its bytes: three visits to the disk at most."""
    blocks: list[bytes] = []
    spans = sample_spans(source.revision.size)

    def note(block: bytes | memoryview) -> None:
        blocks.append(bytes(block))

    await _in_thread(source, lambda stop: _visit(source, spans, lambda _start: note, stop))
    return sample_of(source.revision.size, blocks)


async def equal(one: Source, other: Source) -> bool:
    """Whether two files hold the same bytes; reads up to the first block that differs."""
    if one.revision.size != other.revision.size:
        return False
    return await _in_thread(one, lambda stop: _equal(one, other, stop))


async def _in_thread(source: Source, work: Callable[[threading.Event], T]) -> T:
    """Work in a thread that reads as the source is to be read."""
    stop = threading.Event()
    try:
        return await asyncio.get_running_loop().run_in_executor(source.reading.executor, work, stop)
    finally:
        stop.set()


def _visit(
    source: Source, spans: Iterable[tuple[int, int]], begin: Callable[[int], Note], stop: threading.Event
) -> None:
    """Read spans, half-open; what `begin` makes of a span's start is given its bytes in order."""
    with source.opened() as file:
        for start, end in spans:
            note = begin(start)
            for block in _blocks(source, file, start, end):
                note(block)
                if stop.is_set():
                    return


def _fill(source: Source, leaves: Leaves, stop: threading.Event) -> None:
    torn = leaves.torn()
    while (some := list(itertools.islice(torn, LEAVES_AT_ONCE))) and not stop.is_set():
        _fill_some(source, leaves, some, stop)


def _fill_some(
    source: Source, leaves: Leaves, torn: Iterable[tuple[int, int]], stop: threading.Event
) -> None:
    passing: list[Passing] = []

    def begin(start: int) -> Note:
        passing.append(Passing(start, source.revision.size))
        return passing[-1].feed

    _visit(source, torn, begin, stop)
    for passed in passing:  # only now: the revision was compared
        leaves.keep(passed.pieces)


def _equal(one: Source, other: Source, stop: threading.Event) -> bool:
    size = one.revision.size
    with one.opened() as mine, other.opened() as theirs:
        pairs = zip(_blocks(one, mine, 0, size), _blocks(other, theirs, 0, size), strict=True)
        return not any(stop.is_set() or left != right for left, right in pairs)


def _blocks(source: Source, file: io.FileIO, start: int, end: int) -> Iterator[memoryview]:
    """The bytes of a span in blocks, the last one short; a block holds until the next is asked for."""
    buffer = memoryview(bytearray(min(BLOCK_SIZE, end - start)))
    at, behind = start, Behind(start) if source.reading.is_gentle else None
    while at < end:
        wanted, got = min(len(buffer), end - at), 0
        while got < wanted:
            count = os.preadv(file.fileno(), [buffer[got:wanted]], at + got)
            if not count:
                raise source.ends_early()
            got += count
        source.reading.blocks.count += 1
        yield buffer[:got]
        at += got
        if behind is not None:
            behind.end(file.fileno(), at)
