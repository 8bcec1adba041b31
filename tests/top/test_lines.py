from __future__ import annotations

import pytest
from rich.cells import cell_len

from okdrop.top.lines import PLAIN, Glyphs, bar, cut, cut_in_the_middle, glyphs_for, line, two_sides
from okdrop.words import printable
from top.making import HOSTILE


@pytest.mark.parametrize("name", [printable(name) for name in HOSTILE])
@pytest.mark.parametrize("width", [0, 1, 2, 3, 10, 59, 300])
@pytest.mark.parametrize("glyphs", [PLAIN, Glyphs()])
def test_nothing_is_wider_than_its_room(name: str, width: int, glyphs: Glyphs) -> None:
    for text in (cut(name, width, glyphs), cut_in_the_middle(name, width, glyphs)):
        assert cell_len(text) <= width
    assert line([(name, ""), (name, "bold")], width, glyphs).cell_len <= width
    assert two_sides((name, ""), (name, "bold"), width, glyphs).cell_len <= width


def test_the_end_of_a_name_stays() -> None:
    assert cut_in_the_middle("a lecture, part 12.mp4", 13, PLAIN) == "a lect~12.mp4"


@pytest.mark.parametrize(("done", "full"), [(0, 0), (999, 9), (1000, 10), (2000, 10), (-5, 0)])
def test_a_bar_is_full_only_where_all_is_done(done: int, full: int) -> None:
    drawn = bar(done, 1000, 10, PLAIN)
    assert "".join(text for text, _ in drawn) == "#" * full + "-" * (10 - full)


def test_a_terminal_that_has_no_other_glyphs_gets_plain_ones() -> None:
    assert glyphs_for("iso-8859-1") == glyphs_for("no such encoding") == PLAIN
    assert glyphs_for("utf-8") == Glyphs()
