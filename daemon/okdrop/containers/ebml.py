"""Matroska and WebM: elements, each with an id and a length (RFC 8794; RFC 9559).

The length of the Segment, which holds everything, is written when the recording ends; until then, and for
ever in a live stream, it says "unknown". A muxer that means to come back leaves room for the SeekHead at the
very begin of the Segment; where that room is still there and no Cues follow, it did not come back.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from okdrop.containers.structure import MOST_STEPS, Read, Structure, cut, not_whole, unknown, whole

NAME: Final = "Matroska"

_MAGIC: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT, _CLUSTER, _CUES, _VOID = 0x18538067, 0x1F43B675, 0x1C53BB6B, 0xEC
_LONGEST_ID, _LONGEST_LENGTH = 4, 8
_NAMES: Final = {_SEGMENT: "Segment", _CLUSTER: "last cluster", _CUES: "index"}


def recognises(head: bytes) -> bool:
    """Whether a file that begins like this is one."""
    return head.startswith(_MAGIC)


@dataclasses.dataclass(frozen=True, slots=True)
class _Element:
    """An element's head; offsets in bytes, `stop` is None where its length is unknown."""

    kind: int
    begin: int  #: of its contents
    stop: int | None


def examine(size: int, read: Read) -> Structure:
    """Look at the Segment of a file of `size` bytes, and walk over its elements if that has no length."""
    header = _element(read, 0)
    if header is None or header.stop is None:
        return not_whole(NAME, "it ends within its header")
    segment = _element(read, header.stop)
    while segment is not None and segment.kind == _VOID and segment.stop is not None:
        segment = _element(read, segment.stop)
    if segment is None or segment.kind != _SEGMENT:
        return not_whole(NAME, "it ends after its header")
    if segment.stop is None:
        return _walk(size, read, segment.begin)
    return whole(NAME) if segment.stop <= size else cut(NAME, "its segment", segment.stop - size)


def _walk(size: int, read: Read, at: int) -> Structure:
    """Judge a Segment without a length by what it holds, from the first element at `at` on."""
    room_is_left, seen = False, set[int]()
    for _ in range(MOST_STEPS):
        if at == size:
            break
        element = _element(read, at)
        if element is None:
            return not_whole(NAME, "it ends within the head of an element")
        if element.stop is None:
            return unknown(NAME, "it is a live stream: its parts have no length")
        if element.stop > size:
            return cut(NAME, f"its {_NAMES.get(element.kind, 'last element')}", element.stop - size)
        room_is_left = room_is_left or (not seen and element.kind == _VOID)
        seen.add(element.kind)
        at = element.stop
    return _judged(seen, room_is_left=room_is_left)


def _judged(seen: set[int], *, room_is_left: bool) -> Structure:
    if _CLUSTER not in seen:
        return not_whole(NAME, "it holds no pictures yet: its first cluster is missing")
    if _CUES in seen:
        return whole(NAME)
    if room_is_left:
        return not_whole(NAME, "its length and its index are missing, which a recorder writes last")
    return unknown(NAME, "it is a live stream: its length was never meant to be written")


def _element(read: Read, at: int) -> _Element | None:
    """The head of the element at an offset; None where there is none, or it is cut."""
    head = read(at, _LONGEST_ID + _LONGEST_LENGTH)
    width = _width(head[:1], _LONGEST_ID)
    if not width:
        return None
    length_width = _width(head[width : width + 1], _LONGEST_LENGTH)
    begin = width + length_width
    if not length_width or len(head) < begin:
        return None
    bits = 7 * length_width
    length = int.from_bytes(head[width:begin], "big") & ((1 << bits) - 1)
    stop = None if length == (1 << bits) - 1 else at + begin + length
    return _Element(int.from_bytes(head[:width], "big"), at + begin, stop)


def _width(first: bytes, most: int) -> int:
    """How many bytes a number takes that begins with this byte; 0: none does (RFC 8794, 4)."""
    width = 9 - first[0].bit_length() if first else 0
    return width if width <= most else 0
