from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from okdrop.metadata.values import LONGEST, UnfitError, date_of, tags_of, text_of


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (5, "5"), (1.5, "1.5"), (None, ""), ("x" * 99999, "x" * LONGEST)]
)
def test_a_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (["a", 5, "", " "], ("a", "5")),
        ("a, b;c", ("a", " b", "c")),
        (None, ()),
        ([], ()),
        (["x"] * 2000, ("x",) * 1000),
    ],
)
def test_tags(value: object, tags: tuple[str, ...]) -> None:
    assert tags_of(value) == tags


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-27",
        "20261127",
        "2026.11.27",
        "27.11.2026",
        "2026-11-27T10:00:00Z",
        date(2026, 11, 27),
        datetime(2026, 11, 27, 23, tzinfo=UTC),
    ],
)
def test_a_day(value: object) -> None:
    assert date_of(value) == date(2026, 11, 27)


@pytest.mark.parametrize(
    ("read", "value", "words"),
    [
        (text_of, True, "true or false"),
        (text_of, [], "a list"),
        (text_of, {}, "a table"),
        (tags_of, 5, "a number"),
        (tags_of, ["a", ["b"]], "one of them is a list"),
        (date_of, "yesterday", "a day"),
        (date_of, "2026-02-30", "a day"),
        (date_of, "٢٠٢٦-11-27", "a day"),
    ],
)
def test_what_is_something_else_is_told_in_words(read: Any, value: object, words: str) -> None:
    with pytest.raises(UnfitError, match=words):
        read(value)


def test_nothing_is_no_day() -> None:
    assert date_of(None) is date_of(" ") is None
