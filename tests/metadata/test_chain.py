"""Who is heard for each field, in which order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.errors import GaveUp
from okdrop.metadata import (
    Beside,
    Metadata,
    Origin,
    Privacy,
    Settings,
    SidecarPrivacy,
    Source,
    render,
    utf16_length,
)
from okdrop.metadata.media import Media
from okdrop.metadata.said import Said, merged

WRITTEN = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
PATTERN = r"(?P<date>\d{4}-\d\d-\d\d) (?P<title>.+?)(?: \[(?P<tags>.+)\])?"
SIDECAR = Source(origin=Origin.SIDECAR, sidecar="x.json")


def beside(**said: Any) -> Beside:
    return Beside(sidecars=merged([("x.json", Said(**said))]))


def made(stem: str, told: Beside | None = None, *, by_hand: str = "", **settings: Any) -> Metadata:
    path = f"/srv/drop/{stem}.mp4".encode()
    return render(
        Settings(**settings),
        path,
        "/srv/drop",
        size=5,
        modified=WRITTEN,
        title=by_hand,
        beside=told or Beside(),
    )


@pytest.mark.parametrize(
    ("by_hand", "told", "template", "pattern", "title", "origin"),
    [
        ("By hand", "Sidecar's", "T {{ stem }}", PATTERN, "By hand", Origin.GIVEN),
        ("", "Sidecar's", "T {{ stem }}", PATTERN, "Sidecar's", Origin.SIDECAR),
        ("", "Sidecar's", "T {{ sidecar.title }}", PATTERN, "T Sidecar's", Origin.TEMPLATE),
        ("", "", "T {{ stem }}", PATTERN, "T 2026-01-02 Name", Origin.TEMPLATE),
        ("", "", "T {{ title }}", PATTERN, "T Name", Origin.TEMPLATE),
        ("", "", "{{ stem }}", PATTERN, "Name", Origin.NAME),
        ("", "", "{{ stem }}", "", "2026-01-02 Name", Origin.TEMPLATE),
        ("", "\u200b", "{{ stem }}", PATTERN, "Name", Origin.NAME),
    ],
)
def test_what_was_written_nearest_to_the_file_wins(
    by_hand: str, told: str, template: str, pattern: str, title: str, origin: Origin
) -> None:
    said = beside(title=told, facts={"title": told})
    one = made("2026-01-02 Name", said, by_hand=by_hand, name_pattern=pattern, title=template)
    assert (one.title, one.sources["title"].origin) == (title, origin)


def test_a_description_and_tags_go_the_same_way() -> None:
    said = beside(description="told", tags=("a", "b"))
    one = made("x", said, description="mine", tags=("c",))
    assert (one.description, one.tags) == ("told", ("a", "b"))
    assert one.sources["description"] == one.sources["tags"] == SIDECAR
    one = made(
        "x", said, description="{{ sidecar.description }}!", tags=("c", "{{ sidecar.tags | join(' ') }}")
    )
    assert one.sources["tags"].origin is one.sources["description"].origin is Origin.TEMPLATE


def test_tags_of_a_name_are_taken_where_the_folder_has_none() -> None:
    stem = "2026-01-02 Name [one, two]"
    one = made(stem, name_pattern=PATTERN)
    assert (one.title, one.tags, one.sources["tags"].origin) == ("Name", ("one", "two"), Origin.NAME)
    assert made(stem, name_pattern=PATTERN, tags=("own",)).tags == ("own",)


@pytest.mark.parametrize(
    ("own", "said", "rule", "privacy", "origin"),
    [
        (Privacy.PUBLIC, Privacy.FRIENDS, SidecarPrivacy.TIGHTEN, Privacy.FRIENDS, Origin.SIDECAR),
        (Privacy.PUBLIC, Privacy.PUBLIC, SidecarPrivacy.TIGHTEN, Privacy.PUBLIC, Origin.SIDECAR),
        (Privacy.FRIENDS, Privacy.PUBLIC, SidecarPrivacy.TIGHTEN, Privacy.FRIENDS, Origin.TEMPLATE),
        (Privacy.FRIENDS, Privacy.PUBLIC, SidecarPrivacy.ANY, Privacy.PUBLIC, Origin.SIDECAR),
        (Privacy.FRIENDS, None, SidecarPrivacy.ANY, Privacy.FRIENDS, Origin.TEMPLATE),
    ],
)
def test_a_sidecar_makes_nothing_more_public_unless_it_may(
    own: Privacy, said: Privacy | None, rule: SidecarPrivacy, privacy: Privacy, origin: Origin
) -> None:
    one = made("x", beside(privacy=said), privacy=own, sidecar_privacy=rule)
    assert (one.privacy, one.sources["privacy"].origin) == (privacy, origin)
    refused = said is Privacy.PUBLIC and privacy is Privacy.FRIENDS
    assert ("privacy" in one.notes) is refused


def test_how_a_word_was_understood_is_noted_where_it_was_heard() -> None:
    said = beside(title="A", privacy=Privacy.FRIENDS, notes={"privacy": "unlisted is FRIENDS here"})
    assert made("x", said).notes == {"privacy": "unlisted is FRIENDS here"}


@pytest.mark.parametrize(
    ("stem", "told", "day"),
    [
        ("2026-01-02 Name", Beside(), "2026-01-02"),
        ("2026-01-02 Name", beside(date=date(2025, 5, 5)), "2025-05-05"),
        ("2026-31-31 Name", Beside(), "2026-11-22"),
        ("Name", Beside(), "2026-11-22"),
    ],
)
def test_the_day_is_that_of_the_sidecar_of_the_name_or_of_the_file(stem: str, told: Beside, day: str) -> None:
    assert made(stem, told, name_pattern=PATTERN, description="{{ date }}").description == day


def test_what_could_not_be_found_out_is_remarked() -> None:
    assert made("2026-01-02 Name", name_pattern=PATTERN).remarks == ()
    assert "does not fit" in made("Name", name_pattern=PATTERN).remarks[0]
    assert "no day" in made("2026-31-31 Name", name_pattern=PATTERN).remarks[0]
    assert made("x", Beside(remarks=("no ffprobe",))).remarks == ("no ffprobe",)
    assert made("x", beside(remarks=("gid is not heeded",))).remarks == ("x.json: gid is not heeded",)


def test_a_group_that_is_not_in_a_name_is_empty_and_fails_no_template() -> None:
    one = made("Name", name_pattern=PATTERN, title="{{ title or stem }}", description="{{ tags }}|{{ date }}")
    assert (one.title, one.description) == ("Name", "|2026-11-22")


def test_a_template_may_speak_of_what_is_not_there() -> None:
    template = "{{ sidecar.nothing or media.nothing or stem }} {{ duration // 60 }} {{ width }}"
    assert made("x", title=template + "{{ sidecar }}{{ media }}").title == "x 0.0 0"


def test_a_template_may_speak_of_everything_that_was_gathered() -> None:
    told = Beside(
        sidecars=beside(facts={"channel": "Mine", "tags": ("a", "b")}).sidecars,
        media=Media(duration=125.0, width=1920, height=1080, tags={"artist": "Me"}),
    )
    template = "{{ sidecar.channel }} {{ sidecar.tags | join('+') }} {{ media.artist }} {{ duration | int }}"
    assert made("x", told, title=template + " {{ height }}p").title == "Mine a+b Me 125 1080p"


@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "{% for a in b %}", "{{ config }}"])
def test_what_a_sidecar_says_is_never_a_template(value: str) -> None:
    assert made("x", beside(title=value)).title == value
    assert made("x", beside(facts={"a": value}), title="{{ sidecar.a }}").title == value


@pytest.mark.parametrize(
    "template", ["{{ sidecar._facts }}", "{{ sidecar.__class__ }}", "{{ stem.ljust(9) }}"]
)
def test_a_template_gets_no_further_than_the_facts(template: str) -> None:
    with pytest.raises(GaveUp) as caught:
        made("x", beside(facts={"a": "b"}), title=template)
    assert caught.value.code == "metadata_template"


texts = st.text(max_size=60) | st.text(alphabet="👨‍👩‍👧e\u0301\u200d🏽a ", min_size=300, max_size=3000)


@given(
    st.builds(
        Said,
        title=texts,
        description=texts,
        tags=st.lists(texts, max_size=30).map(tuple),
        privacy=st.sampled_from([None, *Privacy]),
        facts=st.dictionaries(st.text(max_size=5), texts, max_size=3),
    ),
    st.sampled_from(["{{ stem }}", "{{ sidecar.title }}", "{{ name }}"]),
    st.sampled_from(["", PATTERN, "(?P<description>.+)"]),
    st.sampled_from(["a", "2026-01-02 Name [x]", "\u200b"]),
    texts,
)
def test_whatever_is_said_every_field_fits_and_tells_where_it_comes_from(
    said: Said, template: str, pattern: str, stem: str, by_hand: str
) -> None:
    told = Beside(sidecars=merged([("x.json", said)]))
    one = made(stem, told, by_hand=by_hand, title=template, name_pattern=pattern)
    assert {*one.sources} == {"title", "description", "tags", "privacy", "group_id"}
    assert one.title.strip() == one.title != ""
    assert utf16_length(one.title) <= 1000
    assert utf16_length(one.description) <= 4000
    assert utf16_length(",".join(one.tags)) <= 1000
    assert all((source.sidecar != "") is (source.origin is Origin.SIDECAR) for source in one.sources.values())
    "".join((one.title, one.description, *one.tags)).encode()  # no surrogate is left
    if said.privacy is Privacy.FRIENDS:
        assert one.privacy is Privacy.FRIENDS
