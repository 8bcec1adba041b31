from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from okdrop.metadata import Privacy
from okdrop.metadata.sidecar_keys import MOST_FACTS, said_by


@pytest.mark.parametrize(
    "tree",
    [
        {"title": "T", "description": "D", "tags": ["a", "b"], "privacy": "FRIENDS", "date": "2026-11-27"},
        {
            "snippet": {"title": "T", "description": "D", "tags": ["a", "b"]},
            "status": {"privacyStatus": "private"},
            "recordingDetails": {"recordingDate": "2026-11-27T10:00:00.0Z"},
        },
        {
            "title": "T",
            "description": "D",
            "tags": "a,b",
            "privacyStatus": "unlisted",
            "recordingDate": "2026-11-27",
        },
        {
            "title": "T",
            "description": "D",
            "tags": ["a", "b"],
            "availability": "unlisted",
            "upload_date": "20261127",
        },
        {
            "title": "T",
            "description": "D",
            "keywords": ["a", "b"],
            "privacy": "friends",
            "date": date(2026, 11, 27),
        },
    ],
    ids=["ours", "youtube", "uploader", "yt-dlp", "keywords"],
)
def test_several_spellings_mean_the_same(tree: dict[str, Any]) -> None:
    said = said_by(tree)
    assert (said.title, said.description, said.tags) == ("T", "D", ("a", "b"))
    assert (said.privacy, said.date, said.problems) == (Privacy.FRIENDS, date(2026, 11, 27), ())


@pytest.mark.parametrize(
    "tree", [{}, {"title": None, "tags": None, "privacy": None}, {"title": " ", "tags": []}]
)
def test_what_is_empty_says_nothing(tree: dict[str, Any]) -> None:
    said = said_by(tree)
    assert (said.title, said.tags, said.privacy, said.problems) == ("", (), None, ())


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"tags": 5}, "tags must be a list of texts, or one text with commas between, and is a number"),
        ({"title": {"a": 1}}, "title must be a text, and is a table"),
        ({"snippet": {"title": []}}, "snippet.title must be a text, and is a list"),
        ({"privacy": "secret"}, 'privacy must be "PUBLIC" or "FRIENDS", and is "secret"'),
        ({"privacyStatus": True}, 'privacyStatus must be "PUBLIC" or "FRIENDS", and is true or false'),
        ({"date": "soon"}, "date must be a day like 2026-11-27"),
    ],
)
def test_what_was_meant_and_cannot_be_understood_is_a_problem(tree: dict[str, Any], words: str) -> None:
    assert said_by(tree).problems == (words,)


@pytest.mark.parametrize(
    ("tree", "privacy"),
    [
        ({"privacy": "PUBLIC", "privacyStatus": "private"}, Privacy.FRIENDS),
        ({"privacy": "private", "availability": "public"}, Privacy.FRIENDS),
        ({"privacy": "public"}, Privacy.PUBLIC),
        ({"privacy": "nobody"}, Privacy.FRIENDS),
        ({"privacy": 5}, Privacy.FRIENDS),
    ],
)
def test_in_doubt_fewer_see_it(tree: dict[str, Any], privacy: Privacy) -> None:
    assert said_by(tree).privacy is privacy


def test_a_word_that_ok_does_not_have_is_noted() -> None:
    assert said_by({"privacyStatus": "unlisted"}).notes == {
        "privacy": 'privacyStatus "unlisted" is FRIENDS here, the nearest that OK has'
    }
    assert said_by({"privacy": "friends"}).notes == {}


@pytest.mark.parametrize("key", ["group_id", "gid"])
def test_a_sidecar_does_not_choose_the_group_and_that_is_told(key: str) -> None:
    assert said_by({key: "55"}).remarks == (f"{key} is not heeded: the group is the folder's to choose",)
    assert said_by({key: None}).remarks == ()


def test_facts_are_what_a_template_can_use() -> None:
    tree = {
        "channel": "C",
        "views": 5,
        "live": False,
        "rate": float("nan"),
        "huge": 10**400,
        "formats": [{"a": 1}],
        "parts": ["a", "b"],
        "day": date(2026, 1, 1),
        "snippet": {"title": "T"},
    }
    assert said_by(tree).facts == {
        "channel": "C",
        "views": 5,
        "live": False,
        "parts": ("a", "b"),
        "day": "2026-01-01",
        "title": "T",
    }
    assert len(said_by({str(number): number for number in range(9999)}).facts) == MOST_FACTS


def test_a_key_at_the_top_is_ours_in_any_case() -> None:
    said = said_by({"Title": "T", "TAGS": ["a"], "title": "", "Status": {"privacyStatus": "private"}})
    assert (said.title, said.tags, said.privacy) == ("T", ("a",), Privacy.FRIENDS)
    assert said_by({"Title": "other", "title": "T"}).title == "T"


@pytest.mark.parametrize("keys", [("privacy", "Privacy"), ("PRIVACY", "privacy")])
def test_no_case_of_a_word_on_privacy_is_let_go_for_another(keys: tuple[str, str]) -> None:
    for words in (("public", "friends"), ("friends", "public")):
        assert said_by(dict(zip(keys, words, strict=True))).privacy is Privacy.FRIENDS
