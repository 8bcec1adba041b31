"""What no row tells of is told all the same: troubles of the whole, and that they are over."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from okdrop import events
from okdrop.pipeline.alarms import Alarm, alarm_of
from okdrop.pipeline.notices import Listener, told, variables_of
from okdrop.steps import Kind, Occasion

NOW = datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
HALT = events.PoolHalted(code="credentials_missing", message="no token", hint="set it", account="kids")
AWAY = events.FolderAway(path="/srv/drop", code="folder_missing", message="/srv/drop: no", hint="mount it")
LOW = events.DiskLow(path="/srv", free=2**29, least=2**30, hint="make room")


def alarm(event: events.Event) -> Alarm:
    found = alarm_of(event, NOW)
    assert found is not None
    return found


def test_a_halt_tells_whose_why_and_what_to_do() -> None:
    found = alarm(HALT)
    assert (found.occasion, found.folder, found.ends) == (Occasion.HALTED, None, None)
    listener = Listener(kind=Kind.HOOK, name="h", occasions=frozenset(Occasion))
    (step,) = told(found.facts, found.occasion, [listener], upload=None)
    assert step.upload is None
    variables = variables_of(json.loads(step.payload))
    assert variables[b"OKDROP_EVENT"] == b"halted"
    assert variables[b"OKDROP_CODE"] == b"credentials_missing"
    assert variables[b"OKDROP_ACCOUNT"] == b"kids"
    assert variables[b"OKDROP_HINT"] == b"set it"
    assert variables[b"OKDROP_ID"] == b""


def test_a_missing_folder_and_a_full_disk_are_told() -> None:
    found = alarm(AWAY)
    assert (found.occasion, found.folder) == (Occasion.FOLDER_MISSING, "/srv/drop")
    assert found.facts["path"] == "/srv/drop"
    found = alarm(LOW)
    assert (found.occasion, found.folder) == (Occasion.DISK_LOW, None)
    assert found.facts["message"] == "0.50 GiB left"


@pytest.mark.parametrize(
    ("event", "ends"),
    [
        (events.PoolResumed(code="api_102", reason="", seconds=1.0), Occasion.HALTED),
        (events.FolderBack(path="/srv/drop"), Occasion.FOLDER_MISSING),
        (events.DiskAmple(path="/srv", free=2**31), Occasion.DISK_LOW),
    ],
)
def test_that_it_is_over_is_told_to_whoever_was_told_of_it(event: events.Event, ends: Occasion) -> None:
    found = alarm(event)
    assert (found.occasion, found.ends, found.facts["ends"]) == (Occasion.RECOVERED, ends, ends.value)
    for occasions, hears in (
        ({ends, Occasion.RECOVERED}, True),
        ({Occasion.RECOVERED}, False),
        ({ends}, False),
    ):
        listener = Listener(kind=Kind.NOTIFY, name="n", occasions=frozenset(occasions))
        assert listener.hears(Occasion.RECOVERED, found.folder, ends=found.ends) is hears


def test_each_has_a_name_of_its_own_that_a_header_can_hold() -> None:
    away = [
        events.FolderAway(path=path, code="c", message="m", hint="h")
        for path in ("/srv/a", "/srv/b", "/srv/ж\\n")
    ]
    names = [alarm(event).facts["event_id"] for event in (HALT, AWAY, LOW, *away)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+-[0-9a-f]+(-[0-9a-f]{8})?", name) for name in names)
    assert alarm(HALT).facts["event_id"] == alarm(HALT).facts["event_id"]


def test_of_other_events_nobody_is_told_so() -> None:
    assert alarm_of(events.ServicePaused(), NOW) is None
    assert alarm_of(events.OrphanDeleted(video_id="1"), NOW) is None
