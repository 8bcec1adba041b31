"""Which group a video goes to, by where its file lies."""

from __future__ import annotations

import pytest

from okdrop.errors import GaveUp
from okdrop.metadata import BadTemplateError, check_group, group_of, parts_of


@pytest.mark.parametrize(
    ("path", "folder", "parts"),
    [
        (b"/drop/a.mp4", "/drop", ()),
        (b"/drop/77/day one/a.mp4", "/drop", ("77", "day one")),
        (b"/drop/77/a.mp4", b"/drop/", ("77",)),
        (b"/drop/\xff/a.mp4", "/drop", (" ",)),
        (b"/home/me/a.mp4", "", ()),
        (b"/dropped/77/a.mp4", "/drop", ()),
    ],
)
def test_the_parts_are_the_folders_below_the_watched_one(
    path: bytes, folder: str | bytes, parts: tuple[str, ...]
) -> None:
    assert parts_of(path, folder) == parts


@pytest.mark.parametrize("template", ["", "53001234567890"])
def test_a_plain_group_is_that_of_every_file(template: str) -> None:
    assert group_of(template, b"/drop/x/a.mp4", "/drop") == template


@pytest.mark.parametrize(
    ("template", "path", "group"),
    [
        ("{{ parts[0] }}", b"/drop/77/deep/a.mp4", "77"),
        ("{{ parts | last }}", b"/drop/77/88/a.mp4", "88"),
        ("{{ folder }}", b"/drop/77/88/a.mp4", "88"),
        ("{{ path.split('/')[0] }}", b"/drop/77/88/a.mp4", "77"),
        ("{{ parts[0] | default('') }}", b"/drop/a.mp4", ""),
        ("{% if 'live' in parts %}5{% endif %}", b"/drop/live/a.mp4", "5"),
        ("{% if 'live' in parts %}5{% endif %}", b"/drop/film/a.mp4", ""),
        (" {{ parts[0] }} ", b"/drop/ 77 /a.mp4", "77"),
    ],
)
def test_a_template_gives_the_group_of_each_file(template: str, path: bytes, group: str) -> None:
    assert group_of(check_group(template), path, "/drop") == group


@pytest.mark.parametrize("name", ["holidays", "7a", "-7", "7" * 21, "\N{ARABIC-INDIC DIGIT SEVEN}"])
def test_what_is_no_number_is_no_group(name: str) -> None:
    with pytest.raises(GaveUp) as caught:
        group_of("{{ parts[0] }}", f"/drop/{name}/a.mp4".encode(), "/drop")
    assert caught.value.code == "metadata_group"
    assert name in caught.value.message


def test_a_file_without_the_folder_that_is_asked_for_has_no_group() -> None:
    with pytest.raises(GaveUp) as caught:
        group_of("{{ parts[0] }}", b"/drop/a.mp4", "/drop")
    assert caught.value.code == "metadata_template"
    assert "group_id" in caught.value.hint


@pytest.mark.parametrize("template", ["{{ stem }}", "{{ size }}", "{{ modified }}", "{{ nothing }}", "{{"])
def test_a_group_is_known_by_where_the_file_lies_alone(template: str) -> None:
    """A ticket is for one group, and a file that is renamed or touched keeps its ticket."""
    with pytest.raises(BadTemplateError):
        check_group(template)
