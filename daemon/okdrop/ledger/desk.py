"""The part of the ledger that has steps after an event in it (`okdrop.steps`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop.ledger import outbox
from okdrop.ledger.outbox import Following

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from okdrop.ledger.outbox import Plan
    from okdrop.ledger.patience import PatientThread
    from okdrop.ledger.thread import LedgerThread
    from okdrop.ledger.timing import TimedThread
    from okdrop.steps import NewStep, Outcome, Step, Waiting


class StepDesk:
    """What the ledger knows of steps; each method returns after the commit, and raises as the ledger does."""

    _thread: LedgerThread | PatientThread | TimedThread
    _now: Callable[[], datetime]
    _plan: Plan | None = None
    _wake: Callable[[], object] | None = None

    def follow_by(self, plan: Plan, wake: Callable[[], object]) -> None:
        """Have every write of a row bring steps with it, in its own transaction.

        Args:
            plan: tells them, by the row as it was (None: it is new) and as it is. It is called in the
                ledger's thread, and must not raise.
            wake: called once some were written.
        """
        self._plan, self._wake = plan, wake

    def _following(self) -> Following | None:
        return None if self._plan is None else Following(self._plan)

    def _followed(self, following: Following | None) -> None:
        if following is not None and following.added and self._wake is not None:
            self._wake()

    async def add_steps(self, steps: Sequence[NewStep]) -> int:
        """Write steps, due at once, but for those whose key is there already; returns how many are new."""
        added = await self._thread.write(outbox.add, self._now(), steps)
        if added and self._wake is not None:
            self._wake()
        return added

    async def next_step(self, lane: str) -> Step | None:
        """The step of a lane that is due next, be it in the future; None: there is none."""
        return await self._thread.read(outbox.next_step, lane)

    async def waiting_in(
        self, lane: str, *, at_most: int, first: Iterable[str] = (), last: Iterable[str] = ()
    ) -> list[Waiting]:
        """What waits in a lane, be it for a time in the future; those that are due first before others.

        Args:
            lane: which.
            at_most: so many of them.
            first: events that come before all others: what is urgent must not be missed behind them.
            last: events that come after all others.
        """
        return await self._thread.read(outbox.waiting, lane, at_most=at_most, first=first, last=last)

    async def steps(self, numbers: Sequence[int]) -> list[Step]:
        """Steps by their ids, in the order in which they were written."""
        return await self._thread.read(outbox.some, numbers)

    async def told_since(self, lane: str, since: datetime) -> list[datetime]:
        """When something of a lane was told since a time, the oldest first; what was told in one, once."""
        return await self._thread.read(outbox.told_since, lane, since)

    async def lanes(self) -> list[str]:
        """The lanes with steps that are still to be taken."""
        return await self._thread.read(outbox.lanes)

    async def steps_of(self, number: int) -> list[Step]:
        """The steps about one upload, in the order in which they were written."""
        return await self._thread.read(outbox.of_upload, number)

    async def close_steps(
        self, numbers: Sequence[int], outcome: Outcome, *, said: str = "", output: str = ""
    ) -> None:
        """Steps that were taken together came to their end, in one transaction.

        Args:
            numbers: their ids.
            outcome: how.
            said: what came of it, for a person; holds no secret.
            output: the last lines that a command wrote.
        """
        await self._thread.write(
            outbox.close, self._now(), numbers, outcome=outcome, said=said, output=output
        )

    async def put_off_steps(
        self, numbers: Sequence[int], *, due_at: datetime, said: str, output: str = ""
    ) -> None:
        """A try at steps that are taken together did not succeed: there is another, not before `due_at`."""
        await self._thread.write(outbox.put_off, numbers, due_at=due_at, said=said, output=output)

    async def replan_step(self, number: int, payload: str) -> None:
        """Say in other words what a step is to do: what was looked up, and has to stay so in a next life."""
        await self._thread.write(outbox.replan, number, payload=payload)

    async def drop_lane(self, lane: str, *, said: str) -> int:
        """Close all steps of a lane that nobody serves; returns how many."""
        return await self._thread.write(outbox.drop_lane, self._now(), lane, said=said)

    async def forget_steps(self, *, before: datetime, at_most: int) -> int:
        """Forget steps that were closed before a time, so many at most; returns how many."""
        return await self._thread.write(outbox.forget, before=before, at_most=at_most)

    async def prunable(self, folder: str, *, before: datetime, at_most: int) -> list[int]:
        """The ids of uploads of a folder whose files were moved before a time, and may be deleted there."""
        return await self._thread.read(outbox.prunable, folder, before=before, at_most=at_most)
