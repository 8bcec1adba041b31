"""FLV: tags, each followed by its length, so that the last one is found from the end (FLV 10.1, annex E).

There is no trailer: a recording that broke off between two tags cannot be told from a whole one.
"""

from __future__ import annotations

from typing import Final

from okdrop.containers.structure import Read, Structure, not_whole, unknown, whole

NAME: Final = "FLV"

_HEAD: Final = 9
_LENGTH: Final = 4  #: bytes of the length after each tag
_TAG: Final = 11  #: bytes before a tag's data
_KINDS: Final = frozenset({8, 9, 18})
_KIND_BITS: Final = 0x1F


def recognises(head: bytes) -> bool:
    """Whether a file that begins like this is one."""
    return head.startswith(b"FLV\x01")


def examine(size: int, read: Read) -> Structure:
    """Look at the last tag of a file of `size` bytes."""
    begin = int.from_bytes(read(5, 4), "big") + _LENGTH
    if begin < _HEAD + _LENGTH:
        return unknown(NAME, "its header is not understood")
    if size < begin + _TAG + _LENGTH:
        return not_whole(NAME, "it ends before its first tag does")
    length = int.from_bytes(read(size - _LENGTH, _LENGTH), "big")
    at = size - _LENGTH - length
    tag = read(at, _TAG) if length >= _TAG and at >= begin else b""
    fits = len(tag) == _TAG and _TAG + int.from_bytes(tag[1:4], "big") == length
    if fits and tag[0] & _KIND_BITS in _KINDS:
        return whole(NAME)
    return not_whole(NAME, "it ends within a tag")
