"""A message is short and plain, says what happened, where and what to do, and holds no markup of others."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okdrop.config.notify import Language
from okdrop.pipeline.letters import LISTED, LONGEST, harmless, letter_of, trial
from okdrop.steps import Occasion

ENGLISH, RUSSIAN = Language.ENGLISH, Language.RUSSIAN
ENDS = (Occasion.HALTED, Occasion.FOLDER_MISSING, Occasion.DISK_LOW)
ALARMS = (*ENDS, Occasion.RECOVERED)
MARKUP = "<>`*[]@~|\\"
CYRILLIC = [chr(code) for code in range(0x400, 0x500)]


def facts(occasion: Occasion, **more: Any) -> dict[str, Any]:
    """What is told of a thing, as `notices` and `alarms` have it."""
    common = {"event": occasion.value, "event_id": "x", "at": "2030-01-02T03:04:05.000Z"}
    if occasion in ALARMS:
        return common | {"path": "/srv/drop", "account": "", "code": "c", "message": "m", "hint": "h"} | more
    upload = {
        "id": 7,
        "path": "/srv/drop/clip.mp4",
        "title": "A clip",
        "url": "",
        "moved_to": "",
        "account": "",
    }
    return common | upload | {"code": "", "message": "", "hint": ""} | more


def every() -> list[dict[str, Any]]:
    over = [facts(Occasion.RECOVERED, ends=ends.value) for ends in ENDS]
    return [facts(one) for one in Occasion if one is not Occasion.RECOVERED] + over


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("told", every(), ids=lambda told: f"{told['event']} {told.get('ends', '')}")
def test_there_are_words_for_everything_in_each_language(told: dict[str, Any], language: Language) -> None:
    letter = letter_of([told], language)
    assert letter.title.startswith("okdrop: ")
    assert letter.body
    assert "{" not in letter.title + letter.body
    assert letter.kind in {"success", "warning", "failure", "info"}
    assert any(char in CYRILLIC for char in letter.title) is (language is RUSSIAN)


def test_what_was_published_is_told_with_its_link() -> None:
    letter = letter_of([facts(Occasion.PUBLISHED, url="https://ok.ru/video/67")], ENGLISH)
    assert letter.title == "okdrop: published"
    assert letter.body == "“A clip” is on OK.ru.\nhttps://ok.ru/video/67\nFile: /srv/drop/clip.mp4"
    assert letter.kind == "success"


def test_what_failed_is_told_with_what_to_do() -> None:
    why = {"code": "source_gone", "message": "the file is gone", "hint": "put it back"}
    letter = letter_of([facts(Occasion.FAILED, **why)], ENGLISH)
    assert letter.body.splitlines() == [
        "“A clip” was not published: the file is gone.",
        "What to do: put it back.",
        "Then: okdrop retry 7",
        "File: /srv/drop/clip.mp4",
    ]
    assert letter.kind == "failure"
    letter = letter_of([facts(Occasion.FAILED, **why)], RUSSIAN)
    assert letter.body.splitlines()[:2] == [
        "«A clip» не опубликовано: файл исчез раньше, чем был отправлен целиком.",
        "Что делать: верните файл, если так не задумано.",
    ]


def test_what_has_no_russian_words_is_told_in_english_with_its_code() -> None:
    letter = letter_of([facts(Occasion.FAILED, code="api_4", message="OK says no", hint="ask")], RUSSIAN)
    assert "OK says no (api_4)" in letter.body


def test_a_halt_says_whose_it_is() -> None:
    assert "Account: kids" in letter_of([facts(Occasion.HALTED, account="kids")], ENGLISH).body
    assert "Account" not in letter_of([facts(Occasion.HALTED)], ENGLISH).body


def test_a_file_without_a_title_goes_by_its_name() -> None:
    assert letter_of([facts(Occasion.PUBLISHED, title="")], ENGLISH).body.startswith("“clip.mp4” is on")


def test_several_are_counted_and_the_gravest_are_named() -> None:
    many = [
        facts(Occasion.PUBLISHED, title=f"clip {number}", url="https://ok.ru/video/1") for number in range(30)
    ]
    letter = letter_of([*many, facts(Occasion.FAILED, title="bad"), facts(Occasion.HALTED)], ENGLISH)
    lines = letter.body.splitlines()
    assert letter.title == "okdrop: 32 things happened"
    assert lines[0] == "halted: 1, failed: 1, published: 30"
    assert lines[1].startswith("• Nothing is sent")
    assert "“bad”" in lines[2]
    assert lines[3] == "• “clip 0” is on OK.ru. https://ok.ru/video/1"
    assert len(lines) == LISTED + 2
    assert lines[-1] == "… and 22 more; okdrop status lists uploads."
    assert letter.kind == "failure"


# --- what others wrote --------------------------------------------------------------------------------


@given(st.binary(max_size=255))
@example(b"[click](http://evil.example)")
@example(b"<b>x</b> @everyone `rm` *a* __b__ ~c~ ||d|| \\")
@example(b"\xff\n\x1b[31m\xe2\x80\xae.mp4")
@example("🎬 Закат_1.mp4".encode())
def test_no_name_of_a_file_is_anything_but_text(name: bytes) -> None:
    text = os.fsdecode(name)
    shown = harmless(text, 1000)
    assert shown.isprintable()
    assert not set(shown) & set(MARKUP)
    assert "://" not in shown
    shown.encode("utf-8")  # no half characters, which no JSON of others would take


@given(st.text())
@example("\ud800")
def test_no_text_is(text: str) -> None:
    assert harmless(text, 1000).isprintable()


@pytest.mark.parametrize("name", ["Закат 1.mp4", "my_holiday_2.mp4", "a.b-c (1).mp4", "100 % & more.mp4"])
def test_a_usual_name_stays_as_it_is(name: str) -> None:
    assert harmless(name) == name


def test_what_only_looks_like_emphasis_does_not_become_one() -> None:
    assert "_" not in harmless("_a_ and __init__.py")
    assert harmless("a_b__c") == "a_b__c"


def test_of_what_is_long_both_ends_are_seen() -> None:
    cut = harmless("a" * 100 + "b" * 100, 11)
    assert cut == "aaaaa…bbbbb"


@given(
    st.lists(st.sampled_from(every()), min_size=1, max_size=40),
    st.text(max_size=3000),
    st.sampled_from(Language),
)
@example([facts(Occasion.FAILED)], "x" * 3000, RUSSIAN)
def test_a_message_has_a_length_that_every_service_takes(
    told: list[dict[str, Any]], text: str, language: Language
) -> None:
    named = [
        one | {"title": text, "path": text, "message": text, "hint": text, "account": text} for one in told
    ]
    letter = letter_of(named, language)
    assert len(letter.body) <= LONGEST
    assert len(letter.title) <= 100


def test_a_trial_has_words_too() -> None:
    assert trial(ENGLISH).body != trial(RUSSIAN).body
