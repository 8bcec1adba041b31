"""`status` beside a daemon: what it sees, what it never does, and what it says where there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from ledger.making import drop, ticket
from okdrop.drop import TRIES_PER_ORPHAN, State
from okdrop.errors import LedgerError
from okdrop.ledger import Known, Ledger, Orphans, operations, read_only

if TYPE_CHECKING:
    from pathlib import Path


async def test_it_sees_what_the_daemon_sees(ledger: Ledger, url: str) -> None:
    made = await ledger.add(drop(), state=State.UPLOADING)
    made = await ledger.write(made.with_(ticket=ticket("1")), orphan="2")
    with read_only(url) as look:
        assert look.uploads() == await ledger.uploads() == [made]
        assert look.get(made.id) == made
        assert look.counts() == await ledger.counts()
        assert look.history(made.id) == await ledger.history(made.id)
        assert look.orphans() == ["2"]
        assert look.judge(drop()) == Known(upload=made)


async def test_a_look_is_of_one_moment_and_holds_up_no_writer(ledger: Ledger, url: str) -> None:
    with read_only(url) as look:
        assert look.counts()[State.QUEUED] == 0
        made = await ledger.add(drop())
        assert look.uploads() == []
    with read_only(url) as look:
        assert look.uploads() == [made]


async def test_it_cannot_write(ledger: Ledger, url: str) -> None:
    await ledger.add(drop())
    with read_only(url) as look, pytest.raises(sa.exc.OperationalError, match="readonly"):
        look._connection.exec_driver_sql("DELETE FROM history")


def test_a_ledger_that_is_not_there_is_not_created(file: Path, url: str) -> None:
    with pytest.raises(LedgerError) as caught, read_only(url):
        pass
    assert caught.value.code == "ledger_missing"
    assert not file.parent.exists()


def test_an_empty_file_is_no_ledger_yet(file: Path, url: str) -> None:
    file.parent.mkdir()
    file.touch()
    with pytest.raises(LedgerError) as caught, read_only(url):
        pass
    assert caught.value.code == "ledger_missing"


def test_a_file_that_is_no_database(file: Path, url: str) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database at all " * 400)
    with pytest.raises(LedgerError) as caught, read_only(url):
        pass
    assert caught.value.code == "ledger_corrupt"


async def test_a_name_with_every_odd_character(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a b%20c#d%/ledger.db"
    async with await Ledger.open(url) as ledger:
        made = await ledger.add(drop())
    with read_only(url) as look:
        assert look.uploads() == [made]


async def test_orphans_are_counted_by_whether_they_are_tried_again(ledger: Ledger, url: str) -> None:
    for video in ("1", "2", "3"):
        await ledger.add_orphan(video)
    for _ in range(TRIES_PER_ORPHAN):
        await ledger.orphan_failed("2")
    with read_only(url) as look:
        assert look.count_orphans() == Orphans(waiting=2, given_up=1)


async def test_who_took_over_from_a_superseded_upload_is_known(ledger: Ledger, url: str) -> None:
    """The row that counts in its place: not one that was replaced in turn, nor one of another path."""
    first = await ledger.add(drop(size=1))
    other = await ledger.add(drop(b"/srv/drop/b.mp4", size=1))
    await ledger.add(drop(size=2))
    third = await ledger.add(drop(size=3))
    lonely = await ledger.write(other.to(State.SUPERSEDED))
    with read_only(url) as look:
        rows = look.uploads()
        assert [row.state for row in rows] == [State.SUPERSEDED] * 3 + [State.QUEUED]
        assert [look.replaced_by(row.id) for row in rows] == [third.id, None, third.id, None]
        assert look.replaced_by(lonely.id) is None
        assert look.replaced_by(first.id) == third.id
        assert look.replaced_by(2**63 - 1) is None


async def test_who_took_over_is_asked_once_for_rows_that_lie_together(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "LOT", 4)
    rows = [await ledger.add(drop(size=size)) for size in range(1, 11)]
    asked: list[tuple[int, int]] = []

    def replacements(connection: sa.Connection, *, first: int, last: int) -> dict[int, int]:
        asked.append((first, last))
        return whole(connection, first=first, last=last)

    whole = operations.replacements
    monkeypatch.setattr(operations, "replacements", replacements)
    with read_only(url) as look:
        told = [look.replaced_by(row.id) for row in look.each()]
    assert told == [rows[-1].id] * 9 + [None]
    assert asked == [(0, 3), (4, 7), (8, 11)]
