"""When nobody can be reached, and when somebody can again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from okdrop import events
from okdrop.observe.network import QUIET, Network
from okdrop.protocol import unreachable

BEGAN = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


class Watch:
    """A network listener, a clock, and all that was told."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.told: list[events.Event] = []
        self.network = Network(
            self.told.append,
            now=lambda: BEGAN + timedelta(seconds=self.time - 1000.0),
            monotonic=lambda: self.time,
        )

    def hear(self, *heard: events.Event, later: float = 0.0) -> None:
        self.time += later
        for event in heard:
            self.network.hear(event)


def trouble(upload: int = 1, code: str = "no_answer", reason: str = unreachable.NO_HOST) -> events.Event:
    return events.UploadTrouble(upload=upload, code=code, reason=reason, delay=1.0, attempt=2)


def chore(upload: int = 1, code: str = "api_unreachable", reason: str = unreachable.NO_HOST) -> events.Event:
    reason = f"video.get: {reason}"
    return events.ChoreTrouble(upload=upload, chore="confirm", code=code, reason=reason, delay=1.0)


def ticket(upload: int = 1, host: str = "vu.okcdn.ru") -> events.Event:
    return events.TicketIssued(upload=upload, video_id="7", host=host, number=1)


def stored(upload: int = 1) -> events.Event:
    return events.SegmentStored(upload=upload, start=0, stop=1, received=1, size=2)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_who_never_reached_anybody_is_offline_at_once(watch: Watch) -> None:
    watch.hear(trouble(code="api_unreachable", reason=f"video.getUploadUrl: {unreachable.NO_NAME}"))
    assert watch.told == [
        events.NetworkOffline(since="2026-06-21T12:00:00+00:00", host="the API", reason=unreachable.NO_NAME)
    ]


def test_what_is_asked_after_publishing_counts_as_uploads_do(watch: Watch) -> None:
    watch.hear(events.VideoAsked(upload=1, status="PROCESSING"), chore(1))
    assert watch.told == []
    watch.hear(chore(2), chore(3), trouble(4), later=60.0)
    (told,) = watch.told
    assert (told.name, getattr(told, "host", "")) == ("network.offline", "the API")
    watch.hear(events.VideoAsked(upload=1, status="PROCESSING"))
    assert watch.told[1:] == [events.NetworkOnline(seconds=60.0, tries=3)]


def test_one_host_in_trouble_while_others_answer_is_no_outage(watch: Watch) -> None:
    watch.hear(ticket(1), ticket(2, "vu2.okcdn.ru"))
    for _ in range(20):
        watch.hear(trouble(1), stored(2), later=1.0)
    assert watch.told == []


def test_two_in_a_row_without_a_sign_of_life_are_an_outage_since_the_first(watch: Watch) -> None:
    watch.hear(ticket(1), stored(1), trouble(1))
    assert watch.told == []
    watch.hear(trouble(1), later=2.0)
    assert watch.told == [
        events.NetworkOffline(
            since="2026-06-21T12:00:00+00:00", host="vu.okcdn.ru", reason=unreachable.NO_HOST
        )
    ]


def test_a_sign_of_life_of_long_ago_proves_nothing(watch: Watch) -> None:
    watch.hear(ticket(1))
    watch.hear(trouble(1), later=QUIET + 1)
    assert len(watch.told) == 1


def test_an_outage_is_told_once_and_its_end_with_what_was_left_out(watch: Watch) -> None:
    watch.hear(trouble())
    for _ in range(9):
        watch.hear(trouble(), later=60.0)
    watch.hear(ticket(), stored(), later=0.5)
    assert watch.told[1:] == [events.NetworkOnline(seconds=540.5, tries=10)]
    watch.hear(trouble())
    assert len(watch.told) == 2  # it begins anew, by the same rule
    watch.hear(trouble())
    assert len(watch.told) == 3


@pytest.mark.parametrize(
    "sign",
    [
        trouble(code="http_503", reason="HTTP 503"),
        trouble(code="api_8", reason="video.update: error 8"),
        trouble(code="api_page", reason="a page"),
        chore(code="api_8", reason="error 8"),
        events.PoolHalted(code="api_102", message="", hint=""),
        events.CredentialsRefused(code="api_103", message="", hint=""),
        events.UploadFailed(upload=1, path="", code="api_160", message="", hint=""),
        events.UploadPublished(upload=1, video_id="7", path="", size=1),
        events.UploadResumed(upload=1, received=1, size=2),
    ],
)
def test_any_answer_is_a_sign_of_life(watch: Watch, sign: events.Event) -> None:
    watch.hear(trouble(), sign)
    assert [event.name for event in watch.told] == ["network.offline", "network.online"]


@pytest.mark.parametrize(
    "event",
    [
        trouble(reason="the connection was cut"),
        trouble(code="api_no_answer", reason="video.update: no answer in time"),
        trouble(code="source_busy", reason="a lease"),
        chore(code="filing_denied", reason="permission denied"),
        events.PoolHalted(code="credentials_missing", message="", hint=""),
        events.UploadFailed(upload=1, path="", code="file_too_small", message="", hint=""),
        events.UploadStarted(upload=1, path="", size=1, attempt=2),
        events.FileSettled(upload=1, path="", size=1),
    ],
)
def test_what_is_no_answer_is_none(watch: Watch, event: events.Event) -> None:
    watch.hear(trouble(), event)
    assert [event.name for event in watch.told] == ["network.offline"]


def test_hosts_of_uploads_that_ended_are_forgotten(watch: Watch) -> None:
    ended: list[Any] = [
        events.UploadPublished(upload=1, video_id="7", path="", size=1),
        events.UploadFailed(upload=2, path="", code="bad_file", message="", hint=""),
        events.UploadCancelled(upload=3, path=""),
        events.UploadSuperseded(upload=4, path=""),
    ]
    watch.hear(*map(ticket, range(1, 5)), *ended)
    assert watch.network._hosts == {}
