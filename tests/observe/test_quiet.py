"""The log says what matters once, and leaves out what was said."""

from __future__ import annotations

import dataclasses

import pytest

from okdrop import events
from okdrop.observe.quiet import REPEAT_EVERY, Quiet
from okdrop.protocol import unreachable

OFFLINE = events.NetworkOffline(since="", host="the API", reason=unreachable.NO_NAME)
ONLINE = events.NetworkOnline(seconds=1.0, tries=1)
HALTED = events.PoolHalted(code="api_200", message="", hint="")
RESUMED = events.PoolResumed(code="api_200", reason="", seconds=1.0)


class Log:
    """A quiet log, a clock, and the lines."""

    def __init__(self) -> None:
        self.time = 0.0
        self.lines: list[events.Event] = []
        self.quiet = Quiet(self.lines.append, monotonic=lambda: self.time)

    def hear(self, *heard: events.Event, later: float = 0.0) -> None:
        self.time += later
        for event in heard:
            self.quiet(event)

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.lines]


def trouble(
    upload: int = 1, code: str = "no_answer", reason: str = "the connection was cut"
) -> events.UploadTrouble:
    return events.UploadTrouble(upload=upload, code=code, reason=reason, delay=1.0, attempt=2)


def chore(upload: int = 1, code: str = "api_8", reason: str = "error 8") -> events.ChoreTrouble:
    return events.ChoreTrouble(upload=upload, chore="confirm", code=code, reason=reason, delay=1.0)


def started(upload: int = 1) -> events.UploadStarted:
    return events.UploadStarted(upload=upload, path="/a", size=1, attempt=1)


def stored(upload: int = 1) -> events.SegmentStored:
    return events.SegmentStored(upload=upload, start=0, stop=1, received=1, size=2)


UNREACHABLE = trouble(reason=unreachable.NO_HOST)


@pytest.fixture
def log() -> Log:
    return Log()


def test_while_offline_tries_are_not_told_one_by_one(log: Log) -> None:
    log.hear(OFFLINE)
    for number in range(20):
        log.hear(trouble(number, reason=unreachable.NO_HOST), started(number), later=1.0)
    log.hear(ONLINE)
    assert log.names == ["network.offline", "network.online"]


def test_while_offline_what_is_asked_after_publishing_is_not_told_either(log: Log) -> None:
    log.hear(
        OFFLINE, *(chore(number, "api_unreachable", unreachable.NO_HOST) for number in range(20)), ONLINE
    )
    assert log.names == ["network.offline", "network.online"]


def test_oks_trouble_with_many_videos_is_one_trouble(log: Log) -> None:
    for number in range(21):
        log.hear(chore(number), trouble(number), later=REPEAT_EVERY / 10)
    told = [event for event in log.lines if isinstance(event, events.ChoreTrouble)]
    assert [event.folded for event in told] == [0, 9, 9]
    log.hear(chore(code="api_page"))
    assert log.lines[-1] == chore(code="api_page")


def test_trouble_with_filing_is_each_files_own_until_it_goes_on(log: Log) -> None:
    denied = [chore(number, "filing_denied", "permission denied") for number in (1, 1, 2, 2)]
    moved = events.FileMoved(upload=1, path="/a", to="/b")
    log.hear(*denied, moved, denied[0])
    assert log.lines == [denied[0], denied[2], moved, denied[0]]


def test_other_trouble_while_offline_is_told(log: Log) -> None:
    log.hear(OFFLINE, trouble(code="source_busy", reason="a lease"))
    assert log.names == ["network.offline", "upload.trouble"]


def test_the_same_trouble_is_told_first_and_then_with_the_number_left_out(log: Log) -> None:
    for _ in range(21):
        log.hear(trouble(), started(), later=REPEAT_EVERY / 10)
    assert [event.folded for event in log.lines if isinstance(event, events.UploadTrouble)] == [0, 9, 9]
    assert log.names == ["upload.trouble"] * 3


def test_other_trouble_other_uploads_and_trouble_after_progress_are_told(log: Log) -> None:
    log.hear(trouble(), trouble(code="http_503"), trouble(2), stored(1), trouble(code="http_503"))
    assert log.names == ["upload.trouble"] * 3 + ["segment.stored", "upload.trouble"]


@pytest.mark.parametrize(
    "end",
    [
        events.UploadPublished(upload=1, video_id="7", path="", size=1),
        events.UploadFailed(upload=1, path="", code="bad_file", message="", hint=""),
        events.UploadCancelled(upload=1, path=""),
        events.UploadSuperseded(upload=1, path=""),
    ],
)
def test_an_upload_that_ended_is_forgotten(log: Log, end: events.Event) -> None:
    log.hear(trouble(), end)
    assert log.quiet._told == {}


def test_taking_up_is_told_once_per_stretch_of_good_weather(log: Log) -> None:
    log.hear(started(), trouble(), started(), started(2), stored(), started())
    assert log.names == [
        "upload.started",
        "upload.trouble",
        "upload.started",
        "segment.stored",
        "upload.started",
    ]


def test_trying_whether_a_halt_is_over_is_not_told(log: Log) -> None:
    log.hear(HALTED, started(1), started(2), RESUMED, started(1))
    assert log.names == ["pool.halted", "pool.resumed", "upload.started"]


def test_all_else_passes_unchanged(log: Log) -> None:
    told = [
        events.ServiceReady(unfinished=1, seconds=1.0),
        events.FileSettled(upload=1, path="/a", size=1),
        events.UploadResumed(upload=1, received=1, size=2),
        trouble(),
    ]
    log.hear(*told)
    assert log.lines == told


# --- places -----------------------------------------------------------------------------------------------


def opened(place: str = "the API", reason: str = "HTTP 503") -> events.BreakerOpened:
    return events.BreakerOpened(
        place=place, code="http_503", reason=reason, failures=4, delay=1.0, until="2026-01-01T00:00:00+00:00"
    )


def stays_open(place: str = "the API") -> events.BreakerStaysOpen:
    return events.BreakerStaysOpen(
        place=place, code="http_503", reason="HTTP 503", failures=9, delay=8.0, until=""
    )


def closed(place: str = "the API") -> events.BreakerClosed:
    return events.BreakerClosed(place=place, failures=9, seconds=60.0, waiting=48)


def test_a_places_trouble_is_one_line_and_one_when_it_is_well(log: Log) -> None:
    held = dataclasses.replace(trouble(), held_by="the API")
    log.hear(opened(), *[dataclasses.replace(held, upload=number) for number in range(50)], held)
    log.hear(closed())
    met = dataclasses.replace(held, upload=0)
    assert log.lines == [opened(), met, closed()]


def test_a_place_that_opens_and_closes_again_and_again_is_told_seldom(log: Log) -> None:
    for _ in range(100):
        log.hear(opened(), closed(), later=REPEAT_EVERY / 10)
    assert log.names[:4] == ["breaker.opened", "breaker.closed"] * 2
    assert len(log.lines) == 2 * 10
    assert log.lines[2] == dataclasses.replace(opened(), folded=9)


def test_one_that_is_left_out_and_stays_open_is_told_after_all(log: Log) -> None:
    log.hear(opened(), closed(), opened(), stays_open(), later=1.0)
    assert log.names == ["breaker.opened", "breaker.closed"]
    log.hear(stays_open(), later=REPEAT_EVERY)
    assert log.names == ["breaker.opened", "breaker.closed", "breaker.opened"]
    assert log.lines[-1] == dataclasses.replace(opened(), failures=9, delay=8.0, until="", folded=1)
    log.hear(closed())
    assert log.names[-1] == "breaker.closed"


def test_offline_no_place_is_told_of(log: Log) -> None:
    log.hear(OFFLINE, opened(reason=unreachable.NO_HOST), closed(), ONLINE, opened())
    assert log.names == ["network.offline", "network.online", "breaker.opened"]


def test_another_place_is_another_matter(log: Log) -> None:
    log.hear(opened("a"), opened("b"), closed("b"), closed("a"))
    assert [event.name for event in log.lines] == ["breaker.opened"] * 2 + ["breaker.closed"] * 2


def test_an_upload_that_only_waited_in_between_is_not_said_to_start_again(log: Log) -> None:
    log.hear(started(), started(), started(2), stored(), started())
    assert log.names == ["upload.started"] * 2 + ["segment.stored", "upload.started"]
