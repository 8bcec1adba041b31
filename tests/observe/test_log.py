"""The log: one line for each event."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

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
    assert [*told][:3] == ["timestamp", "level", "event"]
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


def test_another_level_holds_from_the_line_on_that_tells_of_it() -> None:
    quiet = events.LogLevelSet(least="error", by_hand=True)
    loud = events.LogLevelSet(least="debug", by_hand=True, until="2030-01-01T12:00:00+00:00")
    told = [json.loads(line) for line in lines("warning", STORED, loud, STORED, quiet, LEFT, quiet, FAILED)]
    names = [line["event"] for line in told]
    level = "service.log_level"
    assert names == [level, "segment.stored", level, level, "upload.failed"]
    assert (told[0]["level"], told[0]["least"], told[0]["until"]) == ("info", "debug", loud.until)


def test_each_line_has_its_events_level() -> None:
    told = [json.loads(line) for line in lines("debug", STORED, SETTLED, LEFT, FAILED)]
    assert [line["level"] for line in told] == ["debug", "info", "warning", "error"]


def test_for_a_persons_eyes() -> None:
    (line,) = lines("info", LEFT, as_json=False)
    assert "file.left" in line
    assert "held open by a writer" in line
    assert "\x1b" not in line  # no colours but on a terminal


def test_for_a_persons_eyes_sizes_and_durations_are_readable() -> None:
    whole = events.UploadWhole(upload=1, video_id="7", size=25_165_824, bytes_sent=25_165_824, seconds=93.21)
    (line,) = lines("info", whole, as_json=False)
    assert line.endswith("upload=1 video_id=7 size=25.2MB bytes_sent=25.2MB seconds=1m33s")
    (line,) = lines("info", whole)
    assert json.loads(line)["seconds"] == 93.21


def test_a_crash_is_one_line_and_the_traceback_below_it() -> None:
    crashed = events.ServiceCrashed(message="KeyError: 'x'", traceback='File "a.py", line 1\nKeyError: 1')
    line, *below = lines("info", crashed, as_json=False)
    assert "service.crashed" in line
    assert below == ['File "a.py", line 1', "KeyError: 1"]
    (line,) = lines("info", crashed)
    assert json.loads(line)["traceback"].splitlines() == below


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_that_cannot_be_written_ends_nothing(*, as_json: bool) -> None:
    with Path("/dev/full").open("w", buffering=1) as stream:
        listen = log_to(stream, json=as_json, level="info")
        listen(SETTLED)
        listen(LEFT)
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # so that closing it can flush


@pytest.mark.parametrize(("log_format", "is_json"), [("json", True), ("auto", True), ("console", False)])
def test_the_standard_log_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_format: str, *, is_json: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    standard_log(log_format=log_format, level="info")(LEFT)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("{") is is_json


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (b"/srv/plain\n\xff.mp4", r"path=/srv/plain\n\xff.mp4"),
        (b"/srv/with blanks\n\xff.mp4", r"path='/srv/with blanks\n\xff.mp4'"),
        (b"/srv/it's here\n.mp4", r"""path="/srv/it's here\n.mp4" """.strip()),
    ],
)
def test_a_name_is_escaped_once(name: bytes, told: str) -> None:
    event = events.UploadCancelled(upload=1, path=events.shown(name))
    (for_eyes,), (for_programs,) = lines("info", event, as_json=False), lines("info", event)
    assert for_eyes.endswith(f" {told}")
    assert json.loads(for_programs)["path"] == events.shown(name)


def test_what_could_break_a_line_is_escaped_all_the_same() -> None:
    event = events.UploadCancelled(upload=1, path="a b\nc")
    assert len(lines("info", event, as_json=False)) == 1
