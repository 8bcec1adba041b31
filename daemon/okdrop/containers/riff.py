"""AVI: a RIFF chunk, and more of them after it where it grew past 1 GB (OpenDML 1.02).

The length of each chunk is written when the recording ends; until then it is 0, or what the recorder guessed.
"""

from __future__ import annotations

from typing import Final

from okdrop.containers.structure import MOST_STEPS, Read, Structure, cut, not_whole, unknown, whole

NAME: Final = "AVI"

_HEAD: Final = 12


def recognises(head: bytes) -> bool:
    """Whether a file that begins like this is one."""
    return head.startswith(b"RIFF") and head[8:12] == b"AVI "


def examine(size: int, read: Read) -> Structure:
    """Walk over the RIFF chunks of a file of `size` bytes."""
    at = 0
    for _ in range(MOST_STEPS):
        head = read(at, _HEAD)
        if at and not head.startswith(b"RIFF"):
            return whole(NAME)  # the end, or something that players do not mind
        length = int.from_bytes(head[4:8], "little")
        if not length:
            return not_whole(NAME, "its length is missing, which a recorder writes last")
        stop = at + 8 + length
        if stop > size:
            return cut(NAME, "its last chunk" if at else "its only chunk", stop - size)
        at = stop + length % 2
    return unknown(NAME, "it has more chunks than are looked at")
