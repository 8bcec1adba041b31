"""The speed of the last hour: what left is counted once, in the step in which it was told."""

from __future__ import annotations

from okdrop import events
from okdrop.observe import speeds as module
from okdrop.observe.speeds import EVERY, STEPS, Speeds


def progress(upload: int, sent: int, on_line: int = 0) -> events.UploadProgress:
    return events.UploadProgress(upload=upload, received=0, on_line=on_line, sent=sent, size=10**9)


class Watched:
    def __init__(self) -> None:
        self.now = 0.0
        self.speeds = Speeds(lambda: self.now)

    @property
    def steps(self) -> list[int]:
        return self.speeds.look()[0]


def test_bytes_belong_to_the_step_in_which_they_left() -> None:
    watched = Watched()
    watched.speeds.hear(progress(1, 100, on_line=100))
    watched.speeds.hear(progress(1, 250))
    watched.now = EVERY
    watched.speeds.hear(progress(2, 1_050, on_line=50))  # an earlier process sent a thousand of it
    watched.now = 3 * EVERY + 4
    assert watched.steps == [250, 50, 0, 0]
    assert watched.speeds.look()[1] == 4


def test_the_last_bytes_of_an_upload_count_and_those_after_it_begin_anew() -> None:
    watched = Watched()
    watched.speeds.hear(progress(1, 100, on_line=100))
    watched.speeds.hear(events.UploadWhole(upload=1, video_id="", size=300, bytes_sent=300, seconds=1))
    assert watched.steps == [300]
    watched.speeds.hear(progress(1, 400, on_line=20))
    assert watched.steps == [320]


def test_an_upload_that_ended_is_forgotten() -> None:
    watched = Watched()
    watched.speeds.hear(progress(1, 100, on_line=100))
    watched.speeds.hear(events.UploadCancelled(upload=1, path="/a"))
    watched.speeds.hear(progress(1, 40, on_line=40))
    assert watched.steps == [140]
    watched.speeds.hear(events.UploadCancelled(upload=2, path="/b"))
    assert len(watched.speeds._sent) == 1


def test_an_hour_is_kept_and_no_more_however_long_nobody_looks() -> None:
    watched = Watched()
    watched.speeds.hear(progress(1, 100, on_line=100))
    watched.now = STEPS * EVERY
    assert watched.steps == [100, *[0] * STEPS]
    watched.now = 10**6 * EVERY + 1
    assert watched.steps == [0] * (STEPS + 1)
    watched.speeds.hear(progress(1, 130))
    assert watched.steps[-1] == 30


def test_what_is_remembered_is_bounded() -> None:
    watched = Watched()
    for number in range(module.UPLOADS + 5):
        watched.speeds.hear(progress(number, 1, on_line=1))
    assert len(watched.speeds._sent) == module.UPLOADS
