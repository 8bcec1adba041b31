"""Where each piece of metadata comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.making import revision
from okdrop.config import Config, Watch
from okdrop.drop import Drop
from okdrop.explain.fields import Field, Told, told_of
from okdrop.metadata import Privacy

WATCHES = [
    Watch(path=Path("/srv/one"), title="{{ name }}", tags=("x", "{{ stem }}"), privacy=Privacy.FRIENDS),
    Watch(path=Path("/srv/two"), group_id="55", title="{{ stem * 1 }}"),
    Watch(path=Path("/srv/three"), title="{{ '' }}", description="y" * 4001),
]


def all_told(path: bytes, folder: str, title: str = "", *watches: Watch) -> Told:
    drop = Drop(path=path, revision=revision(), folder=folder, title=title)
    return told_of(drop, Config(watch=watches or tuple(WATCHES)))


def told(path: bytes, folder: str, title: str = "") -> dict[str, Field]:
    return {one.name: one for one in all_told(path, folder, title).fields}


def test_what_a_folder_says_is_told_apart_from_what_it_leaves_out() -> None:
    fields = told(b"/srv/one/a.mp4", "/srv/one")
    assert list(fields) == ["title", "description", "tags", "privacy", "group_id"]
    assert (fields["title"].value, fields["title"].source) == (
        "a.mp4",
        '`title = "{{ name }}"` of [[watch]] /srv/one',
    )
    assert (fields["tags"].value, fields["tags"].source) == (
        ("x", "a"),
        '`tags = ["x", "{{ stem }}"]` of [[watch]] /srv/one',
    )
    assert (fields["privacy"].value, fields["privacy"].source) == (
        "FRIENDS",
        '`privacy = "FRIENDS"` of [[watch]] /srv/one',
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
        "of [[watch]] /srv/three; the file's name, since nothing that can be read came out"
    )
    assert fields["description"].source.endswith("of [[watch]] /srv/three; cut to OK's 4000 characters")


def test_a_template_that_fails_for_this_file_says_so() -> None:
    found = all_told(b"/srv/two/a.mp4", "/srv/two")
    assert found.fields == ()
    (reason,) = found.against
    assert "the template of title" in reason
    assert "mend `title`" in reason


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path


def test_what_a_sidecar_and_a_name_say_is_told_by_whom(drop: Path) -> None:
    (drop / "2026 Name.json").write_text('{"description": "D", "privacy": "unlisted"}')
    watch = Watch(path=drop, name_pattern=r"(?P<year>\d+) (?P<title>.+)", tags=("{{ year }}",))
    found = all_told(bytes(drop / "2026 Name.mp4"), str(drop), "", watch)
    assert found.sidecars == ("2026 Name.json",)
    assert {one.name: (one.value, one.source) for one in found.fields} == {
        "title": ("Name", f"the file's name, by the group title of `name_pattern` of [[watch]] {drop}"),
        "description": ("D", "the sidecar 2026 Name.json"),
        "tags": (("2026",), f'`tags = ["{{{{ year }}}}"]` of [[watch]] {drop}'),
        "privacy": (
            "FRIENDS",
            'the sidecar 2026 Name.json; privacy "unlisted" is FRIENDS here, the nearest that OK has',
        ),
        "group_id": ("", '`group_id = ""`, the default of [[watch]]'),
    }


def test_a_broken_sidecar_is_told_with_what_it_would_do(drop: Path) -> None:
    (drop / "a.json").write_text("{")
    found = all_told(bytes(drop / "a.mp4"), str(drop), "", Watch(path=drop))
    assert found.remarks[0].startswith("a.json: it is no JSON")
    assert found.against[0].startswith("publishing it would fail: the sidecar a.json cannot be used")
    assert len(found.fields) == 5


def test_that_a_sidecar_is_waited_for_is_told(drop: Path) -> None:
    found = all_told(bytes(drop / "a.mp4"), str(drop), "", Watch(path=drop, sidecar_wait=60.0))
    assert found.awaited == "none; publishing waits for one, for 1 min from when the file is found"
