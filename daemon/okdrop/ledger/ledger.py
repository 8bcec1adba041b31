"""The ledger as the daemon sees it: coroutines in front of one thread."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import sqlalchemy as sa

from okdrop.drop import Chore, Drop, Failure, Halt, Mode, State, Upload
from okdrop.errors import LedgerError
from okdrop.ledger import lock as locking
from okdrop.ledger import many_at_once, migrate, operations, overrides, sqlite, twins
from okdrop.ledger.desk import StepDesk
from okdrop.ledger.patience import PatientThread
from okdrop.ledger.publications import Publications
from okdrop.ledger.thread import LedgerThread
from okdrop.ledger.timing import TimedThread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from okdrop.ledger.judgement import Judgement
    from okdrop.ledger.many_at_once import F
    from okdrop.ledger.overrides import Override
    from okdrop.ledger.patience import Patience
    from okdrop.ledger.rows import HistoryRow, Outstanding, Pruned

ANY_NUMBER: Final = 2**31 - 1
"""More tries than anybody makes."""


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


def parsed(url: str) -> sa.URL:
    """Read the ledger's URL.

    Raises:
        LedgerError: `ledger_url`, no URL, or not of SQLite. The text never shows it: a URL may
            hold a password.
    """
    try:
        parts = sa.make_url(url)
    except sa.exc.ArgumentError:
        parts = None
    if parts is None or parts.get_backend_name() != "sqlite":
        raise LedgerError(
            "ledger.url names no ledger that this version can keep",
            code="ledger_url",
            hint="write sqlite:////absolute/path/ledger.db, with four slashes",
        )
    return parts


def _nothing() -> None:
    """Note nothing: a ledger in memory, or in another's hands."""


class Ledger(Publications, StepDesk):
    """The durable truth: identity and intent of every upload.

    Open it with `open`; it is an asynchronous context manager and closes itself at the end. Every method
    returns after the commit, so that what was acknowledged survives a loss of power. Any of them raises
    LedgerError where the database refuses: `ledger_disk` (full, read-only, broken), `ledger_busy`,
    `ledger_corrupt`, `ledger_closed`.
    """

    def __init__(self, thread: LedgerThread | PatientThread, now: Callable[[], datetime]) -> None:
        self._thread = thread
        self._now = now

    def now(self) -> datetime:
        """The time by the ledger's own clock."""
        return self._now()

    def time(self, monotonic: Callable[[], float], took: Callable[[str, float], object]) -> None:
        """Have `took` told of each read and write from now on; once (see `okdrop.ledger.timing`)."""
        if not isinstance(self._thread, TimedThread):
            self._thread = TimedThread(self._thread, monotonic, took)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        lock: bool = True,
        now: Callable[[], datetime] = utc_now,
        patience: Patience | None = None,
    ) -> Self:
        """Open a ledger, creating it or bringing its schema up to date where needed.

        Args:
            url: `sqlite:////absolute/path/ledger.db`, or `sqlite://` for one in memory.
            lock: be the only one; without it only a ledger of the current schema (or none) is opened.
            now: the clock; aware times.
            patience: once it is open, wait out `ledger_disk` and `ledger_busy` rather than raise them.

        Raises:
            LedgerError: `ledger_url`, `ledger_locked`, `ledger_disk`, `ledger_too_new`, `ledger_too_old`,
                `ledger_foreign`, `ledger_corrupt`, `ledger_emptied`.
        """
        parts = parsed(url)
        file, note_begun = sqlite.database_file(parts), _nothing
        with contextlib.ExitStack() as resources:
            if file is not None:
                locking.refuse_emptied(file)
                sqlite.create_file(file)
                if lock:
                    note_begun = resources.enter_context(locking.held(file))
            thread = LedgerThread(sqlite.writer(parts), resources.pop_all())
        thread.start()
        try:
            await thread.write(migrate.bring_up, alone=lock)
            if lock:  # whoever held it before may have died halted
                await thread.write(operations.forget_halts)
            note_begun()
        except BaseException:
            await thread.close()
            raise
        return cls(thread if patience is None else PatientThread(thread, patience), now)

    async def close(self) -> None:
        """Write what was handed in, then let go of the file and its lock."""
        await self._thread.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def judge(self, drop: Drop) -> Judgement:
        """Is this file known, moved, suspect or new? Changes nothing."""
        return await self._thread.read(operations.judge, drop)

    async def judge_all(self, drops: Sequence[Drop]) -> list[Judgement]:
        """What `judge` says of each of many drops, some hundreds at a time."""
        return await self._thread.read(many_at_once.judge_all, drops)

    async def unknown(self, files: Sequence[F]) -> list[F]:
        """Those of many files that are not `Known`: what a scan asks, thousands at a time."""
        return await self._thread.read(many_at_once.unknown, files)

    async def add(  # noqa: PLR0913 - columns of a row, by name
        self,
        drop: Drop,
        *,
        account: str = "",
        state: State = State.QUEUED,
        failure: Failure | None = None,
        duplicate_of: int | None = None,
        chore: Chore | None = None,
        held: bool = False,
        digest: bytes | None = None,
        sample: bytes | None = None,
        note: str = "",
    ) -> Upload:
        """Insert a row, and supersede in the same transaction what it makes outdated.

        Outdated is every row of the same path that is neither published nor superseded, but for one whose
        video.update may have taken effect. The video of an outdated row's ticket becomes an orphan, unless it
        may be public. A queued row that supersedes a held one is held as well.

        Raises:
            LedgerError: `ledger_known`, this revision of the path has a row already.
        """
        now = self._now()
        upload = Upload(
            id=0,
            drop=drop,
            account=account,
            state=state,
            version=1,
            failure=failure,
            duplicate_of=duplicate_of,
            chore=chore,
            held=held,
            digest=digest,
            sample=sample,
            created_at=now,
            updated_at=now,
        )
        following = self._following()
        upload = await self._thread.write(operations.add, now, upload, note=note, following=following)
        self._followed(following)
        return upload

    async def add_all(
        self,
        drops: Sequence[Drop],
        *,
        account: str = "",
        state: State = State.QUEUED,
        failure: Failure | None = None,
        held: bool = False,
        note: str = "",
    ) -> int:
        """Insert rows for those of many drops that have none yet, in one commit: some hundreds at a time.

        What a row makes outdated is superseded as by `add`.

        Returns:
            How many rows are new.
        """
        now = self._now()
        uploads = [
            Upload(
                id=0,
                drop=drop,
                account=account,
                state=state,
                version=1,
                failure=failure,
                held=held,
                created_at=now,
                updated_at=now,
            )
            for drop in drops
        ]
        return await self._thread.write(many_at_once.add_all, now, uploads, note=note)

    async def release(self, folders: Collection[str] | None = None) -> int:
        """Let held uploads go, all or those of these folders; returns how many.

        The process that watches sees it by `foreign_writes`, and takes them up.
        """
        return await self._thread.write(operations.release, self._now(), folders)

    async def get(self, number: int) -> Upload | None:
        """The upload of that id."""
        return await self._thread.read(operations.get, number)

    async def write(
        self, upload: Upload, *, note: str = "", orphan: str = "", leaves: Mapping[int, bytes] | None = None
    ) -> Upload:
        """Store every column, if nobody wrote since `upload` was read.

        Args:
            upload: the row as it shall be, with the version that was read.
            note: for the history, which every change of state enters by itself.
            orphan: a video id that this write gives up; of the account that the row had before.
            leaves: parts of leaf hashes that changed (`okdrop.leaves.Leaves.take_changed`); they are kept
                until the row has a digest, or comes to an end.

        Returns:
            The upload as stored: `version` and `updated_at` are new.

        Raises:
            StaleVersion: another write came first; it carries the row as it stands.
            LocalProtocolError: the stored state may not become this one, or `orphan` is the row's own video.
            LedgerError: `ledger_unknown_id`; `ledger_known`, a move to a path that has this revision already.
        """
        following = self._following()
        upload = await self._thread.write(
            operations.write,
            self._now(),
            upload,
            note=note,
            orphan=orphan,
            leaves=leaves,
            following=following,
        )
        self._followed(following)
        return upload

    async def leaves(self, upload: Upload) -> bytes:
        """The leaf hashes kept of what OK acknowledged for the upload's ticket (`okdrop.leaves.Leaves`)."""
        return await self._thread.read(twins.leaves, upload)

    async def twins(self, upload: Upload) -> list[Upload]:
        """Uploads that may be of the same bytes: published, or before it in turn; oldest first.

        They have its size, and its sample or none that is known. Of very many only those are given that come
        first: published ones, then those that are published soonest.
        """
        return await self._thread.read(twins.twins, upload)

    async def outstanding(self) -> list[Outstanding]:
        """What goes on by itself after a restart, oldest first."""
        return await self._thread.read(operations.outstanding)

    async def with_chores(self) -> list[int]:
        """The ids of those for which something is left to do after publishing, oldest first."""
        return await self._thread.read(operations.with_chores)

    async def is_folder_known(self, folder: str, *, device: int) -> bool:
        """Whether this watched folder has had its first look: ever, or, empty, on this device (st_dev)."""
        return await self._thread.read(operations.is_folder_known, folder, device=device)

    async def note_folder(self, folder: str, *, empty_on: int | None = None) -> None:
        """Note that a watched folder has had its first look.

        Args:
            folder: the watched folder.
            empty_on: nothing was to be decided, and the folder lay on this device (st_dev); None: what lay
                there before is decided, and stays so.
        """
        await self._thread.write(operations.note_folder, self._now(), folder, empty_on=empty_on)

    async def foreign_writes(self) -> int:
        """A number that changes when another process has written to the ledger."""
        return await self._thread.read(sqlite.data_version)

    async def uploads(
        self,
        *,
        states: Collection[State] | None = None,
        ids: Collection[int] | None = None,
        paths: Collection[bytes] | None = None,
        newest: int | None = None,
    ) -> list[Upload]:
        """Rows by state, by id and by path (None: any), only the `newest` so many, oldest first."""
        return await self._thread.read(operations.uploads, states=states, ids=ids, paths=paths, newest=newest)

    async def was_moved_below(self, folder: bytes) -> bool:
        """Whether the file of some upload was ever moved to a place below a folder."""
        return await self._thread.read(operations.was_moved_below, folder)

    async def counts(self) -> dict[State, int]:
        """How many rows are in each state; every state is there."""
        return await self._thread.read(operations.counts)

    async def history(self, number: int) -> list[HistoryRow]:
        """The life of an upload, oldest first."""
        return await self._thread.read(operations.history, number)

    async def prune(self, *, before: datetime, after: int, at_most: int) -> Pruned:
        """Forget steps of uploads that ended long ago: one small transaction of many.

        An upload has ended when nothing goes on by itself for it, and nothing is left to do after publishing.
        The steps by which uploads were published are kept, as all rows are.

        Args:
            before: uploads that were written last before this time.
            after: the step to begin after; 0 for the first.
            at_most: how many steps to look at.
        """
        return await self._thread.write(operations.prune, before=before, after=after, at_most=at_most)

    async def orphans(self, *, tries_below: int = ANY_NUMBER, account: str | None = None) -> list[str]:
        """The video ids to delete on OK's side, those tried least first; None: of whatever account."""
        return await self._thread.read(operations.orphans, tries_below=tries_below, account=account)

    async def add_orphan(self, video_id: str, *, account: str = "") -> None:
        """Note a video id that no row took: of a ticket, say, whose upload was superseded meanwhile."""
        await self._thread.write(operations.add_orphan, self._now(), video_id, account=account)

    async def orphan_deleted(self, video_id: str) -> None:
        """Forget an orphan: OK deleted it, or knows nothing of it."""
        await self._thread.write(operations.orphan_deleted, video_id)

    async def orphan_failed(self, video_id: str) -> int:
        """Count a failed try to delete an orphan; returns how many there were."""
        return await self._thread.write(operations.orphan_failed, video_id)

    async def overrides(self) -> list[Override]:
        """What a person decided while it ran, and still stands."""
        return await self._thread.read(overrides.overrides, self._now())

    async def override(
        self, name: str, value: str | None, *, folder: str = "", until: datetime | None = None
    ) -> None:
        """Let a value stand above the configuration from now on; None takes it back.

        Args:
            name: `okdrop.ledger.overrides.BANDWIDTH`, `PAUSED`, `LOG_LEVEL` or `ENDED`.
            value: in the words of the configuration.
            folder: the watched folder that it is about; "" for all.
            until: when it ends by itself; None: never.
        """
        await self._thread.write(overrides.override, self._now(), name, folder, value, until)

    async def host_mode(self, host: str) -> Mode | None:
        """How this host takes segments, if that was proven within a day."""
        return await self._thread.read(operations.host_mode, self._now(), host)

    async def remember_host(self, host: str, mode: Mode | None) -> None:
        """Note how this host takes segments; None revokes what was known."""
        await self._thread.write(operations.remember_host, self._now(), host, mode)

    async def paces(self) -> dict[str, tuple[int, datetime]]:
        """How many connections paid to each host, and when that was found; within a day."""
        return await self._thread.read(operations.paces, self._now())

    async def remember_pace(self, host: str, connections: int) -> None:
        """Note how many connections to a host (and its port) paid."""
        await self._thread.write(operations.remember_pace, self._now(), host, connections)

    async def note_halt(self, why: Halt | None, *, account: str = "") -> None:
        """Note why an account is halted, for whoever looks on. The next holder of the lock forgets it.

        Args:
            why: of which account, and the reason; None: `account` goes on.
            account: which one goes on.
        """
        await self._thread.write(operations.note_halt, why, account=account)
