"""The body of one POST on its way to the disk, and the account of it as of each moment."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from okdrop.emulator.ranges import Spans

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from okdrop.emulator.store import Store
    from okdrop.emulator.videos import Video


class Intake:
    """Counts and stores what one request brings.

    Args:
        video: whose bytes they are; None when nobody knows the URL.
        position: of the first byte in the file; None when the request does not say.
    """

    def __init__(self, video: Video | None, position: int | None) -> None:
        self.video = video
        self.received = 0
        self._position = position
        self._held_before = Spans() if video is None else video.held

    def count(self, block: bytes) -> None:
        """Add a block to the account of what came over the line, stored or not."""
        if self.video is not None:
            traffic = self.video.traffic
            traffic.received += len(block)
            if self._position is not None:
                at = self._position + self.received
                traffic.held_resent += self._held_before.overlap(at, at + len(block))
        self.received += len(block)

    async def store(
        self,
        blocks: AsyncGenerator[bytes, None],
        video: Video,
        to: Store,
        *,
        stop_after: int | None,
        keep_partial: bool,
    ) -> bool:
        """Write the blocks where they belong, as they come.

        Args:
            blocks: the body.
            video: whose bytes they are.
            to: where they go.
            stop_after: take no more than so many bytes; None takes all.
            keep_partial: count each block as held at once, rather than all of them at the end.

        Returns:
            Whether the body was taken to its end.

        Raises:
            LineCut: the other side left; what came is kept or dropped as `keep_partial` says.
        """
        start = self._position or 0
        video.digest = ""
        if stop_after == 0:
            return False
        async with contextlib.aclosing(blocks):
            with to.writing(video) as descriptor:
                async for block in blocks:
                    taken = block if stop_after is None else block[: stop_after - self.received]
                    _write(descriptor, taken, start + self.received)
                    self.count(taken)
                    if keep_partial:
                        video.held = video.held.add(start, start + self.received)
                    if self.received == stop_after:
                        return False
        video.held = video.held.add(start, start + self.received)
        return True


def _write(descriptor: int, block: bytes, offset: int) -> None:
    """All of a block; the kernel may take it in parts."""
    rest = memoryview(block)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
