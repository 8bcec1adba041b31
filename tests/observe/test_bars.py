"""Bars on a terminal: names as they are, the log above, nothing left behind."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from okdrop import events
from okdrop.observe.bars import Bars
from okdrop.observe.board import Board
from okdrop.observe.log import log_to

PATH = "/srv/[red]a[x].mp4"


class Screen(io.StringIO):
    """A terminal that keeps what it is told."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "12")
    monkeypatch.setenv("NO_COLOR", "1")
    return Screen()


def drawn(bars: Bars) -> str:
    """One drawing, without what moves the cursor."""
    console = bars._console
    with console.capture() as capture:
        console.print(bars._drawn())
    return Text.from_ansi(capture.get()).plain


def test_a_file_on_its_way_has_a_bar_with_its_figures(screen: Screen) -> None:
    now = [0.0]
    bars = Bars(Board([PATH], lambda: now[0]), screen)
    bars.listen(events.UploadStarted(upload=1, path=PATH, size=100_000_000, attempt=1))
    for seconds, done in ((0.0, 0), (10.0, 45_000_000)):
        now[0] = seconds
        bars.listen(events.UploadProgress(upload=1, received=done, on_line=0, sent=done, size=100_000_000))
    head, bar = drawn(bars).splitlines()
    assert head.rstrip() == "[red]a[x].mp4  sending"
    for figure in ("━", "45 %", "45.0 MB of 100 MB", "4.5 MB/s", "0:12 left"):
        assert figure in bar
    assert len(bar) <= 100


def test_a_file_that_has_ended_is_one_line(screen: Screen) -> None:
    bars = Bars(Board([PATH], lambda: 0.0), screen)
    bars.listen(events.UploadPublished(upload=1, video_id="5", path=PATH, size=1))
    assert drawn(bars).rstrip() == "[red]a[x].mp4  published, video 5"


def test_more_files_than_lines_are_counted_and_what_moves_stands_first(screen: Screen) -> None:
    paths = [f"/srv/{number}.mp4" for number in range(50)]
    bars = Bars(Board(paths, lambda: 0.0), screen)
    bars.listen(events.UploadPublished(upload=1, video_id="5", path=paths[30], size=1))
    bars.listen(events.UploadStarted(upload=2, path=paths[40], size=10, attempt=1))
    lines = drawn(bars).splitlines()
    assert len(lines) <= 12
    assert lines[0].startswith("40.mp4  asking OK for a place to upload to")
    assert lines[2].startswith("30.mp4  published")
    assert lines[-1].rstrip() == f"and {50 - (len(lines) - 2)} more"


def test_a_long_name_leaves_room_for_what_is_being_done(screen: Screen) -> None:
    path = "/srv/" + "x" * 251 + ".mp4"
    bars = Bars(Board([path], lambda: 0.0), screen)
    bars.listen(events.UploadPublished(upload=1, video_id="5", path=path, size=1))
    (line,) = drawn(bars).splitlines()
    assert "…" in line
    assert "published, video 5" in line


def test_what_is_written_meanwhile_stands_in_whole_lines_above(screen: Screen) -> None:
    left = events.FileLeft(path=PATH, reason="held open by a writer")
    with Bars(Board([PATH], lambda: 0.0), screen) as bars:
        write = log_to(bars.above, json=False, level="warning")
        before = len(screen.getvalue())
        write(left)
        written = screen.getvalue()[before:]
    line, _, below = written.partition("held open by a writer")
    assert "file.left" in line
    assert "[red]a[x].mp4" in written
    assert "looking whether it is finished" in below  # drawn anew under it
    assert bars.above.isatty()


def test_the_beginning_of_a_line_waits_for_its_end(screen: Screen) -> None:
    bars = Bars(Board([], lambda: 0.0), screen)
    bars.above.write("one\ntw")
    bars.above.flush()
    assert "tw" not in screen.getvalue()
    bars.above.write("o\n")
    assert screen.getvalue().splitlines() == ["one", "two"]


def test_nothing_is_left_on_the_screen_and_the_cursor_is_back(screen: Screen) -> None:
    with Bars(Board([PATH], lambda: 0.0), screen):
        assert "\x1b[?25l" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


def test_a_terminal_that_hung_up_changes_nothing(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def hung_up(_text: str) -> int:
        raise OSError(5, "Input/output error")

    with Bars(Board([PATH], lambda: 0.0), screen):
        monkeypatch.setattr(screen, "write", hung_up)


def test_a_bar_shows_on_a_terminal_of_sixteen_colours(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm-16color")
    bars = Bars(Board([PATH], lambda: 0.0), screen)
    bars.listen(events.UploadStarted(upload=1, path=PATH, size=100, attempt=1))
    bars.listen(events.UploadProgress(upload=1, received=50, on_line=0, sent=50, size=100))
    with bars._console.capture() as half:
        bars._console.print(bars._drawn())
    bars.listen(events.UploadProgress(upload=1, received=100, on_line=0, sent=100, size=100))
    with bars._console.capture() as whole:
        bars._console.print(bars._drawn())
    assert "\x1b[35m━" in half.get()
    assert "\x1b[32m━" in whole.get()
