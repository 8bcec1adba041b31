"""How long to wait: the laws of the backoff."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.errors import Doubt, SourceChanged, TicketDead, Trouble, UploadError
from okdrop.protocol.messages import NoAnswer, ServerTrouble
from okdrop.protocol.retry import Backoff, trouble_of

TROUBLES = st.integers(0, 10_000)
CHANCE = st.floats(0, 1, exclude_max=True)
ERRORS = st.sampled_from([Trouble("x"), Doubt("x"), TicketDead("x"), SourceChanged("x")])
SECONDS = st.floats(0.001, 1e5)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    first, more = draw(SECONDS), draw(st.floats(0, 1e5))
    return Backoff(first_delay=first, max_delay=first + more)


@given(backoffs(), ERRORS, TROUBLES, CHANCE)
def test_a_delay_lies_between_the_two_ends(
    backoff: Backoff, error: UploadError, troubles: int, chance: float
) -> None:
    delay = backoff.delay(error, troubles, chance)
    assert backoff.first_delay <= delay <= backoff.max_delay * (1 + 1e-12)


@given(backoffs(), TROUBLES, CHANCE, st.floats(0, 1e6, exclude_min=True))
def test_retry_after_goes_before_everything(
    backoff: Backoff, troubles: int, chance: float, asked: float
) -> None:
    assert backoff.delay(Trouble("x", retry_after=asked, long=True), troubles, chance) == asked


@given(backoffs(), TROUBLES, CHANCE)
def test_retry_after_nothing_climbs_like_any_other(backoff: Backoff, troubles: int, chance: float) -> None:
    """A host that says "at once" for ever must not be asked in a hot loop."""
    at_once = backoff.delay(Trouble("x", retry_after=0.0), troubles, chance)
    assert at_once == backoff.delay(Trouble("x"), troubles, chance)


@given(backoffs(), TROUBLES, CHANCE)
def test_long_is_the_longest_at_once(backoff: Backoff, troubles: int, chance: float) -> None:
    assert backoff.delay(Trouble("x", long=True), troubles, chance) == backoff.max_delay


@given(backoffs(), ERRORS, TROUBLES, CHANCE)
def test_one_more_failure_never_shortens_the_wait(
    backoff: Backoff, error: UploadError, troubles: int, chance: float
) -> None:
    assert backoff.delay(error, troubles, chance) <= backoff.delay(error, troubles + 1, chance)


@given(backoffs(), ERRORS, CHANCE)
def test_the_first_failure_waits_the_first_delay(backoff: Backoff, error: UploadError, chance: float) -> None:
    assert backoff.delay(error, 1, chance) == pytest.approx(backoff.first_delay)


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(first_delay=1, max_delay=20)
    tops = [backoff.delay(Trouble("x"), troubles, 1.0) for troubles in range(1, 8)]
    assert tops == [1, 2, 4, 8, 16, 20, 20]


def test_no_answer_as_trouble() -> None:
    trouble = trouble_of(NoAnswer("the line was cut"))
    assert (trouble.code, str(trouble), trouble.retry_after) == ("no_answer", "the line was cut", None)


def test_server_trouble_as_trouble() -> None:
    trouble = trouble_of(ServerTrouble(503, "busy", retry_after=7))
    assert (trouble.code, str(trouble), trouble.retry_after) == ("http_503", "HTTP 503 busy", 7)
    assert str(trouble_of(ServerTrouble(500))) == "HTTP 500"
