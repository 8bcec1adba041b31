"""While nobody can be reached, one asks for all."""

from __future__ import annotations

import pytest

from okdrop.pipeline.outage import FIRST_PAUSE, LATER, LONGEST_PAUSE, Outage


class Case:
    """An outage, and who went on."""

    def __init__(self) -> None:
        self.gone_on: list[int] = []
        self.outage = Outage(self.gone_on.append, chance=lambda: 1.0)


@pytest.fixture
def case() -> Case:
    return Case()


def test_nobody_waits_as_long_as_all_is_well(case: Case) -> None:
    assert not case.outage.holds(1)


def test_one_asks_again_and_again_and_the_others_wait(case: Case) -> None:
    pauses = [case.outage.nobody(1) for _ in range(20)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)
    assert [case.outage.holds(number) for number in (1, 2)] == [False, True]
    assert case.outage.wait(2) == LATER
    assert case.outage.nobody(3) == LATER  # its question was under way already
    assert case.gone_on == []


def test_an_answer_lets_all_go_on_in_their_order_once(case: Case) -> None:
    case.outage.nobody(1)
    for number in (3, 2, 3):
        case.outage.wait(number)
    case.outage.somebody()
    case.outage.somebody()
    assert case.gone_on == [3, 2]
    assert not case.outage.holds(2)
    assert case.outage.nobody(2) == FIRST_PAUSE


def test_who_asked_for_all_and_leaves_hands_it_on(case: Case) -> None:
    case.outage.nobody(1)
    case.outage.wait(2)
    case.outage.leave(3)
    assert case.gone_on == []
    case.outage.leave(1)
    assert case.gone_on == [2]
    assert [case.outage.holds(number) for number in (2, 3)] == [False, True]
    case.outage.leave(2)
    assert not case.outage.holds(3)
