"""A thread for each connection: what it waits for, the kernel does, and nothing here holds the others up."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Final, Self

from bench.sink.arrivals import Arrivals
from bench.sink.desk import Desk
from bench.sink.streams import Ended, Plain, Reader, Tls
from bench.sink.videos import Videos

if TYPE_CHECKING:
    from pathlib import Path

_WINDOWS_PER_SECOND: Final = 16
_SMALLEST_WINDOW: Final = 4096
_BACKLOG: Final = 256


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How the server is slow.

    Args:
        rate: bytes a second for each connection; 0: as fast as may be.
        delay: seconds that every answer takes.
        timed: whether it keeps account of when bytes come; they are then read as they come.
    """

    rate: float = 0.0
    delay: float = 0.0
    timed: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files."""

    certificate: Path
    key: Path


class Sink:
    """The server, from `with` to its end; its threads end with the process.

    Args:
        limits: how it is slow.
        certificate: speak TLS with it; None: plain.
        sequential: take the next byte only.
        refuses: refuse every token.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        certificate: Certificate | None = None,
        *,
        sequential: bool = False,
        refuses: bool = False,
    ) -> None:
        self._limits: Final = limits or Limits()
        self._tls: Final = _context(certificate) if certificate is not None else None
        self.videos: Final = Videos()
        self.arrivals: Final = Arrivals()
        self.url = ""
        self._desk: Final = Desk(
            videos=self.videos,
            arrivals=self.arrivals,
            url=lambda: self.url,
            delay=self._limits.delay,
            sequential=sequential,
            refuses=refuses,
        )
        self._listening: socket.socket | None = None

    def __enter__(self) -> Self:
        listening = self._listening = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        if rate := self._limits.rate:
            # Connections inherit it: with the usual window the kernel would take much at once.
            window = max(_SMALLEST_WINDOW, int(rate / _WINDOWS_PER_SECOND))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        scheme = "https" if self._tls is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        rate = self._limits.rate
        with connection, contextlib.suppress(Ended, OSError, ValueError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            timed = self._limits.timed
            plain = Plain(connection, whole=not rate and not timed)
            reader = Reader(
                Tls(connection, self._tls) if self._tls is not None else plain,
                rate=rate,
                arrived=self.arrivals.note if timed else None,
            )
            while True:
                self._desk.answer(reader)


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context
