from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.errors import GaveUp
from okdrop.metadata import Metadata, Privacy, Settings, render, utf16_length

WRITTEN = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=3)))


def rendered(path: bytes, folder: bytes | str = "/srv/drop", title: str = "", **settings: Any) -> Metadata:
    return render(Settings(**settings), path, folder, size=12345, modified=WRITTEN, title=title)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ stem }}", "take one"),
        ("{{ name }}", "take one.MP4"),
        ("{{ suffix }}", ".MP4"),
        ("{{ folder }}", "День 1"),
        ("{{ path }}", "Отпуск/День 1/take one.MP4"),
        ("{{ size }}", "12345"),
        ("{{ date }}", "2026-11-22"),
        ("{{ modified.strftime('%d.%m.%Y %H:%M %z') }}", "22.11.2026 23:30 +0300"),
        ("{{ stem | upper }} / {{ path.split('/')[0] }}", "TAKE ONE / Отпуск"),
        ("{{ size // 1000 }} kB, {{ size * 2 }}", "12 kB, 24690"),
        ("{% if size > 100 %}large{% endif %}", "large"),
    ],
)
def test_what_a_template_may_speak_of(template: str, expected: str) -> None:
    path = "/srv/drop/Отпуск/День 1/take one.MP4".encode()
    assert (
        render(Settings(title=template), path, "/srv/drop/", size=12345, modified=WRITTEN).title == expected
    )


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (b"{{ 7*7 }}.mp4", "{{ 7*7 }}"),
        (b"{% for a in b %}.mp4", "{% for a in b %}"),
        (b"a.b.mp4", "a.b"),
        (b"noext", "noext"),
        (b".mp4", ".mp4"),
        (b"end.", "end."),
        (b"  two\n\t lines \x00\x1b[31m .mp4", "two lines [31m"),
        (b"\xff\xfe.mp4", "video"),
        (b"a\xffb.mp4", "a b"),
        ("и\u0306.mp4".encode(), "й"),
        ("\u202egpj.mp4".encode(), "gpj"),
        ("\u200b\ufe0f.mp4".encode(), "video"),
        ("a\u2028b\u00a0c.mp4".encode(), "a b c"),
        ("👨‍👩‍👧.mp4".encode(), "👨‍👩‍👧"),
        (b"<b>&amp;.mp4", "<b>&amp;"),
    ],
)
def test_a_name_stays_text_and_becomes_one_line(name: bytes, title: str) -> None:
    assert rendered(b"/srv/drop/" + name).title == title


def test_a_title_given_by_a_person_is_no_template() -> None:
    assert rendered(b"/a/b.mp4", title=" {{ 7*7 }}\n\udcff ").title == "{{ 7*7 }}"


def test_a_template_that_comes_out_empty_gives_the_stem() -> None:
    assert render(Settings(title="{{ '' }} "), b"/a/b.mp4", "/a", size=1, modified=WRITTEN).title == "b"


def test_a_file_outside_of_every_folder_has_its_name_for_a_path() -> None:
    assert render(Settings(title="{{ path }}"), b"/a/b.mp4", "", size=1, modified=WRITTEN).title == "b.mp4"
    assert render(Settings(title="{{ folder }}"), b"/b.mp4", "", size=1, modified=WRITTEN).title == "b"


def test_the_watched_folder_may_be_other_than_utf8() -> None:
    settings = Settings(title="{{ path }}")
    for folder in (b"/a\xff", "/a\udcff"):
        assert render(settings, b"/a\xff/c/b.mp4", folder, size=1, modified=WRITTEN).title == "c/b.mp4"


def test_a_description_keeps_its_lines() -> None:
    made = rendered(b"/srv/drop/a.mp4", description="  {{ stem }}:\r\n\n  of\x00{{ date }} \t\n")
    assert made.description == "a:\n\n  of 2026-11-22"


def test_tags_are_clean_distinct_and_hold_no_comma() -> None:
    made = rendered(
        b"/srv/drop/a,b.mp4", tags=("{{ stem }}", "News", " news ", "", "\u200b", "{{ date.year }}")
    )
    assert made.tags == ("a b", "News", "2026")


def test_only_tags_that_fit_are_kept() -> None:
    made = rendered(b"/srv/drop/a.mp4", tags=("x" * 2000, "b"))
    assert made.tags == ("x" * 1000,)
    made = rendered(b"/srv/drop/a.mp4", tags=("x" * 499, "y" * 500, "z"))
    assert len(",".join(made.tags)) == 1000
    assert len(made.tags) == 2


def test_who_may_see_it_is_the_folders_word() -> None:
    assert rendered(b"/srv/drop/a.mp4", privacy=Privacy.FRIENDS).privacy is Privacy.FRIENDS


@pytest.mark.parametrize(
    "template",
    [
        "{{ stem.nosuch }}",
        "{{ 1 / 0 }}",
        "{{ stem.split('-')[5] }}",
        "{{ stem | int + stem }}",
        "{{ stem * 10 ** 9 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%999999999d' % size }}",
        "{{ '{:999999999}'.format(size) }}",
        "{{ stem.ljust(999999999) }}",
        "{{ stem.__class__.__mro__ }}",
        "{{ (stem | attr('format'))(1) }}",
    ],
)
def test_a_template_that_fails_for_this_file(template: str) -> None:
    with pytest.raises(GaveUp) as caught:
        rendered(b"/srv/drop/a.mp4", description=template)
    assert caught.value.code == "metadata_template"
    assert "description" in caught.value.hint
    assert "description" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_long_output_is_bounded() -> None:
    loops = "".join(f"{{% for a{n} in stem %}}" for n in range(8)) + "xx" + "{% endfor %}" * 8
    assert len(rendered(b"/srv/drop/" + b"s" * 200 + b".mp4", description=loops).description) == 4000


names = st.binary(min_size=1, max_size=300) | st.text(min_size=1, max_size=300).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


@given(names, st.sampled_from(["{{ stem }}", "{{ path }} {{ name }}", "{{ folder }}"]))
def test_any_name_gives_a_title(name: bytes, template: str) -> None:
    path = b"/srv/drop/" + name
    settings = Settings(title=template, description="{{ path }}", tags=("{{ name }}", "{{ stem }}"))
    made = render(settings, path, "/srv/drop", size=1, modified=datetime.now(UTC))
    assert made.title.strip() == made.title != ""
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in made.title)
    assert utf16_length(made.title) <= 1000
    assert utf16_length(made.description) <= 4000
    assert utf16_length(",".join(made.tags)) <= 1000
    assert not any("," in tag for tag in made.tags)
    "".join((made.title, made.description, *made.tags)).encode("utf-8")  # no surrogate is left


@given(st.text(min_size=1, max_size=40), st.integers(2, 60))
def test_any_length_is_cut_to_the_limit(piece: str, times: int) -> None:
    made = render(Settings(), b"/a/b.mp4", "/a", size=1, modified=WRITTEN, title=piece * times * 20)
    assert 0 < utf16_length(made.title) <= 1000


def test_what_was_done_to_a_text_is_noted() -> None:
    assert rendered(b"/srv/drop/a.mp4").notes == {}
    long = rendered(
        b"/srv/drop/a.mp4", title="x" * 1001, description="{{ 'y' }}" * 4001, tags=("z" * 600,) * 2
    )
    assert long.notes == {
        "title": "cut to OK's 1000 characters",
        "description": "cut to OK's 4000 characters",
    }
    tags = tuple(f"{number}{'z' * 600}" for number in range(2))
    assert rendered(b"/srv/drop/a.mp4", tags=tags).notes == {"tags": "as many as OK's 1000 characters hold"}


def test_a_title_that_shows_nothing_is_replaced_and_noted() -> None:
    made = render(Settings(title="{{ '' }}"), b"/srv/a.mp4", "/srv", size=1, modified=WRITTEN)
    assert made.title == "a"
    assert made.notes == {"title": "the file's name, since nothing that can be read came out"}
