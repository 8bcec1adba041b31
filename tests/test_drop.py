"""The states and how a row passes from one to the next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.drop import (
    MINIMUM_SIZE,
    TRANSITIONS,
    UNFINISHED,
    Drop,
    Failure,
    Revision,
    State,
    Ticket,
    Upload,
    too_small,
)
from okdrop.errors import LocalProtocolError

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SIZE = 100_000
URL = "https://vu.okcdn.ru/upload.do?id=7&sig=SECRETSIGNATURE"
TICKET = Ticket(video_id="7", upload_url=URL, issued_at=NOW)
FAILURE = Failure(code="text_refused", message="OK refuses the text")

PAIRS = [(before, after) for before in State for after in State]


def upload(state: State = State.QUEUED, **facts: Any) -> Upload:
    revision = Revision(device=1, inode=2, size=SIZE, mtime_ns=3)
    drop = Drop(path=b"/srv/drop/a.mp4", revision=revision, folder="/srv/drop")
    return Upload(id=1, drop=drop, state=state, version=1, created_at=NOW, updated_at=NOW, **facts)


def test_every_state_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair[1] in TRANSITIONS[pair[0]]])
def test_allowed(before: State, after: State) -> None:
    row = upload(before).to(after, received=5)
    assert (row.state, row.received, row.version) == (after, 5, 1)


@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair[1] not in TRANSITIONS[pair[0]]])
def test_forbidden(before: State, after: State) -> None:
    with pytest.raises(LocalProtocolError, match=f"{before} may not become {after}"):
        upload(before).to(after)


def test_the_table_keeps_the_promises_of_the_states() -> None:
    assert TRANSITIONS[State.SUPERSEDED] == frozenset()
    assert TRANSITIONS[State.PUBLISHED] == {State.FAILED}
    by_adoption = {state for state in State if State.PUBLISHED in TRANSITIONS[state]} - {State.FINALIZING}
    assert by_adoption == {State.QUEUED, State.FAILED, State.CANCELLED}  # nothing of them is on its way
    assert all(State.CANCELLED in TRANSITIONS[state] for state in UNFINISHED)
    assert all(State.FAILED in TRANSITIONS[state] for state in UNFINISHED)
    assert all(state not in TRANSITIONS[state] for state in State)


@given(st.lists(st.sampled_from(State), max_size=8))
def test_what_was_on_its_way_is_only_published_by_way_of_finalizing(wishes: list[State]) -> None:
    row, before = upload(), State.QUEUED
    for wish in wishes:
        if wish in TRANSITIONS[row.state]:
            before, row = row.state, row.to(wish)
            assert row.state is not State.PUBLISHED or before is not State.UPLOADING


def test_handed_back_when_whole_goes_on_with_publishing_and_keeps_its_ticket() -> None:
    row = upload(State.FAILED, ticket=TICKET, received=SIZE, failure=FAILURE, troubles=3, retry_at=NOW)
    back = row.with_(tickets=2, bytes_sent=SIZE).handed_back()
    assert back.state is State.FINALIZING
    assert back.ticket == TICKET
    assert (back.failure, back.troubles, back.retry_at) == (None, 0, None)
    assert (back.tickets, back.bytes_sent) == (2, SIZE)


@pytest.mark.parametrize(
    "row",
    [
        upload(State.FAILED, failure=FAILURE),
        upload(State.FAILED, ticket=TICKET, received=SIZE - 1),
        upload(State.FAILED, received=SIZE),
        upload(State.CANCELLED, ticket=TICKET, received=SIZE),
    ],
    ids=["nothing sent", "not whole", "no ticket", "cancelled"],
)
def test_handed_back_otherwise_is_queued(row: Upload) -> None:
    back = row.handed_back()
    assert back.state is State.QUEUED
    assert back.failure is None
    assert back.ticket == row.ticket


def test_handed_back_has_its_allowance_anew() -> None:
    back = upload(State.FAILED, tickets=5, bytes_sent=10**9).handed_back()
    assert (back.tickets, back.bytes_sent) == (0, 0)


def test_handed_back_is_not_held_any_more() -> None:
    assert not upload(State.CANCELLED, held=True).handed_back().held


@pytest.mark.parametrize("state", [State.QUEUED, State.FINALIZING, State.PUBLISHED, State.SUPERSEDED])
def test_handed_back_only_from_a_state_that_allows_it(state: State) -> None:
    with pytest.raises(LocalProtocolError):
        upload(state).handed_back()


def test_no_repr_shows_the_upload_url() -> None:
    assert "SECRETSIGNATURE" not in repr(TICKET)
    assert "SECRETSIGNATURE" not in repr(upload(ticket=TICKET))
    assert "video_id='7'" in repr(TICKET)


def test_repeats_count_one_kind_of_trouble_and_begin_anew_after_progress() -> None:
    row = upload(State.UPLOADING)
    for code, troubles, repeats in (("a", 1, 1), ("a", 2, 2), ("b", 3, 1), ("b", 4, 2), ("a", 5, 1)):
        row = row.troubled(code)
        assert (row.troubles, row.last_trouble, row.repeats) == (troubles, code, repeats)
    assert row.with_(troubles=0).troubled("a").repeats == 1


@pytest.mark.parametrize("size", [0, 1, MINIMUM_SIZE - 1])
def test_too_small(size: int) -> None:
    failure = too_small(size)
    assert failure is not None
    assert failure.code == "file_too_small"


def test_small_enough() -> None:
    assert too_small(MINIMUM_SIZE) is None
