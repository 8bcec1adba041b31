"""Nobody is told more often than they want, nor when they sleep; and whatever happened is told, once."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from okdrop.config.window import PublishWindow
from okdrop.pipeline.rhythm import DIGESTED, Rhythm, Turn, turn
from okdrop.steps import Occasion, Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
NIGHT = PublishWindow.parse("23:00-08:00")
SENDING = timedelta(seconds=1)

RHYTHMS = st.builds(
    Rhythm,
    digest=st.sampled_from([0.0, 60.0, 3600.0]),
    at_most=st.integers(1, 4),
    per=st.sampled_from([10.0, 600.0, 86_400.0]),
    quiet=st.sampled_from(
        [
            PublishWindow(),
            NIGHT,
            PublishWindow.parse("12:00-13:00"),
            PublishWindow.parse("Sat-Sun 00:00-24:00"),
        ]
    ),
    urgent=st.frozensets(st.sampled_from([Occasion.HALTED, Occasion.PUBLISHED]), max_size=1),
)
ARRIVALS = st.lists(
    st.tuples(st.integers(0, 40_000), st.sampled_from([*Occasion])), min_size=1, max_size=25
).map(sorted)


@dataclasses.dataclass(frozen=True)
class Message:
    at: datetime
    about: tuple[Waiting, ...]


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def waiting(number: int, event: str = Occasion.PUBLISHED, at: float = 0.0) -> Waiting:
    return Waiting(id=number, event=event, created_at=after(at), due_at=after(at))


def lived(rhythm: Rhythm, arrivals: Sequence[tuple[int, Occasion]]) -> list[Message]:
    """What is told, and when, of what happens so many seconds after the start."""
    coming = [waiting(number, event, at) for number, (at, event) in enumerate(arrivals)]
    here: dict[int, Waiting] = {}
    messages: list[Message] = []
    now = START
    for _ in range(20 * len(arrivals) + 20):
        while coming and coming[0].created_at <= now:
            arrived = coming.pop(0)
            here[arrived.id] = arrived
        chosen = turn(rhythm, [*here.values()], [one.at for one in messages], now, UTC)
        if chosen.ids:
            messages.append(Message(now, tuple(here.pop(one) for one in chosen.ids)))
            now += SENDING
            continue
        assert chosen.until is None or chosen.until > now, "else it would ask without an end"
        assert here or chosen == Turn()
        if not (coming or here):
            return messages
        now = min([one.created_at for one in coming[:1]] + ([chosen.until] if chosen.until else []))
    raise AssertionError("it never came to an end")


@given(RHYTHMS, ARRIVALS)
@example(Rhythm(at_most=1, per=10.0), [(0, Occasion.FAILED)] * 25)
def test_everything_is_told_once(rhythm: Rhythm, arrivals: list[tuple[int, Occasion]]) -> None:
    told = [one.id for message in lived(rhythm, arrivals) for one in message.about]
    assert sorted(told) == [*range(len(arrivals))]


@given(RHYTHMS, ARRIVALS)
def test_never_more_than_so_many_in_that_time(rhythm: Rhythm, arrivals: list[tuple[int, Occasion]]) -> None:
    times = [message.at for message in lived(rhythm, arrivals)]
    for first, later in zip(times, times[rhythm.at_most :], strict=False):
        assert (later - first).total_seconds() >= rhythm.per


@given(RHYTHMS, ARRIVALS)
def test_in_quiet_hours_nothing_is_told_but_what_is_urgent(
    rhythm: Rhythm, arrivals: list[tuple[int, Occasion]]
) -> None:
    for message in lived(rhythm, arrivals):
        if rhythm.is_quiet_at(message.at, UTC):
            assert all(one.event in rhythm.urgent for one in message.about)


@given(RHYTHMS, ARRIVALS)
def test_nothing_waits_without_a_reason(rhythm: Rhythm, arrivals: list[tuple[int, Occasion]]) -> None:
    """What is neither gathered nor asleep is told at once, as long as there is room."""
    roomy = dataclasses.replace(rhythm, at_most=1000)
    for message in lived(roomy, arrivals):
        for one in message.about:
            is_held = rhythm.digest > 0 and one.event in DIGESTED
            soon = one.created_at + SENDING * (len(arrivals) + 1)
            is_quiet = rhythm.is_quiet_at(one.created_at, UTC) or rhythm.is_quiet_at(soon, UTC)
            if one.event in rhythm.urgent or not (is_held or is_quiet):
                assert message.at <= soon


@given(ARRIVALS, st.sampled_from([60.0, 3600.0]))
def test_a_digest_comes_when_the_first_of_it_is_so_old_and_tells_of_all_till_then(
    arrivals: list[tuple[int, Occasion]], digest: float
) -> None:
    for message in lived(Rhythm(digest=digest, at_most=1000), arrivals):
        gathered = [one for one in message.about if one.event in DIGESTED]
        if gathered:
            assert gathered == [*message.about]
            first = min(one.created_at for one in gathered)
            late = (message.at - first).total_seconds() - digest
            assert 0 <= late <= len(arrivals) + 1


def test_where_there_is_room_each_is_told_by_itself_and_what_is_urgent_first() -> None:
    rhythm = Rhythm(at_most=2, urgent=frozenset({Occasion.HALTED}))
    both = [waiting(1, Occasion.FAILED), waiting(2, Occasion.HALTED, 1)]
    assert turn(rhythm, both, [], after(2), UTC).ids == (2,)


def test_what_does_not_fit_goes_in_one_that_tells_of_all() -> None:
    rhythm = Rhythm(at_most=2)
    three = [waiting(number, Occasion.FAILED) for number in range(3)]
    assert turn(rhythm, three, [], START, UTC).ids == (0, 1, 2)
    assert turn(rhythm, three[:2], [START], after(1), UTC).ids == (0, 1)
    full = turn(rhythm, three, [START, after(5)], after(10), UTC)
    assert full == Turn(until=after(600))


def test_a_digest_that_is_due_is_one_message_beside_the_others() -> None:
    rhythm = Rhythm(at_most=2, digest=60.0)
    due = [waiting(1), waiting(2, at=30.0), waiting(3, Occasion.FAILED)]
    assert turn(rhythm, due, [], after(60), UTC).ids == (3,)
    assert turn(rhythm, due[:2], [], after(60), UTC).ids == (1, 2)


def test_what_happens_at_night_is_told_in_the_morning() -> None:
    rhythm = Rhythm(quiet=NIGHT, urgent=frozenset({Occasion.HALTED}))
    night, morning = datetime(2030, 1, 2, 1, tzinfo=UTC), datetime(2030, 1, 2, 8, tzinfo=UTC)
    assert turn(rhythm, [waiting(1)], [], night, UTC) == Turn(until=morning)
    assert turn(rhythm, [waiting(1), waiting(2, Occasion.HALTED)], [], night, UTC).ids == (2,)
    assert turn(rhythm, [waiting(1)], [], morning, UTC).ids == (1,)


def test_what_was_put_off_waits_for_its_time_but_not_for_that_of_a_clock_that_ran_ahead() -> None:
    put_off = dataclasses.replace(waiting(1), due_at=after(30))
    assert turn(Rhythm(), [put_off], [], START, UTC) == Turn(until=after(30))
    ahead = dataclasses.replace(waiting(1), created_at=after(10**8), due_at=after(10**8))
    assert turn(Rhythm(), [ahead], [], START, UTC).ids == (1,)
    assert turn(Rhythm(digest=60.0), [ahead], [], START, UTC) == Turn(until=after(60))
    assert turn(Rhythm(at_most=1), [waiting(1)], [after(10**8)], START, UTC).ids == (1,)
