"""The most memory that the daemon takes: for a large file, and while many files wait."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from bench.context import Bench, clear, sparse_file
from bench.daemon import Installation, bare_start
from bench.figures import Figure, Spread, Unit
from bench.processes import BenchError, peak_memory
from bench.sending import WITHIN, Dropping
from bench.server import sink
from bench.stock import FOLDERS_OF_FILES, SMALL, scatter
from bench.words import MIB, sized

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST: Final = 4
_LOOK_EVERY: Final = 0.5


def memory(bench: Bench) -> Iterator[Figure]:
    """A large file, sparse so that it costs no disk; and what imports take of it."""
    place = bench.place("memory")
    size = bench.size * _LARGEST
    with sink(place) as server:
        installation = Installation(place, server.url)
        with installation.staying() as process:
            at_rest = peak_memory(process.pid)
            Dropping(server, installation, process).send(sparse_file(place / "file.mp4", size))
            peak = peak_memory(process.pid)
    clear(place)
    yield _figure("memory", f"peak memory, one file of {sized(size)}", peak, "a sparse file", aim=120.0)
    yield _figure("memory", "peak memory at rest", at_rest, "ready, and nothing to do")
    yield _figure("memory", "peak memory of imports", bare_start().memory, "the interpreter, importing")


def waiting(bench: Bench) -> Iterator[Figure]:
    """Many files whose turn does not come, as nobody may upload."""
    place = bench.place("waiting")
    with sink(place, refuse=True) as server:
        installation = Installation(place, server.url)
        scatter(installation.drop, bench.files)
        with installation.staying() as process:
            _wait_for_rows(installation, bench.files, process)
            peak = peak_memory(process.pid)
    clear(place)
    conditions = f"sparse files of {SMALL // 1000} kB in {FOLDERS_OF_FILES} folders; the token is refused"
    yield _figure("waiting", f"peak memory, {bench.files:,} files waiting", peak, conditions, aim=200.0)


def rows_of(ledger: Path) -> int:
    """How many uploads a ledger holds."""
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        (count,) = database.execute("select count(*) from uploads").fetchone()
    return int(count)


def _wait_for_rows(installation: Installation, files: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WITHIN
    while rows_of(installation.ledger) < files:
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"not every file came to wait: {installation.complaints()}")
        time.sleep(_LOOK_EVERY)


def _figure(row: str, name: str, peak: int, conditions: str, *, aim: float | None = None) -> Figure:
    return Figure(
        row=row,
        name=name,
        value=Spread.of([peak / MIB]),
        unit=Unit.MEBIBYTES,
        aim=aim,
        conditions=f"VmHWM; {conditions}",
    )
