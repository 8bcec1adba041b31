"""The lock is a real process's, and dies with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import okdrop
from ledger.making import drop
from okdrop.errors import LedgerError
from okdrop.ledger import Ledger, daemon_of
from okdrop.ledger.lock import held
from okdrop.ledger.lock import holder as process_that_holds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PACKAGES = str(Path(okdrop.__file__).parents[1])

HOLDER = """
import asyncio, sys
from okdrop.drop import Drop, Revision
from okdrop.ledger import Ledger

async def main():
    ledger = await Ledger.open(sys.argv[1])
    print("held", flush=True)
    for number in range(100_000):
        revision = Revision(device=1, inode=number, size=number, mtime_ns=number)
        made = await ledger.add(Drop(path=b"/%d" % number, revision=revision, folder=""))
        print(made.id, flush=True)

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def holder(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds the ledger and writes row after row, printing each id once acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HOLDER,
        url,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": PACKAGES},
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_second_process_is_refused_and_told_who_holds_it(url: str) -> None:
    async with holder(url) as process:
        with pytest.raises(LedgerError, match=f"process {process.pid}") as caught:
            await Ledger.open(url)
        assert caught.value.code == "ledger_locked"


async def test_after_kill_9_the_lock_is_free_and_every_acknowledged_row_is_there(url: str) -> None:
    async with holder(url) as process:
        assert process.stdout is not None
        for _ in range(25):
            await process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest, _ = await process.communicate()
    acknowledged = 25 + rest.count(b"\n")
    async with await Ledger.open(url) as ledger:
        rows = await ledger.uploads()
        # One more may have been committed and not yet printed.
        assert len(rows) in {acknowledged, acknowledged + 1}
        assert [row.id for row in rows] == list(range(1, len(rows) + 1))
        assert (await ledger.add(drop())).id == len(rows) + 1


async def test_two_names_of_one_ledger_share_a_lock(ledger: Ledger, file: Path, tmp_path: Path) -> None:
    del ledger
    (tmp_path / "other-name").symlink_to(file)
    with pytest.raises(LedgerError, match=f"process {os.getpid()}"):
        await Ledger.open(f"sqlite:///{tmp_path}/other-name")


@pytest.fixture
def rubbish(file: Path) -> None:
    """A file that is no database, where the ledger should be."""
    file.parent.mkdir()
    file.write_bytes(b"this is no database, but it is long enough to look at" * 100)


@pytest.mark.usefixtures("rubbish")
async def test_a_failed_opening_lets_go_of_the_lock(url: str) -> None:
    for _ in range(2):
        with pytest.raises(LedgerError) as caught:
            await Ledger.open(url)
        assert caught.value.code == "ledger_corrupt"


async def test_the_process_that_holds_the_lock_is_seen_for_as_long_as_it_lives(url: str, file: Path) -> None:
    async with holder(url) as process:
        assert daemon_of(url) == process_that_holds(file) == process.pid
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        assert file.with_name(file.name + ".lock").read_text() == f"{process.pid}\n"
        assert process_that_holds(file) is None


async def test_a_lock_of_another_ledger_is_not_taken_for_this_ones(
    ledger: Ledger, file: Path, tmp_path: Path
) -> None:
    del ledger
    other = tmp_path / "other"
    other.with_name("other.lock").write_text(f"{os.getpid()}\n")
    assert process_that_holds(other) is None
    assert process_that_holds(tmp_path / "never-used") is None
    assert process_that_holds(file) == os.getpid()


def test_looking_who_holds_the_lock_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "ledger.db"
    with held(database):
        pass
    asked = []
    monkeypatch.setattr("fcntl.flock", lambda *_: asked.append("the lock was tried"))
    assert process_that_holds(database) is None
    assert asked == []
