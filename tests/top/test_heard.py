"""Where uploads stand, by the ledger's rows and by what is heard between."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from okdrop import events
from okdrop.observe.standing import Stage
from okdrop.top.heard import Heard, event_of
from top.making import NOW, row

MB = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def told(event: events.Event) -> str:
    facts = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    return json.dumps({"event": event.name, "level": event.level, "at": "x"} | facts)


def progress(number: int, received: int) -> events.UploadProgress:
    return events.UploadProgress(upload=number, received=received, on_line=0, sent=received, size=10 * MB)


TROUBLE = events.UploadTrouble(upload=1, code="reset", reason="the line was cut", delay=30.0, attempt=2)


@pytest.mark.parametrize("event", [progress(1, 5), TROUBLE])
def test_an_event_that_was_told_is_that_event_again(event: events.UploadEvent) -> None:
    assert event_of(told(event)) == event


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "nothing",
        "[" * 100_000,
        '{"event": "service.ready"}',
        '{"event": ["upload.progress"]}',
        '{"event": "upload.progress", "upload": 1}',
        '{"event": "upload.progress", "upload": "1", "received": 1, "on_line": 0, "sent": 1, "size": 1}',
    ],
)
def test_what_is_no_event_of_an_upload_is_passed_over(data: str) -> None:
    assert event_of(data) is None


def test_an_event_of_a_newer_daemon_may_have_more_to_say_and_its_texts_are_escaped() -> None:
    document: dict[str, Any] = json.loads(told(TROUBLE)) | {"more": [1], "reason": "a\x1b[2J"}
    event = event_of(json.dumps(document))
    assert isinstance(event, events.UploadTrouble)
    assert event.reason == r"a\x1b[2J"


def test_progress_is_followed_between_two_looks() -> None:
    clock = Clock()
    heard, rows = Heard(clock), [row(1, state="uploading", received=1 * MB)]
    heard.look(rows, NOW)
    clock.now += 2
    assert not heard.hear(progress(1, 5 * MB))
    (one,) = heard.moving(rows)
    assert (one.standing.percent, one.speed, one.left) == (50, 2 * MB, 2.5)
    assert one.words == "sending"


def test_trouble_is_said_and_counted_down_and_goes_to_the_end() -> None:
    clock = Clock()
    heard, rows = Heard(clock), [row(1, state="uploading"), row(2, state="finalizing")]
    heard.look(rows, NOW)
    assert heard.hear(TROUBLE)
    clock.now += 10
    first, last = heard.moving(rows)
    assert (first.row.id, first.words) == (2, "publishing")
    assert (last.row.id, last.words) == (1, "waiting 20 s: the line was cut")


def test_in_a_pause_nothing_is_said_to_be_sent() -> None:
    clock = Clock()
    heard, rows = Heard(clock), [row(1, state="uploading", received=1 * MB), row(2, state="finalizing")]
    heard.look(rows, NOW)
    assert [one.words for one in heard.moving(rows, paused=True)] == ["paused", "paused"]
    assert [one.words for one in heard.moving(rows)] == ["sending", "publishing"]
    clock.now += 2
    heard.hear(progress(1, 5 * MB))
    assert heard.moving(rows, paused=True)[0].words == "paused: segments under way land"
    heard.hear(TROUBLE)
    assert heard.moving(rows, paused=True)[-1].words == "waiting 30 s: the line was cut"


def test_one_that_waited_already_is_known_by_its_row() -> None:
    retry_at = (NOW + timedelta(seconds=40)).isoformat()
    heard, rows = Heard(Clock()), [row(1, state="uploading", retry_at=retry_at)]
    heard.look(rows, NOW)
    (one,) = heard.moving(rows)
    assert (one.standing.stage, one.words) == (Stage.WAITING, "waiting 40 s: for its next try")


def test_without_events_the_rows_tell_how_far_it_is() -> None:
    clock = Clock()
    heard = Heard(clock)
    heard.look([row(1, state="uploading", received=1 * MB)], NOW)
    clock.now += 2
    rows = [row(1, state="uploading", received=3 * MB)]
    heard.look(rows, NOW)
    (one,) = heard.moving(rows)
    assert (one.standing.percent, one.speed) == (30, 1 * MB)


def test_what_is_gone_is_forgotten_and_an_unknown_one_is_worth_a_look() -> None:
    heard = Heard(Clock())
    heard.look([row(1, state="uploading")], NOW)
    heard.look([], NOW)
    assert heard.moving([row(1, state="uploading")]) == ()
    assert heard.hear(events.UploadStarted(upload=7, path="/a", size=1, attempt=1))
