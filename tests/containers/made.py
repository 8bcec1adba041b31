"""Small files of each container, made byte by byte, so that it is known where each part ends."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from okdrop.containers import examine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from okdrop.containers import Structure

UNKNOWN_LENGTH: Final = b"\x01" + b"\xff" * 7
EBML, SEGMENT, INFO, CLUSTER, CUES, VOID = (
    *(b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x15\x49\xa9\x66"),
    *(b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b", b"\xec"),
)


def judged(data: bytes) -> Structure:
    """What is said of a file that holds this."""
    return examine(len(data), lambda at, count: data[at : at + count])


def ends(parts: Iterable[bytes]) -> Sequence[int]:
    """Where each part of a file ends."""
    return [*itertools.accumulate(map(len, parts))]


def box(kind: bytes, contents: bytes, *, long: bool = False, length: int | None = None) -> bytes:
    """A box of an MP4 file; `length` is what it claims."""
    if long:
        return b"\0\0\0\1" + kind + (16 + len(contents) if length is None else length).to_bytes(8) + contents
    return (8 + len(contents) if length is None else length).to_bytes(4) + kind + contents


def element(kind: bytes, contents: bytes, *, length: bytes | None = None) -> bytes:
    """An element of a Matroska file; `length` is its field."""
    return kind + (length or b"\x01" + len(contents).to_bytes(7)) + contents


def tag(kind: int, data: bytes) -> bytes:
    """A tag of an FLV file, and its length."""
    return bytes([kind]) + len(data).to_bytes(3) + b"\0\0\0\0\0\0\0" + data + (11 + len(data)).to_bytes(4)


def chunk(kind: bytes, contents: bytes, *, length: int | None = None) -> bytes:
    """A RIFF chunk of an AVI file; `length` is what it claims."""
    claimed = 4 + len(contents) if length is None else length
    return b"RIFF" + claimed.to_bytes(4, "little") + kind + contents


FLV_HEAD: Final = b"FLV\x01\x05\0\0\0\x09\0\0\0\0"
MP4: Final = (
    box(b"ftyp", b"isom\0\0\2\0"),
    box(b"free", b""),
    box(b"mdat", b"m" * 300),
    box(b"moov", b"v" * 90),
)
FRAGMENTED: Final = (
    *(box(b"ftyp", b"iso5\0\0\2\0"), box(b"moov", b"v" * 90)),
    *(box(b"moof", b"f" * 20), box(b"mdat", b"m" * 200)) * 3,
)
MATROSKA: Final = (
    element(EBML, b"\x42\x82\x88matroska"),
    element(SEGMENT, element(INFO, b"i" * 30) + element(CLUSTER, b"c" * 400) + element(CUES, b"q" * 20)),
)
AVI: Final = (chunk(b"AVI ", b"a" * 500), chunk(b"AVIX", b"x" * 200))
FLV: Final = (FLV_HEAD, tag(18, b"meta" * 5), tag(9, b"v" * 100), tag(8, b"a" * 30), tag(9, b"v" * 200))
TS: Final = (b"\x47" + b"t" * 187,) * 7
M2TS: Final = (b"time\x47" + b"t" * 187,) * 7
