"""Takes files away for the chores: says where to, in the ledger first, and has `inbox.filing` do it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from okdrop import events
from okdrop.drop import Chore, State
from okdrop.errors import Trouble
from okdrop.inbox import carrying, filing, placing
from okdrop.inbox.errand import End, Errand
from okdrop.inbox.revision import revision_at
from okdrop.pipeline import after
from okdrop.pipeline.belonging import folder_above

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from okdrop.drop import Revision, Upload
    from okdrop.pipeline.after import Afterwards
    from okdrop.pipeline.parts import Parts

T = TypeVar("T")

COARSE_NS: Final = 2_500_000_000
"""Nanoseconds by which a file system may have rounded the time of a copy (FAT: two seconds)."""


class Filer:
    """Moves and deletes the files of published rows.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts

    async def move(self, row: Upload, wanted: Afterwards) -> tuple[Upload, End]:
        """Move the row's file to where its folder says; returns the row as written, and how that ended.

        Raises:
            Trouble: not now; the file is whole.
            StaleVersion: somebody else wrote the row.
        """
        row = await self._aim(row, wanted)
        end = await self._put_away(row, row.moved_to)
        while end is End.TAKEN:  # somebody else's file came to lie there in between
            row = await self._write_target(row, wanted)
            end = await self._put_away(row, row.moved_to)
        return row, end

    async def delete(self, row: Upload) -> End:
        """Delete the row's file.

        Raises:
            Trouble: not now; the file is whole.
        """
        return await self._put_away(row, None)

    async def is_there(self, row: Upload) -> bool:
        """Whether there is something to delete, under the file's own name or a hidden one of ours."""
        errand = _pruning(row) if row.chore is Chore.PRUNE else _errand(row, None)
        return await self.in_thread(
            lambda _: os.path.lexists(errand.source) or os.path.lexists(errand.caught)
        )

    async def is_gone(self, row: Upload) -> bool:
        """Whether it is certain that nothing is there to delete: a folder that is away says nothing."""
        errand = _pruning(row) if row.chore is Chore.PRUNE else _errand(row, None)
        folder = errand.source.rpartition(b"/")[0]
        return await self.in_thread(lambda _: filing.is_folder(folder)) and not await self.is_there(row)

    async def prune(self, row: Upload, move_to: bytes) -> End:
        """Delete the row's file where it was moved to.

        Args:
            row: the upload.
            move_to: where its folder has files moved now. One that was moved elsewhere, by what the folder
                said before, is waited for while its own folder is not there: its disk may be away.

        Raises:
            Trouble: not now; the file is whole.
        """
        moved_to = row.moved_to or b""
        place = move_to if after.is_below(moved_to, move_to) else moved_to.rpartition(b"/")[0]
        if not await self.in_thread(lambda _: filing.is_folder(place)):
            hint = "mount what holds it; its files are not looked for until then"
            raise Trouble(f"{events.shown(place)} is not there", code="move_to_gone", hint=hint)
        errand = await self.in_thread(lambda _: _pruning(row))
        return await self.in_thread(lambda stop: filing.put_away(errand, stop))

    async def give_up_pruning(self, row: Upload) -> None:
        """Undo what was begun of that.

        Raises:
            Trouble: not now.
        """
        errand = _pruning(row)
        await self.in_thread(lambda _: filing.give_up(errand))

    async def give_up(self, row: Upload) -> Upload:
        """Undo what was begun; returns the row with `moved_to` only where the file was moved already.

        Raises:
            Trouble: not now.
        """
        await self.in_thread(lambda _: filing.give_up(_errand(row, row.moved_to)))
        return row if await self._is_moved(row) else row.with_(moved_to=None)

    async def _put_away(self, row: Upload, target: bytes | None) -> End:
        await self.require(row.drop.folder)
        errand = _errand(row, target)
        return await self.in_thread(lambda stop: filing.put_away(errand, stop))

    async def require(self, folder: str) -> None:
        """See that a watched folder is there, and is the right one.

        Raises:
            Trouble: it is not, now.
        """
        hint = "mount what holds it; its files are not looked for until then"
        if not await self.in_thread(lambda _: filing.is_folder(os.fsencode(folder))):
            raise Trouble(f"{folder} is not there", code="filing_no_folder", hint=hint)
        if unmarked := await self._parts.unmarked(folder):
            raise Trouble(unmarked, code="filing_no_folder", hint=hint)

    async def _aim(self, row: Upload, wanted: Afterwards) -> Upload:
        """Write where the file goes before it moves; an aim by another day's `move_to` is given up."""
        if row.moved_to is not None and not after.is_below(row.moved_to, wanted.move_to):
            row = await self.give_up(row)
            if row.moved_to is not None:
                return row  # it lies there already
        await self._make_folders(row.moved_to or await self._target(row, wanted), wanted.move_to)
        return row if row.moved_to is not None else await self._write_target(row, wanted)

    async def _write_target(self, row: Upload, wanted: Afterwards) -> Upload:
        target = await self._target(row, wanted)
        free = await self.in_thread(lambda _: placing.free(target))
        along = await self.along(row, row.drop.path, wanted.move_along)
        return await self._parts.ledger.write(row.with_(moved_to=free, along=along))

    async def along(self, row: Upload, video: bytes, suffixes: Sequence[str]) -> str:
        """What lies beside the row's file, to be written down before that is touched; JSON.

        Where it does not lie there any more, in an errand that is begun, it is what was written down then.

        Raises:
            Trouble: not now.
        """

        def look(_: threading.Event) -> str:
            lies = revision_at(video)
            if not (_is_it(lies, row) or (video == row.moved_to and _is_copy(lies, row))):
                return row.along
            seen = carrying.seen_beside(video, suffixes, folder_above(video, row))
            return json.dumps([one.as_json() for one in seen])

        return await self.in_thread(look) if suffixes else ""

    async def _target(self, row: Upload, wanted: Afterwards) -> bytes:
        """Where the file goes, if nothing lies there."""
        if not wanted.template:
            return after.target_of(row.drop.path, os.fsencode(row.drop.folder), wanted.move_to)
        history = await self._parts.ledger.history(row.id)
        published = [step.at for step in history if step.to_state is State.PUBLISHED]
        return after.templated(row, wanted, published[-1] if published else row.updated_at)

    async def _is_moved(self, row: Upload) -> bool:
        source, target = row.drop.path, row.moved_to
        return target is not None and await self.in_thread(
            lambda _: os.path.lexists(target) and not os.path.lexists(source)
        )

    async def _make_folders(self, target: bytes, move_to: bytes) -> None:
        """Create `move_to` and what is below; not where it was used before: then its disk is missing."""
        is_there = await self.in_thread(lambda _: filing.is_folder(move_to))
        if not is_there and await self._was_used(move_to):
            hint = "mount what holds it; or create it, if it was removed"
            raise Trouble(f"{events.shown(move_to)} was there and is gone", code="move_to_gone", hint=hint)
        await self.in_thread(lambda _: filing.make_folders(target))

    async def _was_used(self, move_to: bytes) -> bool:
        return await self._parts.ledger.was_moved_below(move_to)

    async def in_thread(self, work: Callable[[threading.Event], T]) -> T:
        """A thread cannot be cancelled: it is asked to stop, by the brake and when nobody waits any more."""
        stop = threading.Event()
        forget = self._parts.brake.listen(stop.set)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._parts.reading.executor, work, stop)
        finally:
            forget()
            stop.set()


def _errand(row: Upload, target: bytes | None) -> Errand:
    return Errand(
        source=row.drop.path,
        revision=row.drop.revision,
        digest=row.digest,
        key=f"{row.id}-{int(row.created_at.timestamp() * 1e6):x}",
        target=target,
    )


def _is_it(lies: Revision | None, row: Upload) -> bool:
    """Whether what lies there is the row's file; the device is not compared, as mounts renumber it."""
    wanted = row.drop.revision
    return lies is not None and dataclasses.replace(lies, device=wanted.device) == wanted


def _is_copy(lies: Revision | None, row: Upload) -> bool:
    """Whether what lies there may be a copy of the row's file, by its size and its time."""
    wanted = row.drop.revision
    return lies is not None and lies.size == wanted.size and abs(lies.mtime_ns - wanted.mtime_ns) < COARSE_NS


def _pruning(row: Upload) -> Errand:
    """Blocking. To delete a file where it was moved to: what is not the published revision is left alone.

    A copy has another inode, and where its file system rounds times another time: its content tells then.
    """
    moved_to, revision = row.moved_to or b"", row.drop.revision
    lies = revision_at(moved_to)
    if lies is not None and row.digest is not None and _is_copy(lies, row):
        revision = dataclasses.replace(revision, mtime_ns=lies.mtime_ns)
        if revision != row.drop.revision:
            revision = dataclasses.replace(revision, device=0, inode=0)  # by its content alone
    return Errand(
        source=moved_to,
        revision=revision,
        digest=row.digest,
        key=f"{row.id}-{int(row.created_at.timestamp() * 1e6):x}-pruned",
        target=None,
    )
