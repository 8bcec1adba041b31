"""The lock is a real process's, and dies with it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import okdrop
from ledger.making import START, drop
from okdrop.drop import Halt
from okdrop.errors import LedgerError
from okdrop.ledger import Ledger, New, daemon_of, read_only
from okdrop.ledger.lock import held
from okdrop.ledger.lock import holder as process_that_holds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
        assert file.with_name(file.name + ".lock").read_text().splitlines()[0] == f"{process.pid}"
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


def knows_it(url: str, *, lock: bool = True) -> bool:
    """Open the ledger, and look whether it knows the one file of these tests; then it does."""

    async def look() -> bool:
        async with await Ledger.open(url, lock=lock) as ledger:
            known = await ledger.judge(drop()) != New()
            if not known:
                await ledger.add(drop())
            return known

    return asyncio.run(look())


@pytest.mark.parametrize("empty", [Path.unlink, lambda path: os.truncate(path, 0)])
def test_a_ledger_that_was_emptied_is_refused_to_whoever_comes(
    url: str, file: Path, empty: Callable[[Path], None]
) -> None:
    assert not knows_it(url)
    lock, content = file.with_name("ledger.db.lock"), file.read_bytes()
    empty(file)
    was_there = file.exists()
    for lock_too in (True, False):
        with pytest.raises(LedgerError, match="all that was known") as caught:
            knows_it(url, lock=lock_too)
        assert (caught.value.code, str(lock) in caught.value.hint) == ("ledger_emptied", True)
    with pytest.raises(LedgerError, match="all that was known"), read_only(url):
        pass
    assert file.exists() is was_there
    file.write_bytes(content)  # a copy is brought back
    assert knows_it(url)
    empty(file)
    lock.unlink()  # a person says that it is to begin anew
    assert not knows_it(url)


@pytest.mark.parametrize("text", [None, "", "4711\n"])
def test_a_first_start_that_was_cut_short_is_no_loss(url: str, file: Path, text: str | None) -> None:
    """What `kill -9` leaves before the first migration: an empty file, and a lock that names a process."""
    file.parent.mkdir()
    file.touch()
    if text is not None:
        file.with_name("ledger.db.lock").write_text(text)
    assert not knows_it(url)
    os.truncate(file, 0)
    with pytest.raises(LedgerError, match="all that was known"):
        knows_it(url)


async def test_a_first_start_that_fails_does_not_say_that_there_is_a_ledger(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LedgerError("no room", code="ledger_disk")

    with monkeypatch.context() as patch:
        patch.setattr("okdrop.ledger.migrate.bring_up", fail)
        with pytest.raises(LedgerError, match="no room"):
            await Ledger.open(url)
    os.truncate(file, 0)
    async with await Ledger.open(url):
        pass


async def test_who_waits_for_the_lock_is_not_told_to_make_another_ledger(ledger: Ledger, url: str) -> None:
    del ledger
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(url)
    assert (
        caught.value.hint == "wait until that one ends, or stop it first: one at a time works with a ledger"
    )


HALT = Halt(code="api_102", message="the token has expired", hint="get a new one", since=START)


def seen_halted(url: str) -> Halt | None:
    with read_only(url) as reader:
        return reader.halted()


async def test_a_halt_is_believed_only_while_the_ledger_is_held(url: str) -> None:
    async with await Ledger.open(url) as ledger:
        assert seen_halted(url) is None
        await ledger.note_halt(HALT)
        assert seen_halted(url) == HALT
        await ledger.note_halt(HALT)
        assert seen_halted(url) == HALT
        await ledger.note_halt(None)
        assert seen_halted(url) is None
        await ledger.note_halt(HALT)
    assert seen_halted(url) is None


async def test_each_account_is_halted_for_itself(url: str) -> None:
    kids = dataclasses.replace(HALT, account="kids", code="api_103")
    async with await Ledger.open(url) as ledger:
        await ledger.note_halt(kids)
        await ledger.note_halt(HALT)
        with read_only(url) as reader:
            assert reader.halts() == [HALT, kids]
        await ledger.note_halt(None)
        assert seen_halted(url) == kids
        await ledger.note_halt(HALT)
        await ledger.note_halt(None, account="kids")
        assert seen_halted(url) == HALT
        await ledger.note_halt(kids)
    async with await Ledger.open(url):
        assert seen_halted(url) is None


async def test_who_takes_the_lock_forgets_what_halted_another(url: str) -> None:
    """The one before may have been killed while it was halted; an order takes no lock and forgets nothing."""
    async with await Ledger.open(url) as ledger:
        await ledger.note_halt(HALT)
        async with await Ledger.open(url, lock=False):
            assert seen_halted(url) == HALT
    async with await Ledger.open(url):
        assert seen_halted(url) is None
