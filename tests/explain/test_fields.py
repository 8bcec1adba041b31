"""Where each piece of metadata comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.making import revision
from okdrop.config import Watch
from okdrop.drop import Drop
from okdrop.errors import GaveUp
from okdrop.explain.fields import Field, fields_of
from okdrop.metadata import Privacy

WATCHES = [
    Watch(path=Path("/srv/one"), title="{{ name }}", tags=("x", "{{ stem }}"), privacy=Privacy.FRIENDS),
    Watch(path=Path("/srv/two"), group_id="55", title="{{ stem * 1 }}"),
    Watch(path=Path("/srv/three"), title="{{ '' }}", description="y" * 4001),
]


def told(path: bytes, folder: str, title: str = "") -> dict[str, Field]:
    drop = Drop(path=path, revision=revision(), folder=folder, title=title)
    return {one.name: one for one in fields_of(drop, WATCHES)}


def test_what_a_folder_says_is_told_apart_from_what_it_leaves_out() -> None:
    fields = told(b"/srv/one/a.mp4", "/srv/one")
    assert list(fields) == ["title", "description", "tags", "privacy", "group_id"]
    assert (fields["title"].value, fields["title"].source) == (
        "a.mp4",
        '`title = "{{ name }}"` of [[watch]] 0',
    )
    assert (fields["tags"].value, fields["tags"].source) == (
        ("x", "a"),
        '`tags = ["x", "{{ stem }}"]` of [[watch]] 0',
    )
    assert (fields["privacy"].value, fields["privacy"].source) == (
        "FRIENDS",
        '`privacy = "FRIENDS"` of [[watch]] 0',
    )
    assert fields["description"].source == '`description = ""`, the default of [[watch]]'


def test_a_title_given_by_a_person_goes_before_the_template() -> None:
    title = told(b"/srv/one/a.mp4", "/srv/one", title="Mine")["title"]
    assert (title.value, title.source) == ("Mine", "--title of okdrop upload")


def test_a_file_of_no_folder_has_the_defaults() -> None:
    title = told(b"/home/a.mp4", "")["title"]
    assert (title.value, title.source) == ("a", '`title = "{{ stem }}"`, the default of okdrop upload')


def test_what_was_done_to_a_text_is_told() -> None:
    fields = told(b"/srv/three/a.mp4", "/srv/three")
    assert fields["title"].source.endswith(
        "of [[watch]] 2; the file's name, since nothing that can be read came out"
    )
    assert fields["description"].source.endswith("of [[watch]] 2; cut to OK's 4000 characters")


def test_a_template_that_fails_for_this_file_says_so() -> None:
    with pytest.raises(GaveUp, match="title"):
        told(b"/srv/two/a.mp4", "/srv/two")
