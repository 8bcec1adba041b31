"""From the last write to the first byte out, beyond the time a file has to be quiet."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from bench.context import Bench, clear
from bench.daemon import Installation
from bench.figures import Figure, Spread, Unit
from bench.sending import WITHIN
from bench.server import sink

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.server import Server

SETTLE: Final = 1.0
PIECES: Final = 5
PAUSE: Final = 0.1
_PIECE: Final = 64 * 1024


def written(path: Path) -> float:
    """Write a file piece by piece, as a recorder does; returns when the last was written."""
    with path.open("wb", buffering=0) as file:
        for _ in range(PIECES):
            time.sleep(PAUSE)
            file.write(os.urandom(_PIECE))
        return time.monotonic()


def renamed(path: Path) -> float:
    """Write a file under a name that is passed over, and give it its own; returns when it was written."""
    beside = path.with_suffix(".part")
    last = written(beside)
    beside.rename(path)
    return last


WAYS: Final[dict[str, Callable[[Path], float]]] = {"written in place": written, "renamed when whole": renamed}


def latency(bench: Bench) -> Iterator[Figure]:
    """For each way in which files come."""
    place = bench.place("latency")
    with sink(place) as server:
        installation = Installation(place, server.url, watch_settle=f"{SETTLE:g}s")
        with installation.staying() as process:
            found = bench.in_turns(
                {way: _measure(server, installation, process, write) for way, write in WAYS.items()},
                rounds=max(bench.pairs, 3),
            )
    clear(place)
    for way, seconds in found.items():
        yield Figure(
            row="latency",
            name=f"last write to first byte out, {way}",
            value=Spread.of(seconds),
            unit=Unit.SECONDS,
            aim=0.5,
            conditions=f"less {SETTLE:g} s of settle; one file at a time",
        )


def _measure(
    server: Server,
    installation: Installation,
    process: subprocess.Popen[bytes],
    write: Callable[[Path], float],
) -> Callable[[], float]:
    def measure() -> float:
        number = server.count + 1
        last = write(installation.drop / f"{number}.mp4")
        server.wait("published", number, within=WITHIN, alive=process)
        return server.seen(after=number - 1)[0].began_at - last - SETTLE

    return measure
