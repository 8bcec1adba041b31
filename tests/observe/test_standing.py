"""Where a file stands: never past the whole, never back without a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop import events
from okdrop.observe.standing import ENDED, Stage, Standing, amount, duration, moved_by

SIZE = 1000
PATH = "/srv/a.mp4"
STARTED = events.UploadStarted(upload=1, path=PATH, size=SIZE, attempt=1)
TICKET = events.TicketIssued(upload=1, video_id="5", host="h", number=1)
WHOLE = events.UploadWhole(upload=1, video_id="5", size=SIZE, bytes_sent=SIZE, seconds=1.0)
PUBLISHED = events.UploadPublished(upload=1, video_id="5", path=PATH, size=SIZE)


def progress(received: int, on_line: int, sent: int | None = None) -> events.UploadProgress:
    sent = received + on_line if sent is None else sent
    return events.UploadProgress(upload=1, received=received, on_line=on_line, sent=sent, size=SIZE)


def trouble(delay: float) -> events.UploadTrouble:
    return events.UploadTrouble(upload=1, code="no_answer", reason="the line was cut", delay=delay, attempt=2)


def after(*told: events.Event, now: float = 0.0) -> Standing:
    standing = Standing()
    for event in told:
        standing = moved_by(event, standing, now)
    return standing


@pytest.mark.parametrize(
    ("told", "stage", "words", "percent"),
    [
        ([], Stage.SETTLING, "looking whether it is finished", 0),
        ([STARTED], Stage.ASKING, "asking OK for a place to upload to", 0),
        ([STARTED, TICKET], Stage.SENDING, "sending", 0),
        ([STARTED, TICKET, progress(100, 150)], Stage.SENDING, "sending", 25),
        (
            [STARTED, TICKET, progress(100, 150), trouble(8.0)],
            Stage.WAITING,
            "waiting 8 s: the line was cut",
            25,
        ),
        ([trouble(0.0)], Stage.ASKING, "asking OK what it holds: the line was cut", 0),
        (
            [STARTED, TICKET, progress(500, 0), STARTED],
            Stage.ASKING,
            "asking OK what it holds",
            50,
        ),
        (
            [STARTED, events.UploadResumed(upload=1, received=999, size=SIZE)],
            Stage.SENDING,
            "sending the rest",
            99,
        ),
        ([WHOLE], Stage.PUBLISHING, "publishing", 100),
        ([WHOLE, PUBLISHED], Stage.DONE, "published, video 5", 100),
        (
            [events.UploadDuplicate(upload=2, path=PATH, of=1)],
            Stage.DONE,
            "published already: the same bytes as upload 1",
            0,
        ),
        (
            [events.FileKnown(upload=1, path=PATH, state="published", video_id="5")],
            Stage.DONE,
            "published already, video 5",
            0,
        ),
        (
            [STARTED, events.FileKnown(upload=1, path=PATH, state="uploading", video_id="5")],
            Stage.ASKING,
            "asking OK for a place to upload to",
            0,
        ),
        (
            [events.UploadFailed(upload=1, path=PATH, code="bad_file", message="no", hint="look")],
            Stage.STOPPED,
            "failed: bad_file: no",
            0,
        ),
        ([events.FileLeft(path=PATH, reason="held open")], Stage.STOPPED, "left: held open", 0),
        (
            [WHOLE, events.UploadSuperseded(upload=1, path=PATH)],
            Stage.SETTLING,
            "it changed; looking whether it is finished",
            0,
        ),
    ],
)
def test_what_is_being_done_in_words(
    told: list[events.Event], stage: Stage, words: str, percent: int
) -> None:
    standing = after(*told)
    assert (standing.stage, standing.says(0.0), standing.percent) == (stage, words, percent)


def test_a_wait_is_counted_down_and_not_below_nothing() -> None:
    waiting = after(trouble(8.0), now=100.0)
    assert [waiting.says(now).split(":")[0] for now in (100.0, 103.0, 200.0)] == [
        "waiting 8 s",
        "waiting 5 s",
        "waiting 0 s",
    ]


def test_what_was_lost_on_the_way_is_sent_again_and_said_so() -> None:
    lost = after(TICKET, progress(100, 700), progress(100, 50, sent=850))
    assert (lost.stage, lost.done) == (Stage.AGAIN, 150)
    assert lost.words == "sending again what was lost on the way (700 B so far)"
    beyond = moved_by(progress(800, 10, sent=1510), lost, 0.0)
    assert (beyond.stage, beyond.done) == (Stage.SENDING, 810)


def test_an_account_that_holds_a_part_of_what_is_on_the_line_moves_nothing_back() -> None:
    standing = after(TICKET, progress(300, 300, sent=500), progress(400, 100, sent=500))
    assert (standing.stage, standing.done) == (Stage.SENDING, 600)


def test_an_abandoned_ticket_begins_anew_and_says_so() -> None:
    anew = after(TICKET, progress(500, 0), events.TicketAbandoned(upload=1, video_id="5", reason="dead"))
    assert (anew.done, anew.words) == (0, "beginning anew, since its upload URL is of no more use")
    again = moved_by(progress(0, 100, sent=600), moved_by(TICKET, anew, 0.0), 0.0)
    assert (again.stage, again.done) == (Stage.AGAIN, 100)


FIGURES = st.integers(0, 3 * SIZE)


@given(st.lists(st.tuples(FIGURES, FIGURES, FIGURES)))
def test_whatever_the_figures_it_stays_within_the_file_and_says_when_it_goes_back(
    figures: list[tuple[int, int, int]],
) -> None:
    standing = after(STARTED, TICKET)
    for received, on_line, sent in figures:
        moved = moved_by(progress(received, on_line, sent), standing, 0.0)
        assert 0 <= moved.done <= moved.furthest <= SIZE
        assert moved.percent <= 100
        assert moved.done >= standing.done or moved.stage is Stage.AGAIN
        standing = moved


def test_a_hundred_percent_is_the_whole_only() -> None:
    assert Standing(size=10**9, done=10**9 - 1).percent == 99
    assert Standing().percent == 0


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (45_000_000, "45.0 MB"),
        (123_400_000_000, "123 GB"),
        (2e15, "2000 TB"),
    ],
)
def test_bytes_for_a_person(count: float, text: str) -> None:
    assert amount(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0:00"), (5, "0:05"), (65, "1:05"), (3723, "1:02:03")])
def test_time_for_a_person(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_end_is_an_end() -> None:
    assert after(WHOLE, PUBLISHED).stage in ENDED


def test_a_wait_that_an_earlier_run_began_is_shown() -> None:
    told = events.UploadWaits(upload=1, path="a", code="api_8", delay=30.0, until="2026-01-01T00:00:30+00:00")
    standing = moved_by(told, Standing(), 100.0)
    assert standing.stage is Stage.WAITING
    assert standing.says(110.0) == "waiting 20 s: an earlier run met api_8"
