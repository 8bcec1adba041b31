"""The stages, and the only place where they meet.

     folder ──► Watcher ──► Intake ──► ledger ──► Line ──► Uploaders   ──► Line ──► Finalizer ──► Chores
                scan,       known?     a row,     ids      Attempt: the      ids      video.update  ask,
                settled?    new?       first      only     session's steps            published     put away

The ledger is written first, the lines carry ids only. A restart fills them from the ledger (`recover`). All
stages live in one TaskGroup: a crash of any ends the process, and the ledger picks up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from okdrop.drop import State
from okdrop.pipeline.after import Afterwards
from okdrop.pipeline.brake import Brake
from okdrop.pipeline.chores import Chores
from okdrop.pipeline.finalizer import Finalizer
from okdrop.pipeline.intake import Intake
from okdrop.pipeline.janitor import sweep
from okdrop.pipeline.line import Line, OpenUploads
from okdrop.pipeline.parts import Parts, Tally
from okdrop.pipeline.uploader import Uploader
from okdrop.pipeline.watcher import Folder, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from okdrop.drop import Upload

__all__ = ["Afterwards", "Brake", "Folder", "Parts", "Pipeline", "Tally"]

FINALIZERS: Final = 2

CHORES: Final = 2
"""Chores at once: a long copy to another disk must not keep the questions waiting."""


class Pipeline:
    """From folders to published videos.

    Args:
        parts: what all stages share.
        folders: the watched folders.
        workers: uploads at once.
    """

    def __init__(self, parts: Parts, folders: Sequence[Folder], *, workers: int) -> None:
        self._parts: Final = parts
        self._workers: Final = workers
        self._line: Final = Line()
        self._finals: Final = Line()
        self._opened: Final = OpenUploads()
        self.chores: Final = Chores(parts)
        self.intake: Final = Intake(parts, self._line, self._opened, self.chores.take_up)
        self.watcher: Final = Watcher(parts, self.intake, self._opened, folders)

    def recover(self, rows: Iterable[Upload]) -> None:
        """Take up uploads that an earlier run left unfinished, each when it is due."""
        for row in rows:
            delay = 0.0
            if row.retry_at is not None:
                delay = max(0.0, (row.retry_at - self._parts.now()).total_seconds())
            self._opened.begin(row.id)
            (self._finals if row.state is State.FINALIZING else self._line).put(row.id, delay)

    async def run_to_the_end(self) -> None:
        """Upload until nothing is left to wait for, or until the brake is pulled."""
        await self._run(self._watch_to_the_end())
        if not self._parts.brake.is_pulled:
            await sweep(self._parts)

    async def _watch_to_the_end(self) -> None:
        await self.watcher.run_to_the_end()
        await self.chores.wait_until_none()

    async def run(self) -> None:
        """Stay, and upload what is dropped, until the brake is pulled."""
        await self._run(self.watcher.run())

    async def _run(self, watch: Coroutine[Any, Any, None]) -> None:
        async with asyncio.TaskGroup() as group:
            for stage in self._stages():
                group.create_task(stage())
            watching = group.create_task(watch)
            braking = group.create_task(self._parts.brake.wait())
            await asyncio.wait({watching, braking}, return_when=asyncio.FIRST_COMPLETED)
            watching.cancel()
            braking.cancel()
            self._line.close()
            self._finals.close()
            self.chores.close()

    def _stages(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        look_again = self.watcher.look_again
        uploader = Uploader(self._parts, self._line, self._finals, self._opened, look_again)
        finalizer = Finalizer(
            self._parts, self._finals, self._line, self._opened, look_again, self.chores.take_up
        )
        return [
            *[uploader.work] * self._workers,
            *[finalizer.work] * FINALIZERS,
            *[self.chores.work] * CHORES,
        ]
