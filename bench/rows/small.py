"""Many small files, to a server that takes its time for each answer: how near does it come to the ideal?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.context import Bench, clear, write_file
from bench.daemon import Installation
from bench.figures import Figure, Spread, Unit
from bench.server import sink

if TYPE_CHECKING:
    from collections.abc import Iterator

DELAY = 0.05
"""Seconds that an answer takes."""

SIZE = 20_000
WORKERS = 2
_A_HUNDREDTH = 100
_FEWEST, _MOST = 60, 1000


def in_turn(files: int, *, workers: int = WORKERS, delay: float = DELAY) -> float:
    """Seconds of a pipeline in which nothing but the answers takes time, and nobody looks ahead.

    Each worker asks for a URL and sends one request, file after file; what it hands on is published beside
    the next files, by as many hands at once, so that only the last publishing is waited for.
    """
    longest_turn = -(-files // workers)
    return longest_turn * 2 * delay + delay


def ideal(files: int, *, workers: int = WORKERS, delay: float = DELAY) -> float:
    """The same, if the line never waits for the API: only the first URL and the last publishing are."""
    longest_turn = -(-files // workers)
    return delay + longest_turn * delay + delay


def small(bench: Bench) -> Iterator[Figure]:
    """From the first call of the API to the last video published."""
    count = min(max(bench.files // _A_HUNDREDTH, _FEWEST), _MOST)

    def once() -> float:
        """Seconds from the first call to the last answer."""
        place = bench.place("small")
        with sink(place, delay=DELAY) as server:
            installation = Installation(place, server.url)
            for number in range(count):
                write_file(installation.drop / f"{number}.mp4", SIZE)
            installation.once()
            seen = server.seen()
        clear(place)
        return max(each.published_at for each in seen) + DELAY - min(each.asked_at for each in seen)

    found = bench.in_turns({"okdrop": once}, rounds=max(1, bench.pairs // 3))["okdrop"]
    conditions = f"{count} files of {SIZE // 1000} kB, {DELAY * 1000:.0f} ms for each answer"
    yield Figure(
        row="small",
        name="many small files: speed",
        value=Spread.of([ideal(count) / taken for taken in found]),
        unit=Unit.SHARE,
        reference=f"ideal pipeline of {WORKERS} workers, the line never waits for the API",
        aim=0.85,
        at_least=True,
        conditions=conditions,
    )
    yield Figure(
        row="small",
        name="many small files: speed beside asking in turn",
        value=Spread.of([in_turn(count) / taken for taken in found]),
        unit=Unit.SHARE,
        reference=f"ideal pipeline of {WORKERS} workers, each asks for a URL, then sends",
        conditions=conditions,
    )
