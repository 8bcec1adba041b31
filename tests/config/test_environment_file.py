"""The form of systemd.exec(5) EnvironmentFile=, as systemd's own parser reads it."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okdrop.config.environment_file import UnfinishedError, parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=\n", {"A": ""}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("  A = one two  \n", {"A": "one two"}),
        ("# A=1\n;B=2\n\n  # C=3\nD=4\n", {"D": "4"}),
        ("# a comment is not continued \\\nA=1\n", {"A": "1"}),
        ("no equals sign\nA=1\n", {"A": "1"}),
        ("export A=1\n1B=2\nC-D=3\n", {}),
        ("A=b#c # d\n", {"A": "b#c # d"}),
        ("A=$HOME ${B}\n", {"A": "$HOME ${B}"}),
        ("A=x=y\n", {"A": "x=y"}),
        ('A=" padded "\n', {"A": " padded "}),
        ("A=' # \" \\n '\n", {"A": ' # " \\n '}),
        (r'A="q\" b\\ d\$ t\` n\n"' + "\n", {"A": r'q" b\ d$ t` n\n'}),
        ('A="one\ntwo"\nB=3\n', {"A": "one\ntwo", "B": "3"}),
        ("A='one\ntwo'\n", {"A": "one\ntwo"}),
        ('A="one\\\ntwo"\n', {"A": "onetwo"}),
        ("A=one\\\n  two\nB=3\n", {"A": "one  two", "B": "3"}),
        ("A=one\\ \\#\n", {"A": "one #"}),
        ("A=one\\", {"A": "one"}),
        ("A='a' \"b\" c\n", {"A": "abc"}),
        ("A=a'b'\n", {"A": "a'b'"}),
        ("A=it's\n", {"A": "it's"}),
    ],
)
def test_the_form_is_that_of_the_service_manager(text: str, found: dict[str, str]) -> None:
    assert parse(text) == found


@pytest.mark.parametrize("text", ['A="half', "A='half\nB=2\n", 'A="half\\"'])
def test_a_half_written_quote_is_no_value(text: str) -> None:
    with pytest.raises(UnfinishedError):
        parse(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
@example("=\\")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except UnfinishedError:
        return
    assert all(name.isidentifier() and name.isascii() for name in found)


@given(st.dictionaries(st.sampled_from(string.ascii_uppercase), st.text(st.characters(codec="utf-8"))))
def test_what_is_quoted_comes_back_as_it_was(values: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + "".join("\\" + char if char in '"\\`$' else char for char in value) + '"'

    assert parse("".join(f"{name}={quoted(value)}\n" for name, value in values.items())) == values
