"""A token cannot be guessed: wrong ones are counted by address."""

from __future__ import annotations

from okdrop.web import tries
from okdrop.web.tries import EVERY, FREE, KNOWN_FOR, Tries


def test_after_so_many_wrong_ones_an_address_waits_and_others_do_not() -> None:
    kept = Tries()
    for _ in range(FREE):
        assert kept.wait("192.0.2.1", 100.0) == 0.0
        kept.wrong("192.0.2.1", 100.0)
    assert kept.wait("192.0.2.1", 100.0) == EVERY
    assert kept.wait("192.0.2.2", 100.0) == 0.0
    assert kept.wait("192.0.2.1", 100.0 + EVERY) == 0.0
    kept.wrong("192.0.2.1", 100.0 + EVERY)
    assert kept.wait("192.0.2.1", 100.0 + EVERY) == EVERY


def test_it_is_news_once_until_the_token_was_shown() -> None:
    kept = Tries()
    assert [kept.wrong("::1", 0.0) for _ in range(3)] == [True, False, False]
    kept.right("::1", 0.0)
    assert kept.wrong("::1", 0.0)


def test_a_machine_has_one_account_for_all_its_ipv6_addresses() -> None:
    kept = Tries()
    for number in range(FREE):
        kept.wrong(f"2001:db8:0:1::{number}", 0.0)
    assert kept.wait("2001:db8:0:1:ffff::1", 0.0) > 0
    assert kept.wait("2001:db8:0:2::1", 0.0) == 0.0
    assert kept.wait("no address", 0.0) == 0.0


def test_what_is_remembered_is_bounded() -> None:
    kept = Tries()
    for number in range(tries.REMEMBERED + 10):
        kept.wrong(f"10.0.{number // 256}.{number % 256}", 0.0)
        kept.right(f"10.1.{number // 256}.{number % 256}", 0.0)
    assert len(kept._accounts) == tries.REMEMBERED
    assert len(kept._known) == tries.REMEMBERED


def test_an_address_that_showed_the_token_is_known_for_a_while() -> None:
    kept = Tries()
    assert not kept.knows("192.0.2.1", 0.0)
    kept.right("192.0.2.1", 0.0)
    kept.wrong("192.0.2.1", 1.0)
    assert kept.knows("192.0.2.1", KNOWN_FOR - 1)
    assert not kept.knows("192.0.2.1", KNOWN_FOR)
    assert not kept.knows("192.0.2.2", 1.0)
