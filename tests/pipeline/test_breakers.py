"""Places in trouble, and who waits for them."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from okdrop import events
from okdrop.errors import GaveUp, Halted, Trouble
from okdrop.pipeline import breakers as module
from okdrop.pipeline.breakers import ACCOUNT, API, CALL, Breakers
from okdrop.pipeline.line import Line
from okdrop.protocol.retry import Backoff
from okdrop.protocol.unreachable import NO_HOST
from pipeline.bench import Clock, until

HOST: Final = "vu.okcdn.ru"
OTHER: Final = "vu2.okcdn.ru:8443"
GONE: Final = Trouble(NO_HOST, code="no_answer")
LIMIT: Final = Trouble("too many", code="api_8", long=True)


class Case:
    """Breakers, two lines, a clock, and what was told."""

    def __init__(self, *, first_delay: float = 10.0) -> None:
        self.clock = Clock()
        self.told: list[events.Event] = []
        self.lines = Line(), Line()
        self.breakers = Breakers(
            Backoff(first_delay=first_delay, max_delay=160.0),
            emit=self.told.append,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            chance=lambda: 0.0,
        )

    def names(self) -> list[str]:
        return [event.name for event in self.told]

    def call(self, who: int, error: Exception | None = None) -> None:
        with self.breakers.calling(who):
            if error is not None:
                raise error

    async def comes_out(self, line: int = 0, *, within: float = 5.0) -> int | None:
        return await asyncio.wait_for(self.lines[line].get(), within)

    async def nobody_comes_out(self) -> bool:
        for line in self.lines:
            line.close()
        return [await line.get() for line in self.lines] == [None, None]


@pytest.fixture
async def case() -> Case:
    return Case()


async def test_trouble_at_one_host_holds_nobody_elsewhere(case: Case) -> None:
    case.breakers.failed(1, HOST, GONE)
    assert case.breakers.holds(1, HOST) == HOST
    assert case.breakers.holds(2, OTHER) == ""
    assert case.breakers.holds(3, *CALL) == ""
    case.breakers.wait(1, HOST, case.lines[0])
    case.breakers.wait(2, OTHER, case.lines[0])  # well: it need not wait
    assert await case.comes_out() == 2
    assert await case.nobody_comes_out()


async def test_one_of_each_line_tries_and_its_success_lets_all_go_on() -> None:
    case = Case(first_delay=0.02)
    case.breakers.failed(9, HOST, GONE)
    for who in range(4):
        case.breakers.wait(who, HOST, case.lines[0])
    case.breakers.wait(7, HOST, case.lines[1])
    assert [await case.comes_out(), await case.comes_out(1)] == [0, 7]
    assert case.breakers.holds(0, HOST) == ""
    assert case.breakers.holds(7, HOST) == HOST
    case.breakers.wait(7, HOST, case.lines[1])
    case.breakers.succeeded(0, HOST)
    assert [await case.comes_out() for _ in range(3)] == [1, 2, 3]
    assert await case.comes_out(1) == 7
    assert case.names() == ["breaker.opened", "breaker.half_open", "breaker.closed"]
    last = case.told[-1]
    assert isinstance(last, events.BreakerClosed)
    assert (last.place, last.failures, last.waiting) == (HOST, 1, 4)


async def test_who_fails_lets_the_next_one_try() -> None:
    case = Case(first_delay=0.01)
    case.breakers.failed(9, HOST, GONE)
    for who in range(3):
        case.breakers.wait(who, HOST, case.lines[0])
    tried = []
    for _ in range(5):
        who = await case.comes_out()
        assert who is not None
        assert case.breakers.holds(who, HOST) == ""
        tried.append(who)
        case.breakers.failed(who, HOST, GONE)
        case.breakers.wait(who, HOST, case.lines[0])
    assert tried == [0, 1, 2, 0, 1]
    assert case.names().count("breaker.opened") == 1


async def test_who_was_to_try_and_has_nothing_to_do_there_hands_it_on() -> None:
    case = Case(first_delay=0.01)
    case.breakers.failed(9, HOST, GONE)
    for who in range(3):
        case.breakers.wait(who, HOST, case.lines[0])
    assert await case.comes_out() == 0
    case.breakers.leave(0)  # asked to try, and did not come
    assert await case.comes_out() == 1
    assert case.breakers.holds(1, HOST) == ""
    case.breakers.leave(1)  # let in, and found nothing out
    assert await case.comes_out() == 2


async def test_who_never_comes_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUDGE", 0.01)
    case = Case(first_delay=0.01)
    case.breakers.failed(9, HOST, GONE)
    for who in range(3):
        case.breakers.wait(who, HOST, case.lines[0])
    assert [await case.comes_out() for _ in range(3)] == [0, 1, 2]


async def test_who_was_cancelled_waits_no_more() -> None:
    case = Case(first_delay=0.01)
    case.breakers.failed(9, HOST, GONE)
    for who in range(2):
        case.breakers.wait(who, HOST, case.lines[0])
    case.breakers.forget(0)
    assert await case.comes_out() == 1


async def test_a_call_needs_the_account_and_the_api(case: Case) -> None:
    with pytest.raises(Trouble):
        case.call(1, LIMIT)
    assert case.breakers.holds(2, *CALL) == ACCOUNT
    with pytest.raises(Trouble):
        case.call(1, Trouble(NO_HOST, code="api_unreachable"))
    case.clock.ahead = 10.0  # the account's pause is over, and the API's, too
    assert case.breakers.holds(2, *CALL) == ""
    assert case.breakers.holds(3, *CALL) == ACCOUNT
    case.call(2)
    assert case.breakers.holds(3, *CALL) == ""
    assert case.names()[-2:] == ["breaker.closed"] * 2


async def test_who_may_not_go_to_one_of_two_places_tries_at_neither(case: Case) -> None:
    case.breakers.failed(1, ACCOUNT, LIMIT)
    case.breakers.failed(1, API, GONE)
    case.breakers.failed(1, ACCOUNT, Trouble("", code="http_429", retry_after=60.0))
    case.clock.ahead = 30.0
    assert case.breakers.holds(2, API, ACCOUNT) == ACCOUNT
    assert case.breakers.holds(3, API) == ""


@pytest.mark.parametrize("error", [Halted("no"), GaveUp("no")])
async def test_a_refusal_is_an_answer(case: Case, error: Exception) -> None:
    case.breakers.failed(1, API, GONE)
    case.clock.ahead = 60.0
    assert case.breakers.holds(2, *CALL) == ""
    with pytest.raises(type(error)):
        case.call(2, error)
    assert case.breakers.ill(*CALL) == ""


@pytest.mark.parametrize(
    "error", [Trouble("not yet", code="api_100", tries=10), Trouble("old keys", code="credentials_exchanged")]
)
async def test_what_is_not_the_apis_trouble_is_not_counted(case: Case, error: Trouble) -> None:
    for who in range(20):
        with pytest.raises(Trouble):
            case.call(who, error)
    assert case.breakers.ill(*CALL) == ""


async def test_the_patient_try_only_where_nobody_else_waits() -> None:
    case = Case(first_delay=0.01)
    case.breakers.failed(9, ACCOUNT, LIMIT)
    case.clock.ahead = 200.0
    case.breakers.wait(1, ACCOUNT, case.lines[1], patient=True)
    case.breakers.wait(2, ACCOUNT, case.lines[0])
    assert await case.comes_out() == 2
    case.breakers.leave(2)
    assert await case.comes_out(1) == 1


async def test_a_wait_in_its_line_by_the_places_trouble_ends_with_it(case: Case) -> None:
    case.breakers.failed(1, HOST, Trouble("HTTP 503", code="http_503"))
    case.lines[0].put(1, 3600.0)
    case.breakers.delayed(1, HOST, case.lines[0])
    case.breakers.failed(2, HOST, GONE)
    case.breakers.answered(2, HOST)
    assert await case.comes_out() == 1


async def test_a_place_that_was_well_for_long_is_forgotten(case: Case) -> None:
    for number in range(100):
        case.breakers.failed(1, f"host-{number}", Trouble("HTTP 503", code="http_503"))
        case.breakers.succeeded(2, f"host-{number}")
    assert case.breakers._places == {}


async def test_what_is_recalled_holds_until_then(case: Case) -> None:
    case.breakers.recall(ACCOUNT, 30.0, "api_8")
    case.breakers.wait(1, ACCOUNT, case.lines[0])
    assert case.breakers.holds(1, *CALL) == ACCOUNT
    assert 29.0 < case.breakers.seconds_left(ACCOUNT) <= 30.0
    (waiting,) = case.breakers.waiting(5)
    assert (waiting.who, waiting.code) == (1, "api_8")
    case.clock.ahead = 31.0
    assert case.breakers.holds(1, *CALL) == ""


async def test_a_burst_of_waiters_costs_one_timer(case: Case) -> None:
    case.breakers.failed(1, HOST, GONE)
    for who in range(10_000):
        case.breakers.wait(who, HOST, case.lines[0])
    assert len(case.breakers.waiting(50)) == 50
    case.breakers.answered(1, HOST)
    seen: set[int | None] = set()

    def all_out() -> bool:
        while not case.lines[0]._due.empty():
            seen.add(case.lines[0]._due.get_nowait())
        return len(seen) == 10_000

    await until(all_out)


async def test_after_each_pause_one_without_a_ticket_asks_after_another_host() -> None:
    case = Case(first_delay=0.02)
    case.breakers.named(HOST)
    for who in range(module.CROWD + 1):  # one of them goes and tries
        case.breakers.failed(who, HOST, GONE)
        case.breakers.wait(who, HOST, case.lines[0])
    for who in (20, 21):
        assert case.breakers.crowded(who) == HOST
        case.breakers.wait(who, HOST, case.lines[1], patient=True)
    assert await case.comes_out(1) == 20, "though others wait to try"
    assert (case.breakers.crowded(20), case.breakers.crowded(21)) == ("", HOST)
    case.breakers.named(OTHER)
    assert await case.comes_out(1) == 21
    assert case.breakers.crowded(21) == ""


async def test_a_scout_that_is_out_of_hand_is_none_any_more() -> None:
    case = Case(first_delay=0.02)
    case.breakers.named(HOST)
    for who in range(module.CROWD + 1):  # one of them goes and tries
        case.breakers.failed(who, HOST, GONE)
        case.breakers.wait(who, HOST, case.lines[0])
    case.breakers.wait(20, HOST, case.lines[1], patient=True)
    assert await case.comes_out(1) == 20
    case.breakers.leave(20)
    assert case.breakers.crowded(20) == HOST


async def test_places_that_failed_once_are_not_remembered_for_ever(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 4)
    case.breakers.failed(1, HOST, GONE)
    for number in range(50):
        case.breakers.failed(1, f"vu{number}.okcdn.ru", Trouble("HTTP 500", code="http_500"))
    assert len(case.breakers._places) <= 5
    assert case.breakers.ill(HOST) == HOST, "what is open stays so"
