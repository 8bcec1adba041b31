"""Is the line alive? Two phases, and no wall clock for a whole segment.

While bytes should leave, what counts is what the *other side's kernel acknowledged*: bytes that were
handed to local buffers prove nothing, and a slow line that acknowledges a little is slow, not stalled.
Once everything was handed over and the send queue is empty, the wait is for the answer, with a patience
of its own. While our own source has nothing to send (a bandwidth limit), nobody is late.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

# Offsets in Linux's `struct tcp_info` (linux/tcp.h); new fields are only ever added at its end.
_UNACKED, _BYTES_ACKED, _NOTSENT, _LENGTH = 24, 120, 144, 148
_TCP_INFO: Final = getattr(socket, "TCP_INFO", None)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What is known of a connection's sending side, in bytes.

    Attributes:
        acknowledged: a count that grows when bytes arrive on the other side.
        empty: nothing is queued, here or in the kernel.
    """

    acknowledged: int
    empty: bool


def look(transport: asyncio.WriteTransport, handed: int) -> Line:
    """Look at the line: by TCP_INFO, elsewhere by what has left the transport's own buffer.

    Args:
        transport: the connection, TLS or plain.
        handed: bytes of the body that were written to the transport so far.
    """
    buffered = transport.get_write_buffer_size()
    info = _tcp_info(transport)
    if info is None:
        return Line(handed - buffered, buffered == 0)
    (unacked,) = struct.unpack_from("=I", info, _UNACKED)
    (acknowledged,) = struct.unpack_from("=Q", info, _BYTES_ACKED)
    (not_sent,) = struct.unpack_from("=I", info, _NOTSENT)
    return Line(acknowledged, buffered == 0 and unacked == 0 and not_sent == 0)


def _tcp_info(transport: asyncio.WriteTransport) -> bytes | None:
    sock = transport.get_extra_info("socket")
    if _TCP_INFO is None or sock is None:
        return None
    try:
        # Event loops wrap the socket, each in its own way; its number is all that they share.
        with socket.socket(fileno=os.dup(sock.fileno())) as twin:
            info = twin.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 256)
    except OSError:
        return None
    return info if len(info) >= _LENGTH else None


class Watchdog:
    """Judges one segment from looks at its line. Times are seconds of one monotonic clock."""

    def __init__(self, *, stall_timeout: float, answer_timeout: float) -> None:
        self._stall_timeout = stall_timeout
        self._answer_timeout = answer_timeout
        self._acknowledged = -1
        self._moved_at = 0.0
        self._awaiting = False
        self.interval = min(max(min(stall_timeout, answer_timeout) / 4, 0.05), 1.0)

    def judge(self, line: Line, *, all_handed: bool, now: float) -> str | None:
        """Why the segment should be given up, in words; None while it may go on.

        Args:
            line: what the line looks like.
            all_handed: whether the whole body was written.
            now: the time of the look.
        """
        awaiting = all_handed and line.empty
        idle = line.empty and not all_handed
        if line.acknowledged != self._acknowledged or idle or awaiting != self._awaiting:
            self._acknowledged, self._moved_at, self._awaiting = line.acknowledged, now, awaiting
            return None
        quiet = now - self._moved_at
        if awaiting:
            return "no answer after the last byte left" if quiet >= self._answer_timeout else None
        return "stalled: no byte was acknowledged" if quiet >= self._stall_timeout else None
