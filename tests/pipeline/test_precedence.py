"""Who goes first: what has begun, then folders by priority, then files by the order that is set."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.config.model import Order
from okdrop.drop import Drop, Revision, State, Ticket, Upload
from okdrop.pipeline.precedence import Precedence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRIORITIES = {"/low": -5, "/plain": 0, "/high": 7}


def row(number: int, *, mtime: int = 0, size: int = 1, folder: str = "/plain", begun: bool = False) -> Upload:
    revision = Revision(device=1, inode=number, size=size, mtime_ns=mtime)
    return Upload(
        id=number,
        drop=Drop(path=b"/%d.mp4" % number, revision=revision, folder=folder),
        state=State.UPLOADING if begun else State.QUEUED,
        version=1,
        ticket=Ticket(video_id=str(number), upload_url="https://x", issued_at=NOW) if begun else None,
        created_at=NOW,
        updated_at=NOW,
    )


def precedence(order: Order = Order.OLDEST) -> Precedence:
    return Precedence(order, lambda folder: PRIORITIES.get(folder, 0))


def sorted_by(order: Order, rows: list[Upload]) -> list[int]:
    made = precedence(order)
    for one in rows:
        made.note(one)
    return sorted((one.id for one in rows), key=made.of)


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        (Order.OLDEST, [2, 3, 1]),
        (Order.NEWEST, [1, 3, 2]),
        (Order.SMALLEST, [3, 1, 2]),
        (Order.LARGEST, [2, 1, 3]),
    ],
)
def test_files_go_by_their_time_or_their_size(order: Order, ids: list[int]) -> None:
    rows = [row(1, mtime=30, size=20), row(2, mtime=10, size=30), row(3, mtime=20, size=10)]
    assert sorted_by(order, rows) == ids


@pytest.mark.parametrize("order", Order)
def test_of_equal_ones_what_was_found_first_goes_first(order: Order) -> None:
    assert sorted_by(order, [row(3), row(1), row(2)]) == [1, 2, 3]


@pytest.mark.parametrize("order", Order)
def test_what_has_begun_goes_before_all_and_a_higher_priority_before_the_order(order: Order) -> None:
    rows = [
        row(1, folder="/low", mtime=1, size=1),
        row(2, folder="/high", mtime=9, size=9),
        row(3, folder="", mtime=5, size=5),
        row(4, folder="/low", begun=True),
        row(5, folder="/high", begun=True),
    ]
    assert sorted_by(order, rows) == [5, 4, 2, 3, 1]


def test_who_was_never_noted_stands_behind_what_has_begun_and_before_the_rest() -> None:
    made = precedence()
    made.note(row(1, begun=True))
    made.note(row(2, mtime=-(10**18)))
    assert sorted([2, 9, 1], key=made.of) == [1, 9, 2]


def test_who_came_to_an_end_is_forgotten() -> None:
    made = precedence()
    made.note(row(1, begun=True))
    made.forget(1)
    made.forget(1)
    assert made.of(1) == made.of(1) != made.note(row(1, begun=True))


rows = st.builds(
    row,
    st.integers(1, 2**40),
    mtime=st.integers(-(2**63), 2**80),
    size=st.integers(1, 2**50),
    folder=st.sampled_from([*PRIORITIES, ""]),
    begun=st.booleans(),
)


@given(st.lists(rows, unique_by=lambda one: one.id), st.sampled_from(Order))
def test_any_files_have_one_order_whatever_they_are_given_in(files: list[Upload], order: Order) -> None:
    once = sorted_by(order, files)
    assert once == sorted_by(order, files[::-1])
    known = {one.id: one for one in files}
    for before, after in itertools.pairwise(once):
        one, other = known[before], known[after]
        assert (one.ticket is None, -PRIORITIES.get(one.drop.folder, 0)) <= (
            other.ticket is None,
            -PRIORITIES.get(other.drop.folder, 0),
        )
