"""A server that gives each connection so many bytes a second, and answers late: how much of it is used?

Each round begins with a daemon that knows nothing of the server: it has to find out that more connections
carry more. How soon it does is one figure; how much of the line it uses from then on, its end included,
another.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from bench.context import Bench, clear, sparse_file
from bench.curl import Curl
from bench.daemon import Installation
from bench.figures import Figure, Spread, Unit, ratios
from bench.sending import Dropping, by_curl
from bench.server import sink
from bench.sink.arrivals import TICKS_PER_SECOND
from bench.words import MIB, sized
from okdrop.pipeline.pacing import BUDGET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RATES: Final = (1 * MIB, 4 * MIB, 16 * MIB)
"""Bytes a second that a connection gets."""

DELAY: Final = 0.04
"""Seconds that an answer takes."""

FOUND_OUT: Final = 5.0
"""Seconds that it may take to find out how many connections pay."""

USED: Final = 0.95
"""The share of what all connections are given that is to be used, and that counts as all of it."""

_SECONDS: Final = 30.0
"""How long a round lasts at least with `SIZE=1GiB`; in proportion to it, else."""

_SHORTEST: Final = 2 * FOUND_OUT
_CURLS: Final = 4.0
"""Seconds that curl sends for: it has nothing to find out."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """How much of a line was used, from the first byte to the last.

    Attributes:
        late: the share of it from `FOUND_OUT` seconds on, its end included.
        whole: the share of it from the first byte on.
        after: seconds until `USED` of it was used for a second.
    """

    late: float
    whole: float
    after: float


def limited(bench: Bench) -> Iterator[Figure]:
    """For each rate: what came a second, of what as many connections as may be could have had."""
    for rate in RATES:
        yield from _at(bench, rate)


def _at(bench: Bench, rate: int) -> Iterator[Figure]:
    place = bench.place("limited")
    seconds = max(_SHORTEST, _SECONDS * min(1.0, bench.size / (1024 * MIB)))
    file = sparse_file(place / "file.mp4", int(rate * BUDGET * seconds))
    curls = sparse_file(place / "curls.mp4", int(rate * _CURLS))
    with sink(place, rate=rate, delay=DELAY, timed=True) as server:
        curl = Curl(server, place)
        rounds = max(1, bench.pairs // 3)
        okdrops, goodputs, curl_goodputs, most = [], [], [], []
        for turn in range(rounds):
            bench.say(f"{sized(rate)}/s, round {turn + 1} of {rounds}")
            installation = Installation(place / str(turn), server.url)
            server.arrivals()  # what came before is not of this round
            with installation.staying() as process:
                sent = Dropping(server, installation, process).send(file)
            used = judged(server.arrivals(), rate * BUDGET)
            okdrops.append(used)
            goodputs.append(used.late * rate * BUDGET)
            most.append(sent.seen.most_in_flight)
            curl_goodputs.append(by_curl(server, lambda: curl.send(curls), 0.0).goodput)
    clear(place)
    conditions = (
        f"a file of {sized(int(rate * BUDGET * seconds))}, {sized(rate)}/s for each connection,"
        f" {DELAY * 1000:.0f} ms for each answer; a daemon that knows nothing of the server"
    )
    yield from _figures(rate, okdrops, conditions)
    yield Figure(
        row="limited",
        name=f"speed at {sized(rate)}/s, from {FOUND_OUT:.0f} s on",
        value=ratios(goodputs, curl_goodputs),
        unit=Unit.TIMES,
        reference="curl, one request",
        aim=USED * BUDGET,
        at_least=True,
        conditions=conditions,
    )
    yield Figure(
        row="limited",
        name=f"connections used at {sized(rate)}/s",
        value=Spread.of(most),
        unit=Unit.COUNT,
        conditions=conditions,
    )


def _figures(rate: int, okdrops: Sequence[Used], conditions: str) -> Iterator[Figure]:
    line = f"{BUDGET} connections × the rate"
    yield Figure(
        row="limited",
        name=f"line used at {sized(rate)}/s, from {FOUND_OUT:.0f} s on",
        value=Spread.of(each.late for each in okdrops),
        unit=Unit.SHARE,
        reference=line,
        aim=USED,
        at_least=True,
        conditions=conditions,
    )
    yield Figure(
        row="limited",
        name=f"line used at {sized(rate)}/s, from the first byte on",
        value=Spread.of(each.whole for each in okdrops),
        unit=Unit.SHARE,
        reference=line,
        conditions=conditions,
    )
    yield Figure(
        row="limited",
        name=f"until {USED:.0%} of it is used at {sized(rate)}/s",
        value=Spread.of(each.after for each in okdrops),
        unit=Unit.SECONDS,
        aim=FOUND_OUT,
        conditions=conditions,
    )


def judged(arrivals: Sequence[tuple[int, int]], line: float) -> Used:
    """What an account of arrivals says of a line.

    Args:
        arrivals: hundredths of a second, and bytes that came in each; oldest first.
        line: bytes a second that could come.
    """
    first, last = arrivals[0][0], arrivals[-1][0]
    counts = [0] * (last - first + 1)
    for tick, count in arrivals:
        counts[tick - first] += count
    late = counts[int(FOUND_OUT * TICKS_PER_SECOND) :]
    return Used(late=_share(late, line), whole=_share(counts, line), after=_until_used(counts, line))


def _share(counts: Sequence[int], line: float) -> float:
    return sum(counts) * TICKS_PER_SECOND / (len(counts) * line) if counts else 0.0


def _until_used(counts: Sequence[int], line: float) -> float:
    """Seconds until the first second in which it was used has begun; all the time there was, if none did."""
    second = sum(counts[:TICKS_PER_SECOND])
    for tick in range(TICKS_PER_SECOND, len(counts)):
        if second >= USED * line:
            return (tick - TICKS_PER_SECOND) / TICKS_PER_SECOND
        second += counts[tick] - counts[tick - TICKS_PER_SECOND]
    return len(counts) / TICKS_PER_SECOND
