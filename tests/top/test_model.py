from __future__ import annotations

from typing import Any

import pytest

from okdrop.drop import State
from okdrop.top.model import rows_of, status_of
from top.making import FAILURE, HOSTILE, row, row_document, status_document


def test_a_status_is_what_the_daemon_says() -> None:
    status = status_of(status_document())
    assert status.words == "running"
    assert status.goodput == 2_500_000
    assert status.counts[State.PUBLISHED] == 12_000
    assert status.limit is None


def test_what_stands_in_the_way_is_said_first() -> None:
    status = status_of(
        status_document(
            reasons=["halted: no token (102)"],
            troubles=["halted: no token (102)", "paused by hand", "in trouble: vu: reset"],
            paused_since="2026-11-27T11:30:00.000Z",
        )
    )
    assert status.words == "halted: no token (102); paused since 2026-11-27T11:30:00.000Z"
    assert status.troubles == ("in trouble: vu: reset",)


def test_a_limit_of_everything_is_told_from_those_of_folders() -> None:
    folder = {"folder": "/srv", "configured": "1MB/s", "by_hand": None, "since": None, "rate": 1_000_000}
    whole = {"folder": "", "configured": "", "by_hand": "2MiB/s", "since": "x", "rate": 2 << 20}
    status = status_of(status_document(limits=[folder, whole]))
    assert (status.limit, status.limit_by_hand) == (2 << 20, True)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_from_elsewhere_can_steer_a_terminal(name: str) -> None:
    found = row(1, name, failure={"code": name, "message": name, "hint": ""}, state="failed", video_id=name)
    status = status_of(status_document(reasons=[name], troubles=[name + "!"], version=name))
    texts = (found.path, found.cause, found.video_id, status.words, *status.troubles, status.version)
    assert all(text.isprintable() for text in texts)
    "".join(texts).encode()  # none of it is half a character


def test_a_byte_that_is_not_utf_8_is_shown_as_every_command_shows_it() -> None:
    assert row(1, "a\udcff.mp4").name == r"a\xff.mp4"


def test_why_an_upload_failed_is_on_one_line() -> None:
    assert row(1, state="failed", failure=FAILURE).cause == r"text_refused: OK refuses [b]the\ntitle"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"uploads": None},
        {"uploads": [{}]},
        {"uploads": [row_document(1, state="new")]},
        {"uploads": [row_document(1, updated_at="yesterday")]},
        {"uploads": [row_document(1, retry_at="2026-11-27T11:59:00")]},
        {"uploads": [row_document(1, failure={})]},
    ],
)
def test_what_no_daemon_would_say_is_refused(document: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        rows_of(document)
    with pytest.raises((KeyError, TypeError, ValueError)):
        status_of(document)
