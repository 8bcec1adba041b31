"""A view on screens of every size."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console, Group

from okdrop.top.desk import Desk, Mode
from okdrop.top.drawing import Size, screen, window
from okdrop.top.lines import PLAIN, Glyphs
from okdrop.top.model import Rows
from okdrop.top.unfinished import unfinished_of
from top.making import HOSTILE, row, view, waiting_document

DESKS = (
    Desk(),
    Desk(selected=100),
    Desk(selected=208, notice="said " * 40),
    Desk(mode=Mode.HELP),
    Desk(mode=Mode.CANCELLING, selected=107),
    Desk(mode=Mode.LIMITING, typed="12:00,2MiB/s " * 10),
)
GLYPHS = Glyphs()


@pytest.mark.parametrize("width", [1, 2, 5, 20, 60, 80, 200])
@pytest.mark.parametrize("height", [1, 2, 3, 4, 7, 10, 24, 100])
def test_it_fits_every_screen(width: int, height: int) -> None:
    everything = dataclasses.replace(
        view(HOSTILE, reasons=["halted: [b]no"], troubles=["in trouble: x\ny"] * 5),
        unfinished=unfinished_of(waiting_document(HOSTILE)),
    )
    for shown in (view(()), everything, dataclasses.replace(everything, lost="no answer " * 30)):
        for desk in DESKS:
            lines = screen(shown, desk, Size(width=width, height=height), GLYPHS)
            assert len(lines) == height
            assert all(line.cell_len <= width and line.plain.isprintable() for line in lines)


def drawn(width: int, height: int, desk: Desk | None = None, names: tuple[str, ...] = ("clip.mp4",)) -> str:
    """What reaches a terminal, through the console that writes it."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, markup=False, highlight=False, emoji=False)
    console.print(
        Group(*screen(view(names), desk or Desk(), Size(width=width, height=height), PLAIN)), end=""
    )
    return out.getvalue()


def test_names_are_no_markup_and_are_not_folded() -> None:
    text = drawn(200, 60, names=HOSTILE)
    assert "[bold red]markup[red] [link=file:]x.mp4" in text
    assert r"two\nlines\r\x1b[2J\x1b]0;title\x07.mp4" in text
    assert r"not \xff utf-8 \x80.mp4" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 60


def test_all_of_it_is_said_on_60_columns() -> None:
    text = drawn(60, 24)
    for words in (
        "okdrop running  http://127.0.0.1:8480",
        "12,000 published, 1 failed",
        "2.5 MB/s now, no limit",
        "vu.okcdn.ru: 2.5 MB/s, 4 connections",
        "100 clip.mp4",
        " 25 %  1.0 MB/s  0:08 left",
        "200 clip.mp4",
        "text_refused: OK refuses",
        "300 clip.mp4",
        "400 clip.mp4",
        "q quit  p pause",
    ):
        assert words in text


def test_on_a_short_screen_each_part_has_its_first_before_any_has_two() -> None:
    names = tuple(f"{number}.mp4" for number in range(20))
    text = drawn(100, 15, names=names)
    assert all(f"{number} 0.mp4" in text for number in (100, 200, 300, 400))
    assert "on their way (1 of 20)" in text


@pytest.mark.parametrize("number", [100, 119, 200, 210, 219, 305, 319])
def test_what_is_selected_is_seen_and_marked(number: int) -> None:
    names = tuple(f"{number}.mp4" for number in range(20))
    text = drawn(80, 10, Desk(selected=number), names)
    assert any(line.startswith(f"> {number} ") for line in text.splitlines())


@pytest.mark.parametrize(("at", "first"), [(None, 0), (0, 0), (2, 0), (3, 1), (9, 7)])
def test_a_window_holds_what_is_selected(at: int | None, first: int) -> None:
    assert window(10, 3, at) == first


def test_an_account_is_named_where_it_is_not_that_of_ok() -> None:
    shown = dataclasses.replace(
        view(), rows=Rows(queued=(row(1, "mine.mp4"), row(2, "theirs.mp4", account="kids")))
    )
    text = "\n".join(line.plain for line in screen(shown, Desk(), Size(width=80, height=24), GLYPHS))
    assert "1 mine.mp4" in text
    assert "2 kids: theirs.mp4" in text


def test_files_that_are_not_finished_are_a_part_of_the_screen() -> None:
    shown = dataclasses.replace(view(), unfinished=unfinished_of(waiting_document(("half.mp4",))))
    text = "\n".join(line.plain for line in screen(shown, Desk(), Size(width=80, height=24), GLYPHS))
    assert "1 file not finished yet" in text
    assert re.search(r"^  half\.mp4 +its end is missing, for 1:15", text, re.MULTILINE)
