"""The stages, and the only place where they meet.

     folder ──► Watcher ──► Intake ──► ledger ──► Line ──► Uploaders   ──► Line ──► Finalizer ──► published
                scan,       known?     a row,     ids      Attempt: the      ids      video.update
                settled?    new?       first      only     session's steps

The ledger is written first, the lines carry ids only. A restart fills them from the ledger (`recover`). All
stages live in one TaskGroup: a crash of any ends the process, and the ledger picks up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from okdrop.drop import State
from okdrop.pipeline.brake import Brake
from okdrop.pipeline.finalizer import Finalizer
from okdrop.pipeline.intake import Intake
from okdrop.pipeline.janitor import sweep
from okdrop.pipeline.line import Line, OpenUploads
from okdrop.pipeline.parts import Parts, Tally
from okdrop.pipeline.standing import Folder
from okdrop.pipeline.uploader import Uploader
from okdrop.pipeline.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from okdrop.drop import Upload

__all__ = ["Brake", "Folder", "Parts", "Pipeline", "Tally"]

FINALIZERS: Final = 2


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
        self.intake: Final = Intake(parts, self._line, self._opened)
        self.watcher: Final = Watcher(parts, self.intake, self._opened, folders, self._folder_is_back)
        look_again = self.watcher.look_again
        self._uploader: Final = Uploader(parts, self._line, self._finals, self._opened, look_again)

    def recover(self, rows: Iterable[Upload]) -> None:
        """Take up uploads that an earlier run left unfinished, each when it is due."""
        for row in rows:
            if row.held:
                continue  # until a person says go
            delay = 0.0
            if row.retry_at is not None:
                delay = max(0.0, (row.retry_at - self._parts.now()).total_seconds())
            self._opened.begin(row.id)
            (self._finals if row.state is State.FINALIZING else self._line).put(row.id, delay)

    async def run_to_the_end(self) -> None:
        """Upload until nothing is left to wait for, or until the brake is pulled."""
        await self._run(self.watcher.run_to_the_end())
        if not self._parts.brake.is_pulled:
            await sweep(self._parts)

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

    def _folder_is_back(self) -> None:
        self._uploader.folder_is_back()

    def _stages(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        look_again = self.watcher.look_again
        finalizer = Finalizer(self._parts, self._finals, self._line, self._opened, look_again)
        return [self._uploader.work] * self._workers + [finalizer.work] * FINALIZERS
