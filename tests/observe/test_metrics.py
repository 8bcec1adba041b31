"""Metrics, as a scraper reads them; no label grows with what is dropped."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
import typing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from okdrop import events
from okdrop.drop import State
from okdrop.observe import metrics as counting
from okdrop.observe.folder_gauges import MODES
from okdrop.observe.gauges import InLedger, Sources
from okdrop.observe.metrics import CODES, Metrics

AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclasses.dataclass
class Host:
    host: str = "vu.okcdn.ru"
    connections: int = 8
    in_flight: int = 3
    segment_size: int = 4_000_000
    goodput: float = 2_500_000.0


@dataclasses.dataclass
class Standing:
    in_hand: int = 2
    waiting: int = 5
    due: int = 1
    closed: int = 3


class Daemon:
    """What metrics are read off."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.accepted: list[str] = []
        self.is_ready = True
        self.ends: dict[str, datetime] = {}
        self.metrics = Metrics(
            version="1.2",
            sources=Sources(
                standing=Standing,
                hosts=lambda: [Host()],
                limits=lambda: {"": None, "/srv/\udcff": 1024},
                accepted=lambda: self.accepted,
                ends=lambda: self.ends,
                ready=lambda: self.is_ready,
                still_for=lambda: 7.0,
                now=lambda: AT,
            ),
            monotonic=lambda: self.seconds,
        )

    def hear(self, *told: events.Event) -> None:
        for event in told:
            self.metrics.hear(event)

    def read(self, in_ledger: InLedger | None = None) -> dict[tuple[str, ...], float]:
        """Every sample: its name and the values of its labels → its value."""
        text, content_type = self.metrics.render(in_ledger)
        assert content_type.startswith("text/plain; version=0.0.4")
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


def progress(upload: int, sent: int, on_line: int) -> events.UploadProgress:
    return events.UploadProgress(upload=upload, received=0, on_line=on_line, sent=sent, size=10_000)


def whole(upload: int, bytes_sent: int, size: int = 10_000) -> events.UploadWhole:
    return events.UploadWhole(upload=upload, video_id="7", size=size, bytes_sent=bytes_sent, seconds=1.0)


def test_bytes_are_counted_once_and_none_of_an_earlier_process(daemon: Daemon) -> None:
    daemon.hear(progress(1, 100, 100), progress(1, 300, 200), progress(2, 5_100, 100))
    assert daemon.read()["okdrop_sent_bytes_total",] == 400
    daemon.hear(whole(1, 10_500), whole(2, 10_000))
    found = daemon.read()
    assert found["okdrop_sent_bytes_total",] == 400 + 10_200 + 4_900
    assert found["okdrop_sent_again_bytes_total",] == 500
    assert daemon.metrics._sent == {}


def test_what_was_handed_back_begins_anew(daemon: Daemon) -> None:
    daemon.hear(progress(1, 4_000, 4_000))
    daemon.hear(events.UploadFailed(upload=1, path="/a", code="x", message="", hint=""))
    daemon.hear(progress(1, 500, 500), progress(1, 100, 100))
    assert daemon.read()["okdrop_sent_bytes_total",] == 4_600


def test_segments_and_trouble_and_folders(daemon: Daemon) -> None:
    daemon.hear(events.SegmentStored(upload=1, start=0, stop=70, received=70, size=100))
    daemon.hear(events.UploadTrouble(upload=1, code="http_503", reason="", delay=1.0, attempt=1))
    daemon.hear(events.ChoreTrouble(upload=1, chore="move", code="http_503", reason="", delay=1.0))
    daemon.hear(events.FolderScanned(path="/srv", seconds=0.3), events.FolderHinted(path="/srv", paths=4))
    found = daemon.read()
    assert found["okdrop_stored_segments_total",] == 1
    assert found["okdrop_stored_bytes_total",] == 70
    assert found["okdrop_held_sent_again_bytes_total",] == 0
    assert found["okdrop_last_stored_timestamp_seconds",] == AT.timestamp()
    assert found["okdrop_retries_total", "http_503"] == 2
    assert found["okdrop_folder_hints_total", "/srv"] == 4
    assert found["okdrop_folder_scan_seconds_count", "/srv"] == 1
    assert found["okdrop_folder_last_scan_timestamp_seconds", "/srv"] == AT.timestamp()
    assert found["okdrop_folder_away", "/srv"] == 0
    assert found["okdrop_events_total", "segment.stored"] == 1
    daemon.hear(events.FolderAway(path="/srv", code="folder_missing", message="", hint=""))
    assert daemon.read()["okdrop_folder_away", "/srv"] == 1


def test_bytes_that_were_held_already_are_counted(daemon: Daemon) -> None:
    daemon.hear(events.SegmentStored(upload=1, start=0, stop=70, received=70, size=100, held=30))
    assert daemon.read()["okdrop_held_sent_again_bytes_total",] == 30


def test_what_stopped_for_good_is_counted_by_its_cause(daemon: Daemon) -> None:
    for code in ("ticket_expired", "ticket_expired", "file_too_small"):
        daemon.hear(events.UploadFailed(upload=1, path="/a", code=code, message="", hint=""))
    found = daemon.read()
    assert found["okdrop_failures_total", "ticket_expired"] == 2
    assert found["okdrop_failures_total", "file_too_small"] == 1


def test_the_room_in_a_folder_is_that_of_its_last_scan_while_it_is_there(daemon: Daemon) -> None:
    daemon.hear(events.FolderScanned(path="/srv", seconds=0.3, free=5_000))
    assert daemon.read()["okdrop_folder_free_bytes", "/srv"] == 5_000
    daemon.hear(events.FolderAway(path="/srv", code="folder_missing", message="", hint=""))
    assert ("okdrop_folder_free_bytes", "/srv") not in daemon.read()
    daemon.hear(events.FolderBack(path="/srv"), events.FolderScanned(path="/srv", seconds=0.3))
    assert ("okdrop_folder_free_bytes", "/srv") not in daemon.read()  # the file system does not say


def test_what_the_kernel_does_not_tell_is_counted(daemon: Daemon) -> None:
    daemon.hear(events.HintsLost(path="/srv", reason="", hint=""))
    assert daemon.read()["okdrop_folder_hints_lost_total", "/srv"] == 1


def test_how_a_folder_is_watched_is_one_of_its_modes(daemon: Daemon) -> None:
    for mode in ("events", "polling"):
        daemon.hear(events.FolderWatched(path="/srv", mode="in words", watching=mode, writers=""))
        found = daemon.read()
        values = {one: found["okdrop_folder_watching", "/srv", one] for one in MODES}
        assert values == {one: float(one == mode) for one in MODES}


def test_an_upload_is_timed_stage_by_stage_as_far_as_it_was_seen(daemon: Daemon) -> None:
    started = events.UploadStarted(upload=1, path="/a", size=1, attempt=1)
    for event, seconds in [
        (events.FileSettled(upload=1, path="/a", size=1), 2.0),
        (started, 3.0),
        (started, 4.0),  # taken up again, after trouble
        (whole(1, 1), 5.0),
        (events.UploadPublished(upload=1, video_id="7", path="/a", size=1), 6.0),
        (events.VideoConfirmed(upload=1, video_id="7"), 7.0),
        (events.VideoConfirmed(upload=2, video_id="8"), 0.0),  # begun by an earlier process
    ]:
        daemon.hear(event)
        daemon.seconds += seconds
    found = daemon.read()
    stages = ("waiting", "sending", "publishing", "processing")
    assert [found["okdrop_stage_seconds_sum", stage] for stage in stages] == [2.0, 7.0, 5.0, 6.0]
    assert [found["okdrop_stage_seconds_count", stage] for stage in stages] == [1, 1, 1, 1]


def test_what_failed_in_a_stage_did_not_come_through_it(daemon: Daemon) -> None:
    daemon.hear(events.UploadStarted(upload=1, path="/a", size=1, attempt=1))
    daemon.hear(events.UploadFailed(upload=1, path="/a", code="x", message="", hint=""))
    assert daemon.read()["okdrop_stage_seconds_count", "sending"] == 0


def test_the_present_is_read_off(daemon: Daemon) -> None:
    found = daemon.read()
    assert found["okdrop_build_info", "1.2"] == 1
    assert (found["okdrop_uploads_in_hand",], found["okdrop_uploads_waiting",]) == (2, 5)
    assert (found["okdrop_uploads_due",], found["okdrop_uploads_outside_hours",]) == (1, 3)
    assert (found["okdrop_ready",], found["okdrop_last_published_timestamp_seconds",]) == (1, 0)
    assert found["okdrop_still_seconds",] == 7
    daemon.is_ready = False
    daemon.hear(events.UploadPublished(upload=1, video_id="7", path="/a", size=1))
    found = daemon.read()
    assert (found["okdrop_ready",], found["okdrop_last_published_timestamp_seconds",]) == (0, AT.timestamp())
    assert found["okdrop_host_connections", "vu.okcdn.ru"] == 8
    assert found["okdrop_host_segments_in_flight", "vu.okcdn.ru"] == 3
    assert found["okdrop_host_segment_bytes", "vu.okcdn.ru"] == 4_000_000
    assert found["okdrop_host_goodput_bytes_per_second", "vu.okcdn.ru"] == 2_500_000
    assert found["okdrop_bandwidth_limit_bytes_per_second", ""] == math.inf
    assert found["okdrop_bandwidth_limit_bytes_per_second", "/srv/\\xff"] == 1024
    assert found["process_open_fds",] > 0


def test_what_lasts_is_a_gauge_until_it_is_over(daemon: Daemon) -> None:
    ill = events.BreakerOpened(place="vu.okcdn.ru", code="x", reason="", failures=1, delay=1.0, until="")
    daemon.hear(
        ill,
        events.ServicePaused(),
        events.NetworkOffline(since="", host="", reason=""),
        events.LedgerStuck(code="ledger_disk", message="", hint=""),
        events.PoolHalted(code="api_102", message="", hint=""),
    )
    found = daemon.read()
    names = ("okdrop_paused", "okdrop_offline", "okdrop_ledger_stuck")
    assert [found[name,] for name in names] == [1, 1, 1]
    assert found["okdrop_breaker_state", "vu.okcdn.ru"] == 2
    assert found["okdrop_halted", "", "api_102"] == 1
    assert found["okdrop_credentials_accepted", ""] == 0
    daemon.hear(
        events.BreakerHalfOpen(place="vu.okcdn.ru", upload=1),
        events.ServiceResumed(),
        events.NetworkOnline(seconds=1.0, tries=1),
        events.LedgerWritable(seconds=1.0),
        events.PoolResumed(code="api_102", reason="", seconds=1.0),
    )
    found = daemon.read()
    assert [found[name,] for name in names] == [0, 0, 0]
    assert found["okdrop_breaker_state", "vu.okcdn.ru"] == 1
    assert ("okdrop_halted", "", "api_102") not in found
    assert ("okdrop_credentials_accepted", "") not in found  # nobody was asked
    daemon.accepted = [""]
    daemon.hear(events.BreakerClosed(place="vu.okcdn.ru", failures=1, seconds=1.0, waiting=0))
    found = daemon.read()
    assert found["okdrop_breaker_state", "vu.okcdn.ru"] == 0
    assert found["okdrop_credentials_accepted", ""] == 1


def test_each_account_is_halted_and_accepted_by_itself(daemon: Daemon) -> None:
    daemon.accepted = ["", "kids"]
    daemon.hear(events.PoolHalted(code="api_102", message="", hint="", account="kids"))
    found = daemon.read()
    assert found["okdrop_halted", "kids", "api_102"] == 1
    assert ("okdrop_halted", "", "api_102") not in found
    accepted = [found["okdrop_credentials_accepted", account] for account in ("", "kids")]
    assert accepted == [1, 0]
    daemon.hear(events.PoolResumed(code="api_102", reason="", seconds=1.0, account="kids"))
    found = daemon.read()
    assert ("okdrop_halted", "kids", "api_102") not in found
    assert found["okdrop_credentials_accepted", "kids"] == 1


def test_when_a_token_ends_is_told_where_it_is_known(daemon: Daemon) -> None:
    assert not [name for name, *_ in daemon.read() if name.startswith("okdrop_access_token")]
    daemon.ends = {"kids": AT + timedelta(days=2)}
    expiry = daemon.read()["okdrop_access_token_expiry_timestamp_seconds", "kids"]
    assert expiry == (AT + timedelta(days=2)).timestamp()


def test_the_ledger_is_counted_where_it_can_be_read(daemon: Daemon) -> None:
    found = daemon.read()
    assert found["okdrop_ledger_readable",] == 0
    assert not [name for name, *_ in found if name == "okdrop_uploads"]
    daemon.metrics.ledger_took("write", 0.02)
    found = daemon.read(
        InLedger(
            counts=dict.fromkeys(State, 0) | {State.FAILED: 3},
            held=4,
            orphans=1,
            orphans_given_up=2,
            oldest_open=AT - timedelta(hours=1),
        )
    )
    assert found["okdrop_ledger_readable",] == 1
    assert (found["okdrop_uploads", "failed"], found["okdrop_uploads", "queued"]) == (3, 0)
    assert found["okdrop_uploads_held",] == 4
    assert (found["okdrop_orphans", "waiting"], found["okdrop_orphans", "given_up"]) == (1, 2)
    assert found["okdrop_oldest_upload_seconds",] == 3600
    assert found["okdrop_ledger_seconds_count", "write"] == 1


def test_codes_from_elsewhere_are_bounded(daemon: Daemon) -> None:
    for number in range(CODES + 20):
        daemon.hear(events.UploadTrouble(upload=1, code=f"api_{number}", reason="", delay=1.0, attempt=1))
    found = {key: value for key, value in daemon.read().items() if key[0] == "okdrop_retries_total"}
    assert len(found) == CODES + 1
    assert found["okdrop_retries_total", "other"] == 20


def test_what_is_remembered_of_uploads_is_bounded(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "UPLOADS", 3)
    for number in range(10):
        daemon.hear(progress(number, 100, 100))
    assert list(daemon.metrics._sent) == [7, 8, 9]
    assert daemon.read()["okdrop_sent_bytes_total",] == 1_000


def _example(kind: type[events.Event]) -> events.Event:
    hints = typing.get_type_hints(kind)
    made: dict[type, Any] = {int: 7, float: 1.0, bool: True, str: "/srv/some file.mp4"}
    return kind(**{field.name: made[hints[field.name]] for field in dataclasses.fields(kind)})


def test_every_event_is_taken_and_no_name_of_a_file_becomes_a_label(daemon: Daemon) -> None:
    kinds = [kind for _, kind in inspect.getmembers(events, inspect.isclass) if "name" in vars(kind)]
    abstract = (events.Event, events.UploadEvent)
    of_places = (
        *("Folder", "Breaker", "Hints", "PoolHalted", "UploadTrouble", "ChoreTrouble", "WritersUnseen"),
        *("ExistingIgnored", "SurgeHeld", "FilePassedOver", "UploadFailed"),
    )
    for kind in kinds:
        if kind not in abstract and not kind.__name__.startswith(of_places):
            daemon.hear(_example(kind))
    text = daemon.metrics.render(None)[0].decode()
    assert "some file" not in text


def test_the_document_names_every_metric_and_no_other(daemon: Daemon) -> None:
    daemon.hear(events.PoolHalted(code="api_102", message="", hint=""))  # what is there only then
    read = InLedger(counts={}, held=0, orphans=0, orphans_given_up=0, oldest_open=None)
    text = daemon.metrics.render(read)[0].decode()
    told = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE okdrop_")}
    document = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert set(re.findall(r"^\| `(okdrop_\w+)", document, re.MULTILINE)) == told
