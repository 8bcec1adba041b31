"""How speed and cost go with the size of a file, and with the number of files."""

from __future__ import annotations

import functools
import statistics
from typing import TYPE_CHECKING, Final

from bench.context import Bench, clear, write_file
from bench.curl import Curl
from bench.daemon import Installation, bare_start
from bench.figures import Curve, Spread
from bench.rows.throughput import ONE, SEVERAL, race
from bench.server import sink
from bench.words import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.server import Seen

LARGEST: Final = 4
"""Times SIZE: the largest file of the curves."""

SMALL: Final = 20_000
_STEP: Final = 4
_NUMBERS: Final = 10
_A_TENTH: Final = 10


def powers(least: int, most: int, step: int) -> list[int]:
    """From the least on, each `step` times the one before, up to the most."""
    found = [least]
    while found[-1] * step <= most:
        found.append(found[-1] * step)
    return found


def sizes(bench: Bench) -> Iterator[Curve]:
    """From 1 MiB on."""
    rounds = max(1, bench.pairs // 3)
    speed: dict[str, list[tuple[float, Spread]]] = {"okdrop": [], ONE: [], SEVERAL: []}
    cost: dict[str, list[tuple[float, Spread]]] = {"okdrop": [], ONE: [], SEVERAL: []}
    for size in powers(MIB, bench.size * LARGEST, _STEP):
        bench.say(f"{size // MIB} MiB")
        for name, sent in race(bench, size, tls=False, rounds=rounds).items():
            speed[name].append((size / MIB, Spread.of(each.goodput / MIB for each in sent)))
            cost[name].append((size / MIB, Spread.of(each.cost * GIB for each in sent)))
    yield Curve(row="sizes", name="goodput by size", x="MiB of a file", y="MiB a second", series=speed)
    yield Curve(
        row="sizes", name="cost by size", x="MiB of a file", y="client CPU seconds for 1 GiB", series=cost
    )


def numbers(bench: Bench) -> Iterator[Curve]:
    """From one file on; curl sends them over one connection and does nothing beside."""
    rounds = max(1, bench.pairs // 3)
    speed: dict[str, list[tuple[float, Spread]]] = {"okdrop": [], "curl, one connection": []}
    cost: dict[str, list[tuple[float, Spread]]] = {"okdrop": [], "curl, one connection": []}
    for count in powers(1, max(bench.files // _A_TENTH, 1), _NUMBERS):
        bench.say(f"{count:,} files")
        found = bench.in_turns(
            {
                "okdrop": functools.partial(_by_okdrop, bench, count),
                "curl, one connection": functools.partial(_by_curl, bench, count),
            },
            rounds=rounds,
        )
        for name, each in found.items():
            speed[name].append((count, Spread.of(count / seconds for seconds, _ in each)))
            cost[name].append((count, Spread.of(1000 * cpu / count for _, cpu in each)))
    conditions = f"files of {SMALL // 1000} kB, no delay; okdrop asks for a URL and publishes each, too"
    yield Curve(
        row="numbers",
        name="files a second",
        x="files",
        y="files a second",
        series=speed,
        conditions=conditions,
    )
    yield Curve(
        row="numbers",
        name="cost by number",
        x="files",
        y="client CPU milliseconds for each file",
        series=cost,
        conditions=f"{conditions}; start-up not counted",
    )


def _by_okdrop(bench: Bench, count: int) -> tuple[float, float]:
    """Seconds and CPU seconds of `run --once`."""
    place = bench.place("numbers")
    with sink(place) as server:
        installation = Installation(place, server.url)
        for number in range(count):
            write_file(installation.drop / f"{number}.mp4", SMALL)
        cpu = installation.once().cpu - statistics.median(bare_start().cpu for _ in range(3))
        seconds = _span(server.seen())
    clear(place)
    return seconds, max(cpu, 0.0005)


def _by_curl(bench: Bench, count: int) -> tuple[float, float]:
    place = bench.place("numbers")
    with sink(place) as server:
        files = [write_file(place / f"{number}.mp4", SMALL) for number in range(count)]
        curl = Curl(server, place)
        start_up = curl.send(files[0]).cpu
        cost = curl.send_one_after_the_other(files)
        seconds = _span(server.seen(after=1))
    clear(place)
    return seconds, max(cost.cpu - start_up, 0.0005)


def _span(seen: list[Seen]) -> float:
    """From the first segment's head to the last file whole."""
    return max(each.whole_at for each in seen) - min(each.began_at for each in seen)
