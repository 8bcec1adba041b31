"""The ledger as `status` and `show` see it: read only, beside a running daemon, without lock or thread."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa

from okdrop.errors import LedgerError
from okdrop.ledger import (
    figures,
    lock,
    migrate,
    operations,
    outbox,
    overrides,
    pages,
    place,
    publications,
    sqlite,
)
from okdrop.ledger.errors import translated
from okdrop.ledger.ledger import ANY_NUMBER, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from okdrop.drop import Drop, Halt, Mode, State, Upload
    from okdrop.ledger.judgement import Judgement
    from okdrop.ledger.overrides import Override
    from okdrop.ledger.rows import HistoryRow, Orphans
    from okdrop.steps import Step

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """One look at the ledger: all answers are of the same moment. Made by `read_only`."""

    def __init__(self, connection: sa.Connection, file: Path) -> None:
        self._connection: Final = connection
        self._file: Final = file
        self._span = -1  # of which ids it is known who took over
        self._replaced: dict[int, int] = {}

    def _ask(self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(self._connection, *args, **kwargs)
        except sa.exc.SQLAlchemyError as error:
            raise translated(error) from error

    def judge(self, drop: Drop) -> Judgement:
        """Is this file known, moved, suspect or new?"""
        return self._ask(operations.judge, drop)

    def get(self, number: int) -> Upload | None:
        """The upload of that id."""
        return self._ask(operations.get, number)

    def uploads(
        self,
        *,
        states: Collection[State] | None = None,
        ids: Collection[int] | None = None,
        paths: Collection[bytes] | None = None,
        newest: int | None = None,
    ) -> list[Upload]:
        """Rows by state, by id and by path (None: any), only the `newest` so many, oldest first."""
        return self._ask(operations.uploads, states=states, ids=ids, paths=paths, newest=newest)

    def replaced_by(self, number: int) -> int | None:
        """Which upload took over from that superseded one, where it is known.

        Some hundreds of ids that lie together cost one question: ask in their order.
        """
        span = number // operations.LOT
        if span != self._span:
            first = span * operations.LOT
            last = min(first + operations.LOT - 1, operations.LARGEST_ID)
            self._replaced = self._ask(operations.replacements, first=first, last=last)
            self._span = span
        return self._replaced.get(number)

    def page(
        self,
        *,
        states: Collection[State] | None = None,
        holding: str = "",
        beyond: int | None = None,
        at_most: int,
        oldest: bool = False,
        folder: str | None = None,
        waiting: pages.Waiting | None = None,
    ) -> list[Upload]:
        """The newest rows of these states whose path or title holds a text, below an id; newest first.

        With `oldest`, the oldest ones, above an id; oldest first. Of one watched folder, and of those that
        wait or do not, where that is said.
        """
        return self._ask(
            pages.page,
            states=states,
            holding=holding,
            beyond=beyond,
            at_most=at_most,
            oldest=oldest,
            folder=folder,
            waiting=waiting,
        )

    def published_by_hour(self, since: datetime) -> list[figures.Hour]:
        """How much was published in each hour since then, oldest first; those without anything are none."""
        return self._ask(figures.published_by_hour, since)

    def posts(self, *, folder: str | None, first: datetime, end: datetime, at_most: int) -> int:
        """How many videos of a watched folder (None: of all) were posted from `first` on and before `end`."""
        return self._ask(publications.posts, folder=folder, first=first, end=end, at_most=at_most)

    def latest_notes(self, numbers: Collection[int]) -> Mapping[int, str]:
        """What the history of each of these uploads says last."""
        return self._ask(figures.latest_notes, numbers)

    def host_modes(self, now: datetime) -> Mapping[str, Mode]:
        """How each host takes segments, of those of which that was found lately."""
        return self._ask(figures.host_modes, now)

    def oldest_open(self) -> datetime | None:
        """When the upload was found that is open for the longest time; None where none is."""
        return self._ask(pages.oldest_open)

    def each(self) -> Iterator[Upload]:
        """Every row, oldest first; not all of them are in memory at once.

        As long as there are more to come, the daemon's log of writes cannot be taken back: do not wait for
        anybody in between.
        """
        try:
            yield from operations.each(self._connection)
        except sa.exc.SQLAlchemyError as error:
            raise translated(error) from error

    def ids(self, states: Collection[State]) -> list[int]:
        """The ids of all in some states, oldest first."""
        return self._ask(operations.ids, states)

    def in_draft(self) -> list[int]:
        """The ids of uploads whose videos friends alone see so far, oldest first."""
        return self._ask(publications.in_draft)

    def counts(self) -> dict[State, int]:
        """How many rows are in each state; every state is there."""
        return self._ask(operations.counts)

    def held(self) -> int:
        """How many uploads wait for a person to say go."""
        return self._ask(operations.held)

    def history(self, number: int) -> list[HistoryRow]:
        """The life of an upload, oldest first."""
        return self._ask(operations.history, number)

    def steps_of(self, number: int) -> list[Step]:
        """The steps about one upload, in the order in which they were written."""
        return self._ask(outbox.of_upload, number)

    def orphans(self) -> list[str]:
        """The video ids that wait to be deleted on OK's side."""
        return self._ask(operations.orphans, tries_below=ANY_NUMBER)

    def halts(self) -> list[Halt]:
        """Why accounts are halted in the process that holds the ledger; none are where none can be seen.

        Raises:
            LedgerError: `ledger_disk`, the lock's file may not be read.
        """
        halts = self._ask(operations.halts)
        return halts if halts and lock.holder(self._file) is not None else []

    def halted(self) -> Halt | None:
        """The first of them; None where none is. Raises as `halts` does."""
        return next(iter(self.halts()), None)

    def count_orphans(self) -> Orphans:
        """How many there are, by whether they are tried again."""
        return self._ask(operations.count_orphans)

    def overrides(self, now: datetime) -> list[Override]:
        """What a person decided while it ran, and still stands."""
        return self._ask(overrides.overrides, now)


@contextlib.contextmanager
def read_only(url: str) -> Iterator[Reader]:
    """Look into a ledger, whoever else uses it; nothing is created, migrated or locked.

    Raises:
        LedgerError: `ledger_missing`, there is none yet, or it is empty; `ledger_too_new`, `ledger_too_old`,
            `ledger_foreign`, `ledger_corrupt`, `ledger_disk`, `ledger_emptied`, `ledger_url`.
    """
    file = sqlite.database_file(parsed(url))
    if file is not None:
        lock.refuse_emptied(file)
    if file is None or place.size_of(file) is None:
        raise LedgerError(f"there is no ledger at {file or 'this address'} yet", code="ledger_missing")
    engine = sqlite.reader(file)
    with contextlib.ExitStack() as stack:
        stack.callback(engine.dispose)
        try:
            connection = stack.enter_context(engine.connect())
            stack.enter_context(connection.begin())
            migrate.require_current(connection)
        except sa.exc.SQLAlchemyError as error:
            raise translated(error) from error
        yield Reader(connection, file)


def writable(url: str) -> tuple[Path | None, Path | None]:
    """Where the ledger is or would be, and what there this user may not write to; None: nothing.

    Raises:
        LedgerError: `ledger_url`.
    """
    file = sqlite.database_file(parsed(url))
    return file, None if file is None else place.obstacle(file)


def daemon_of(url: str) -> int | None:
    """The process that has the ledger open for writing; None: there is none that we can see.

    Raises:
        LedgerError: as for `read_only`; the ledger is looked into, as a live process alone is not enough.
    """
    with read_only(url):
        file = sqlite.database_file(parsed(url))
    return None if file is None else lock.holder(file)
