"""After publishing: asks OK what became of the video, and puts the file away as its folder says.

A row's next chore stands in the ledger; the write that notes one as done names the next. A crash repeats a
chore, never an upload. Trouble is never final, and its pauses grow to an hour; uploads do not wait for it.
While OK's API is in trouble, whoever has to ask waits (`pipeline.breakers`).
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.config.watch import After
from okdrop.drop import Chore, State
from okdrop.errors import Trouble, UploadError
from okdrop.inbox.errand import End
from okdrop.ledger import StaleVersion
from okdrop.pipeline import after
from okdrop.pipeline.accounts import call_of, client_of, clock_skew, is_known
from okdrop.pipeline.filer import Filer
from okdrop.pipeline.line import Line, OpenUploads
from okdrop.pipeline.questions import Questions
from okdrop.protocol.unreachable import is_unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from okdrop.drop import Ticket, Upload
    from okdrop.pipeline.after import Afterwards
    from okdrop.pipeline.parts import Parts
    from okdrop.protocol.messages import VideoStatus

LATER: Final = math.inf
"""As a delay: once OK's API is well again, or the account may be used again."""

STILL_TRUE: Final = 60.0
"""Seconds for which OK's word that it has the video is good enough to delete the file by."""


class Chores:
    """Takes rows that are published, and does what is left to do for them.

    In a run that ends, everything is tried once: what cannot be done now is left to the next run.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._filer: Final = Filer(parts)
        self._line: Final = Line()
        self._open: Final = OpenUploads()
        self._questions: Final = Questions(parts)
        self._confirmed: Final[dict[int, float]] = {}
        parts.brake.on_release(self._open.account_is_back)

    def take_up(self, row: Upload) -> None:
        """A row has its first chore."""
        if row.chore is not None:
            self._open.begin(row.id)
            self._put(row.id, self._until_next(row))

    def _put(self, number: int, delay: float = 0.0) -> None:
        self._questions.due(number, delay)
        self._line.put(number, delay)

    def recover(self, rows: Iterable[Upload]) -> None:
        """Take up what an earlier run left, each when it is due; a run that ends asks only what is due."""
        for row in rows:
            kept = row.chore is Chore.DELETE and not row.troubles
            delay = self._until_deletion(row) if kept else self._parts.seconds_until_due(row)
            if delay and not self._stays:
                # A row of the future was written before the clock was set back: nobody knows when it is due.
                if kept or (row.chore is Chore.CONFIRM and row.updated_at <= self._parts.now()):
                    continue
                delay = 0.0  # whoever mended a folder does not want to wait
            self._open.begin(row.id)
            self._put(row.id, delay)

    async def wait_until_none(self) -> None:
        """Return when nothing is left that this run can do."""
        await self._open.wait_until_none()

    def close(self) -> None:
        """Nothing more is begun."""
        self._line.close()

    async def work(self) -> None:
        """Go on until the line is closed or the brake is pulled."""
        while (number := await self._line.get()) is not None and await self._parts.brake.wait_until_free():
            self._questions.forget(number)
            try:
                delay = await self.do(number)
            except StaleVersion:
                delay = 0.0  # somebody else wrote the row: it is read anew
            if delay is None or (delay and not self._stays):
                self._confirmed.pop(number, None)
                self._open.end(number)
            elif delay < LATER:
                self._put(number, delay)
            self._parts.breakers.leave(number)

    @property
    def _stays(self) -> bool:
        return self._parts.brake.stays

    def _until_next(self, row: Upload) -> float:
        return after.FIRST_ASK if row.chore is Chore.CONFIRM and self._stays else self._until_deletion(row)

    def _until_deletion(self, row: Upload) -> float:
        """Seconds that a file is kept though OK has its video; one that met trouble is overdue."""
        if row.chore is not Chore.DELETE or row.troubles:
            return 0.0
        return after.until_deletion(row, self._parts.afterwards_of(row.drop).delete_after, self._parts.now())

    async def do(self, number: int) -> float | None:
        """One try at one chore; returns how many seconds until the next, or None when nothing is left."""
        row = await self._parts.ledger.get(number)
        if row is None or row.chore is None:
            return None
        if self._waits_for_its_account(row):
            return LATER
        try:
            return await self._try(row)
        except UploadError as error:
            if is_unreachable(error.message):
                return self._reached_nobody(row, error)
            # Missing credentials too: an upload that meets them halts the pool, a question need not.
            return await self._put_off(number, error)

    def _waits_for_its_account(self, row: Upload) -> bool:
        """Whether OK would have to be asked for an account that is halted, or that nobody knows any more."""
        parts, account = self._parts, row.account
        if row.chore is Chore.MOVE or (is_known(parts, account) and not parts.brake.is_halted_for(account)):
            return False
        self._open.park(row.id, account, self._line)
        return True

    async def _try(self, row: Upload) -> float | None:
        wanted = self._parts.afterwards_of(row.drop)
        due = after.due_chore(row, wanted.after, prunes=self._prunes(row, wanted))
        if due is not row.chore:
            note = "what becomes of the file was changed"
            if row.chore is Chore.PRUNE and wanted.prune_after:
                note = "not pruned: by OK's clock it is too early"
            row = await self._give_up(row)
            return await self._go_on(row, due, note=note)
        match due:
            case Chore.CONFIRM:
                return await self._confirm(row, wanted.after)
            case Chore.MOVE:
                return await self._move(row, wanted)
            case Chore.DELETE:
                return await self._delete(row)
            case Chore.PRUNE:
                return await self._prune(row, wanted)
            case None:
                return None

    def _prunes(self, row: Upload, wanted: Afterwards) -> bool:
        """Whether a moved file is old enough to be pruned: by OK's clock, since ours may be years ahead."""
        skew = clock_skew(self._parts)
        if skew is None:
            return wanted.prune_after > 0 and row.id not in self._confirmed  # it is asked first
        return after.is_prunable(row, wanted.prune_after, self._parts.now() - timedelta(seconds=skew))

    async def _give_up(self, row: Upload) -> Upload:
        """Undo what was begun with the file, which lies where it was, or where it was moved to."""
        if row.chore is Chore.PRUNE:
            await self._filer.give_up_pruning(row)
        else:
            row = await self._filer.give_up(row)
        return row.with_(removed_at=None)

    async def _done(self, row: Upload, *, note: str = "") -> float | None:
        """The row's chore is done: the next one stands in the same write."""
        return await self._go_on(
            row, after.next_chore(row, self._parts.afterwards_of(row.drop).after), note=note
        )

    async def _go_on(self, row: Upload, chore: Chore | None, *, note: str = "") -> float | None:
        kept = self._parts.afterwards_of(row.drop).delete_after if chore is Chore.DELETE else 0.0
        due = self._parts.now() + timedelta(seconds=kept) if kept else None
        row = await self._parts.ledger.write(
            row.with_(chore=chore, troubles=0, last_trouble="", repeats=0, retry_at=due, along=""), note=note
        )
        return None if chore is None else self._until_next(row)

    async def _status(self, row: Upload, ticket: Ticket) -> VideoStatus | None:
        """OK's word about a row's video; None while OK's API is in trouble."""
        status = self._questions.heard(row.id)
        if status is None:
            if self._parts.breakers.holds(row.id, *call_of(self._parts, row.account)):
                return None
            status = await self._ask(row, ticket)
        self._parts.emit(events.VideoAsked(upload=row.id, status=status.value))
        return status

    async def _ask(self, row: Upload, ticket: Ticket) -> VideoStatus:
        with self._parts.breakers.calling(row.id, call_of(self._parts, row.account)):
            status = await client_of(self._parts, row.account).video_status(ticket.video_id)
        await self._questions.ask_for_others(row.account)
        return status

    def _reached_nobody(self, row: Upload, error: UploadError) -> float:
        """Nobody was asked: that is no try, and the ledger need not know of it."""
        breakers = self._parts.breakers
        place = breakers.ill(*call_of(self._parts, row.account))
        self._tell_trouble(row, error, breakers.seconds_left(place), error.message)
        return self._wait(row)

    def _wait(self, row: Upload) -> float:
        """Go on once the API is well; uploads find out about the account's limits first."""
        call = call_of(self._parts, row.account)
        place = self._parts.breakers.ill(*call)
        if not place:
            return 0.0
        if self._stays:
            self._questions.due(row.id, 0.0)
            self._parts.breakers.wait(row.id, place, self._line, patient=place == call[0])
        return LATER

    def _tell_trouble(self, row: Upload, error: UploadError, delay: float, said: str) -> None:
        self._parts.emit(
            events.ChoreTrouble(
                upload=row.id, chore=row.chore or "", code=error.code, reason=said, delay=round(delay, 3)
            )
        )

    async def _put_off(self, number: int, error: UploadError) -> float | None:
        row = await self._parts.ledger.get(number)
        if row is None or row.chore is None:
            return None
        row = (await self._not_removed(row)).troubled(error.code)
        asked_to_wait = isinstance(error, Trouble) and (error.long or error.retry_after)
        backoff = self._parts.backoff if asked_to_wait else after.patient(self._parts.backoff)
        delay = backoff.delay(error, row.troubles, self._parts.chance())
        said = f"{error.message}; {error.hint}".rstrip("; ")
        # Tried again for months, perhaps: the history is told of each kind of trouble once.
        await self._later(row, delay, note=f"{error.code}: {said}" if row.repeats == 1 else "")
        self._tell_trouble(row, error, delay, said)
        return delay

    async def _later(self, row: Upload, delay: float, *, note: str = "") -> None:
        at = self._parts.now() + timedelta(seconds=delay)
        await self._parts.ledger.write(row.with_(retry_at=at), note=note)

    # --- confirm --------------------------------------------------------------------------------------

    async def _confirm(self, row: Upload, wanted: After) -> float | None:
        if row.ticket is None:
            return await self._go_on(row, None)  # no video to ask about, so nothing may follow
        status = await self._status(row, row.ticket)
        if status is None:
            return self._wait(row)
        match after.WORDS[status]:
            case after.Word.TAKEN:
                self._confirmed[row.id] = self._parts.monotonic()
                sure = row.with_(confirmed_at=self._parts.now())
                delay = await self._done(sure, note="OK processed the video")
                self._parts.emit(events.VideoConfirmed(upload=row.id, video_id=row.ticket.video_id))
                return delay
            case after.Word.REFUSED:
                await self._refuse(row, status)
                return None
            case after.Word.MISSING | after.Word.NOT_YET:
                return await self._ask_again(row, status, wanted)

    async def _refuse(self, row: Upload, status: VideoStatus) -> None:
        """The source stays where it is. The video is still there: `retry` makes no second one."""
        failure = after.refusal(status, row)
        refused = row.with_(chore=None, troubles=0, publish_offered=True)
        row = await self._parts.fail(refused, failure)
        video_id = row.ticket.video_id if row.ticket is not None else ""
        self._parts.emit(events.VideoRefused(upload=row.id, video_id=video_id, status=status.value))

    async def _ask_again(self, row: Upload, status: VideoStatus, wanted: After) -> float | None:
        row = row.troubled(f"video_{status.value.lower()}")
        missing = after.WORDS[status] is after.Word.MISSING
        needed = wanted is After.DELETE and row.moved_to is None
        if (missing and row.repeats >= after.MISSED) or (not needed and await self._is_old(row)):
            await self._go_on(row, None, note=f"OK was asked for the last time: {status.value}")
            self._parts.emit(events.VideoUnconfirmed(upload=row.id, status=status.value))
            return None
        delay = after.until_next_ask(row.troubles)
        await self._later(row, delay, note=f"OK says {status.value}" if row.repeats == 1 else "")
        return delay

    async def _is_old(self, row: Upload) -> bool:
        history = await self._parts.ledger.history(row.id)
        published = [step.at for step in history if step.to_state is State.PUBLISHED]
        return bool(published) and self._parts.now() - published[-1] > after.ASKED_FOR

    # --- move and delete ------------------------------------------------------------------------------

    async def _move(self, row: Upload, wanted: Afterwards) -> float | None:
        row, end = await self._filer.move(row, wanted)
        if end is not End.DONE:
            return await self._left(row.with_(moved_to=None), end)
        to = events.shown(row.moved_to or b"")
        delay = await self._done(row.with_(moved_at=self._parts.now()), note=f"moved to {to}")
        self._parts.emit(events.FileMoved(upload=row.id, path=events.shown(row.drop.path), to=to))
        return delay

    async def _delete(self, row: Upload) -> float | None:
        if (kept := self._until_deletion(row)) > 0:
            return kept
        if self._parts.monotonic() - self._confirmed.get(row.id, -STILL_TRUE) >= STILL_TRUE:
            return await self._make_sure(row)
        row = await self._about_to_remove(row, row.drop.path)
        end = await self._filer.delete(row)
        if not _is_removed(row, end):
            return await self._left(row, end)
        delay = await self._done(row, note="the file was deleted")
        self._parts.emit(events.FileDeleted(upload=row.id, path=events.shown(row.drop.path)))
        return delay

    async def _about_to_remove(self, row: Upload, path: bytes) -> Upload:
        """Note that the file goes before it does: after a crash in between it is known who took it away.

        What lies beside it then is noted with it: what comes to lie there later is not its own.
        """
        if row.removed_at is not None or not await self._filer.is_there(row):
            return row
        along = await self._filer.along(row, path, self._parts.afterwards_of(row.drop).delete_along)
        return await self._parts.ledger.write(row.with_(removed_at=self._parts.now(), along=along))

    async def _not_removed(self, row: Upload) -> Upload:
        """What lies there still: should it be gone at the next try, then it was not us who took it away."""
        if row.removed_at is None or await self._filer.is_gone(row):
            return row
        return row.with_(removed_at=None, along="")

    async def _prune(self, row: Upload, wanted: Afterwards) -> float | None:
        if self._parts.monotonic() - self._confirmed.get(row.id, -STILL_TRUE) >= STILL_TRUE:
            return await self._make_sure(row)
        row = await self._about_to_remove(row, row.moved_to or b"")
        end = await self._filer.prune(row, wanted.move_to)
        path = events.shown(row.moved_to or b"")
        if not _is_removed(row, end):
            return await self._left(row, end, path)
        delay = await self._done(row, note=f"pruned: {path} was deleted")
        self._parts.emit(events.FilePruned(upload=row.id, path=path))
        return delay

    async def _make_sure(self, row: Upload) -> float | None:
        """OK's word is of another day, and its copy may be the last one by now: it is asked once more."""
        if row.ticket is None:
            return await self._go_on(row, None)
        status = await self._status(row, row.ticket)
        if status is None:
            return self._wait(row)
        if after.WORDS[status] is not after.Word.TAKEN:
            row = (await self._give_up(row)).with_(confirmed_at=None)
            return await self._go_on(row, Chore.CONFIRM, note=f"OK says {status.value} by now")
        self._confirmed[row.id] = self._parts.monotonic()
        return 0.0

    async def _left(self, row: Upload, end: End, path: str = "") -> float | None:
        """Nothing was done: the file is gone, or another by now; or we were stopped, and do it again."""
        if end is End.STOPPED:
            if row.removed_at is not None:
                await self._later(await self._not_removed(row), 0.0)
            return 0.0
        reason = "it is gone" if end is End.GONE else "it changed since it was published"
        path = path or events.shown(row.drop.path)
        left = row.with_(removed_at=None, moved_at=None)
        delay = await self._done(left, note=f"the file was left alone: {reason}")
        self._parts.emit(events.FileLeftAlone(upload=row.id, path=path, reason=reason))
        return delay


def _is_removed(row: Upload, end: End) -> bool:
    """Whether the file is gone by us: now, or in an earlier life that could not say so any more."""
    return end is End.DONE or (end is End.GONE and row.removed_at is not None)
