"""An upload in a person's words."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.making import START, drop, ticket
from okdrop.drop import Failure, Halt, State, Upload, too_small
from okdrop.words import halted, held, lasting, limit_text, standing, video

PAGE = "https://ok.ru/video/77"
FAILURE = Failure(code="bad_file", message="no")


def upload(state: State, **facts: Any) -> Upload:
    made = {"id": 7, "drop": drop(), "version": 1, "created_at": START, "updated_at": START}
    return Upload(state=state, **made | facts)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (upload(State.QUEUED), "queued, 0 % held by OK"),
        (upload(State.UPLOADING, received=99_999), "uploading, 99 % held by OK"),
        (upload(State.FINALIZING, received=100_000), "finalizing, 100 % held by OK"),
        (upload(State.PUBLISHED, ticket=ticket()), f"published, video 77, {PAGE}"),
        (upload(State.FAILED, failure=FAILURE), "failed: bad_file: no; then: okdrop retry 7"),
        (
            upload(State.FAILED, failure=Failure(code="bad_file", message="no", hint="look")),
            "failed: bad_file: no; look; then: okdrop retry 7",
        ),
        (
            upload(
                State.FAILED,
                failure=Failure(code="bad_file", message="no", hint="mend it, then retry: at once"),
            ),
            "failed: bad_file: no; mend it, then okdrop retry 7: at once",
        ),
        (
            upload(
                State.FAILED,
                failure=Failure(code="bad_file", message="no", hint="mend it, then: okdrop retry"),
            ),
            "failed: bad_file: no; mend it, then: okdrop retry 7",
        ),
        (
            upload(
                State.FAILED, failure=Failure(code="bad_file", message="no", hint="look, then `okdrop retry`")
            ),
            "failed: bad_file: no; look, then okdrop retry 7",
        ),
        (
            upload(State.FAILED, failure=too_small(0)),
            (
                "failed: file_too_small: the file is empty; OK takes no video under 16384 bytes;"
                " if the recording was cut short, there is nothing to publish; remove the file"
            ),
        ),
        (upload(State.FAILED), "failed"),
        (upload(State.CANCELLED), "cancelled; okdrop retry 7 hands it back"),
        (upload(State.DUPLICATE, duplicate_of=3), "published already: the same bytes as upload 3"),
        (upload(State.SUPERSEDED), "superseded: the file changed, and a newer upload took over"),
    ],
)
def test_where_an_upload_stands(row: Upload, text: str) -> None:
    assert standing(row) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (10, "10 s"),
        (60, "1 min"),
        (5400, "1 h 30 min"),
        (90061, "1 d 1 h 1 min 1 s"),
    ],
)
def test_a_span_of_time_is_said_in_the_units_of_a_person(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (100 * 1024, "100KiB/s"),
        (2 * 1024**2, "2MiB/s"),
        (1024**2 * 3 // 2, "1.5MiB/s"),
        (20_000_000, "20MB/s"),
        (500_000, "500kB/s"),
        (1025, "1,025 bytes a second"),
    ],
)
def test_a_limit_is_said_as_the_configuration_has_it(rate: int, text: str) -> None:
    assert limit_text(rate) == text


def test_no_word_holds_the_signed_url() -> None:
    for state in State:
        assert "SECRETSIGNATURE" not in standing(upload(state, ticket=ticket()))


def test_an_empty_file_is_held_by_nobody() -> None:
    assert held(upload(State.QUEUED, drop=drop(size=0))) == 0


def test_before_a_ticket_there_is_no_video() -> None:
    assert video(upload(State.QUEUED)) == ""


def test_a_halt_is_one_line_with_what_to_do() -> None:
    halt = Halt(code="api_102", message="the token\nhas expired", hint="get a new one", since=START)
    assert halted(halt) == (
        "everything waits since 2030-01-01 12:00:00 UTC: the token\\nhas expired (api_102); get a new one"
    )
    without = Halt(code="api_102", message="no", since=START)
    assert halted(without) == "everything waits since 2030-01-01 12:00:00 UTC: no (api_102)"
    assert halted(without, several=True).startswith("everything of the account of [ok] waits since 2030")
    kids = Halt(code="api_102", message="no", since=START, account="kids")
    assert halted(kids).startswith("everything of the account kids waits since 2030")
