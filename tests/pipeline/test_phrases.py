"""Both languages have the same phrases, and Russian words stand for codes that there are."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from okdrop.config.notify import Language
from okdrop.pipeline.phrases import IN_RUSSIAN, PHRASES, advice

ENGLISH, RUSSIAN = PHRASES[Language.ENGLISH], PHRASES[Language.RUSSIAN]
ERRORS = Path(__file__).parents[2] / "docs" / "errors.md"


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same_things() -> None:
    assert ENGLISH.keys() == RUSSIAN.keys()


@pytest.mark.parametrize("name", ENGLISH)
def test_a_phrase_has_blanks_that_are_filled_in_in_each_language(name: str) -> None:
    known = {"name", "path", "moved_to", "what", "account", "hint", "id", "count", "url"}
    assert blanks(ENGLISH[name]) | blanks(RUSSIAN[name]) <= known
    if not name.startswith("folder_missing"):  # whose English words hold the path already
        assert blanks(ENGLISH[name]) == blanks(RUSSIAN[name])


@pytest.mark.parametrize("code", IN_RUSSIAN)
def test_russian_words_are_for_codes_that_there_are(code: str) -> None:
    text = ERRORS.read_text()
    number = re.fullmatch(r"api_(\d+)", code)
    known = f"| {number[1]} |" in text if number else f"`{code}`" in text
    assert known or code == "disk_low"


def test_english_is_what_okdrop_says_anyway() -> None:
    facts = {"code": "source_gone", "message": "gone", "hint": "look"}
    assert advice(facts, Language.ENGLISH) == ("gone", "look")
    assert advice(facts, Language.RUSSIAN) == IN_RUSSIAN["source_gone"]
    assert (
        advice({"code": "disk_low", "message": "0.50 GiB left"}, Language.RUSSIAN)[0] == "0.50 ГиБ свободно"
    )
