from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.metadata.name_pattern import BadPatternError, check_name_pattern, groups, read_name


def test_what_the_groups_hold() -> None:
    pattern = r"(?P<show>.+) S(?P<season>\d+)E(?P<episode>\d+)(?: (?P<title>.+))?"
    assert check_name_pattern(pattern, ()) == pattern
    assert groups(pattern) == {"show", "season", "episode", "title"}
    assert read_name(pattern, "Шоу S01E02") == {"show": "Шоу", "season": "01", "episode": "02", "title": ""}


def test_the_whole_name_has_to_fit() -> None:
    assert read_name(r"(?P<title>\w+)", "one two") is None
    assert read_name(r"(?P<title>\w+).*", "one two") == {"title": "one"}
    assert groups("") == frozenset()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?P<title>", "is no regular expression"),
        ("(?P<title>a)(?=b)", "is no regular expression"),
        (r"(?P<title>a)\1", "is no regular expression"),
        ("(?P<title>a{100000})", "is no regular expression"),
        ("(?P<title>\udcff)", "is no regular expression"),
        (".+", "named group"),
        ("(?P<stem>.+)", "stem"),
        ("(?P<день>.+)", "день"),
        ("(?P<title>" + "a" * 1000 + ")", "1000"),
    ],
)
def test_what_is_no_pattern_is_told_in_words(
    pattern: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadPatternError, match=words):
        check_name_pattern(pattern, ["stem"])
    assert capfd.readouterr() == ("", "")


@pytest.mark.timeout(20)  # Python's own engine would need longer than the sun has left
@pytest.mark.parametrize(
    "pattern", ["(?P<title>(a+)+)b", "(?P<title>(a|aa)+)b", "(?P<title>(.*.*)*)x", r"(?P<title>(\w+\s?)*)$-"]
)
def test_no_name_makes_a_pattern_take_long(pattern: str) -> None:
    assert read_name(pattern, "a" * 255) is None


@given(st.text(max_size=255).filter(lambda text: text.isprintable()))
def test_any_name_fits_or_does_not(stem: str) -> None:
    found = read_name("(?P<title>[^-]*)(?:-(?P<rest>.*))?", stem)
    assert found is not None
    assert stem == found["title"] + ("-" + found["rest"] if "-" in stem else "")
