"""The log: one line for each event."""

from __future__ import annotations

import io
import json
import sys

import pytest

from okdrop import events
from okdrop.observe.log import log_to, standard_log

STORED = events.SegmentStored(upload=1, start=0, stop=10, received=10, size=20)
SETTLED = events.FileSettled(upload=1, path="/srv/Закат\\xff.mp4", size=20)
LEFT = events.FileLeft(path="/srv/a.mp4", reason="held open by a writer")
FAILED = events.UploadFailed(upload=1, path="/srv/a.mp4", code="bad_file", message="no", hint="look")


def lines(level: str, *told: events.Event, as_json: bool = True) -> list[str]:
    stream = io.StringIO()
    listen = log_to(stream, json=as_json, level=level)
    for event in told:
        listen(event)
    return stream.getvalue().splitlines()


def test_a_line_is_the_event_as_json() -> None:
    (line,) = lines("info", SETTLED)
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "file.settled",
        "level": "info",
        "upload": 1,
        "path": "/srv/Закат\\xff.mp4",
        "size": 20,
    }
    assert "Закат" in line


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("debug", ["segment.stored", "file.settled", "file.left", "upload.failed"]),
        ("info", ["file.settled", "file.left", "upload.failed"]),
        ("warning", ["file.left", "upload.failed"]),
        ("error", ["upload.failed"]),
    ],
)
def test_only_what_is_grave_enough_is_told(level: str, names: list[str]) -> None:
    told = [json.loads(line) for line in lines(level, STORED, SETTLED, LEFT, FAILED)]
    assert [line["event"] for line in told] == names


def test_each_line_has_its_events_level() -> None:
    told = [json.loads(line) for line in lines("debug", STORED, SETTLED, LEFT, FAILED)]
    assert [line["level"] for line in told] == ["debug", "info", "warning", "error"]


def test_for_a_persons_eyes() -> None:
    (line,) = lines("info", LEFT, as_json=False)
    assert "file.left" in line
    assert "held open by a writer" in line
    assert "\x1b" not in line  # no colours but on a terminal


@pytest.mark.parametrize(("log_format", "is_json"), [("json", True), ("auto", True), ("console", False)])
def test_the_standard_log_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_format: str, *, is_json: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    standard_log(log_format=log_format, level="info")(LEFT)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("{") is is_json
