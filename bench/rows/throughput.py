"""One file, as fast as may be: okdrop beside curl, on one server; and what reading it once more costs."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from typing import TYPE_CHECKING

from bench.context import Bench, clear, write_file
from bench.curl import AT_ONCE, Curl, cut
from bench.daemon import Installation
from bench.figures import Figure, Spread, Unit, ratios
from bench.sending import Dropping, Sent, by_curl
from bench.server import sink
from bench.words import GIB, KIB, sized
from okdrop.inbox import contents
from okdrop.inbox.revision import revision_at
from okdrop.inbox.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE = "curl, one request"
SEVERAL = f"curl, {AT_ONCE} requests at once"
_TINY = 64 * KIB
_STARTS = 5


def plain(bench: Bench) -> Iterator[Figure]:
    """Plain HTTP on loopback."""
    yield from _throughput(bench, "throughput", tls=False, speed=1.0, cost=1.0)


def tls(bench: Bench) -> Iterator[Figure]:
    """The same over TLS."""
    yield from _throughput(bench, "tls", tls=True, speed=0.95, cost=1.5)


def _throughput(bench: Bench, row: str, *, tls: bool, speed: float, cost: float) -> Iterator[Figure]:
    found = race(bench, bench.size, tls=tls)
    ours = found["okdrop"]
    what = "over TLS" if tls else "plain HTTP"
    conditions = f"one file of {sized(bench.size)}, loopback, {what}"
    for name in (ONE, SEVERAL):
        yield Figure(
            row=row,
            name=f"throughput, {what}",
            value=ratios([each.goodput for each in ours], [each.goodput for each in found[name]]),
            unit=Unit.TIMES,
            reference=name,
            aim=speed if name == ONE else None,
            at_least=True,
            conditions=conditions,
        )
    for name in (ONE, SEVERAL):
        yield Figure(
            row=row,
            name=f"client CPU, {what}",
            value=ratios([each.cost for each in ours], [each.cost for each in found[name]]),
            unit=Unit.TIMES,
            reference=name,
            aim=cost if name == ONE else None,
            conditions=f"{conditions}; start-up not counted",
        )
    yield from _information(row, found, what, conditions)


def _information(row: str, found: dict[str, list[Sent]], what: str, conditions: str) -> Iterator[Figure]:
    """What the ratios are made of, and whether the server was what was measured."""
    for name, sent in found.items():
        yield Figure(
            row=row,
            name=f"CPU seconds for 1 GiB, {what}: {name}",
            value=Spread.of(each.cost * GIB for each in sent),
            unit=Unit.SECONDS,
            conditions=conditions,
        )
    alone = found[ONE]
    yield Figure(
        row=row,
        name=f"CPU of the server, {what}",
        value=Spread.of(each.server_cpu / each.cpu for each in alone),
        unit=Unit.TIMES,
        reference="CPU of curl, one request",
        conditions=f"{conditions}; below 1, the client is what is measured",
    )


def race(bench: Bench, size: int, *, tls: bool, rounds: int = 0) -> dict[str, list[Sent]]:
    """The same file by okdrop, by curl, and by curl in parts, in turns."""
    place = bench.place("race")
    file = write_file(place / "file.mp4", size)
    parts = cut(file, place)
    tiny = write_file(place / "tiny.mp4", _TINY)
    with sink(place, tls=tls) as server:
        installation = Installation(place, server.url, ca_file=server.ca_file)
        curl = Curl(server, place)
        start_up = statistics.median(curl.send(tiny).cpu for _ in range(_STARTS))
        with installation.staying() as process:
            dropping = Dropping(server, installation, process)
            dropping.send(tiny)  # what is done once, is done
            found = bench.in_turns(
                {
                    "okdrop": lambda: dropping.send(file),
                    ONE: lambda: by_curl(server, lambda: curl.send(file), start_up),
                    SEVERAL: lambda: by_curl(server, lambda: curl.send_at_once(parts), start_up),
                },
                rounds=rounds,
            )
    clear(place)
    return found


def digest(bench: Bench) -> Iterator[Figure]:
    """What it costs to hash a file whole, leaf by leaf (decision 20), beside what it costs to send it."""
    place = bench.place("digest")
    file = write_file(place / "file.mp4", bench.size)
    with sink(place) as server:
        installation = Installation(place, server.url)
        with installation.staying() as process:
            dropping = Dropping(server, installation, process)

            def hashed() -> float:
                path = os.fsencode(file)
                revision = revision_at(path)
                if revision is None:
                    raise FileNotFoundError(file)
                began = time.process_time()
                asyncio.run(contents.digest(Source(path, revision)))
                return time.process_time() - began

            found = bench.in_turns({"sent": lambda: dropping.send(file).cpu, "hashed": hashed})
    clear(place)
    yield Figure(
        row="digest",
        name="CPU of hashing a file",
        value=ratios(found["hashed"], found["sent"]),
        unit=Unit.TIMES,
        reference="CPU of sending it, plain HTTP",
        conditions=f"one file of {sized(bench.size)}, BLAKE3 over leaves",
    )
