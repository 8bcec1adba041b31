"""A connection's bytes, by blocking calls: heads are read, bodies are dropped as cheaply as may be.

Plain bytes are thrown away in the kernel (MSG_TRUNC, tcp(7)) and never copied; those of TLS have to be
decrypted, which is done over memory BIOs: one visit to the kernel brings many records.
"""

from __future__ import annotations

import mmap
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_HEAD: Final = 64 * 1024
_BUFFER: Final = 256 * 1024
_HOLE_SIZE: Final = 256 * 1024 * 1024
_HOLE: Final = mmap.mmap(-1, _HOLE_SIZE)
"""Where truncated bytes would go; never touched, so it takes no memory."""

_TICKS_PER_SECOND: Final = 50
"""How often a second a connection that is held to a rate is read."""


class Ended(Exception):
    """The other side closed or cut the connection; `taken` bytes of the body had come."""

    def __init__(self, taken: int = 0) -> None:
        super().__init__("the connection ended")
        self.taken = taken


class Stream(Protocol):
    """The bytes of one connection."""

    def receive(self) -> bytes:
        """Some bytes, at least one; b"" at the end."""

    def drop(self, most: int) -> int:
        """Throw away up to `most` bytes, at least one; returns how many, 0 at the end."""

    def send(self, data: bytes) -> None:
        """Send all of it."""


class Plain:
    """A connection without TLS."""

    def __init__(self, sock: socket.socket, *, whole: bool) -> None:
        self._sock: Final = sock
        self._flags: Final = socket.MSG_TRUNC | (socket.MSG_WAITALL if whole else 0)

    def receive(self) -> bytes:
        """Some bytes; b"" at the end."""
        return self._sock.recv(LONGEST_HEAD)

    def drop(self, most: int) -> int:
        """Throw bytes away in the kernel."""
        return self._sock.recv_into(_HOLE, min(most, _HOLE_SIZE), self._flags)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._sock.sendall(data)


class Tls:
    """A connection within TLS, as the server.

    Raises:
        OSError: no TLS came about (`ssl.SSLError` is one).
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock: Final = sock
        self._in: Final = ssl.MemoryBIO()
        self._out: Final = ssl.MemoryBIO()
        self._tls: Final = context.wrap_bio(self._in, self._out, server_side=True)
        self._arrived: Final = memoryview(bytearray(_BUFFER))
        self._clear: Final = bytearray(_BUFFER)
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                if not self._fill():
                    raise ConnectionResetError("left before TLS was agreed upon") from None
        self._flush()

    def receive(self) -> bytes:
        """Some bytes; b"" at the end."""
        count = self.drop(LONGEST_HEAD)
        return bytes(self._clear[:count])

    def drop(self, most: int) -> int:
        """Decrypt and forget."""
        while True:
            try:
                return self._read(min(most, _BUFFER))
            except ssl.SSLWantReadError:
                if not self._fill():
                    return 0
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._tls.write(data)
        self._flush()

    def _read(self, most: int) -> int:
        # With a buffer it gives a count; the types that come with Python do not know it.
        count: Any = self._tls.read(most, self._clear)
        return int(count)

    def _fill(self) -> bool:
        count = self._sock.recv_into(self._arrived)
        self._in.write(self._arrived[:count])
        return count > 0

    def _flush(self) -> None:
        if self._out.pending:
            self._sock.sendall(self._out.read())


class Reader:
    """Heads and bodies out of a stream.

    Args:
        stream: the bytes.
        rate: bytes a second that bodies are read at; 0: as fast as may be.
        arrived: told how many bytes of a body were read, as soon as they are; None: nobody is.
    """

    def __init__(
        self, stream: Stream, *, rate: float = 0.0, arrived: Callable[[int], object] | None = None
    ) -> None:
        self._stream: Final = stream
        self._arrived: Final = arrived
        self._rate: Final = rate
        self._ahead = b""

    def head(self) -> bytes:
        """The next request's head, without its empty line.

        Raises:
            Ended: there is none.
        """
        while b"\r\n\r\n" not in self._ahead:
            block = self._stream.receive()
            if not block or len(self._ahead) > LONGEST_HEAD:
                raise Ended
            self._ahead += block
        head, _, self._ahead = self._ahead.partition(b"\r\n\r\n")
        return head

    def body(self, length: int) -> bytes:
        """A short body, whole.

        Raises:
            Ended: it did not come.
        """
        while len(self._ahead) < length:
            block = self._stream.receive()
            if not block:
                raise Ended
            self._ahead += block
        body, self._ahead = self._ahead[:length], self._ahead[length:]
        return body

    def drop(self, length: int) -> None:
        """Throw a body away.

        Raises:
            Ended: it was cut; says after how many bytes.
        """
        taken = min(length, len(self._ahead))
        self._ahead = self._ahead[taken:]
        self._note(taken)
        began, step = time.monotonic(), max(1, int(self._rate / _TICKS_PER_SECOND))
        while taken < length:
            try:
                count = self._stream.drop(min(length - taken, step) if self._rate else length - taken)
            except OSError:
                count = 0
            if not count:
                raise Ended(taken)
            taken += count
            self._note(count)
            if self._rate:
                time.sleep(max(0.0, began + taken / self._rate - time.monotonic()))

    def _note(self, count: int) -> None:
        if self._arrived is not None and count:
            self._arrived(count)

    def send(self, data: bytes) -> None:
        """Send an answer.

        Raises:
            Ended: nobody takes it.
        """
        try:
            self._stream.send(data)
        except OSError:
            raise Ended from None
