"""A limit on what is sent: how near to it the mean is, and how far above it the greatest second."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from bench.context import Bench, clear, sparse_file
from bench.daemon import Installation
from bench.figures import Figure, Spread, Unit
from bench.sending import Dropping
from bench.server import sink
from bench.sink.arrivals import TICKS_PER_SECOND
from bench.words import MIB, sized

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RATES: Final = (1 * MIB, 100 * MIB)
"""Bytes a second."""

_SECONDS: Final = 10.0
"""For how long the mean is taken with `SIZE=1GiB`; in proportion to it, else."""

_SHORTEST: Final = 2.0
_MORE: Final = 1.2
"""The file is so many times as large as what may be sent meanwhile: its end is not looked at."""

MEAN_OFF: Final = 0.03
GREATEST: Final = 1.5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a limit was kept."""

    off: float  #: the mean beside the limit: 0 is exact
    greatest: float  #: the greatest second, of what the limit allows


def bandwidth(bench: Bench) -> Iterator[Figure]:
    """For each rate: the mean over ten seconds, and the greatest second of them."""
    for rate in RATES:
        yield from _at(bench, rate)


def _at(bench: Bench, rate: int) -> Iterator[Figure]:
    place = bench.place("bandwidth")
    seconds = max(_SHORTEST, _SECONDS * min(1.0, bench.size / (1024 * MIB)))
    file = sparse_file(place / "file.mp4", int(rate * seconds * _MORE))
    with sink(place, timed=True) as server:
        installation = Installation(place, server.url, upload__bandwidth=f"{rate}B/s")

        with installation.staying() as process:
            dropping = Dropping(server, installation, process)

            def measure() -> Kept:
                dropping.send(file)
                return judged(server.arrivals(), rate, seconds)

            found = bench.in_turns({"okdrop": measure}, rounds=max(1, bench.pairs // 3))["okdrop"]
    clear(place)
    conditions = f"one file, {seconds:g} s from its first byte on, by the server's clock"
    yield Figure(
        row="bandwidth",
        name=f"mean beside a limit of {sized(rate)}/s",
        value=Spread.of(abs(kept.off) for kept in found),
        unit=Unit.SHARE,
        reference="the limit",
        aim=MEAN_OFF,
        conditions=conditions,
    )
    yield Figure(
        row="bandwidth",
        name=f"greatest second at a limit of {sized(rate)}/s",
        value=Spread.of(kept.greatest for kept in found),
        unit=Unit.TIMES,
        reference="the limit",
        aim=GREATEST,
        conditions=conditions,
    )


def judged(arrivals: Sequence[tuple[int, int]], rate: int, seconds: float) -> Kept:
    """What the first seconds of an account say of a limit.

    Args:
        arrivals: hundredths of a second, and bytes that came in each; oldest first.
        rate: the limit, in bytes a second.
        seconds: how long the mean is taken for, from the first byte on.
    """
    first = arrivals[0][0]
    ticks = int(seconds * TICKS_PER_SECOND)
    counts = [0] * ticks
    for tick, count in arrivals:
        if tick - first < ticks:
            counts[tick - first] += count
    second = sum(counts[:TICKS_PER_SECOND])
    greatest = second
    for tick in range(TICKS_PER_SECOND, ticks):
        second += counts[tick] - counts[tick - TICKS_PER_SECOND]
        greatest = max(greatest, second)
    return Kept(off=sum(counts) / (rate * seconds) - 1.0, greatest=greatest / rate)
