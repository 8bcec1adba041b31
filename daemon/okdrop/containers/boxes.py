"""MP4, MOV, 3GP: a row of boxes, each of which begins with its length (ISO/IEC 14496-12, 4.2).

A recorder writes the samples into `mdat` while it records, and `moov`, without which nobody can play them,
last; `mdat` has its length only then, too. So a recording that broke off has no `moov`, or an `mdat` that
runs past the end. A fragmented file has its `moov` first; there the last fragment is cut.
"""

from __future__ import annotations

from typing import Final

from okdrop.containers.structure import MOST_STEPS, Read, Structure, cut, not_whole, unknown, whole

NAME: Final = "MP4"

_FIRST: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"})
_HEAD, _LONG_HEAD = 8, 16
_TO_THE_END, _IS_LONG = 0, 1


def recognises(head: bytes) -> bool:
    """Whether a file that begins like this is one."""
    return head[4:8] in _FIRST


def examine(size: int, read: Read) -> Structure:
    """Walk over the boxes of a file of `size` bytes."""
    at, seen = 0, set[bytes]()
    for _ in range(MOST_STEPS):
        if at == size:
            return _judged(seen)
        head = read(at, _LONG_HEAD)
        if len(head) < _HEAD or not head[4:8].isalnum():
            # Neither players nor OK mind what follows the last box: preallocated room, somebody's signature.
            return _judged(seen) if b"moov" in seen else _ends_early(seen)
        kind = head[4:8]
        stop = at + _length(head, left=size - at)
        if stop < at + _HEAD:
            return not_whole(NAME, f"the length of its {_shown(kind)} box is nonsense")
        if stop > size:
            return cut(NAME, f"its {_shown(kind)} box", stop - size)
        seen.add(kind)
        at = stop
    return unknown(NAME, "it has more boxes than are looked at")


def _length(head: bytes, *, left: int) -> int:
    length = int.from_bytes(head[:4], "big")
    if length == _TO_THE_END:
        return left
    return int.from_bytes(head[8:16], "big") if length == _IS_LONG else length


def _judged(seen: set[bytes]) -> Structure:
    if b"moov" not in seen:
        return not_whole(NAME, "its moov box is missing, which a recorder writes last")
    if not seen & {b"mdat", b"moof"}:
        return not_whole(NAME, "it holds no samples: its mdat box is missing")
    return whole(NAME)


def _ends_early(seen: set[bytes]) -> Structure:
    if b"mdat" in seen:
        return _judged(seen)
    return not_whole(NAME, "it ends within the head of a box")


def _shown(kind: bytes) -> str:
    return kind.decode("ascii", "replace")
