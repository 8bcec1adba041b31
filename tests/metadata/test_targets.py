"""Where files move to by a template: whatever is filled in, it is a path below the fixed folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okdrop.errors import GaveUp
from okdrop.metadata import BadTemplateError, Facts, parted, target_below
from okdrop.names import LONGEST_NAME


def facts(path: bytes = b"/srv/drop/cam 2/a.mp4", **changes: Any) -> Facts:
    plain: dict[str, Any] = {
        "folder": b"/srv/drop",
        "size": 7,
        "modified": datetime(2030, 1, 2, tzinfo=UTC),
        "published": datetime(2031, 3, 4, 5, 6, tzinfo=UTC),
        "number": 17,
        "video_id": "90017",
    }
    return Facts(path=path, **plain | changes)


@pytest.mark.parametrize(
    ("template", "target"),
    [
        ("{{ published.year }}/{{ stem }}-{{ video_id }}{{ suffix }}", b"2031/a-90017.mp4"),
        ("{{ path }}", b"cam 2/a.mp4"),
        ("{{ folder }}/", b"cam 2/a.mp4"),
        ("{{ published.strftime('%Y/%m') }}/{{ name }}", b"2031/03/a.mp4"),
        ("{{ id }}{{ suffix }}", b"17.mp4"),
        ("cam/{{ date }}/", b"cam/2030-01-02/a.mp4"),
        ("../../{{ name }}", b"__/__/a.mp4"),
        ("/./a//{{ '/' }}/{{ name }}", b"a/a.mp4"),
        ("{{ '' }}/", b"a.mp4"),
        ("{% if size > 5 %}large/{% endif %}{{ name }}", b"large/a.mp4"),
        ("a\\\\b/{{ '..' }}/{{ name }}", b"a\\\\b/__/a.mp4"),
    ],
)
def test_what_a_template_comes_to(template: str, target: bytes) -> None:
    assert target_below(template, facts()) == target


@given(
    st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name),
    st.sampled_from(
        [
            "{{ name }}",
            "x/{{ stem }}{{ suffix }}",
            "{{ folder }}/{{ name * 1 if false else name }}",
            "{{ stem }}/{{ stem ~ stem ~ stem }}{{ suffix }}",
            "{{ name | upper }}",
            "{{ name | reverse }}/",
            "{{ path }}",
        ]
    ),
)
@example(b"..", "{{ name }}")
@example(b".", "{{ stem }}/")
@example(b"\xff\xfe.mp4", "{{ name }}")
@example(("я" * 125).encode() + b".mp4", "{{ stem ~ stem }}{{ suffix }}")
@example(b"\n", "{{ name }}")
def test_whatever_the_name_the_target_lies_below(name: bytes, template: str) -> None:
    below = target_below(template, facts(b"/srv/drop/" + name))
    parts = below.split(b"/")
    assert parts
    for part in parts:
        assert 0 < len(part) <= LONGEST_NAME
        assert part not in {b".", b".."}
        assert b"\0" not in part


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_a_name_of_any_bytes_stays_what_it_is(name: bytes) -> None:
    if (
        name.strip(b".")
        and name.strip()
        and not name.endswith((b"\n", b"\r", b" "))
        and name[:1] not in b"\r\n"
    ):
        assert target_below("x/{{ name }}", facts(b"/srv/drop/" + name)) == b"x/" + name


def test_a_name_that_gets_too_long_keeps_its_suffix_and_whole_characters() -> None:
    below = target_below(
        "{{ stem }}-{{ stem }}{{ suffix }}", facts(("ж" * 100).encode() + b".mp4", folder=b"")
    )
    assert below.endswith(b".mp4")
    assert LONGEST_NAME - 1 <= len(below) <= LONGEST_NAME
    assert set(below.decode().removesuffix(".mp4")) == {"ж", "-"}


def test_what_cannot_be_filled_in_for_a_file_is_said() -> None:
    with pytest.raises(GaveUp, match="template of move_to"):
        target_below("{{ 1 // (size - 7) }}{{ name }}", facts())


@pytest.mark.parametrize(
    ("text", "folder", "below"),
    [
        ("/archive/{{ name }}", "/archive", "{{ name }}"),
        ("/archive/cam-{{ id }}/{{ name }}", "/archive", "cam-{{ id }}/{{ name }}"),
        ("~/a/b/{% if id %}x/{% endif %}{{ name }}", "~/a/b", "{% if id %}x/{% endif %}{{ name }}"),
        (" /archive/{{ name }}\n", "/archive", "{{ name }}"),
    ],
)
def test_what_is_always_the_same_comes_first(text: str, folder: str, below: str) -> None:
    assert parted(text) == (folder, below)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ name }}", "must begin with a folder"),
        ("/{{ name }}", "must begin with a folder"),
        ("/archive/{{ published.year }}", "must end in"),
        ("/archive/{{ stem }}", "must end in"),
        ("/archive/{{ name }}/x", "must end in"),
        ("/archive/{{ nothing }}/", "speaks of nothing"),
        ("/archive/{{ name", "is no template"),
        ("/archive/{% if id %}a/{{ id }}{% endif %}", "must end in"),
    ],
)
def test_what_would_name_all_files_alike_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadTemplateError, match=words):
        parted(text)
