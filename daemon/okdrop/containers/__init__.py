"""Is a video file whole, by its own structure? Some short reads: its head, its tail, from part to part.

A file that is quiet and closed may still be half a recording: the power failed, the recorder crashed, a copy
was cut. Common containers say so, since what they promise is not there. What is known of each:

    boxes      MP4, MOV, 3GP     every box lies within the file, and `moov` is among them
    ebml       Matroska, WebM    the segment lies within the file; without a length, its elements do
    packets    MPEG-TS, M2TS     the last packet is whole
    riff       AVI               every chunk lies within the file, and has its length
    flv        FLV               the last tag is whole

Nothing is decoded: damage within is not seen. Of every other file nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.containers import boxes, ebml, flv, packets, riff
from okdrop.containers.structure import Standing, Structure, unknown

if TYPE_CHECKING:
    from okdrop.containers.structure import Read

__all__ = ["Standing", "Structure", "examine"]

_JUDGES: Final = (
    (ebml.recognises, ebml.examine),
    (riff.recognises, riff.examine),
    (flv.recognises, flv.examine),
    (boxes.recognises, boxes.examine),
    (packets.recognises, packets.examine),
)


def examine(size: int, read: Read) -> Structure:
    """Judge a file by its structure.

    Args:
        size: in bytes.
        read: gives bytes from an offset on, as many as asked for, or fewer at the end of the file; what it
            raises comes out unchanged.
    """
    head = read(0, packets.HEAD)
    for recognises, judge in _JUDGES:
        if recognises(head):
            return judge(size, read)
    return unknown("", "it is no container whose structure is known here")
