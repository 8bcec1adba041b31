"""One file sent: what okdrop took for it beside curl, by the server's clock and the processes' own cost."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

from bench.context import stamp
from bench.processes import cpu_seconds

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.daemon import Installation
    from bench.processes import Cost
    from bench.server import Seen, Server

WITHIN: Final = 3600.0
"""Seconds for one upload, at most."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One upload.

    Args:
        seen: as the server saw it.
        cpu: seconds on a processor that the client took.
        server_cpu: the same of the server.
    """

    seen: Seen
    cpu: float
    server_cpu: float

    @property
    def goodput(self) -> float:
        """Bytes a second, from the first segment's head to the last answer."""
        return self.seen.goodput

    @property
    def cost(self) -> float:
        """The client's seconds on a processor for each byte."""
        return self.cpu / self.seen.size


class Dropping:
    """Files dropped into a daemon's folder, one after the other, and taken out again once published.

    Nothing is copied: a file is moved in and out under a new name, and a few of its bytes are changed, so
    that it is none of those that were sent before.
    """

    def __init__(self, server: Server, installation: Installation, process: subprocess.Popen[bytes]) -> None:
        self._server: Final = server
        self._drop: Final = installation.drop
        self._process: Final = process
        self._numbers: Final[Iterator[int]] = itertools.count(1)
        self._published = 0

    def send(self, file: Path) -> Sent:
        """Drop a file, and see it published."""
        stamp(file)
        before, cpu, server_cpu = self._server.count, cpu_seconds(self._process.pid), self._server.cpu
        dropped = file.rename(self._drop / f"bench-{next(self._numbers)}.mp4")
        self._published += 1
        self._server.wait("published", self._published, within=WITHIN, alive=self._process)
        sent = Sent(
            seen=self._server.seen(after=before)[0],
            cpu=cpu_seconds(self._process.pid) - cpu,
            server_cpu=self._server.cpu - server_cpu,
        )
        dropped.rename(file)
        return sent


def by_curl(server: Server, send: Callable[[], Cost], start_up: float) -> Sent:
    """Let curl send, and leave out what its start costs.

    Args:
        server: whom to.
        send: does it.
        start_up: seconds on a processor of a curl that sends next to nothing.
    """
    before, server_cpu = server.count, server.cpu
    cost = send()
    cpu = max(cost.cpu - start_up, 0.0005)
    return Sent(seen=server.seen(after=before)[0], cpu=cpu, server_cpu=server.cpu - server_cpu)
