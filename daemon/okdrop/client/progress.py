"""Is the line alive? Two phases, and no wall clock for a whole segment.

While bytes should leave, what counts is what the *other side's kernel acknowledged*: bytes that were
handed to local buffers prove nothing, and a slow line that acknowledges a little is slow, not stalled.
Once everything was handed over and the send queue is empty, the wait is for the answer, with a patience
of its own. While our own source has nothing to send (a bandwidth limit), nobody is late.

One silence is not the line's: whoever reads slowly fills his kernel's buffer first, and that kernel then says
nothing before a good part of it is free again (RFC 9293, 3.8.6.2.2: no silly windows). At 2 kB/s and 64 KiB
that takes half a minute, in which bytes do move, on the other side. Such a silence (the window is shut, and
our kernel's questions about it are answered) has the time that so slow a reader needs.
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
_RETRANSMITS, _PROBES, _MSS, _UNACKED, _BYTES_ACKED, _NOTSENT, _WINDOW = 2, 3, 16, 24, 120, 144, 228
_LENGTH, _LENGTH_WITH_WINDOW = 148, 232  # the window is told since Linux 5.4
_TCP_INFO: Final = getattr(socket, "TCP_INFO", None)


SLOWEST: Final = 2048
"""Bytes a second: whoever reads so fast is not given up, however seldom his kernel tells of it…"""

PATIENCE: Final = 8
"""…as long as that takes no longer than so many times `stall_timeout`, nor than `answer_timeout`."""

_REOPENING: Final = 2
"""A window that is shut opens once half of the buffer is free, or all of it; later, if that word is lost."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What is known of a connection's sending side, in bytes.

    Attributes:
        acknowledged: a count that grows when bytes arrive on the other side.
        empty: nothing is queued, here or in the kernel.
        window: how much the other side takes now, in bytes; None: not known.
        full: the window is shut, and the other side's kernel says so whenever it is asked.
    """

    acknowledged: int
    empty: bool
    window: int | None = None
    full: bool = False


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
    empty = buffered == 0 and unacked == 0 and not_sent == 0
    if len(info) < _LENGTH_WITH_WINDOW:
        return Line(acknowledged, empty)
    (mss,) = struct.unpack_from("=I", info, _MSS)
    (window,) = struct.unpack_from("=I", info, _WINDOW)
    # One question may be on its way; a second one is sent only after the first was not answered.
    full = window < mss and not empty and max(info[_RETRANSMITS], info[_PROBES]) <= 1
    return Line(acknowledged, empty, window, full)


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
        self._widest = 0
        self._moved_at = 0.0
        self._awaiting = False
        self.interval = min(max(min(stall_timeout, answer_timeout) / 4, 0.05), 1.0)

    def see(self, line: Line) -> None:
        """Take note of how much the other side's kernel takes at once."""
        self._widest = max(self._widest, line.window or 0)

    def judge(self, line: Line, *, all_handed: bool, now: float) -> str | None:
        """Why the segment should be given up, in words; None while it may go on.

        Args:
            line: what the line looks like.
            all_handed: whether the whole body was written.
            now: the time of the look.
        """
        self.see(line)
        awaiting = all_handed and line.empty
        idle = line.empty and not all_handed
        if line.acknowledged != self._acknowledged or idle or awaiting != self._awaiting:
            self._acknowledged, self._moved_at, self._awaiting = line.acknowledged, now, awaiting
            return None
        quiet = now - self._moved_at
        if awaiting:
            return "no answer after the last byte left" if quiet >= self._answer_timeout else None
        patience = self._of_a_slow_reader if line.full else self._stall_timeout
        return "stalled: no byte was acknowledged" if quiet >= patience else None

    @property
    def _of_a_slow_reader(self) -> float:
        """Seconds until the slowest reader's kernel tells that there is room again."""
        needed = _REOPENING * self._widest / SLOWEST
        most = min(PATIENCE * self._stall_timeout, self._answer_timeout)
        return max(self._stall_timeout, min(needed, most))
