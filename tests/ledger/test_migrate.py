"""The schema that migrations make is the one the code expects, and other schemas are refused."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.making import drop
from okdrop.errors import LedgerError
from okdrop.leaves import Kind, kind_of
from okdrop.ledger import Ledger, migrate, read_only
from okdrop.ledger.rows import values_of
from okdrop.ledger.schema import HEAD, METADATA, REVISIONS, UPLOADS

if TYPE_CHECKING:
    from pathlib import Path

FOLDED = sa.select(UPLOADS.c.folded).order_by(UPLOADS.c.id)


def shape(connection: sa.Connection) -> dict[str, object]:
    """All that SQLite knows of a schema, but for the order of columns."""
    tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    found: dict[str, object] = {
        table: {
            pragma: {tuple(row)[1:] for row in connection.exec_driver_sql(f"PRAGMA {pragma}('{table}')")}
            for pragma in ("table_info", "foreign_key_list")
        }
        for table in tables
    }
    rows = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    )
    return found | {"indexes": set(rows.scalars())}


async def test_a_fresh_ledger_is_what_all_revisions_make_of_an_empty_one(ledger: Ledger) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        migrate.upgrade(connection)
        assert migrate.revision(connection) == HEAD
        assert differences(connection) == []
        migrated = shape(connection)
    engine.dispose()
    assert await ledger._thread.read(migrate.revision) == HEAD
    assert await ledger._thread.read(shape) == migrated


def test_every_revision_is_known_by_name() -> None:
    config = Config()
    config.set_main_option("script_location", "okdrop.ledger:migrations")
    config.set_main_option("path_separator", "os")
    walked = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(script.revision for script in walked)[::-1] == REVISIONS


def pretend(file: Path, revision: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.close()


def content(file: Path) -> bytes:
    return file.read_bytes()


@pytest.mark.parametrize("lock", [True, False])
async def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(
    file: Path, url: str, *, lock: bool
) -> None:
    async with await Ledger.open(url) as ledger:
        await ledger.add(drop())
    pretend(file, "9999")
    before = content(file)
    with pytest.raises(LedgerError, match="newer version") as caught:
        await Ledger.open(url, lock=lock)
    assert caught.value.code == "ledger_too_new"
    with pytest.raises(LedgerError, match="newer version"), read_only(url):
        pass
    assert content(file) == before


async def test_an_older_ledger_waits_for_its_daemon(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever does not hold the lock changes no schema under a daemon that runs."""
    async with await Ledger.open(url):
        pass
    pretend(file, "0000")
    monkeypatch.setattr("okdrop.ledger.migrate.REVISIONS", ("0000", *REVISIONS))
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(url, lock=False)
    assert caught.value.code == "ledger_too_old"
    with pytest.raises(LedgerError, match="older version"), read_only(url):
        pass


def as_of(file: Path, revision: str, *statements: str) -> None:
    """Make a ledger as the version with that revision left it."""
    config = Config()
    config.set_main_option("script_location", "okdrop.ledger:migrations")
    config.set_main_option("path_separator", "os")
    file.parent.mkdir()
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


async def test_a_ledger_of_the_first_schema_comes_up_to_date_with_its_rows(file: Path, url: str) -> None:
    """A folder that has uploads has had its first look: what lies there was decided long ago."""
    row = (
        "INSERT INTO uploads (path, device, inode, size, mtime_ns, folder, title, state, version, attempts,"
        " troubles, last_trouble, repeats, tickets, offered_all, publish_offered, received, bytes_sent,"
        " created_at, updated_at) VALUES (x'2f61', '1', '2', 3, '4', '/srv', '', 'published', 7, 1,"
        " 0, '', 0, 1, 1, 0, 3, 3, 5, 6)"
    )
    as_of(file, "0001", row)
    async with await Ledger.open(url) as ledger:
        (upload,) = await ledger.uploads()
        assert (upload.version, upload.held, upload.chore, upload.moved_to) == (7, False, None, None)
        assert await ledger.is_folder_known("/srv", device=1)
        assert not await ledger.is_folder_known("/other", device=1)


async def test_digests_of_the_second_schema_stay_as_they_are(file: Path, url: str) -> None:
    """They prove what was published: `okdrop.leaves` tells their kind by their length."""
    row = (
        "INSERT INTO uploads (path, device, inode, size, mtime_ns, folder, title, state, version, attempts,"
        " troubles, last_trouble, repeats, tickets, offered_all, publish_offered, received, bytes_sent,"
        " digest, created_at, updated_at) VALUES (x'2f61', '1', '2', 3, '4', '/srv', '', 'published', 7, 1,"
        " 0, '', 0, 1, 1, 0, 3, 3, x'abababababababababababababababababababababababababababababababab', 5, 6)"
    )
    as_of(file, "0002", row)
    async with await Ledger.open(url) as ledger:
        (upload,) = await ledger.uploads()
    assert (upload.digest, upload.sample, upload.waits_for) == (b"\xab" * 32, None, None)
    assert kind_of(b"\xab" * 32) is Kind.BLAKE2B


async def test_leaves_of_the_third_schema_are_forgotten_and_its_roots_are_not(file: Path, url: str) -> None:
    """They are SHA-256: taken for those of today, they would make a root that stands for no file."""
    row = (
        "INSERT INTO uploads (path, device, inode, size, mtime_ns, folder, title, state, version, attempts,"
        " troubles, last_trouble, repeats, tickets, offered_all, publish_offered, received, bytes_sent,"
        " created_at, updated_at, video_id, upload_url, issued_at, expires_at, digest) VALUES (x'2f6%d', '1',"
        " '2', 3, '4', '/srv', '', '%s', 7, 1, 0, '', 0, 1, 0, 0, 3, 3, 5, 6, 'v1', 'u', 5, 6, %s)"
    )
    root = b"\1" + b"\xab" * 32
    under_way, published = row % (1, "uploading", "NULL"), row % (2, "published", f"x'{root.hex()}'")
    as_of(file, "0003", under_way, published, "INSERT INTO leaves VALUES (1, 0, 'v1', x'cd')")
    async with await Ledger.open(url) as ledger:
        first, second = await ledger.uploads()
        assert first.ticket is not None
        assert await ledger.leaves(first) == b""
    assert (second.digest, kind_of(root)) == (root, Kind.SHA256_ROOT)


async def test_what_a_ledger_of_one_account_holds_is_of_that_account(file: Path, url: str) -> None:
    row = (
        "INSERT INTO uploads (path, device, inode, size, mtime_ns, folder, title, state, version, attempts,"
        " troubles, last_trouble, repeats, tickets, offered_all, publish_offered, received, bytes_sent,"
        " created_at, updated_at) VALUES (x'2f61', '1', '2', 3, '4', '/srv', '', 'queued', 7, 1,"
        " 0, '', 0, 1, 1, 0, 3, 3, 5, 6)"
    )
    as_of(file, "0007", row, "INSERT INTO orphans (video_id, tries, noted_at) VALUES ('9', 1, 5)")
    async with await Ledger.open(url) as ledger:
        (upload,) = await ledger.uploads()
        assert upload.account == ""
        assert await ledger.orphans(account="") == ["9"]


async def test_what_an_older_ledger_holds_is_found_as_what_is_written_today(file: Path, url: str) -> None:
    """A part of the rows is folded at a time, also where ids are missing between them."""
    rows = (
        "WITH RECURSIVE number(n) AS (SELECT 3 UNION ALL SELECT n + 3 FROM number WHERE n < 7500)"
        " INSERT INTO uploads (id, path, device, inode, size, mtime_ns, folder, title, state, version,"
        " attempts, troubles, last_trouble, repeats, tickets, offered_all, publish_offered, received,"
        " bytes_sent, created_at, updated_at) SELECT n, CAST('Ёлка ' || n || x'ff' AS BLOB), '1', '2', 3,"
        " '4', '/srv', 'Лето', 'queued', 7, 1, 0, '', 0, 1, 1, 0, 3, 3, 5, 6 FROM number"
    )
    as_of(file, "0010", rows)
    async with await Ledger.open(url) as ledger:
        written = await ledger._thread.read(lambda one: one.execute(FOLDED).scalars().all())
        assert written == [values_of(row)["folded"] for row in await ledger.uploads()]
    assert (len(written), written[-1].splitlines()) == (2500, ["елка 7500\ufffd", "лето"])
    with read_only(url) as reader:
        assert [row.id for row in reader.page(holding="ЕЛКА 33", at_most=3, oldest=True)] == [33, 330, 333]


async def test_somebody_elses_database_is_refused(file: Path, url: str) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE music (title TEXT)")
    connection.close()
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(url)
    assert caught.value.code == "ledger_foreign"


async def test_a_migration_that_is_cut_leaves_nothing_behind(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last step fails; the tables made before it must be gone, or the next start finds a stranger."""
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "HEAD", None)
        with pytest.raises(LedgerError):
            await Ledger.open(url)
    async with await Ledger.open(url) as ledger:
        assert await ledger.uploads() == []


async def test_two_that_open_an_empty_ledger_at_once(url: str) -> None:
    first = await Ledger.open(url, lock=False)
    async with first, await Ledger.open(url, lock=False) as second:
        made = await first.add(drop())
        assert await second.get(made.id) == made
