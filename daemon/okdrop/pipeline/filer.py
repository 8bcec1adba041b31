"""Takes files away for the chores: says where to, in the ledger first, and has `inbox.filing` do it."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from okdrop import events
from okdrop.errors import Trouble
from okdrop.inbox import filing, placing
from okdrop.inbox.errand import End, Errand
from okdrop.pipeline import after

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Upload
    from okdrop.pipeline.parts import Parts

T = TypeVar("T")


class Filer:
    """Moves and deletes the files of published rows.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts

    async def move(self, row: Upload, move_to: bytes) -> tuple[Upload, End]:
        """Move the row's file below `move_to`; returns the row as written, and how that ended.

        Raises:
            Trouble: not now; the file is whole.
            StaleVersion: somebody else wrote the row.
        """
        row = await self._aim(row, move_to)
        end = await self._put_away(row, row.moved_to)
        while end is End.TAKEN:  # somebody else's file came to lie there in between
            row = await self._write_target(row, move_to)
            end = await self._put_away(row, row.moved_to)
        return row, end

    async def delete(self, row: Upload) -> End:
        """Delete the row's file.

        Raises:
            Trouble: not now; the file is whole.
        """
        return await self._put_away(row, None)

    async def give_up(self, row: Upload) -> Upload:
        """Undo what was begun; returns the row with `moved_to` only where the file was moved already.

        Raises:
            Trouble: not now.
        """
        await self._in_thread(lambda _: filing.give_up(_errand(row, row.moved_to)))
        return row if await self._is_moved(row) else row.with_(moved_to=None)

    async def _put_away(self, row: Upload, target: bytes | None) -> End:
        folder = row.drop.folder
        hint = "mount what holds it; its files are not looked for until then"
        if not await self._in_thread(lambda _: filing.is_folder(os.fsencode(folder))):
            raise Trouble(f"{folder} is not there", code="filing_no_folder", hint=hint)
        if unmarked := await self._parts.unmarked(folder):
            raise Trouble(unmarked, code="filing_no_folder", hint=hint)
        errand = _errand(row, target)
        return await self._in_thread(lambda stop: filing.put_away(errand, stop))

    async def _aim(self, row: Upload, move_to: bytes) -> Upload:
        """Write where the file goes before it moves; an aim by another day's `move_to` is given up."""
        if row.moved_to is not None and not after.is_below(row.moved_to, move_to):
            row = await self.give_up(row)
            if row.moved_to is not None:
                return row  # it lies there already
        await self._make_folders(row.moved_to or _wanted(row, move_to), move_to)
        return row if row.moved_to is not None else await self._write_target(row, move_to)

    async def _write_target(self, row: Upload, move_to: bytes) -> Upload:
        target = await self._in_thread(lambda _: placing.free(_wanted(row, move_to)))
        return await self._parts.ledger.write(row.with_(moved_to=target))

    async def _is_moved(self, row: Upload) -> bool:
        source, target = row.drop.path, row.moved_to
        return target is not None and await self._in_thread(
            lambda _: os.path.lexists(target) and not os.path.lexists(source)
        )

    async def _make_folders(self, target: bytes, move_to: bytes) -> None:
        """Create `move_to` and what is below; not where it was used before: then its disk is missing."""
        is_there = await self._in_thread(lambda _: filing.is_folder(move_to))
        if not is_there and await self._was_used(move_to):
            hint = "mount what holds it; or create it, if it was removed"
            raise Trouble(f"{events.shown(move_to)} was there and is gone", code="move_to_gone", hint=hint)
        await self._in_thread(lambda _: filing.make_folders(target))

    async def _was_used(self, move_to: bytes) -> bool:
        return await self._parts.ledger.was_moved_below(move_to)

    async def _in_thread(self, work: Callable[[threading.Event], T]) -> T:
        """A thread cannot be cancelled: it is asked to stop, by the brake and when nobody waits any more."""
        stop = threading.Event()
        forget = self._parts.brake.listen(stop.set)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._parts.reading.executor, work, stop)
        finally:
            forget()
            stop.set()


def _wanted(row: Upload, move_to: bytes) -> bytes:
    return after.target_of(row.drop.path, os.fsencode(row.drop.folder), move_to)


def _errand(row: Upload, target: bytes | None) -> Errand:
    return Errand(
        source=row.drop.path,
        revision=row.drop.revision,
        digest=row.digest,
        key=f"{row.id}-{int(row.created_at.timestamp() * 1e6):x}",
        target=target,
    )
