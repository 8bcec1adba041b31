from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.metadata.text import cut, lines, one_line, utf16_length, visible

FAMILY = "👨‍👩‍👧"
PIRATES = "🏴‍☠️"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
pieces = st.lists(
    st.sampled_from(["a", "й", "e\u0301", "😀", "👍🏽", FAMILY, "🇷🇺", "🇫🇷", PIRATES, SCOTLAND, " "])
)


@pytest.mark.parametrize(
    ("text", "units"), [("", 0), ("abc", 3), ("й", 1), ("😀", 2), ("\uffff", 1), ("\U00010000", 2)]
)
def test_units_are_those_of_utf16(text: str, units: int) -> None:
    assert utf16_length(text) == units == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("ab d", 3, "ab"),
        ("a😀", 2, "a"),
        ("a😀", 3, "a😀"),
        ("ae\u0301", 2, "a"),
        ("a👍🏽", 4, "a"),
        (f"a{FAMILY}", 8, "a"),
        (f"a{SCOTLAND}", 14, "a"),
        ("🇷🇺🇫🇷", 6, "🇷🇺"),
        ("🇷🇺🇫🇷", 4, "🇷🇺"),
        ("e" + "\u0301" * 20, 5, "e" + "\u0301" * 4),
        ("😀" + "\u0301" * 20, 1, ""),
    ],
)
def test_nothing_is_cut_in_its_middle(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@given(pieces, st.integers(0, 40))
def test_whole_pieces_remain(parts: list[str], limit: int) -> None:
    text = "".join(parts)
    prefixes = {"".join(parts[:count]).rstrip() for count in range(len(parts) + 1)} | {text}
    kept = cut(text, limit)
    assert kept in prefixes or utf16_length(parts[0]) > limit
    assert utf16_length(kept) <= limit


@given(st.text(), st.integers(1, 50))
def test_cutting_again_changes_nothing(text: str, limit: int) -> None:
    once = cut(text, limit)
    assert cut(once, limit) == once
    assert text.startswith(once)


@given(st.text())
def test_cleaning_again_changes_nothing(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)
    assert lines(lines(text)) == lines(text)


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u200d\ufe0f", "\u0301"])
def test_what_shows_nothing(text: str) -> None:
    assert not visible(text)
    assert visible(text + "a")
