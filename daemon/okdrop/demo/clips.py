"""The clips of the demonstration, and the ways in which they are dropped.

Three small videos that really play, grown to a size that takes a while to send.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.resources
import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MIB: Final = 1024 * 1024

CLIPS: Final = {
    "evening-news.mp4": ("Evening news.mp4", 24 * MIB),
    "deep-zoom.mp4": ("Deep zoom, take 2.mp4", 40 * MIB),
    "sunset-camera-2.mp4": ("Camera 2/Закат 2026-06-21.mp4", 12 * MIB),
}
"""Sample → where it is dropped, and the size in bytes it is padded to."""

PIECES: Final = 4
PAUSE: Final = 1.6
"""Seconds between two pieces of a recording: longer than the folder's `settle`, so that quiet alone would
take it for finished."""


async def drop(folder: Path) -> None:
    """Drop every clip, each in a way of its own."""
    news, zoom, sunset = CLIPS
    async with asyncio.TaskGroup() as group:
        group.create_task(_record(news, folder))
        group.create_task(_rename_in(zoom, folder))
        group.create_task(_move_a_tree_in(sunset, folder))


def digests() -> dict[str, str]:
    """File name → SHA-256 of each clip as it is dropped."""
    return {
        name.rpartition("/")[2]: hashlib.sha256(content(sample)).hexdigest()
        for sample, (name, _) in CLIPS.items()
    }


def content(sample: str) -> bytes:
    """A clip as it is dropped."""
    clip = (importlib.resources.files(__package__) / "samples" / sample).read_bytes()
    return padded(clip, CLIPS[sample][1], seed=sample)


def padded(clip: bytes, size: int, *, seed: str) -> bytes:
    """The same clip, grown to `size` bytes by a `free` box, which players skip (ISO/IEC 14496-12, 8.1.2)."""
    box = size - len(clip)
    filling = random.Random(seed).randbytes(box - 8)  # noqa: S311 - filling, not a secret
    return clip + box.to_bytes(4, "big") + b"free" + filling


async def _record(sample: str, folder: Path) -> None:
    """As a recorder does: open, write with pauses, close."""
    whole = content(sample)
    piece = len(whole) // PIECES + 1
    with (folder / CLIPS[sample][0]).open("wb") as file:
        for start in range(0, len(whole), piece):
            file.write(whole[start : start + piece])
            file.flush()
            await asyncio.sleep(PAUSE)


async def _rename_in(sample: str, folder: Path) -> None:
    """As a copying tool does: under a name that says so, renamed when it is whole."""
    await asyncio.sleep(PAUSE)
    target = folder / CLIPS[sample][0]
    beside = target.with_name(f"{target.name}.part")
    beside.write_bytes(content(sample))
    beside.rename(target)


async def _move_a_tree_in(sample: str, folder: Path) -> None:
    """As a person does: a folder, with what is in it, moved from elsewhere."""
    await asyncio.sleep(2 * PAUSE)
    target = folder / CLIPS[sample][0]
    tree = folder.parent / target.parent.name
    tree.mkdir()
    (tree / target.name).write_bytes(content(sample))
    tree.rename(target.parent)
