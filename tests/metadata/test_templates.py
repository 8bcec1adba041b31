from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.metadata import VARIABLES, BadTemplateError, check_template


@pytest.mark.parametrize(
    "template",
    [
        "",
        "plain",
        "{{ stem }}",
        "{% set a = stem %}{{ a }}",
        "{% for c in stem %}{{ loop.index }}{% endfor %}",
    ]
    + [f"{{{{ {name} }}}}" for name in sorted(VARIABLES)],
)
def test_a_good_template_is_given_back(template: str) -> None:
    assert check_template(template) == template


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ stem", "is no template"),
        ("{% if %}", "is no template"),
        ("{{ stem | nosuch }}", "nosuch"),
        ("{{ stem | center(9) }}", "center"),
        ("{{ stm }}", "stm, which is unknown; known are date, duration, folder"),
        ("{{ range(9) }}", "range"),
        ("{{ cycler('a') }}", "cycler"),
        ("{% include 'x' %}", "include"),
        ("{% extends 'x' %}", "include"),
        ("{% import 'x' as y %}", "include"),
        ("{% from 'x' import y %}", "include"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "deeply"),
    ],
)
def test_a_bad_template_is_refused_in_words(template: str, words: str) -> None:
    with pytest.raises(BadTemplateError, match=r"template|unknown") as caught:
        check_template(template)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="{}%# stemnamei|()[]'\"+*.0123456789-", max_size=40))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    with contextlib.suppress(BadTemplateError):
        assert check_template(text) == text
