"""Every statement the ledger knows, named. SQLAlchemy Core alone, so that one text serves every database.

Statements are built once and take parameters by name, but for those that take a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Integer,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from okdrop.drop import SOURCE_GONE, UNFINISHED, State
from okdrop.ledger import schema
from okdrop.ledger.schema import (
    FOLDERS,
    HALTS,
    HISTORY,
    HOSTS,
    LEAVES,
    LIVE,
    MOVED,
    ORPHANS,
    OVERRIDES,
    PACES,
    TO_DO,
    UPLOADS,
    Instant,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import BindParameter
    from sqlalchemy.sql.dml import ReturningUpdate

_ROW: Final = UPLOADS.c
_THIS_ROW: Final = _ROW.id == bindparam("row_id")
_THIS_PATH: Final = and_(LIVE, _ROW.path == bindparam("path"), _ROW.size == bindparam("size"))

# One row by its id.
GET: Final = select(UPLOADS).where(_THIS_ROW)

# A new row; the database numbers it.
ADD: Final = insert(UPLOADS).returning(_ROW.id)

# Many new rows; their numbers come in the order of the rows.
ADD_MANY: Final = insert(UPLOADS).returning(_ROW.id, sort_by_parameter_order=True)

# Compare and set: no row is touched when another write came first.
WRITE: Final = update(UPLOADS).where(_THIS_ROW, _ROW.version == bindparam("read_version"))

# The candidates of a judgement: the same path and size, or the same file under any path.
# Each arm has an index of its own; written as two arms of an OR with LIVE in the first, SQLite uses both.
CANDIDATES: Final = select(UPLOADS).where(
    or_(
        _THIS_PATH,
        and_(
            LIVE,
            _ROW.inode == bindparam("inode"),
            _ROW.size == bindparam("size"),
            _ROW.mtime_ns == bindparam("mtime_ns"),
            _ROW.device == bindparam("device"),
        ),
    )
)

# What a newer revision of the same path may take over from: all that is neither published nor about to be.
# The last condition spares a row whose video.update may have taken effect: it may be public already, and one
# that OK refused after publishing is a failure that a person has to see, whatever bears its name now.
OUTDATED: Final = (
    select(UPLOADS)
    .where(
        LIVE,
        _ROW.path == bindparam("path"),
        _ROW.id != bindparam("row_id"),
        _ROW.state != State.PUBLISHED,
        or_(_ROW.state.not_in([State.FINALIZING, State.FAILED]), _ROW.publish_offered.is_(False)),
    )
    .order_by(_ROW.id)
)

# Was this upload published at any time?
WAS_PUBLISHED: Final = select(
    exists().where(HISTORY.c.upload_id == bindparam("row_id"), HISTORY.c.to_state == State.PUBLISHED)
)

# What goes on by itself after a restart, oldest first: narrow, as there may be a hundred thousand.
OUTSTANDING: Final = (
    select(_ROW.id, _ROW.state, _ROW.held, _ROW.retry_at, _ROW.updated_at)
    .where(_ROW.state.in_(sorted(UNFINISHED)))
    .order_by(_ROW.id)
)

# What may be of the same bytes as this row: of its size and sample; and of its size, with no sample that is
# known. What is not published has to go on by itself. So many at most: those whose turn it is before others.
_MAY_TELL: Final = _ROW.state.in_(sorted({State.PUBLISHED, *UNFINISHED}))
_TURN: Final = (
    case((_ROW.state == State.PUBLISHED, 0), (_ROW.state == State.FINALIZING, 1), else_=2),
    _ROW.video_id.is_(None),
    _ROW.id,
)
_MAY_BE_TWINS: Final = (
    select(UPLOADS)
    .where(
        _ROW.size == bindparam("size"),
        _MAY_TELL,
        _ROW.id != bindparam("row_id"),
        or_(
            _ROW.id < bindparam("row_id"),
            _ROW.state.in_([State.PUBLISHED, State.FINALIZING]),
            _ROW.video_id.is_not(None),
        ),
    )
    .order_by(*_TURN)
    .limit(bindparam("at_most", type_=Integer))
)
TWINS: Final = _MAY_BE_TWINS.where(_ROW.sample == bindparam("sample"))
UNSAMPLED: Final = _MAY_BE_TWINS.where(_ROW.sample.is_(None))

# The leaf hashes of what OK acknowledged for this video. And: a part is stored anew; all are dropped.
LEAVES_OF: Final = select(LEAVES.c.part, LEAVES.c.hashes).where(
    LEAVES.c.upload_id == bindparam("row_id"), LEAVES.c.video_id == bindparam("video")
)
FORGET_PART: Final = delete(LEAVES).where(
    LEAVES.c.upload_id == bindparam("row_id"), LEAVES.c.part == bindparam("number")
)
KEEP_PART: Final = insert(LEAVES)
FORGET_LEAVES: Final = delete(LEAVES).where(LEAVES.c.upload_id == bindparam("row_id"))

# For what something is left to do after publishing. In no order: asked for one, the database would rather
# walk through all rows.
WITH_CHORES: Final = select(_ROW.id).where(TO_DO)

# What the first look at this watched folder came to. And: it came to this; what was decided stays decided.
FOLDER: Final = select(FOLDERS.c.empty_on).where(FOLDERS.c.path == bindparam("folder"))
NOTE_FOLDER: Final = insert(FOLDERS)
NOTE_FOLDER_AGAIN: Final = update(FOLDERS).where(
    FOLDERS.c.path == bindparam("folder"), FOLDERS.c.empty_on.is_not(None)
)

# Which upload took over from a superseded one: the oldest row of its path after it that still counts, for a
# span of rows. The last condition is LIVE, of the one alias, so that the index by path serves.
_OLD, _NEW = UPLOADS.alias("old"), UPLOADS.alias("new")
REPLACEMENTS: Final = (
    select(_OLD.c.id, func.min(_NEW.c.id))
    .join(_NEW, _NEW.c.path == _OLD.c.path)
    .where(
        _OLD.c.state == State.SUPERSEDED,
        _OLD.c.id.between(bindparam("first_id"), bindparam("last_id")),
        _NEW.c.id > _OLD.c.id,
        _NEW.c.state != literal_column("'superseded'"),
    )
    .group_by(_OLD.c.id)
)

# Was a file ever moved to a place with a path in this range?
MOVED_BELOW: Final = select(
    exists().where(
        MOVED,
        _ROW.moved_to >= bindparam("first"),
        _ROW.moved_to < bindparam("end"),
    )
)

# Every row, oldest first.
ALL: Final = select(UPLOADS).order_by(_ROW.id)

# The ids of all in some states, oldest first.
IDS: Final = select(_ROW.id).where(_ROW.state.in_(bindparam("states", expanding=True))).order_by(_ROW.id)

# Written so that no index of states is thought of: a hundred thousand may be queued, where few are held.
_QUEUED: Final = literal_column("state || ''") == State.QUEUED.value

# How many uploads wait for a person to say go.
HELD: Final = select(func.count()).select_from(UPLOADS).where(schema.HELD, _QUEUED)

# How many rows are in each state.
COUNTS: Final = select(_ROW.state, func.count()).group_by(_ROW.state)

# One more line in the life of an upload.
RECORD: Final = insert(HISTORY)

# The next steps of any upload after a given one, so many of them: the last, and the time of the oldest.
_NEXT_STEPS: Final = (
    select(HISTORY.c.id, HISTORY.c.at)
    .where(HISTORY.c.id > bindparam("after"))
    .order_by(HISTORY.c.id)
    .limit(bindparam("at_most", type_=Integer))
    .subquery()
)
NEXT_STEPS: Final = select(func.max(_NEXT_STEPS.c.id), func.min(_NEXT_STEPS.c.at))

# Forget steps of uploads that ended before a time, but for the step by which they were published: it tells
# that a video may be public, and when OK need not be asked about it any more.
_ENDED: Final = (
    select(_ROW.id)
    .where(
        _ROW.id == HISTORY.c.upload_id,
        _ROW.state.not_in(sorted(UNFINISHED)),
        _ROW.chore.is_(None),
        _ROW.updated_at < bindparam("before", type_=Instant),
    )
    .correlate(HISTORY)
)
FORGET_STEPS: Final = delete(HISTORY).where(
    HISTORY.c.id > bindparam("after"),
    HISTORY.c.id <= bindparam("last"),
    HISTORY.c.to_state != State.PUBLISHED,
    exists(_ENDED),
)

# The life of an upload, oldest first.
LIFE: Final = select(HISTORY).where(HISTORY.c.upload_id == bindparam("row_id")).order_by(HISTORY.c.id)

# A video id that nobody needs any more. Noting it twice is no error.
IS_ORPHAN: Final = select(exists().where(ORPHANS.c.video_id == bindparam("video")))
NOTE_ORPHAN: Final = insert(ORPHANS)

# Orphans that are due, those tried least first. And: those of one account.
ORPHANED: Final = (
    select(ORPHANS.c.video_id)
    .where(ORPHANS.c.tries < bindparam("tries_below"))
    .order_by(ORPHANS.c.tries, ORPHANS.c.noted_at, ORPHANS.c.video_id)
)
ORPHANED_OF: Final = ORPHANED.where(ORPHANS.c.account == bindparam("owner"))
DROP_ORPHAN: Final = delete(ORPHANS).where(ORPHANS.c.video_id == bindparam("video"))
COUNT_ORPHAN_TRY: Final = (
    update(ORPHANS)
    .where(ORPHANS.c.video_id == bindparam("video"))
    .values(tries=ORPHANS.c.tries + 1)
    .returning(ORPHANS.c.tries)
)

# How many orphans wait to be tried again, and how many are not tried any more.
COUNT_ORPHANS: Final = select(
    func.count().filter(ORPHANS.c.tries < bindparam("tries_below")),
    func.count().filter(ORPHANS.c.tries >= bindparam("tries_below")),
)

# What a host was proven to be, and when.
HOST: Final = select(HOSTS.c.mode, HOSTS.c.learned_at).where(HOSTS.c.host == bindparam("name"))
FORGET_HOST: Final = delete(HOSTS).where(HOSTS.c.host == bindparam("name"))
REMEMBER_HOST: Final = insert(HOSTS)

# Why accounts are halted, each in one row at most, in the order of their names.
HALTED: Final = select(HALTS.c.code, HALTS.c.message, HALTS.c.hint, HALTS.c.since, HALTS.c.account).order_by(
    HALTS.c.account
)
FORGET_HALT: Final = delete(HALTS).where(HALTS.c.account == bindparam("owner"))
FORGET_HALTS: Final = delete(HALTS)
NOTE_HALT: Final = insert(HALTS)

# What a person decided while it ran, and is not over. And: it is taken back; it stands.
OVERRIDES_THAT_STAND: Final = (
    select(OVERRIDES)
    .where(or_(OVERRIDES.c.until.is_(None), OVERRIDES.c.until > bindparam("now", type_=Instant)))
    .order_by(OVERRIDES.c.name, OVERRIDES.c.folder)
)
TAKE_BACK: Final = delete(OVERRIDES).where(
    OVERRIDES.c.name == bindparam("named"), OVERRIDES.c.folder == bindparam("of_folder")
)
OVERRIDE: Final = insert(OVERRIDES)

# How many connections paid to each host, and when. And: it is found anew; what is old goes with it.
PACES_FOUND: Final = select(PACES)
FORGET_PACES: Final = delete(PACES).where(
    or_(PACES.c.host == bindparam("name"), PACES.c.learned_at <= bindparam("before", type_=Instant))
)
REMEMBER_PACE: Final = insert(PACES)


def rows(
    *,
    states: Collection[State] | None,
    ids: Collection[int] | None,
    paths: Collection[bytes] | None,
    newest: int | None,
) -> Select[*tuple[Any, ...]]:
    """Rows by state, by id and by path, newest first."""
    query = select(UPLOADS).order_by(_ROW.id.desc())
    if states is not None:
        query = query.where(_ROW.state.in_(sorted(states)))
    if ids is not None:
        query = query.where(_ROW.id.in_(sorted(ids)))
    if paths is not None:
        # In two arms, as the index of paths has the live rows alone; there are few others.
        of_paths = _ROW.path.in_(sorted(paths))
        superseded = _ROW.state == literal_column(f"'{State.SUPERSEDED}'")
        query = query.where(or_(and_(LIVE, of_paths), and_(superseded, of_paths)))
    return query if newest is None else query.limit(newest)


def keys_of_paths(count: int) -> Select[bytes, int, int]:
    """What tells the revisions of so many paths apart, without those whose file was gone: it may be back."""
    has_its_file = or_(
        _ROW.state != literal_column(f"'{State.FAILED}'"),
        _ROW.failure_code.is_distinct_from(literal_column(f"'{SOURCE_GONE}'")),
    )
    paths: list[BindParameter[bytes]] = [bindparam(f"path_{number}") for number in range(count)]
    return select(_ROW.path, _ROW.size, _ROW.mtime_ns).where(LIVE, has_its_file, _ROW.path.in_(paths))


def candidates_of(paths: Collection[bytes], inodes: Collection[int]) -> Select[*tuple[Any, ...]]:
    """The candidates of many judgements at once: rows of these paths, or of files with these inodes."""
    return select(UPLOADS).where(or_(and_(LIVE, _ROW.path.in_(paths)), and_(LIVE, _ROW.inode.in_(inodes))))


def released(folders: Collection[str] | None) -> ReturningUpdate[*tuple[Any, ...]]:
    """Let held rows go, those of some folders or all, at the time `now`."""
    query = update(UPLOADS).where(schema.HELD, _QUEUED)
    if folders is not None:
        query = query.where(_ROW.folder.in_(sorted(folders)))
    return query.values(held=False, version=_ROW.version + 1, updated_at=bindparam("now")).returning(
        _ROW.id, _ROW.state, _ROW.version
    )
