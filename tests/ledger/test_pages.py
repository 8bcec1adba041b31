"""A part of many rows at a time: the newest first, by state and by what a path or a title holds."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ledger.making import START, Clock, drop
from okdrop.drop import State
from okdrop.ledger import Ledger, Waiting, pages, read_only

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def rows(url: str, clock: Clock) -> AsyncIterator[Ledger]:
    """Five rows: 2 and 4 failed, 5 is held; each found a second after the one before."""
    async with await Ledger.open(url, now=clock) as ledger:
        for name in (
            b"Holiday_1.mp4",
            b"100%.mp4",
            "Ёлка.mp4".encode(),
            b"holiday\xff.mp4",
            b"e\xcc\x81.mp4",
        ):
            clock.forward(seconds=1)
            await ledger.add(drop(b"/srv/" + name), held=name.startswith(b"e"))
        for number in (2, 4):
            row = await ledger.get(number)
            assert row is not None
            await ledger.write(row.to(State.FAILED))
        yield ledger


def ids(url: str, **wanted: Any) -> list[int]:
    with read_only(url) as reader:
        return [row.id for row in reader.page(**{"at_most": 100} | wanted)]


@pytest.mark.usefixtures("rows")
def test_pages_follow_each_other_without_a_gap(url: str) -> None:
    assert ids(url) == [5, 4, 3, 2, 1]
    assert ids(url, at_most=2) == [5, 4]
    assert ids(url, at_most=2, beyond=4) == [3, 2]
    assert ids(url, beyond=1) == []
    assert ids(url, states={State.FAILED}) == [4, 2]
    assert ids(url, oldest=True, at_most=2) == [1, 2]
    assert ids(url, oldest=True, at_most=2, beyond=2) == [3, 4]
    assert ids(url, oldest=True, beyond=5) == []
    assert ids(url, states={State.FAILED, State.QUEUED}, beyond=4) == [3, 2, 1]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("holiday", [4, 1]),
        ("HOLIDAY", [4, 1]),
        ("y_1", [1]),
        ("%", [2]),
        ("\\", []),
        ("ёлка", [3]),
        ("\u00e9", [5]),  # one character, where the name has two
        ("елка", [3]),  # as who writes Russian takes it
        ("/srv/", [5, 4, 3, 2, 1]),
        ("' OR 1=1 --", []),
    ],
)
def test_a_text_is_looked_for_as_it_stands_in_any_case(url: str, text: str, found: list[int]) -> None:
    assert ids(url, holding=text) == found


@pytest.mark.parametrize("oldest", [False, True])
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("state", [State.QUEUED, State.FINALIZING, State.FAILED])
async def test_what_a_page_is_filtered_by_is_read_off_one_index_in_order(
    rows: Ledger, state: State, *, wanted: bool, oldest: bool
) -> None:
    """No row is looked at that is not on the page, and nothing is sorted."""
    conditions = [
        *pages._conditions(holding="ёлка", beyond=1, oldest=oldest, folder="/srv/drop"),
        *pages._of_waiting(state, Waiting(wanted=wanted, now=START)),
    ]
    query = pages.of_state(state, conditions, oldest=oldest, at_most=3)

    def plan(connection: Any) -> list[str]:
        text = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]

    [step] = await rows._thread.read(plan)
    assert step.startswith("SEARCH uploads USING COVERING INDEX uploads_filtered (state=? AND id")


async def test_a_page_holds_all_filters_at_once(url: str, rows: Ledger) -> None:
    later = await rows.get(1)
    assert later is not None
    await rows.write(later.with_(retry_at=rows.now() + timedelta(hours=1)))
    now = rows.now()
    assert ids(url, waiting=Waiting(wanted=True, now=now)) == [5, 1]
    assert ids(url, waiting=Waiting(wanted=False, now=now)) == [4, 3, 2]
    assert ids(url, waiting=Waiting(wanted=True, now=now + timedelta(hours=2))) == [5]
    assert ids(url, waiting=Waiting(wanted=True, now=now), holding="holiday") == [1]
    assert ids(url, waiting=Waiting(wanted=False, now=now), states={State.FAILED}, holding="H") == [4]
    assert ids(url, folder="/srv/drop", oldest=True, beyond=3) == [4, 5]
    assert ids(url, folder="/srv/other") == []
    assert ids(url, states=set()) == []


async def test_a_row_is_found_by_the_name_that_it_has_now(url: str, rows: Ledger) -> None:
    row = await rows.get(3)
    assert row is not None
    moved = dataclasses.replace(row.drop, path=b"/srv/drop/birch.mp4", title="Берёза")
    await rows.write(row.with_(drop=moved))
    assert ids(url, holding="birch") == [3]
    assert ids(url, holding="БЕРЕЗА") == [3]
    assert ids(url, holding="ёлка") == []


async def test_the_oldest_that_is_open_is_not_one_that_is_held(url: str, rows: Ledger) -> None:
    with read_only(url) as reader:
        first = await rows.get(1)
        assert first is not None
        assert reader.oldest_open() == first.created_at
    for number in (1, 3):
        row = await rows.get(number)
        assert row is not None
        await rows.write(row.to(State.CANCELLED))
    with read_only(url) as reader:
        assert reader.oldest_open() is None
