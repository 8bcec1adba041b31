"""MPEG-TS and M2TS: packets of one length, with nothing before, between or after them (ISO/IEC 13818-1).

There is no trailer, so a recording that broke off between two packets cannot be told from a whole one. One
that ends within a packet can: whoever wrote it was stopped, or is still at it.
"""

from __future__ import annotations

from typing import Final

from okdrop.containers.structure import Read, Structure, not_whole, unknown, whole

NAME: Final = "MPEG-TS"

HEAD: Final = 4 * 192
"""Bytes that it takes to recognise one."""

_SYNC: Final = 0x47
_SHAPES: Final = ((188, 0), (192, 4), (204, 0))
"""Bytes of a packet, and where in it the byte lies by which it is known."""

_ALIKE: Final = 3  #: packets that have to look like some


def recognises(head: bytes) -> bool:
    """Whether a file that begins like this is one."""
    return _shape(head) is not None


def examine(size: int, read: Read) -> Structure:
    """Look at both ends of a file of `size` bytes."""
    shape = _shape(read(0, HEAD))
    if shape is None:
        return unknown(NAME, "its packets are not recognised")
    length, offset = shape
    rest = size % length
    if not rest:
        last = read(size - length, length)
        if last[offset] == _SYNC or not last.strip(b"\0\xff"):
            return whole(NAME)
        return unknown(NAME, "something else follows its packets")
    if read(size - rest, rest)[offset : offset + 1] in {b"", bytes([_SYNC])}:
        return not_whole(NAME, f"it ends within a packet, of which {length - rest} bytes are missing")
    return unknown(NAME, "something else follows its packets, or stands between them")


def _shape(head: bytes) -> tuple[int, int] | None:
    for length, offset in _SHAPES:
        marks = head[offset : offset + _ALIKE * length : length]
        if len(marks) == _ALIKE and set(marks) == {_SYNC}:
            return length, offset
    return None
