"""What it costs an upload that people look at it: the same file with five open pages, and with none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.context import Bench, clear, write_file
from bench.daemon import Installation
from bench.figures import Figure, Unit, ratios
from bench.page import open_pages
from bench.sending import Dropping
from bench.server import sink
from bench.stock import scatter, stock
from bench.words import sized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.sending import Sent

PAGES: Final = 5

AIM: Final = 0.98
"""Of the goodput without any, on a line."""

CONNECTIONS: Final = 4
LINE: Final = 125_000_000
"""Bytes a second of a line of a gigabit, shared by the connections: what a way to OK has at most."""

_TINY: Final = 64 * 1024
_NEVER: Final = "24h"


def pages(bench: Bench) -> Iterator[Figure]:
    """Goodput and cost of one file beside a library of FILES, with open pages and without.

    On a line of a gigabit, and as fast as this machine sends, where all of it is busy: daemon, server,
    and those who play the pages.
    """
    yield from _on(bench, LINE, "a line of 1 Gbit/s", AIM)
    yield from _on(bench, 0, "loopback without a limit", None)


def _on(bench: Bench, line: float, words: str, aim: float | None) -> Iterator[Figure]:
    place = bench.place("pages")
    file = write_file(place / "file.mp4", bench.size)
    tiny = write_file(place / "tiny.mp4", _TINY)
    with sink(place, rate=line / CONNECTIONS) as server:
        installation = Installation(
            place, server.url, watch_rescan=_NEVER, upload__connections=str(CONNECTIONS)
        )
        scatter(installation.drop, bench.files)
        stock(installation.ledger, installation.drop)
        with installation.staying() as process:
            dropping = Dropping(server, installation, process)
            dropping.send(tiny)  # what is done once, is done

            def looked_at() -> Sent:
                with open_pages(installation.address, PAGES):
                    return dropping.send(file)

            found = bench.in_turns({"looked at": looked_at, "alone": lambda: dropping.send(file)})
    clear(place)
    conditions = (
        f"one file of {sized(bench.size)}, {words}, {CONNECTIONS} connections, plain HTTP,"
        f" beside {bench.files:,} published ones;"
        f" {PAGES} pages that are told what moves twice a second, and ask what the page asks"
    )
    ours, alone = found["looked at"], found["alone"]
    yield Figure(
        row="pages",
        name=f"goodput with {PAGES} open pages, {words}",
        value=ratios([each.goodput for each in ours], [each.goodput for each in alone]),
        unit=Unit.TIMES,
        reference="the same without any",
        aim=aim,
        at_least=True,
        conditions=conditions,
    )
    yield Figure(
        row="pages",
        name=f"client CPU with {PAGES} open pages, {words}",
        value=ratios([each.cpu for each in ours], [each.cpu for each in alone]),
        unit=Unit.TIMES,
        reference="the same without any",
        conditions=conditions,
    )
