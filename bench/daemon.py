"""okdrop's own processes: an installation with a folder to drop files into."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
import uuid
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bench.processes import BenchError, Cost, cost_of, living, python
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY
from okdrop.events import WebListening

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

_READY_WITHIN: Final = 600.0


class Installation:
    """A folder, a ledger and a configuration below one place.

    Args:
        place: everything lies below it.
        api_url: where OK is played.
        ca_file: what makes its certificate trusted.
        settings: configuration, as `upload__workers="4"`; of the folder, as `watch_settle="1s"`.
    """

    def __init__(self, place: Path, api_url: str, *, ca_file: Path | None = None, **settings: str) -> None:
        self.place: Final = place
        self.drop: Final = place / "drop"
        self.drop.mkdir(parents=True, exist_ok=True)
        self.ledger: Final = place / "ledger.db"
        folder = {"path": str(self.drop), "settle": "0s"}
        folder |= {
            key.removeprefix("watch_"): value for key, value in settings.items() if key[:6] == "watch_"
        }
        configuration = {
            "ok__api_url": api_url,
            "ok__upload_hosts": '["127.0.0.1"]',
            "ok__application_key": APPLICATION_KEY,
            "ok__application_secret_key": APPLICATION_SECRET_KEY,
            "ok__access_token": ACCESS_TOKEN,
            "intake__surge": "0",
            "ledger__url": f"sqlite:///{self.ledger}",
            "web__listen": "127.0.0.1:0",  # as shipped, but for the port: others may run beside it
            "log__format": "json",
            "watch": json.dumps([folder]),
        }
        if ca_file is not None:
            configuration["network__ca_file"] = str(ca_file)
        configuration |= {key: value for key, value in settings.items() if key[:6] != "watch_"}
        self.environment: Final = {
            name: value for name, value in os.environ.items() if not name.startswith("OKDROP_")
        } | {f"OKDROP_{name.upper()}": value for name, value in configuration.items()}

    @contextlib.contextmanager
    def staying(self) -> Iterator[subprocess.Popen[bytes]]:
        """`okdrop run`, ready, for as long as the block lasts."""
        with self.starting() as (process, _seconds):
            yield process

    @contextlib.contextmanager
    def starting(self) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
        """The same, and how many seconds it took to say that it is ready (sd_notify(3))."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            name = f"okdrop-bench-{uuid.uuid4()}"  # abstract: a path may be too long for a socket's name
            listening.bind(f"\0{name}")
            listening.settimeout(_READY_WITHIN)
            environment = self.environment | {"NOTIFY_SOCKET": f"@{name}"}
            began = time.monotonic()
            with living(
                python("-m", "okdrop", "run"), self.place / "okdrop.err", environment=environment
            ) as process:
                self._wait_until_ready(listening, process)
                yield process, time.monotonic() - began

    def _wait_until_ready(self, listening: socket.socket, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            if select.select([listening], [], [], 0.2)[0] and b"READY=1" in listening.recv(4096):
                return
            if process.poll() is not None:
                break
        raise BenchError(f"okdrop run did not get ready: {self.complaints()}")

    def asked(self, path: str) -> float:
        """How long its HTTP takes for an answer, in seconds; of a daemon that is ready."""
        address = urlsplit(self.address)
        try:
            with contextlib.closing(HTTPConnection(str(address.hostname), address.port, timeout=60)) as line:
                began = time.monotonic()
                line.request("GET", path)
                answer = line.getresponse()
                answer.read()
                seconds = time.monotonic() - began
        except (OSError, HTTPException) as error:
            raise BenchError(f"okdrop does not answer to {path}: {error}") from error
        if answer.status != HTTPStatus.OK:
            raise BenchError(f"okdrop answers {answer.status} to {path}")
        return seconds

    @property
    def address(self) -> str:
        """Where a daemon that is ready answers HTTP, by its last word: earlier starts have theirs before."""
        for line in reversed((self.place / "okdrop.err").read_text("utf-8").splitlines()):
            told = json.loads(line)
            if told["event"] == WebListening.name:
                return str(told["address"])
        raise BenchError(f"okdrop does not say where it listens: {self.complaints()}")

    def once(self) -> Cost:
        """`okdrop run --once`, to its end."""
        return self.command("run", "--once")

    def command(self, *arguments: str | Path) -> Cost:
        """Another command, to its end."""
        return cost_of(python("-m", "okdrop", *arguments), environment=self.environment)

    def complaints(self) -> str:
        """The end of its log."""
        return (self.place / "okdrop.err").read_text("utf-8", "replace")[-1000:]


def bare_start(*, ends: bool = True) -> Cost:
    """What a start costs before okdrop does anything: the interpreter and the imports.

    Args:
        ends: let the interpreter clean up in the end; what only starts is compared with what does not.
    """
    leave = "" if ends else "; import os; os._exit(0)"
    return cost_of(python("-c", f"import okdrop.cli.running, okdrop.service{leave}"))
