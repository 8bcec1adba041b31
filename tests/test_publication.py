"""What OK is still to be told, and when."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from okdrop.publication import UNPUBLISHED, Cover, CoverState, Draft, Publication, Renew

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ALL = [
    Publication(draft=draft, public_at=public_at, renew=renew, cover=cover and Cover(state=cover), words="w")
    for draft, public_at, renew, cover in itertools.product(
        [None, *Draft], [None, LATER], [None, *Renew], [None, *CoverState]
    )
]


@pytest.mark.parametrize("publication", ALL, ids=repr)
def test_what_is_owed_is_due_now_and_keeps_its_words(publication: Publication) -> None:
    due = publication.due(NOW)
    if publication.is_owed:
        assert due.tell_at == NOW
    elif publication.draft is not None:
        assert due.tell_at == publication.public_at
    else:
        assert due.tell_at is None
    assert bool(due.words) is (publication.is_owed or publication.draft is not None)
    assert publication.with_(beside=b"looked after").due(NOW).words == "w"  # another cover may come


@pytest.mark.parametrize("publication", ALL, ids=repr)
def test_where_nothing_is_owed_nothing_is_ever_due(publication: Publication) -> None:
    nothing = publication.nothing_owed()
    assert not nothing.is_owed
    assert nothing.due(NOW) == nothing
    assert (nothing.tell_at, nothing.words) == (None, "")


def test_friends_are_first_until_a_person_says_so_or_the_time_comes() -> None:
    assert not UNPUBLISHED.is_released(NOW)
    assert not Publication(draft=Draft.FRIENDS).is_released(NOW)
    assert not Publication(draft=Draft.FRIENDS, public_at=LATER).is_released(NOW)
    assert Publication(draft=Draft.FRIENDS, public_at=LATER).is_released(LATER)
    assert Publication(draft=Draft.RELEASE, public_at=LATER).is_released(NOW)


def test_of_the_words_the_title_and_for_whom_are_known() -> None:
    publication = Publication(words='["Evening", "text", ["a"], "FRIENDS", true]')
    assert (publication.title, publication.privacy) == ("Evening", "FRIENDS")
    for words in (
        "",
        "w",
        "[1]",
        "{}",
        '["", "", [], "FRIENDS", true]',
    ):  # the last: what is kept of those that failed
        assert (Publication(words=words).title, Publication(words=words).privacy) == ("", "")


def test_a_token_is_never_shown() -> None:
    cover = Cover(state=CoverState.HELD, photo_id="p1", token="SECRET")
    assert "SECRET" not in repr(Publication(cover=cover, words="SECRET"))
