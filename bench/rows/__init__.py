"""The benchmarks, by their names; each yields figures and curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.rows import bandwidth, curves, latency, library, limited, memory, pages, small, storm, throughput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.context import Bench
    from bench.figures import Finding

ROWS: Final[dict[str, Callable[[Bench], Iterator[Finding]]]] = {
    "throughput": throughput.plain,
    "tls": throughput.tls,
    "limited": limited.limited,
    "bandwidth": bandwidth.bandwidth,
    "small": small.small,
    "storm": storm.storm,
    "memory": memory.memory,
    "waiting": memory.waiting,
    "library": library.library,
    "pages": pages.pages,
    "latency": latency.latency,
    "sizes": curves.sizes,
    "numbers": curves.numbers,
    "digest": throughput.digest,
}
"""Name → benchmark, in the order of the table."""
