"""A server that gives each connection so many bytes a second, and answers late: how much of it is used?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.context import Bench, clear, write_file
from bench.curl import AT_ONCE, Curl, cut
from bench.daemon import Installation
from bench.figures import Figure, Spread, Unit
from bench.sending import Dropping, by_curl
from bench.server import sink
from bench.words import MIB, sized

if TYPE_CHECKING:
    from collections.abc import Iterator

RATES = (1 * MIB, 4 * MIB, 16 * MIB)
"""Bytes a second that a connection gets."""

DELAY = 0.04
"""Seconds that an answer takes."""

_SECONDS = 10
"""How long a round lasts with `SIZE=1GiB`; in proportion to it, else."""

_SHORTEST = 4.0


def limited(bench: Bench) -> Iterator[Figure]:
    """For each rate: what came a second, of what all connections in use could have had."""
    for rate in RATES:
        yield from _at(bench, rate)


def _at(bench: Bench, rate: int) -> Iterator[Figure]:
    place = bench.place("limited")
    seconds = max(_SHORTEST, _SECONDS * min(1.0, bench.size / (1024 * MIB)))
    file = write_file(place / "file.mp4", file_size(rate, seconds))
    parts = cut(file, place)
    with sink(place, rate=rate, delay=DELAY) as server:
        installation = Installation(place, server.url)
        curl = Curl(server, place)
        with installation.staying() as process:
            dropping = Dropping(server, installation, process)
            found = bench.in_turns(
                {
                    "okdrop": lambda: dropping.send(file),
                    "curl": lambda: by_curl(server, lambda: curl.send_at_once(parts), 0.0),
                },
                rounds=max(1, bench.pairs // 3),
            )
    conditions = (
        f"a file of {sized(file_size(rate, seconds))}, {sized(rate)}/s for each connection, "
        f"{DELAY * 1000:.0f} ms for each answer"
    )
    for name, sent in found.items():
        yield Figure(
            row="limited",
            name=f"line used at {sized(rate)}/s: {name}",
            value=Spread.of(each.goodput / (each.seen.most_in_flight * rate) for each in sent),
            unit=Unit.SHARE,
            reference="its connections × the rate",
            aim=0.95 if name == "okdrop" else None,
            at_least=True,
            conditions=conditions,
        )
    yield Figure(
        row="limited",
        name=f"connections used at {sized(rate)}/s",
        value=Spread.of(each.seen.most_in_flight for each in found["okdrop"]),
        unit=Unit.COUNT,
        conditions=conditions,
    )
    clear(place)


def file_size(rate: int, seconds: float) -> int:
    """Bytes that all connections can take in that time."""
    return int(rate * AT_ONCE * seconds)
