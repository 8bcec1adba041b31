"""The stages, and the only place where they meet.

     folder ──► Watcher ──► Intake ──► ledger ──► Line ──► Uploaders   ──► Line ──► Finalizer ──► Chores
                scan,       known?     a row,     ids      Attempt: the      ids      video.update  ask,
                settled?    new?       first      only     session's steps            published     put away

The ledger is written first, the lines carry ids only. A restart fills them from the ledger (`recover`). All
stages live in one TaskGroup: a crash of any ends the process, and the ledger picks up.

`Openings` say when what is whole may be published, `Teller` tells OK what is to be told of it later. What a
row comes to brings steps with it, which `Outbox` takes beside all that: hooks, webhooks, sidecars.

A daemon that stays has more tasks beside them: `Neighbours` looks at what lies beside published files,
`ForeignWrites` heeds what other processes order, `Mending` lets a halted pool go on, `HaltNote` writes down
why it is halted, `Janitor` deletes orphans, `Pruner` forgets old histories, `Moved` has old moved files
deleted. `Overrides` lets limits and pauses hold that a person sets meanwhile.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from okdrop import events
from okdrop.drop import State
from okdrop.ledger import lots
from okdrop.pipeline.after import Afterwards
from okdrop.pipeline.attendants import Attendants
from okdrop.pipeline.brake import Brake
from okdrop.pipeline.breakers import Breakers
from okdrop.pipeline.chores import Chores
from okdrop.pipeline.filer import Filer
from okdrop.pipeline.finalizer import Finalizer
from okdrop.pipeline.foreign import ForeignWrites
from okdrop.pipeline.halt_note import HaltNote
from okdrop.pipeline.herald import Herald
from okdrop.pipeline.intake import Intake
from okdrop.pipeline.janitor import Janitor, sweep_at_the_end
from okdrop.pipeline.line import Line, OpenUploads
from okdrop.pipeline.mending import Mending
from okdrop.pipeline.moved import Moved
from okdrop.pipeline.neighbours import Neighbours
from okdrop.pipeline.notices import Command, Consequences, Listener, Notices
from okdrop.pipeline.openings import Openings
from okdrop.pipeline.outbox import Outbox
from okdrop.pipeline.overrides import Overrides
from okdrop.pipeline.paces import Paces, recall_paces
from okdrop.pipeline.pacing import Pacing
from okdrop.pipeline.parts import Parts, Tally
from okdrop.pipeline.places import Place
from okdrop.pipeline.posting import Postings
from okdrop.pipeline.postman import Postman
from okdrop.pipeline.precedence import Precedence
from okdrop.pipeline.pruning import Pruner, prune_at_the_end
from okdrop.pipeline.slots import Slots
from okdrop.pipeline.standing import Folder
from okdrop.pipeline.teller import Teller
from okdrop.pipeline.throttle import Throttle
from okdrop.pipeline.twins import Twins
from okdrop.pipeline.uploader import Uploader
from okdrop.pipeline.waits import Waits, recall_limits
from okdrop.pipeline.watcher import Watcher
from okdrop.steps import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from okdrop.drop import Upload

__all__ = [
    "Afterwards",
    "Brake",
    "Breakers",
    "Command",
    "Folder",
    "HaltNote",
    "Listener",
    "Mending",
    "Notices",
    "Pacing",
    "Parts",
    "Pipeline",
    "Place",
    "Postings",
    "Standing",
    "Tally",
    "Throttle",
]

FINALIZERS: Final = 8
"""Calls of video.update at once, at most: what is whole is published beside what is sent."""

CHORES: Final = 2
"""Chores at once: a long copy to another disk must not keep the questions waiting."""

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""What runs as a task of its own."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a daemon stands at a moment, in uploads.

    Of those that are `waiting`, `due` ones wait for nothing but for a worker, and `closed` ones, which are
    whole, for their folder's hours or for another day.
    """

    in_hand: int
    waiting: int
    due: int = 0
    closed: int = 0


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
        precedence = Precedence(parts.order, parts.priority_of)
        self._line: Final = Line(precedence)
        self._finals: Final = Line()
        self._opened: Final = OpenUploads()
        self._opened.on_end(precedence.forget)
        self._openings: Final = Openings(parts, self._finals, self._opened)
        self._teller: Final = Teller(parts)
        self._waits: Final = Waits(parts, self._opened)
        self.overrides: Final = Overrides(parts)
        self.orders: Final = ForeignWrites(parts, self._line, self._finals, self._opened)
        self._paces: Final = Paces(parts)
        self.chores: Final = Chores(parts)
        self._moved: Final = Moved(parts, self.chores.take_up)
        self.outbox: Final = _outbox(parts)
        self.intake: Final = Intake(parts, self._line, self._opened, self.chores.take_up)
        self.watcher: Final = Watcher(parts, self.intake, self._opened, folders, self._folder_is_back)
        look_again = self.watcher.look_again
        self._twins: Final = Twins(parts, self._line, self._opened, self.chores.take_up)
        self._uploader: Final = Uploader(
            parts, self._line, self._finals, self._opened, look_again, self._twins, at_once=workers
        )

    async def recover_all(self) -> int:
        """Take up all that an earlier run left; returns how many uploads are not published yet."""
        await recall_paces(self._parts)
        ledger, count = self._parts.ledger, 0
        for numbers in lots([one.id for one in await ledger.outstanding()]):
            count += self.recover(await ledger.uploads(ids=numbers))
        for numbers in lots(await ledger.with_chores()):
            self.chores.recover(await ledger.uploads(ids=numbers))
        await self._moved.look()
        return count

    def recover(self, rows: Iterable[Upload]) -> int:
        """Take up uploads that an earlier run left unfinished, each when it is due; returns how many."""
        taken = [row for row in rows if not row.held and self._opened.begin(row.id)]
        recall_limits(self._parts, taken)
        for row in taken:
            self._line.note(row)
            if row.state is State.FINALIZING and self._openings.recall(row):
                continue
            line = self._finals if row.state is State.FINALIZING else self._line
            delay = self._parts.seconds_until_due(row)
            line.put(row.id, delay)
            if delay:
                self._tell_wait(row, delay)
        return len(taken)

    def _tell_wait(self, row: Upload, delay: float) -> None:
        until = self._parts.now() + timedelta(seconds=delay)
        self._parts.emit(
            events.UploadWaits(
                upload=row.id,
                path=events.shown(row.drop.path),
                code=row.last_trouble,
                delay=round(delay, 3),
                until=until.isoformat(timespec="seconds"),
            )
        )

    @property
    def standing(self) -> Standing:
        """How many uploads are being worked on, and how many wait."""
        open_now, in_hand = len(self._opened), self._opened.in_hand
        return Standing(
            in_hand=in_hand,
            waiting=max(0, open_now - in_hand),
            due=self._line.due + self._finals.due,
            closed=self._openings.waiting,
        )

    async def run_to_the_end(self) -> None:
        """Upload until nothing is left to wait for, or until the brake is pulled."""
        await self._run(self._watch_to_the_end)
        if not self._parts.brake.is_pulled:
            await sweep_at_the_end(self._parts)
            await prune_at_the_end(self._parts)
        elif self.outbox.owes_an_alarm:
            await self.outbox.tell_at_the_end()

    async def _watch_to_the_end(self) -> None:
        await self.watcher.run_to_the_end()
        await self.chores.wait_until_none()
        await self._teller.run_to_the_end()
        await self.outbox.finish()

    async def run(self, *beside: Work) -> None:
        """Stay, and upload what is dropped, until the brake is pulled.

        Args:
            beside: what else runs meanwhile, and is cancelled when the brake is pulled.
        """
        janitor, pruner = Janitor(self._parts), Pruner(self._parts)
        daily = (janitor.run, pruner.run, self._moved.run)
        later = self._openings.run, self._teller.run, Neighbours(self._parts).run
        await self._run(self.watcher.run, self.orders.run, *daily, *later, *beside)

    async def _run(self, leading: Work, *beside: Work) -> None:
        """Let the stages work until the leading task ends, or the brake is pulled."""
        await self.overrides.look()  # before the first byte leaves
        async with asyncio.TaskGroup() as group:
            for stage in self._stages():
                group.create_task(stage())
            watching = group.create_task(leading())
            braking = group.create_task(self._parts.brake.wait())
            works = (*beside, self._waits.run, self.overrides.run, self._paces.run, self.outbox.run)
            others = [group.create_task(work()) for work in works]
            await asyncio.wait({watching, braking}, return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, braking, *others):
                task.cancel()
            self._line.close()
            self._finals.close()
            self._twins.close()
            self.chores.close()

    def _folder_is_back(self) -> None:
        self._uploader.folder_is_back()

    def _stages(self) -> list[Work]:
        look_again = self.watcher.look_again
        finalizer = Finalizer(
            self._parts,
            self._finals,
            self._line,
            self._opened,
            look_again,
            self.chores.take_up,
            self._openings,
        )
        return [
            *[self._uploader.work] * Slots.hands(self._workers),
            self._twins.work,
            *[finalizer.work] * FINALIZERS,
            *[self.chores.work] * CHORES,
        ]


def _outbox(parts: Parts) -> Outbox:
    """What serves the steps that rows bring with them; the ledger writes them from now on."""
    herald, attendants = Herald(parts, parts.webhooks), Attendants(parts, Filer(parts))
    outbox = Outbox(
        parts,
        {
            Kind.HOOK: herald.run_hook,
            Kind.WEBHOOK: herald.tell,
            Kind.NOTIFY: Postman(parts).tell,
            Kind.SIDECARS: attendants.file_sidecars,
            Kind.RECEIPT: attendants.write_receipt,
        },
    )
    consequences = Consequences(parts.notices.listeners, parts.settings_of, parts.afterwards_of)
    parts.ledger.follow_by(consequences, outbox.wake)
    return outbox
