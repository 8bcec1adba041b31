from __future__ import annotations

from datetime import date

import pytest

from okdrop.metadata import Privacy
from okdrop.metadata.said import Said, merged


def test_each_field_is_that_of_the_first_who_says_it() -> None:
    whole = merged(
        [
            ("a.json", Said(title="A", facts={"x": 1, "y": 2})),
            ("a.nfo", Said(title="B", tags=("t",), facts={"x": 3, "z": 4}, privacy=Privacy.FRIENDS)),
            ("a.txt", Said(description="D", date=date(2026, 1, 1))),
        ]
    )
    assert whole.names == ("a.json", "a.nfo", "a.txt")
    said = whole.said
    assert (said.title, said.tags, said.description, said.privacy) == ("A", ("t",), "D", Privacy.FRIENDS)
    assert whole.by == {
        "title": "a.json",
        "tags": "a.nfo",
        "privacy": "a.nfo",
        "description": "a.txt",
        "date": "a.txt",
    }
    assert said.facts == {"x": 1, "y": 2, "z": 4}


@pytest.mark.parametrize("last", [Privacy.PUBLIC, None])
def test_the_most_private_of_all_holds_whoever_goes_first(last: Privacy | None) -> None:
    public = Said(title="A", privacy=Privacy.PUBLIC, notes={"privacy": "of the first"})
    friends = Said(title="B", privacy=Privacy.FRIENDS)
    told = [("a.json", public), ("a.toml", friends), ("a.txt", Said(privacy=last))]
    whole = merged(told)
    assert (whole.said.title, whole.said.privacy) == ("A", Privacy.FRIENDS)
    assert (whole.by["privacy"], whole.said.notes) == ("a.toml", {})
    assert merged([*reversed(told)]).by["privacy"] == "a.toml"


def test_of_equal_words_on_privacy_the_first_is_named() -> None:
    friends = Said(privacy=Privacy.FRIENDS)
    assert merged([("a", friends), ("b", friends)]).by == {"privacy": "a"}


def test_a_note_goes_with_the_word_that_is_heard() -> None:
    heard = Said(privacy=Privacy.FRIENDS, notes={"privacy": "first"})
    assert merged(
        [("a", heard), ("b", Said(privacy=Privacy.PUBLIC, notes={"privacy": "second"}))]
    ).said.notes == {"privacy": "first"}


def test_problems_and_remarks_name_who_has_them() -> None:
    whole = merged([("a", Said(problems=("one", "two"))), ("b", Said(remarks=("three",)))])
    assert whole.problems == (("a", "one"), ("a", "two"))
    assert whole.said.remarks == ("b: three",)
