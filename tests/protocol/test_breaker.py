"""A breaker opens for what is the place's own, and closes at the first proof."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from okdrop.errors import Trouble
from okdrop.protocol.breaker import FAILURES, Breaker, Closed, Opened, State
from okdrop.protocol.retry import Backoff
from okdrop.protocol.unreachable import NO_HOST

BACKOFF: Final = Backoff(first_delay=1.0, max_delay=320.0)
BUSY: Final = Trouble("HTTP 503", code="http_503")
UNREACHABLE: Final = Trouble(NO_HOST, code="no_answer")
LIMIT: Final = Trouble("too many calls", code="api_8", long=True)


def fails(breaker: Breaker, who: int, error: Trouble = BUSY, *, now: float = 0.0) -> Opened | None:
    return breaker.failed(who, error, now, 1.0)


def opened(error: Trouble = BUSY, *, now: float = 0.0) -> Breaker:
    breaker = Breaker(BACKOFF)
    for number in range(FAILURES):
        if fails(breaker, number, error, now=now) is not None:
            break
    assert breaker.state is State.OPEN
    return breaker


# --- opening --------------------------------------------------------------------------------------------


def test_one_file_that_always_fails_opens_nothing() -> None:
    breaker = Breaker(BACKOFF)
    assert [fails(breaker, 1) for _ in range(100)] == [None] * 100
    assert breaker.admit(2, 0.0)


def test_failures_of_several_in_a_row_open_it() -> None:
    breaker = Breaker(BACKOFF)
    told = [fails(breaker, who) for who in (1, 1, 2, 1)]
    assert told == [None, None, None, Opened(pause=1.0, failures=4, again=False)]
    assert not breaker.admit(3, 0.9)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(BACKOFF)
    for _ in range(50):
        assert fails(breaker, 1) is None  # a poisoned file
        assert fails(breaker, 2) is None
        assert breaker.succeeded(3, 0.0) is None


@pytest.mark.parametrize("error", [UNREACHABLE, LIMIT, Trouble("HTTP 429", code="http_429")])
def test_what_no_file_can_be_blamed_for_opens_it_at_once(error: Trouble) -> None:
    assert fails(Breaker(BACKOFF), 1, error) is not None


def test_a_limits_first_pause_is_long_and_retry_after_goes_before() -> None:
    assert fails(Breaker(BACKOFF), 1, LIMIT) == Opened(pause=20.0, failures=1, again=False)
    told = Trouble("too many", code="http_429", retry_after=3.0)
    assert fails(Breaker(BACKOFF), 1, told) == Opened(pause=3.0, failures=1, again=False)


# --- half-open ------------------------------------------------------------------------------------------


def test_nobody_goes_there_before_the_pause_is_over_then_one_does() -> None:
    breaker = opened()
    assert not breaker.admit(1, breaker.until - 0.01)
    assert breaker.admit(7, breaker.until)
    assert [breaker.admit(who, breaker.until) for who in (7, 8)] == [True, False]


def test_its_failures_are_followed_by_longer_and_longer_pauses_up_to_the_longest() -> None:
    breaker, pauses = opened(), []
    for _ in range(12):
        assert breaker.admit(7, breaker.until)
        told = fails(breaker, 7, now=breaker.until)
        assert told is not None
        assert told.again
        pauses.append(told.pause)
    assert pauses[:4] == [2.0, 4.0, 8.0, 16.0]
    assert pauses[-1] == BACKOFF.max_delay
    assert breaker.failures == FAILURES + 12


def test_its_first_success_closes_it_and_tells_what_was_before() -> None:
    breaker = opened()
    breaker.admit(7, breaker.until)
    assert breaker.succeeded(7, 5.0) == Closed(failures=FAILURES, seconds=5.0)
    assert breaker.admit(8, 5.0)
    assert breaker.failures == 0


def test_what_was_on_its_way_before_fails_without_a_longer_pause() -> None:
    breaker = opened()
    until = breaker.until
    assert fails(breaker, 1) is None
    breaker.admit(7, until)
    assert fails(breaker, 1, now=until) is None
    assert (breaker.state, breaker.until) == (State.HALF_OPEN, until)


def test_what_was_on_its_way_before_and_arrives_proves_that_the_place_lives() -> None:
    assert opened().succeeded(1, 0.5) is not None


def test_but_it_says_nothing_about_a_limit() -> None:
    breaker = opened(LIMIT)
    assert breaker.succeeded(1, 0.5) is None
    breaker.admit(7, breaker.until)
    assert breaker.succeeded(1, breaker.until) is None
    assert breaker.succeeded(7, breaker.until) is not None


def test_a_longer_limit_that_comes_late_counts() -> None:
    breaker = opened(LIMIT)
    late = Trouble("too many", code="http_429", retry_after=600.0)
    assert fails(breaker, 1, late, now=1.0) == Opened(pause=600.0, failures=2, again=True)
    assert breaker.until == 601.0


def test_an_answered_question_counts_only_where_nobody_could_be_reached() -> None:
    assert opened(BUSY).answered(1, 1.0) is None
    assert opened(LIMIT).answered(1, 1.0) is None
    assert opened(UNREACHABLE).answered(1, 1.0) is not None


def test_who_was_to_try_and_goes_away_makes_room_for_another() -> None:
    breaker = opened()
    breaker.admit(7, breaker.until)
    assert not breaker.leave(8, breaker.until)
    assert breaker.leave(7, breaker.until)
    assert breaker.admit(8, breaker.until)


def test_a_relapse_goes_on_climbing_and_a_new_illness_does_not() -> None:
    breaker = opened()
    breaker.admit(7, 1.0)
    fails(breaker, 7, now=1.0)  # 2 s
    breaker.admit(7, 3.0)
    breaker.succeeded(7, 3.0)
    relapse = fails(breaker, 7, UNREACHABLE, now=4.0)
    assert relapse == Opened(pause=4.0, failures=1, again=False)
    breaker.admit(7, 8.0)
    breaker.succeeded(7, 8.0)
    assert breaker.remembers(9.0)
    assert not breaker.remembers(100.0)
    assert fails(breaker, 7, UNREACHABLE, now=100.0) == Opened(pause=1.0, failures=1, again=False)


def test_what_an_earlier_run_was_told_is_heeded() -> None:
    breaker = Breaker(BACKOFF)
    breaker.recall(50.0, 0.0)
    breaker.recall(30.0, 0.0)
    assert not breaker.admit(1, 49.0)
    assert breaker.admit(1, 50.0)
    assert breaker.open_for(50.0) == 50.0


# --- the laws, whatever the order of events ---------------------------------------------------------------


class Uploads(RuleBasedStateMachine):
    """Uploads that come, go and fail as they like, at one place."""

    who = st.integers(0, 5)

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(BACKOFF)
        self.now = 0.0
        self.inside: set[int] = set()  # let in since it opened, and not out again
        self.before: set[int] = set()  # let in before that

    @rule(seconds=st.floats(0.0, 400.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(who=who)
    def comes(self, who: int) -> None:
        was = self.breaker.state
        may = self.breaker.would_admit(who, self.now)
        assert self.breaker.admit(who, self.now) == may
        if was is State.OPEN:
            assert may == (self.now >= self.breaker.until)
        if may:
            self.inside.add(who)

    @rule(who=who, error=st.sampled_from([BUSY, UNREACHABLE, LIMIT]), chance=st.floats(0.0, 0.99))
    def fails(self, who: int, error: Trouble, chance: float) -> None:
        if who not in self.inside | self.before:
            return
        told = self.breaker.failed(who, error, self.now, chance)
        if told is not None:
            assert BACKOFF.first_delay / 2 <= told.pause <= BACKOFF.max_delay
            self.before |= self.inside
            self.inside = set()

    @rule(who=who)
    def succeeds(self, who: int) -> None:
        if who not in self.inside | self.before:
            return
        was_probe = self.breaker.state is State.HALF_OPEN and who in self.inside
        told = self.breaker.succeeded(who, self.now)
        if was_probe:
            assert told is not None
        if told is not None:
            self.before = set()
            assert all(self.breaker.would_admit(each, self.now) for each in range(6))

    @rule(who=who)
    def leaves(self, who: int) -> None:
        self.breaker.leave(who, self.now)
        self.inside.discard(who)
        self.before.discard(who)

    @invariant()
    def never_two_try_at_once(self) -> None:
        if self.breaker.state is State.HALF_OPEN:
            assert len(self.inside) == 1
        elif self.breaker.state is State.OPEN:
            assert not self.inside

    @precondition(lambda self: self.breaker.state is not State.HALF_OPEN)
    @invariant()
    def nobody_waits_for_ever(self) -> None:
        later = max(self.now, self.breaker.until)
        assert later - self.now <= BACKOFF.max_delay
        assert all(self.breaker.would_admit(who, later) for who in range(6))


TestUploads = Uploads.TestCase
