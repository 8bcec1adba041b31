"""curl as the reference: the same bytes to the same server.

`upload-file` with `request = POST` streams the file out of a buffer of curl's own; `--data-binary @FILE`
would read all of it into memory first. Parts of a file that go at once are files of their own, cut
beforehand: curl has no way to send a span of one.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from bench.processes import Cost, cost_of, program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.server import Server

AT_ONCE: Final = 4
"""Requests of one file at once: as many as okdrop's connections."""

_COPY: Final = 1024 * 1024


class Curl:
    """curl against one server.

    Args:
        server: whom to send to.
        place: where its orders are written.
    """

    def __init__(self, server: Server, place: Path) -> None:
        self._server: Final = server
        self._orders: Final = place / "curl.conf"
        self._program: Final = program("curl", "curl")

    def send(self, file: Path) -> Cost:
        """One request with the whole file."""
        return self.send_one_after_the_other([file])

    def send_at_once(self, parts: Sequence[Path]) -> Cost:
        """A file's parts, each a request, all at once."""
        url = self._server.new_url()
        sizes = [part.stat().st_size for part in parts]
        starts = itertools.accumulate(sizes, initial=0)
        requests = [
            self._request(url, part, start, start + size, sum(sizes))
            for part, start, size in zip(parts, starts, sizes, strict=False)
        ]
        return self._run(requests, "-Z", "--parallel-immediate")

    def send_one_after_the_other(self, files: Sequence[Path]) -> Cost:
        """Files, each in a request, over one connection."""
        requests = []
        for file in files:
            size = file.stat().st_size
            requests.append(self._request(self._server.new_url(), file, 0, size, size))
        return self._run(requests)

    def _request(self, url: str, file: Path, start: int, stop: int, total: int) -> str:
        lines = [
            f'url = "{url}"',
            f'upload-file = "{file}"',
            'request = "POST"',
            f'header = "Content-Range: bytes {start}-{stop - 1}/{total}"',
            'header = "Content-Disposition: attachment; filename=bench.mp4"',
            'header = "Content-Type: application/octet-stream"',
            'header = "X-Uploading-Mode: parallel"',
            'header = "Expect:"',
            'output = "/dev/null"',
            "no-progress-meter",
            "fail",
        ]
        if self._server.ca_file is not None:
            lines.append(f'cacert = "{self._server.ca_file}"')
        return "\n".join(lines)

    def _run(self, requests: Sequence[str], *options: str) -> Cost:
        self._orders.write_text("\nnext\n".join(requests))
        return cost_of([self._program, "-q", *options, "-K", self._orders])


def cut(file: Path, place: Path, *, parts: int = AT_ONCE) -> list[Path]:
    """Cut a file into so many files."""
    step = -(-file.stat().st_size // parts)
    made = [place / f"part-{number}" for number in range(parts)]
    with file.open("rb") as source:
        for path in made:
            with path.open("wb") as target:
                left = step
                while left and (block := source.read(min(left, _COPY))):
                    target.write(block)
                    left -= len(block)
    return made
