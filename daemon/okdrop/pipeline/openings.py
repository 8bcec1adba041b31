"""When what is whole may be published: in its folder's hours, and as many a day as a person wants.

Whoever comes too early waits here as an id; the row says why. When the time comes, as many are let go as
there is room for, the oldest first, and the finalizer asks again: what the configuration says then counts.

Posts are counted in the ledger, so that a restart forgets none: the intent to publish is written with its
time before the call leaves (`publication.posted_at`). What was admitted and has not written it yet is
reserved for here. Whoever leaves the finalizer for another reason has no place any more, and asks anew; those
of an account that is halted stay, and are in nobody's way. A day is one of the local clock. A run that ends
does not wait for hours: it leaves what may not be published yet, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import heapq
import itertools
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop import events
from okdrop.config.window import day_of
from okdrop.publication import Closed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    from okdrop.drop import Upload
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts

LOOK_EVERY: Final = 5.0
"""Seconds between looks at the clock, which may be set meanwhile, or have been asleep."""

_ANY_NUMBER: Final = 2**31

Key: TypeAlias = tuple[Closed, str | None]
"""What is closed, and of which watched folder; None: of all together."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Why an upload is not published now; `until` is None where nobody knows when its turn comes."""

    key: Key
    until: datetime | None = None


class ClosedMeanwhile(Exception):
    """What was admitted may not be published any more, since it took too long until the last moment."""

    def __init__(self, row: Upload, wait: Wait) -> None:
        super().__init__()
        self.row: Final = row
        self.wait: Final = wait


class Openings:
    """Lets uploads be published in their time.

    Args:
        parts: what all stages share.
        finals: where those go whose time has come.
        opened: uploads of this run that have no end yet.
    """

    def __init__(self, parts: Parts, finals: Line, opened: OpenUploads) -> None:
        self._parts: Final = parts
        self._finals: Final = finals
        self._opened: Final = opened
        self._waiting: Final[dict[Key, dict[int, bool]]] = {}  # → whether it was let go
        self._where: Final[dict[int, Key]] = {}
        self._accounts: Final[dict[int, str]] = {}  # → whose they are that wait
        self._passing: Final[dict[int, str]] = {}  # admitted, and not posted yet → its folder
        self._asking: Final = asyncio.Lock()
        self._changed: Final = asyncio.Event()
        opened.on_end(self.forget)
        opened.on_unpark(self._ask_anew)

    # --- at the finalizer -----------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def admitted(self, row: Upload) -> AsyncIterator[Wait | None]:
        """Ask whether an upload may be published now; within the block its place among the day's is kept.

        Gives:
            None: it may; or why not. Whatever may have been posted already may be.
        """
        wait = None if row.publish_offered else await self._wait_of(row)
        try:
            yield wait
        finally:
            self._passing.pop(row.id, None)
            self._changed.set()

    @contextlib.asynccontextmanager
    async def posting(self, row: Upload) -> AsyncIterator[None]:
        """The intent to publish is written within the block: nobody counts meanwhile.

        Raises:
            ClosedMeanwhile: its hours are over, since its file had to be read again, say.
        """
        if (wait := self._closed_by_window(row)) is not None:
            raise ClosedMeanwhile(row, wait)
        if next(self._days(row), None) is None:
            yield
            return
        async with self._asking:
            yield
            self._passing.pop(row.id, None)

    async def _wait_of(self, row: Upload) -> Wait | None:
        if (closed := self._closed_by_window(row)) is not None:
            return closed
        async with self._asking:  # nobody else is admitted between the count and the reservation
            for key in self._days(row):
                if not await self._has_room(key, row.id):
                    return Wait(key)
            self._passing[row.id] = row.drop.folder
        return None

    async def _has_room(self, key: Key, number: int) -> bool:
        """Whether one more may be posted today beside those that are older; a full day asks nobody's age."""
        reserved = self._reserved(key) - {number}
        room = await self._left(key, taken=reserved)
        if room <= 0:
            return False
        older = (one for one in self._may_go(key) if one < number and one not in reserved)
        return sum(1 for _ in itertools.islice(older, room)) < room

    def _closed_by_window(self, row: Upload) -> Wait | None:
        now, window = self._parts.now(), self._parts.posting_of(row.drop).window
        opens = window.next_opening(now, self._parts.posting.zone)
        return Wait((Closed.WINDOW, row.drop.folder), opens) if opens > now else None

    def _days(self, row: Upload) -> Iterator[Key]:
        if self._parts.posting_of(row.drop).per_day:
            yield Closed.DAY, row.drop.folder
        if self._parts.posting.per_day:
            yield Closed.DAY, None

    def _reserved(self, key: Key) -> set[int]:
        """Those admitted whose post the ledger may not know of yet."""
        return {number for number, folder in self._passing.items() if key[1] in {None, folder}}

    async def _left(self, key: Key, *, taken: set[int]) -> int:
        """How many more may be posted today, beside those who have a place already."""
        folder = key[1]
        if not (limit := self._limit(folder)):
            return _ANY_NUMBER
        first, end = day_of(self._parts.now(), self._parts.posting.zone)
        posted = await self._parts.ledger.posts(folder=folder, first=first, end=end, at_most=limit)
        return limit - posted - len(taken)

    def _limit(self, folder: str | None) -> int:
        return self._parts.posting.per_day if folder is None else self._parts.posting.of(folder).per_day

    async def wait(self, row: Upload, wait: Wait) -> None:
        """It may not be published now: have the ledger say why, and let it go when it may.

        Raises:
            StaleVersion: somebody else wrote the row.
        """
        closed_by, publication = wait.key[0], row.publication
        is_new = publication.closed_by is not closed_by
        if is_new or publication.opens_at != wait.until:
            row = await self._parts.ledger.write(
                row.with_(publication=publication.with_(closed_by=closed_by, opens_at=wait.until)),
                note=f"whole, and waits to be published, by {closed_by}" if is_new else "",
            )
        if is_new or not self._parts.brake.stays:
            self._tell(row, wait)
        if self._parts.brake.stays:
            self._park(row, wait.key)
        else:
            self._opened.leave(row.id)

    def _tell(self, row: Upload, wait: Wait) -> None:
        until = wait.until.isoformat(timespec="seconds") if wait.until is not None else ""
        self._parts.emit(
            events.UploadNotYetPublished(
                upload=row.id, path=events.shown(row.drop.path), reason=wait.key[0].value, until=until
            )
        )

    # --- those that wait ------------------------------------------------------------------------------

    def recall(self, row: Upload) -> bool:
        """Keep an upload that an earlier run had to keep; False: it is not one, or this run does not wait."""
        closed_by = row.publication.closed_by
        if closed_by is None or row.publish_offered or not self._parts.brake.stays:
            return False
        of_folder = closed_by is Closed.WINDOW or self._parts.posting.of(row.drop.folder).per_day
        self._park(row, (closed_by, row.drop.folder if of_folder else None))
        return True

    def _park(self, row: Upload, key: Key) -> None:
        self.forget(row.id)
        self._waiting.setdefault(key, {})[row.id] = False
        self._where[row.id] = key
        self._accounts[row.id] = row.account
        self._changed.set()

    @property
    def waiting(self) -> int:
        """How many wait for their time."""
        return len(self._where)

    def forget(self, number: int) -> None:
        """An upload waits for its time no more: it came to its end, or waits for something else."""
        if (key := self._where.pop(number, None)) is not None:
            del self._accounts[number]
            del self._waiting[key][number]
            if not self._waiting[key]:
                del self._waiting[key]
            self._changed.set()

    def _ask_anew(self, number: int) -> None:
        """An upload lies in another folder: whether it waits, and in which line, is found out once more."""
        if number in self._where:
            self.forget(number)
            self._finals.put(number)  # whoever is not whole any more is passed on from there

    async def run(self) -> None:
        """Let go whose time has come; ends when cancelled."""
        while True:
            self._changed.clear()
            await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY if self._where else None):
                    await self._changed.wait()

    async def look(self) -> None:
        """Let go those whose time has come, the oldest first, as many as there is room for."""
        for key in [*self._waiting]:
            if not (room := await self._open_for(key)):
                continue  # however many wait
            staying = (number for number, is_let_go in self._may_go(key).items() if not is_let_go)
            for number in heapq.nsmallest(room, staying):
                self._waiting[key][number] = True
                self._finals.put(number)

    def _may_go(self, key: Key) -> dict[int, bool]:
        """Those that wait for this, but for whose account is halted."""
        halted, waiting = self._parts.brake.halted_accounts, self._waiting.get(key, {})
        if not halted:
            return waiting
        return {number: let_go for number, let_go in waiting.items() if self._accounts[number] not in halted}

    async def _open_for(self, key: Key) -> int:
        """How many of those that wait for this may go now."""
        closed_by, folder = key
        if closed_by is Closed.WINDOW:
            now = self._parts.now().astimezone(self._parts.posting.zone)
            is_open = self._parts.posting.of(folder or "").window.is_open_at(now)
            return len(self._may_go(key)) if is_open else 0
        async with self._asking:
            reserved = self._reserved(key)
            room = await self._left(key, taken=reserved)
            if room <= 0:
                return 0
            on_their_way = {number for number, is_let_go in self._may_go(key).items() if is_let_go}
            return max(0, room - len(on_their_way - reserved))
