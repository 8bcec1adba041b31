"""Plain lines: one at each change, few while a file is sent, no control codes."""

from __future__ import annotations

import io

from okdrop import events
from okdrop.observe.board import Board
from okdrop.observe.lines import Lines

PATH = "/srv/[red]a\\n.mp4"


class Told:
    def __init__(self) -> None:
        self.now = 0.0
        self.stream = io.StringIO()
        self.listen = Lines(Board([PATH], lambda: self.now), self.stream).listen

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def progress(self, percent: int) -> None:
        self.listen(events.UploadProgress(upload=1, received=0, on_line=percent, sent=percent, size=100))


def begun() -> Told:
    told = Told()
    told.listen(events.UploadStarted(upload=1, path=PATH, size=100, attempt=1))
    told.listen(events.TicketIssued(upload=1, video_id="5", host="h", number=1))
    return told


def test_each_change_is_a_line_once() -> None:
    told = begun()
    trouble = events.UploadTrouble(upload=1, code="http_503", reason="OK answers 503", delay=8.0, attempt=2)
    told.listen(trouble)
    told.listen(events.UploadPublished(upload=1, video_id="5", path=PATH, size=100))
    told.listen(events.UploadPublished(upload=1, video_id="5", path=PATH, size=100))
    name = PATH.rpartition("/")[2]
    assert told.lines == [
        f"{name}: asking OK for a place to upload to",
        f"{name}: sending, 0 % of 100 B",
        f"{name}: waiting 8 s: OK answers 503, 0 % of 100 B",
        f"{name}: published, video 5",
    ]
    assert "\x1b" not in told.stream.getvalue()


def test_while_it_is_sent_a_line_needs_both_time_and_way() -> None:
    told = begun()
    seen = len(told.lines)
    for second, percent in [(1, 50), (5, 60), (6, 90), (9, 95), (10, 99), (99, 99)]:
        told.now = float(second)
        told.progress(percent)
    assert [line.split(", ")[1] for line in told.lines[seen:]] == ["60 % of 100 B", "99 % of 100 B"]


def test_a_line_tells_speed_and_time_left() -> None:
    told = begun()
    told.progress(10)
    told.now = 10.0
    told.progress(60)
    assert told.lines[-1].endswith("sending, 60 % of 100 B, 6 B/s, 0:07 left")


def test_events_of_other_files_are_no_lines() -> None:
    told = Told()
    told.listen(events.UploadStarted(upload=9, path="/srv/b.mp4", size=100, attempt=1))
    assert told.lines == []
