"""The tables, as SQLAlchemy Core metadata, and the types of their columns.

A change here needs a revision in `migrations/versions` and its name in `REVISIONS`; a test holds the
migrated schema equal to this metadata. The types convert in both directions and lose nothing, on every
database: what is read equals what was written.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator

from okdrop.drop import Chore, Mode, State
from okdrop.publication import Closed, CoverState, Draft, Renew
from okdrop.steps import Kind, Outcome

if TYPE_CHECKING:
    from sqlalchemy import Dialect

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
"""Every revision of the schema this version knows, oldest first."""

HEAD: Final = REVISIONS[-1]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

E = TypeVar("E", bound=enum.StrEnum)


class Instant(TypeDecorator[datetime]):
    """An aware time, kept as whole microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Count the microseconds; a naive time is a bug and raises TypeError."""
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Give the time in UTC."""
        del dialect
        return None if value is None else _EPOCH + value * _MICROSECOND


class Exact(TypeDecorator[int]):
    """An integer of any width, kept as decimal digits and compared for equality only.

    Inodes and devices fill 64 bits without a sign, and a time of the year 2263 and later (tmpfs, XFS and
    Btrfs keep them) is more nanoseconds than 64 bits with a sign hold: one such file must not stop us.
    """

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Write the digits."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """Read the digits."""
        del dialect
        return None if value is None else int(value)


class Word(TypeDecorator[E]):
    """A member of an enumeration, kept as its value."""

    impl = String(16)
    cache_ok = True

    def __init__(self, words: type[E]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        """Write the plain text: drivers differ in how they take an enumeration."""
        del dialect
        return None if value is None else str(value.value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> E | None:
        """Give the member."""
        del dialect
        return None if value is None else self.words(value)


METADATA: Final = MetaData()

LIVE: Final = text("state != 'superseded'")
"""Every row but the superseded. Literal, since a partial index serves only a query that repeats its words."""

TO_DO: Final = text("chore IS NOT NULL")
"""Every row for which something is left to do after publishing."""

HELD: Final = text("held")
"""Every row that waits, or waited when it came to its end, for a person to say go."""

MOVED: Final = text("moved_to IS NOT NULL")
"""Every row whose file was moved, or is about to be."""

POSTED: Final = text("posted_at IS NOT NULL")
"""Every row whose video was posted by us, or may have been."""

TO_TELL: Final = text("tell_at IS NOT NULL")
"""Every row of which OK is to be told something, now or at a time."""

DRAFTS: Final = text("draft IS NOT NULL")
"""Every row whose video friends alone see so far."""

TO_PRUNE: Final = text(
    "moved_at IS NOT NULL AND confirmed_at IS NOT NULL AND removed_at IS NULL AND state = 'published'"
)
"""Every row whose file was moved, and might be deleted there some day."""

TO_TAKE: Final = text("done_at IS NULL")
"""Every step that is still to be taken."""

TAKEN: Final = text("done_at IS NOT NULL")
"""Every step that came to its end."""

FILTERED_BY: Final = (
    *("state", "id", "folder", "folded"),
    *("retry_at", "waits_for", "closed_by", "held", "last_trouble"),
)
"""By what pages are turned and filtered: the state and the id first, by which they are in order."""

UPLOADS: Final = Table(
    "uploads",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("path", LargeBinary, nullable=False),
    Column("device", Exact, nullable=False),
    Column("inode", Exact, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", Exact, nullable=False),
    Column("folder", String, nullable=False),
    Column("title", String, nullable=False),
    Column("state", Word(State), nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("troubles", Integer, nullable=False),
    Column("last_trouble", String, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("retry_at", Instant),
    Column("video_id", String),
    Column("upload_url", String),
    Column("issued_at", Instant),
    Column("expires_at", Instant),
    Column("tickets", Integer, nullable=False),
    Column("mode", Word(Mode)),
    Column("offered_all", Boolean, nullable=False),
    Column("publish_offered", Boolean, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("bytes_sent", BigInteger, nullable=False),
    Column("digest", LargeBinary),
    Column("duplicate_of", Integer, ForeignKey("uploads.id")),
    Column("failure_code", String),
    Column("failure_message", String),
    Column("failure_hint", String),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("canary_strikes", Integer, nullable=False, server_default="0"),
    Column("refusal_strikes", Integer, nullable=False, server_default="0"),
    Column("unclear_strikes", Integer, nullable=False, server_default="0"),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("chore", Word(Chore)),
    Column("moved_to", LargeBinary),
    Column("sample", LargeBinary),
    Column("waits_for", Integer),
    Column("moved_at", Instant),
    Column("confirmed_at", Instant),
    Column("removed_at", Instant),
    Column("closed_by", Word(Closed)),
    Column("opens_at", Instant),
    Column("posted_at", Instant),
    Column("draft", Word(Draft)),
    Column("public_at", Instant),
    Column("renew", Word(Renew)),
    Column("cover", Word(CoverState)),
    Column("cover_photo_id", String),
    Column("cover_token", String),
    Column("tell_at", Instant),
    Column("told", LargeBinary),
    Column("beside", LargeBinary),
    Column("words", String),
    Column("account", String, nullable=False, server_default=""),
    Column("along", String),
    Column("folded", String, nullable=False, server_default=""),
    Index(
        "one_row_per_revision",
        "path",
        "size",
        "mtime_ns",
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    ),
    Index("uploads_by_inode", "inode", "size", "mtime_ns"),
    Index("uploads_by_state", "state"),
    Index("uploads_by_size", "size", "sample"),
    Index("uploads_by_chore", "chore", sqlite_where=TO_DO, postgresql_where=TO_DO),
    Index("uploads_held", "folder", "state", "held", sqlite_where=HELD, postgresql_where=HELD),
    Index("uploads_by_moved_to", "moved_to", sqlite_where=MOVED, postgresql_where=MOVED),
    Index("uploads_to_prune", "folder", "moved_at", sqlite_where=TO_PRUNE, postgresql_where=TO_PRUNE),
    Index("uploads_by_post", "posted_at", "state", "size", sqlite_where=POSTED, postgresql_where=POSTED),
    Index("uploads_by_folders_post", "folder", "posted_at", sqlite_where=POSTED, postgresql_where=POSTED),
    Index("uploads_to_tell", "tell_at", sqlite_where=TO_TELL, postgresql_where=TO_TELL),
    Index("uploads_in_draft", "draft", sqlite_where=DRAFTS, postgresql_where=DRAFTS),
    # All that a page may be filtered by: no row is looked at but those on it. PostgreSQL takes no entry as
    # long as a path may be.
    Index("uploads_filtered", *FILTERED_BY).ddl_if(dialect="sqlite"),
)

HISTORY: Final = Table(
    "history",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("upload_id", Integer, ForeignKey("uploads.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("from_state", Word(State)),
    Column("to_state", Word(State), nullable=False),
    Column("version", Integer, nullable=False),
    Column("note", String, nullable=False),
    Index("history_by_upload", "upload_id"),
)

ORPHANS: Final = Table(
    "orphans",
    METADATA,
    Column("video_id", String, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("account", String, nullable=False, server_default=""),
)

HOSTS: Final = Table(
    "hosts",
    METADATA,
    Column("host", String, primary_key=True),
    Column("mode", Word(Mode), nullable=False),
    Column("learned_at", Instant, nullable=False),
)

PACES: Final = Table(
    "paces",
    METADATA,
    Column("host", String, primary_key=True),
    Column("connections", Integer, nullable=False),
    Column("learned_at", Instant, nullable=False),
)
"""How many connections to a host paid when that was tried last."""

FOLDERS: Final = Table(
    "folders",
    METADATA,
    Column("path", String, primary_key=True),
    Column("first_seen", Instant, nullable=False),
    Column("empty_on", Exact),
)
"""The watched folders that were looked at. What lay there before is decided where `empty_on` is null; else
there was nothing to decide about on that device (st_dev), and on another one it is still to be decided.
"""

LEAVES: Final = Table(
    "leaves",
    METADATA,
    Column("upload_id", Integer, ForeignKey("uploads.id"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("video_id", String, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""Leaf hashes of what OK acknowledged of uploads under way, by the video that it acknowledged them for."""

OVERRIDES: Final = Table(
    "overrides",
    METADATA,
    Column("name", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
)
"""What a person decided while it ran; it stands above the configuration until then, or it is taken back."""

HALTS: Final = Table(
    "halts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("code", String, nullable=False),
    Column("message", String, nullable=False),
    Column("hint", String, nullable=False),
    Column("since", Instant, nullable=False),
    Column("account", String, nullable=False, server_default=""),
)
"""Why accounts are halted, each in one row at most; of whoever holds the lock, forgotten by the next."""

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("kind", Word(Kind), nullable=False),
    Column("upload_id", Integer, ForeignKey("uploads.id")),
    Column("event", String, nullable=False),
    Column("payload", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at", Instant),
    Column("outcome", Word(Outcome)),
    Column("said", String, nullable=False),
    Column("output", String, nullable=False),
    Index("one_step_of_a_key", "key", unique=True),
    Index("outbox_due", "lane", "due_at", sqlite_where=TO_TAKE, postgresql_where=TO_TAKE),
    Index("outbox_taken", "done_at", sqlite_where=TAKEN, postgresql_where=TAKEN),
    Index("outbox_by_upload", "upload_id"),
)
"""Steps after an event that are to be taken at least once each: who is told, what is put away."""
