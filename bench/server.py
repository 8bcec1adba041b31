"""The sink as a process beside the benchmark, and what it saw."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import ssl
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from bench.processes import BenchError, cpu_seconds, living, program, python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE: Final = 5.0
"""Seconds that one question waits at the sink before it is asked again."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One upload as the server saw it; times are seconds from its first segment's head to the last 200."""

    name: str
    size: int
    seconds: float
    asked_at: float
    began_at: float
    whole_at: float
    published_at: float
    received: int
    resent: int
    segments: int
    most_in_flight: int

    @classmethod
    def of(cls, account: dict[str, Any]) -> Seen:
        """Out of the sink's account."""
        names = {field.name for field in dataclasses.fields(cls)} - {"seconds"}
        return cls(
            seconds=account["whole_at"] - account["began_at"], **{name: account[name] for name in names}
        )

    @property
    def goodput(self) -> float:
        """Bytes a second."""
        return self.size / self.seconds


class Server:
    """A running sink.

    Args:
        url: where it is.
        process: its id.
        ca_file: what makes its certificate trusted; None: it speaks without TLS.
        alive: the process itself.
    """

    def __init__(self, url: str, alive: subprocess.Popen[bytes], ca_file: Path | None) -> None:
        self.url: Final = url
        self.ca_file: Final = ca_file
        self._alive: Final = alive
        self._context: Final = ssl.create_default_context(cafile=ca_file) if ca_file is not None else None

    @property
    def cpu(self) -> float:
        """Seconds on a processor so far."""
        return cpu_seconds(self._alive.pid)

    def ask(self, what: str) -> Any:
        """One of the sink's own questions."""
        with urllib.request.urlopen(f"{self.url}/sink/{what}", context=self._context) as answer:  # noqa: S310  our own
            return json.load(answer)

    def new_url(self) -> str:
        """An upload URL, without the API."""
        url: str = self.ask("new")["upload_url"]
        return url

    @property
    def count(self) -> int:
        """How many videos there are."""
        count: int = self.ask("summary")["videos"]
        return count

    def seen(self, *, after: int = 0) -> list[Seen]:
        """The uploads behind the first `after`."""
        return [Seen.of(account) for account in self.ask(f"videos?after={after}")]

    def arrivals(self) -> list[tuple[int, int]]:
        """What came since the last time it was asked: hundredths of a second, and bytes; oldest first."""
        return [(tick, count) for tick, count in self.ask("arrivals")]

    def wait(self, what: str, count: int, *, within: float, alive: subprocess.Popen[bytes]) -> None:
        """Wait until `count` videos in all are `asked`, `began`, `whole` or `published`.

        Raises:
            BenchError: it did not come about within so many seconds, or who should do it ended.
        """
        left = within
        while not self.ask(f"wait?what={what}&count={count}&seconds={min(left, _PATIENCE)}"):
            left -= _PATIENCE
            if alive.poll() is not None:
                raise BenchError(f"okdrop ended with {alive.returncode} before its uploads were {what}")
            if left <= 0:
                raise BenchError(f"waited {within:.0f} s for {count} uploads to be {what}")


@contextlib.contextmanager
def sink(
    place: Path,
    *,
    tls: bool = False,
    rate: float = 0.0,
    delay: float = 0.0,
    refuse: bool = False,
    timed: bool = False,
) -> Iterator[Server]:
    """A sink for as long as the block lasts.

    Args:
        place: where its certificate and its complaints go.
        tls: whether it speaks TLS.
        rate: bytes a second for each connection; 0: as fast as may be.
        delay: seconds that each answer takes.
        refuse: whether it refuses every token.
        timed: whether it keeps account of when bytes come (`arrivals`).
    """
    arguments: list[str | Path] = ["-m", "bench.sink", "--rate", str(rate), "--delay", str(delay)]
    ca_file = None
    if tls:
        ca_file, key = certificate(place)
        arguments += ["--certificate", ca_file, "--key", key]
    if refuse:
        arguments.append("--refuse")
    if timed:
        arguments.append("--timed")
    with living(python(*arguments), place / "sink.err") as process:
        url = process.stdout.readline().decode().strip() if process.stdout is not None else ""
        if not url:
            raise BenchError(f"the sink did not start: {(place / 'sink.err').read_text()[-1000:]}")
        yield Server(url, process, ca_file)


def certificate(place: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key.

    Raises:
        BenchError: there is no openssl to make it.
    """
    made, key = place / "certificate.pem", place / "key.pem"
    if not made.exists():
        command: list[str | Path] = [
            *(program("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "30"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=bench"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made),
        ]
        subprocess.run(command, check=True, capture_output=True)
    return made, key
