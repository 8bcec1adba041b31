"""What somebody types is found however the name was written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.ledger.folding import folded, sought_in


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HOLIDAY", "holiday"),
        ("ЁЛКА", "елка"),
        ("Е\u0308лка", "Ёлка"),
        ("Straße", "STRASSE"),
        ("e\u0301", "\u00c9"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("Й", "и\u0306"),
    ],
)
def test_letters_are_the_same_however_they_are_written(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("й", "и"), ("é", "e"), ("100%", "100"), ("ı", "i")])
def test_other_letters_are_others(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text)) == once


@given(st.text(st.sampled_from("аБёЁиЙéz 5_%/")), st.text(st.sampled_from("АбЁеЙÉZ 5_%/")))
def test_a_part_of_a_name_is_found_in_it(first: str, second: str) -> None:
    assert folded(second) in folded(first + second)


def test_a_path_of_any_bytes_and_a_title_are_both_sought_in() -> None:
    kept = sought_in(b"/srv/Drop/\xff\nHoliday.mp4", "Лето")
    assert kept == "/srv/drop/\ufffd\nholiday.mp4\nлето"
    assert sought_in(b"/A", "") == "/a"
