"""A cookie is good for who showed the token, for a while, and for that token alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from okdrop.web.sessions import LIFE, Sessions

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
    until, _, signature = sessions().begin().partition(".")
    assert not sessions().holds(f"{int(until) + 1}.{signature}")


def test_the_token_is_in_no_cookie() -> None:
    assert "secret" not in sessions().begin() + sessions().name
