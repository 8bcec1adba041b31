"""Disks that are full or read-only, and what the connection promises."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest

from ledger.making import drop
from okdrop.drop import State
from okdrop.errors import LedgerError
from okdrop.ledger import Ledger, read_only
from okdrop.ledger.sqlite import explain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy as sa

LONG = "n" * 4000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here, so no disk can be filled")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


async def fill(ledger: Ledger) -> LedgerError:
    """Write notes until the disk is full."""
    for number in range(2000):
        try:
            await ledger.add(drop(b"/%d" % number, inode=number), note=LONG)
        except LedgerError as error:
            return error
    pytest.fail("the disk never filled")


def limit_pages(connection: sa.Connection, pages: int) -> None:
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


async def test_a_full_database_is_said_in_words_and_outlived(ledger: Ledger) -> None:
    await ledger._thread.read(limit_pages, 60)
    error = await fill(ledger)
    assert error.code == "ledger_disk"
    assert "full" in str(error)
    assert error.hint
    before = await ledger.uploads()
    group = [ledger.add(drop(b"/more%d" % number, inode=number), note=LONG) for number in range(5)]
    results = await asyncio.gather(*group, ledger.counts(), return_exceptions=True)
    assert [getattr(result, "code", "") for result in results[:5]] == ["ledger_disk"] * 5
    assert results[5] == {state: len(before) if state is State.QUEUED else 0 for state in State}
    assert await ledger.uploads() == before
    await ledger._thread.read(limit_pages, 10_000)
    added = await ledger.add(drop(b"/at last"), note=LONG)
    assert await ledger.uploads() == [*before, added]


async def test_a_full_disk_is_outlived(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(200_000))
    url = f"sqlite:///{small_disk}/ledger.db"
    async with await Ledger.open(url) as ledger:
        error = await fill(ledger)
        assert error.code == "ledger_disk"
        before = await ledger.uploads()
        ballast.unlink()
        added = await ledger.add(drop(b"/at last"), note=LONG)
        assert await ledger.uploads() == [*before, added]
    async with await Ledger.open(url) as again:
        assert await again.uploads() == [*before, added]


async def test_a_disk_that_became_read_only(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/state/ledger.db"
    async with await Ledger.open(url) as ledger:
        await ledger.add(drop())
    make_read_only(small_disk)
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(url)
    assert caught.value.code == "ledger_disk"
    with read_only(url) as look:
        assert [row.drop for row in look.uploads()] == [drop()]


async def test_what_a_connection_promises(ledger: Ledger) -> None:
    def ask(connection: sa.Connection, name: str) -> object:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

    promises = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert {name: await ledger._thread.read(ask, name) for name in promises} == promises
    assert not ledger._thread.engine.echo
    assert ledger._thread.engine.hide_parameters


async def test_the_file_is_a_plain_sqlite_database(ledger: Ledger, file: Path, tmp_path: Path) -> None:
    """A copy made by SQLite's own means is a whole ledger."""
    made = await ledger.add(drop())
    with sqlite3.connect(file) as source, sqlite3.connect(tmp_path / "copy.db") as target:
        source.backup(target)
    source.close()
    target.close()
    with read_only(f"sqlite:///{shutil.move(tmp_path / 'copy.db', tmp_path / 'moved.db')}") as look:
        assert look.get(made.id) == made


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "ledger_disk"),
        ("SQLITE_IOERR_FSYNC", "ledger_disk"),
        ("SQLITE_READONLY_DBMOVED", "ledger_disk"),
        ("SQLITE_CANTOPEN", "ledger_disk"),
        ("SQLITE_BUSY_SNAPSHOT", "ledger_busy"),
        ("SQLITE_LOCKED", "ledger_busy"),
        ("SQLITE_CORRUPT_INDEX", "ledger_corrupt"),
        ("SQLITE_NOTADB", "ledger_corrupt"),
        ("SQLITE_CONSTRAINT_UNIQUE", "ledger_known"),
        ("SQLITE_CONSTRAINT_NOTNULL", "ledger_conflict"),
        ("SQLITE_NOMEM", "ledger"),
        ("", "ledger"),
    ],
)
def test_every_error_has_words(name: str, code: str) -> None:
    error = sqlite3.OperationalError("foreign words")
    error.sqlite_errorname = name
    explained = explain(error)
    assert explained.code == code
    assert "foreign words" not in str(explained)
