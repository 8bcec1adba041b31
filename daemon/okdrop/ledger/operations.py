"""What can be asked of the ledger and done to it, each on a connection inside a transaction.

Synchronous and without threads: `Ledger` runs these in its thread, `Reader` where it stands.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from okdrop.drop import TRIES_PER_ORPHAN, Drop, Halt, Mode, State, Upload
from okdrop.errors import LedgerError, LocalProtocolError
from okdrop.ledger import queries
from okdrop.ledger.errors import StaleVersion
from okdrop.ledger.judgement import Judgement, decide
from okdrop.ledger.rows import HistoryRow, Orphans, Outstanding, Pruned, history_of, upload_of, values_of
from okdrop.ledger.twins import keep_leaves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from okdrop.ledger.outbox import Following

HOST_MODE_LIFE: Final = timedelta(days=1)
"""How long the proven mode of a host is believed (design.md 2, "a prior for a day")."""

PACE_LIFE: Final = timedelta(days=1)
"""How long it is believed how many connections to a host paid."""

LARGEST_ID: Final = 2**63 - 1
"""No database has larger ones; a driver does not even take them to look for."""


LOT: Final = 500
"""Ids that are asked about at once: of more rows, not all need be in memory, and no database takes them."""


def lots(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Many ids, some hundreds at a time, as `uploads` may be asked about."""
    return (numbers[start : start + LOT] for start in range(0, len(numbers), LOT))


def judge(connection: Connection, drop: Drop) -> Judgement:
    """Is this file known? Reads only."""
    revision = drop.revision
    keys = {
        "path": drop.path,
        "device": revision.device,
        "inode": revision.inode,
        "size": revision.size,
        "mtime_ns": revision.mtime_ns,
    }
    return decide(drop, [upload_of(row) for row in connection.execute(queries.CANDIDATES, keys)])


def release(connection: Connection, now: datetime, folders: Collection[str] | None) -> int:
    """Let held rows go; returns how many."""
    rows = connection.execute(queries.released(folders), {"now": now}).all()
    if rows:
        steps = [
            {
                "upload_id": row.id,
                "at": now,
                "from_state": row.state,
                "to_state": row.state,
                "version": row.version,
                "note": "released by hand",
            }
            for row in rows
        ]
        connection.execute(queries.RECORD, steps)
    return len(rows)


def add(
    connection: Connection, now: datetime, upload: Upload, *, note: str, following: Following | None = None
) -> Upload:
    """Insert a row, which gets its id here; what it makes outdated is superseded with it.

    What waits for a person to say go goes on to wait as another revision: a touch is no word of a person.
    """
    rows = connection.execute(queries.OUTDATED, {"path": upload.drop.path, "row_id": 0}).all()
    outdated = [upload_of(row) for row in rows]
    if upload.state is State.QUEUED and any(old.held and old.state is State.QUEUED for old in outdated):
        upload = upload.with_(held=True)
    number = connection.execute(queries.ADD, values_of(upload)).scalar_one()
    upload = upload.with_(id=number)
    _record(connection, upload, None, note)
    if following is not None:
        following.follow(connection, now, None, upload)
    for old in outdated:
        _supersede(connection, now, old, by=number)
    return upload


def _supersede(connection: Connection, now: datetime, old: Upload, *, by: int) -> None:
    """Close an outdated row. Its ticket is of no more use, unless its video may be public."""
    may_be_public = old.publish_offered or _was_published(connection, old)
    if old.ticket is None or may_be_public:
        write(connection, now, old.to(State.SUPERSEDED), note=f"by upload {by}", orphan="")
    else:
        closed = old.to(State.SUPERSEDED, ticket=None)
        write(connection, now, closed, note=f"by upload {by}", orphan=old.ticket.video_id)


def _was_published(connection: Connection, upload: Upload) -> bool:
    return bool(connection.execute(queries.WAS_PUBLISHED, {"row_id": upload.id}).scalar_one())


def get(connection: Connection, number: int) -> Upload | None:
    """The row of that id; there is none for a number that no row can have."""
    if not 0 < number <= LARGEST_ID:
        return None
    row = connection.execute(queries.GET, {"row_id": number}).one_or_none()
    return None if row is None else upload_of(row)


def write(
    connection: Connection,
    now: datetime,
    upload: Upload,
    *,
    note: str,
    orphan: str,
    leaves: Mapping[int, bytes] | None = None,
    following: Following | None = None,
) -> Upload:
    """Store every column, if nobody wrote since `upload` was read."""
    stored = _existing(connection, upload.id)
    if stored.version != upload.version:
        raise StaleVersion(stored)
    if stored.state is not upload.state:
        stored.to(upload.state)  # refuses what the table of transitions does not allow
    written = upload.with_(version=upload.version + 1, created_at=stored.created_at, updated_at=now)
    keys = {"row_id": upload.id, "read_version": upload.version}
    if connection.execute(queries.WRITE, values_of(written) | keys).rowcount != 1:
        raise StaleVersion(_existing(connection, upload.id))
    if note or stored.state is not upload.state:
        _record(connection, written, stored.state, note)
    if following is not None:
        following.follow(connection, now, stored, written)
    keep_leaves(connection, stored, written, leaves or {})
    if orphan:
        _refuse_own_video(upload, orphan)
        add_orphan(connection, now, orphan, account=stored.account)
    return written


def _existing(connection: Connection, number: int) -> Upload:
    stored = get(connection, number)
    if stored is None:
        raise LedgerError(f"there is no upload {number} in the ledger", code="ledger_unknown_id")
    return stored


def _refuse_own_video(upload: Upload, orphan: str) -> None:
    if upload.ticket is not None and upload.ticket.video_id == orphan:
        raise LocalProtocolError(f"upload {upload.id}: the video of its own ticket is no orphan")


def _record(connection: Connection, upload: Upload, before: State | None, note: str) -> None:
    connection.execute(queries.RECORD, step_of(upload, before, note))


def step_of(upload: Upload, before: State | None, note: str) -> dict[str, Any]:
    """A step in the life of an upload, as `queries.RECORD` takes it."""
    return {
        "upload_id": upload.id,
        "at": upload.updated_at,
        "from_state": before,
        "to_state": upload.state,
        "version": upload.version,
        "note": note,
    }


def outstanding(connection: Connection) -> list[Outstanding]:
    """What goes on by itself, oldest first."""
    return [Outstanding(*row) for row in connection.execute(queries.OUTSTANDING)]


def with_chores(connection: Connection) -> list[int]:
    """The ids of those for which something is left to do after publishing, oldest first."""
    return sorted(connection.execute(queries.WITH_CHORES).scalars())


def is_folder_known(connection: Connection, folder: str, *, device: int) -> bool:
    """Whether this watched folder, on this device, has had its first look."""
    row = connection.execute(queries.FOLDER, {"folder": folder}).one_or_none()
    return row is not None and row.empty_on in {None, device}


def note_folder(connection: Connection, now: datetime, folder: str, *, empty_on: int | None) -> None:
    """Note what the first look at a watched folder came to; what was decided stays so."""
    if connection.execute(queries.FOLDER, {"folder": folder}).one_or_none() is None:
        row = {"path": folder, "first_seen": now, "empty_on": empty_on}
        connection.execute(queries.NOTE_FOLDER, row)
    else:
        connection.execute(queries.NOTE_FOLDER_AGAIN, {"folder": folder, "empty_on": empty_on})


def uploads(
    connection: Connection,
    *,
    states: Collection[State] | None = None,
    ids: Collection[int] | None = None,
    paths: Collection[bytes] | None = None,
    newest: int | None = None,
) -> list[Upload]:
    """Rows by state, by id and by path (None: any), only the `newest` so many, oldest first."""
    found = connection.execute(queries.rows(states=states, ids=ids, paths=paths, newest=newest))
    return [upload_of(row) for row in found][::-1]


def each(connection: Connection) -> Iterator[Upload]:
    """Every row, oldest first; some hundreds are in memory at once."""
    rows = connection.execute(queries.ALL, execution_options={"yield_per": LOT})
    return (upload_of(row) for row in rows)


def ids(connection: Connection, states: Collection[State]) -> list[int]:
    """The ids of all in some states, oldest first."""
    return list(connection.execute(queries.IDS, {"states": sorted(states)}).scalars())


def was_moved_below(connection: Connection, folder: bytes) -> bool:
    """Whether the file of some upload was ever moved to a place below a folder."""
    name = folder.rstrip(b"/")
    keys = {"first": name + b"/", "end": name + b"0"}  # the byte that follows a slash
    return bool(connection.execute(queries.MOVED_BELOW, keys).scalar_one())


def counts(connection: Connection) -> dict[State, int]:
    """How many rows are in each state; every state is there."""
    found = dict(tuple(row) for row in connection.execute(queries.COUNTS))
    return {state: found.get(state, 0) for state in State}


def replacements(connection: Connection, *, first: int, last: int) -> dict[int, int]:
    """Which uploads took over from superseded ones, of those with ids from `first` to `last`."""
    found = connection.execute(queries.REPLACEMENTS, {"first_id": first, "last_id": last})
    return {row[0]: row[1] for row in found}


def held(connection: Connection) -> int:
    """How many uploads wait for a person to say go."""
    return int(connection.execute(queries.HELD).scalar_one())


def history(connection: Connection, number: int) -> list[HistoryRow]:
    """The life of an upload, oldest first."""
    return [history_of(row) for row in connection.execute(queries.LIFE, {"row_id": number})]


def prune(connection: Connection, *, before: datetime, after: int, at_most: int) -> Pruned:
    """Forget old steps among the next so many after one; see `Ledger.prune`."""
    last, oldest = connection.execute(queries.NEXT_STEPS, {"after": after, "at_most": at_most}).one()
    if last is None or oldest >= before:
        return Pruned(gone=0, next=None)
    keys = {"after": after, "last": last, "before": before}
    return Pruned(gone=connection.execute(queries.FORGET_STEPS, keys).rowcount, next=last)


def add_orphan(connection: Connection, now: datetime, video_id: str, *, account: str) -> None:
    """Note a video id of an account that nobody needs; noting it twice is no error."""
    if not connection.execute(queries.IS_ORPHAN, {"video": video_id}).scalar_one():
        row = {"video_id": video_id, "tries": 0, "noted_at": now, "account": account}
        connection.execute(queries.NOTE_ORPHAN, row)


def orphans(connection: Connection, *, tries_below: int, account: str | None = None) -> list[str]:
    """The video ids to delete on OK's side, those tried least first; None: of whatever account."""
    keys = {"tries_below": tries_below}
    if account is None:
        return list(connection.execute(queries.ORPHANED, keys).scalars())
    return list(connection.execute(queries.ORPHANED_OF, {**keys, "owner": account}).scalars())


def orphan_deleted(connection: Connection, video_id: str) -> None:
    """Forget an orphan."""
    connection.execute(queries.DROP_ORPHAN, {"video": video_id})


def orphan_failed(connection: Connection, video_id: str) -> int:
    """Count a failed try to delete an orphan; returns how many there were."""
    return connection.execute(queries.COUNT_ORPHAN_TRY, {"video": video_id}).scalar() or 0


def count_orphans(connection: Connection) -> Orphans:
    """How many orphans there are."""
    waiting, given_up = connection.execute(queries.COUNT_ORPHANS, {"tries_below": TRIES_PER_ORPHAN}).one()
    return Orphans(waiting=waiting, given_up=given_up)


def host_mode(connection: Connection, now: datetime, host: str) -> Mode | None:
    """How this host takes segments, if that was proven within a day."""
    row = connection.execute(queries.HOST, {"name": host}).one_or_none()
    # abs: after a clock that ran ahead was put right, a proof "of tomorrow" must not live on.
    if row is None or abs(now - row.learned_at) >= HOST_MODE_LIFE:
        return None
    mode: Mode = row.mode
    return mode


def remember_host(connection: Connection, now: datetime, host: str, mode: Mode | None) -> None:
    """Note how this host takes segments; None revokes what was known."""
    connection.execute(queries.FORGET_HOST, {"name": host})
    if mode is not None:
        connection.execute(queries.REMEMBER_HOST, {"host": host, "mode": mode, "learned_at": now})


def halts(connection: Connection) -> list[Halt]:
    """Why accounts are halted, by what the process that held the ledger last wrote; that of `[ok]` first."""
    return [
        Halt(code=row.code, message=row.message, hint=row.hint, since=row.since, account=row.account)
        for row in connection.execute(queries.HALTED)
    ]


def note_halt(connection: Connection, why: Halt | None, *, account: str = "") -> None:
    """Note why an account is halted; None: `account` goes on; nothing is written where it never stopped."""
    account = account if why is None else why.account
    if any(halt.account == account for halt in halts(connection)):  # a vain delete is a write, too
        connection.execute(queries.FORGET_HALT, {"owner": account})
    if why is not None:
        values = {"code": why.code, "message": why.message, "hint": why.hint, "since": why.since}
        connection.execute(queries.NOTE_HALT, {**values, "account": account})


def forget_halts(connection: Connection) -> None:
    """Nobody is halted any more; nothing is written where nobody was."""
    if halts(connection):
        connection.execute(queries.FORGET_HALTS)


def paces(connection: Connection, now: datetime) -> dict[str, tuple[int, datetime]]:
    """How many connections paid to each host, and when that was found; no longer than a day ago."""
    rows = connection.execute(queries.PACES_FOUND)
    return {
        row.host: (row.connections, row.learned_at) for row in rows if abs(now - row.learned_at) < PACE_LIFE
    }


def remember_pace(connection: Connection, now: datetime, host: str, connections: int) -> None:
    """Note how many connections paid to a host; what was noted longer than a day ago is forgotten."""
    connection.execute(queries.FORGET_PACES, {"name": host, "before": now - PACE_LIFE})
    connection.execute(queries.REMEMBER_PACE, {"host": host, "connections": connections, "learned_at": now})
