"""A folder of files that were all published: what a start, a rescan, an idle hour and `status` cost then."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import statistics
import time
from typing import TYPE_CHECKING, Final

from bench.context import Bench, clear
from bench.daemon import Installation, bare_start
from bench.figures import Curve, Figure, Finding, Spread, Unit, ratios
from bench.processes import cpu_seconds, peak_memory
from bench.server import Server, sink
from bench.stock import STEPS as STEPS_OF_EACH
from bench.stock import scatter, stock
from bench.words import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS: Final = (100, 10, 1)
"""Parts of FILES that are measured for the curves."""

AIM_OF_A_RESCAN: Final = 0.6
FILES_OF_THE_AIM: Final = 100_000
"""CPU seconds that a rescan of so many files may cost: 1 % of a core, once a minute."""

AIM_OF_MEMORY: Final = 200.0
"""MiB."""

AIM_OF_A_PAGE: Final = 0.2
"""Seconds: nobody who looks notices that it takes any."""

PAGE: Final = "/api/uploads?limit=100"
FILTERED: Final = f"{PAGE}&q=no-file-is-called-so"
"""A text that no row holds: each of them is looked at."""

_RESCAN: Final = 5
_RESCANS: Final = 3
_NEVER: Final = "24h"
_ROUNDS_OF: Final = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a library of `files` files costs."""

    files: int
    ready: list[float]
    bare: list[float]
    idle: list[float]  #: share of a core, with the usual rescan
    rescan: list[float]  #: CPU seconds of one
    status: list[float]  #: CPU seconds, start and all
    status_seconds: list[float]
    pages: dict[str, list[float]]  #: seconds until it is answered, by what was asked
    memory: int  #: bytes at most, of a daemon that is ready, and was asked


def library(bench: Bench) -> Iterator[Finding]:
    """Figures for FILES files, curves for parts of them."""
    found: list[_Found] = []
    place = bench.place("library")
    with sink(place) as server:
        for step in STEPS:
            files = max(bench.files // step, 1)
            bench.say(f"{files:,} published files")
            found.append(_measured(bench, server, files))
    clear(place)
    yield from _figures(found[-1])
    yield from _slopes(found)
    yield _curve("what a rescan costs", "CPU seconds", {each.files: each.rescan for each in found})
    yield _curve("what `status --json` costs", "CPU seconds", {each.files: each.status for each in found})
    yield _curve("how long a start takes", "seconds", {each.files: each.ready for each in found})


def _figures(largest: _Found) -> Iterator[Figure]:
    conditions = f"{largest.files:,} published rows and files, {STEPS_OF_EACH} steps of history each"
    yield Figure(
        row="library",
        name="start, until ready",
        value=Spread.of(largest.ready),
        unit=Unit.SECONDS,
        aim=3.0,
        conditions=conditions,
    )
    yield Figure(
        row="library",
        name="start, until ready",
        value=ratios(largest.ready, largest.bare),
        unit=Unit.TIMES,
        reference="interpreter and imports alone",
        conditions=conditions,
    )
    yield Figure(
        row="library",
        name="idle CPU",
        value=Spread.of(largest.idle),
        unit=Unit.SHARE,
        reference="one core",
        aim=0.01,
        conditions=f"{conditions}; a rescan every 60 s counted in",
    )
    yield Figure(
        row="library",
        name="peak memory, ready",
        value=Spread.of([largest.memory / MIB]),
        unit=Unit.MEBIBYTES,
        aim=AIM_OF_MEMORY,
        conditions=f"VmHWM; {conditions}",
    )
    yield Figure(
        row="library",
        name="status --json",
        value=Spread.of(largest.status_seconds),
        unit=Unit.SECONDS,
        conditions=conditions,
    )
    for name, path in (("a page of 100 uploads", PAGE), ("a page, filtered by a text", FILTERED)):
        yield Figure(
            row="library",
            name=f"{name}: answer",
            value=Spread.of(largest.pages[path]),
            unit=Unit.SECONDS,
            aim=AIM_OF_A_PAGE,
            conditions=f"GET {path.partition('?')[0]}; {conditions}",
        )


def _slopes(found: list[_Found]) -> Iterator[Figure]:
    """What more files add to the cost of a rescan: the same for each, however many there are."""
    fewest, some, most = ((each.files, statistics.median(each.rescan)) for each in found)
    aim = AIM_OF_A_RESCAN * most[0] / FILES_OF_THE_AIM
    yield Figure(
        row="library",
        name="CPU seconds of a rescan",
        value=Spread.of(found[-1].rescan),
        unit=Unit.SECONDS,
        aim=aim,
        conditions=f"{most[0]:,} published files; the aim is 1 % of a core, at a rescan a minute",
    )
    if most[0] > some[0] > fewest[0] and some[1] > fewest[1]:
        yield Figure(
            row="library",
            name="cost of a further file in a rescan",
            value=Spread.of([_slope(some, most) / _slope(fewest, some)]),
            unit=Unit.TIMES,
            reference="a further file, of a tenth as many",
            conditions=f"from {some[0]:,} to {most[0]:,} files, and from {fewest[0]:,} to {some[0]:,}",
        )


def _slope(less: tuple[int, float], more: tuple[int, float]) -> float:
    return (more[1] - less[1]) / (more[0] - less[0])


def _measured(bench: Bench, server: Server, files: int) -> _Found:
    place = bench.place("library")
    installation = Installation(place, server.url, watch_rescan=_NEVER)
    scatter(installation.drop, files)
    stock(installation.ledger, installation.drop)
    rounds = max(1, bench.pairs // _ROUNDS_OF)
    starts = bench.in_turns(
        {"ready": lambda: _start(installation), "bare": lambda: bare_start(ends=False).seconds}
    )
    with installation.staying() as process:
        pages = bench.in_turns(
            {path: functools.partial(installation.asked, path) for path in (PAGE, FILTERED)}
        )
        memory = peak_memory(process.pid)
    statuses = [installation.command("status", "--json") for _ in range(rounds)]
    quiet = [_busy(installation) for _ in range(rounds)]
    rescanning = Installation(place, server.url, watch_rescan=f"{_RESCAN}s")
    busy = [_busy(rescanning) for _ in range(rounds)]
    rescan = [max(0.0, one - other) / _RESCANS for one, other in zip(busy, quiet, strict=True)]
    window = _RESCAN * _RESCANS
    shutil.rmtree(place)
    return _Found(
        files=files,
        ready=starts["ready"],
        bare=starts["bare"],
        idle=[one / window + other / 60 for one, other in zip(quiet, rescan, strict=True)],
        rescan=rescan,
        status=[each.cpu for each in statuses],
        status_seconds=[each.seconds for each in statuses],
        pages=pages,
        memory=memory,
    )


def _start(installation: Installation) -> float:
    with installation.starting() as (_process, seconds):
        return seconds


def _busy(installation: Installation) -> float:
    """CPU seconds of a daemon that has nothing to do, over a few rescans' time."""
    with installation.staying() as process:
        time.sleep(_RESCAN / 2)  # what a start leaves to do ends; and rescans fall well within
        before = cpu_seconds(process.pid)
        time.sleep(_RESCAN * _RESCANS)
        return cpu_seconds(process.pid) - before


def _curve(name: str, y: str, points: dict[int, list[float]]) -> Curve:
    series = {"okdrop": [(float(files), Spread.of(values)) for files, values in points.items()]}
    return Curve(row="library", name=name, x="published files", y=y, series=series)
