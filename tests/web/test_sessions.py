"""A cookie is good for who showed the token, for a while, and for that token alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from okdrop.web.sessions import LIFE, Session, Sessions

NOW = datetime(2030, 1, 2, tzinfo=UTC)


def sessions(token: bytes = b"secret", after: float = 0.0) -> Sessions:
    return Sessions(token, lambda: NOW + timedelta(seconds=after))


def test_a_cookie_is_good_over_a_restart_until_its_time_is_over() -> None:
    cookie = sessions().begin()
    assert sessions().holds(cookie)
    assert sessions(after=LIFE - 1).holds(cookie)
    assert not sessions(after=LIFE).holds(cookie)


def test_another_token_ends_it_and_names_its_cookies_otherwise() -> None:
    assert not sessions(b"another").holds(sessions().begin())
    assert sessions(b"another").name != sessions().name


@pytest.mark.parametrize(
    "forged", ["", ".", "9", "9999999999.", "9999999999.00", "\ud800.\udcff", "\u0663.\u0663"]
)
def test_what_is_forged_is_no_cookie(forged: str) -> None:
    assert not sessions().holds(forged)


def test_a_longer_life_cannot_be_written_into_it() -> None:
    until, number, signature = sessions().begin().split(".")
    assert not sessions().holds(f"{int(until) + 1}.{number}.{signature}")
    assert not sessions().holds(f"{until}.0.{signature}")


def test_what_is_signed_as_a_name_is_no_value() -> None:
    kept = sessions()
    for text in ("name", "", "name:"):
        assert not kept.holds(f"{text}.{kept._signed('name', text)}")


def test_one_that_was_ended_is_good_nowhere_and_another_is() -> None:
    kept = sessions()
    cookie, other = kept.begin(), kept.begin()
    ended = kept.end(cookie)
    assert ended is not None
    assert not kept.holds(cookie)
    assert kept.holds(other)
    assert kept.end("9999999999.x.00") is None
    restarted = sessions()
    assert restarted.holds(cookie)
    restarted.ended([ended])
    assert not restarted.holds(cookie)


def test_what_was_ended_is_forgotten_once_it_would_be_over() -> None:
    kept = sessions(after=2 * LIFE)
    kept.ended([Session(number="a", until=1), Session(number="b", until=9_999_999_999)])
    kept.ended([])
    assert [*kept._ended] == ["b"]


def test_where_it_is_not_known_which_were_ended_only_new_ones_are_good() -> None:
    cookie, kept = sessions().begin(), sessions(after=60)
    kept.distrust()
    assert not kept.holds(cookie)
    assert kept.holds(kept.begin())


def test_the_token_is_in_no_cookie() -> None:
    assert "secret" not in sessions().begin() + sessions().name
