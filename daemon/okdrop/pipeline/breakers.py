"""Every place that can be in trouble of its own, and who waits until it is well again.

    the account      told that there were too many calls        holds every call but current_user of its own
    the API          cannot be reached, or answers 5xx          the same
    HOST[:PORT]      an upload host: refuses, stalls, 5xx, 429  holds the uploads whose ticket names it

Each has its own breaker (`protocol.breaker`), so trouble at one slows nobody elsewhere. Whoever may not go
waits here as an id that belongs into a line, at no cost: no timer, no worker, no write. When a pause is over,
the first of each line is put back into it; whichever gets to the place first tries for all, and when that
succeeds all are put back. So the room of a place holds ids alone, each once; and one that is empty and
well is forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.errors import Trouble, UploadError
from okdrop.protocol.breaker import Breaker, Opened, State, is_rate_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from okdrop.pipeline.line import Line
    from okdrop.protocol.retry import Backoff

ACCOUNT: Final = "the account"
API: Final = "the API"
CALL: Final = (ACCOUNT, API)
"""What has to be well for a call of the API; `pipeline.accounts` tells it of each account."""

CROWD: Final = 8
"""Uploads that wait for one host before no more are sent there."""

REMEMBERED: Final = 256
"""Places; beyond that those of which there is little to remember are forgotten."""

NUDGE: Final = 5.0
"""Seconds after which others are asked to try, if whoever was asked has not come."""

_NOT_THEIRS: Final = frozenset({"credentials_exchanged"})


@dataclasses.dataclass(slots=True)
class _Place:
    """One place: its breaker, and who waits for it."""

    breaker: Breaker
    waiting: dict[int, Line] = dataclasses.field(default_factory=dict)
    patient: dict[int, Line] = dataclasses.field(default_factory=dict)  # those who try only if nobody else
    delayed: dict[int, Line] = dataclasses.field(default_factory=dict)  # in their lines, by its trouble
    asked: set[int] = dataclasses.field(default_factory=set)  # put back into their lines, to try
    timer: asyncio.TimerHandle | None = None
    code: str = ""
    scout: int | None = None  # one of the patient, that asks OK for a ticket all the same
    scouted: float = 0.0  # the end of the pause after which that one was sent

    @property
    def is_forgettable(self) -> bool:
        """Whether nobody waits, and it is closed: all that is lost is a count of failures."""
        return self.breaker.state is State.CLOSED and not (self.waiting or self.patient or self.delayed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Somebody waits until then, in monotonic seconds, because of trouble of that code."""

    who: int
    until: float
    code: str


class Breakers:
    """The breakers of all places.

    Args:
        backoff: how their pauses grow.
        emit: told when one opens, and when it closes.
        now: the present, aware and in UTC.
        monotonic: seconds that never run backwards.
        chance: a random number in [0, 1).
    """

    def __init__(
        self,
        backoff: Backoff,
        *,
        emit: events.Emit,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._backoff: Final = backoff
        self._emit: Final = emit
        self._now: Final = now
        self._monotonic: Final = monotonic
        self._chance: Final = chance
        self._places: Final[dict[str, _Place]] = {}
        self._named = ""  # the host that OK named last
        self.changed: Final = asyncio.Event()  #: set whenever `waiting` tells something new

    # --- may I go? -----------------------------------------------------------------------------------

    def holds(self, who: int, *places: str) -> str:
        """The place that keeps an upload from going on; "" where it may, and then it has leave to."""
        now = self._monotonic()
        there = [(name, self._places[name].breaker) for name in places if name in self._places]
        for name, breaker in there:
            if not breaker.would_admit(who, now):
                return name
        for name, breaker in there:
            tries = breaker.state is State.OPEN
            if breaker.admit(who, now) and tries:
                self._emit(events.BreakerHalfOpen(place=name, upload=who))
        return ""

    def ill(self, *places: str) -> str:
        """The first of these places that is not known to be well; "" where all are."""
        for name in places:
            if name in self._places and self._places[name].breaker.state is not State.CLOSED:
                return name
        return ""

    def crowded(self, who: int, *, beside: int = 0) -> str:
        """The host that OK would name now, by its last word, if enough wait for it already; else "".

        After each pause one upload is no part of the crowd: OK may name another host by now.

        Args:
            who: the id.
            beside: how many others are about to go there.
        """
        known = self._places.get(self._named)
        if known is None or known.breaker.state is State.CLOSED or len(known.waiting) + beside < CROWD:
            return ""
        return "" if who == known.scout else self._named

    def seconds_left(self, place: str) -> float:
        """How many seconds nobody goes there; 0 where somebody may, or is trying."""
        known = self._places.get(place)
        if known is None or known.breaker.state is not State.OPEN:
            return 0.0
        return max(0.0, known.breaker.until - self._monotonic())

    def open_for(self, place: str) -> float:
        """For how many seconds nothing has gone well there."""
        known = self._places.get(place)
        return known.breaker.open_for(self._monotonic()) if known is not None else 0.0

    def waiting(self, most: int) -> list[Waiting]:
        """Who waits, and until when: for each place that is open, the first `most`."""
        return [
            Waiting(who=who, until=known.breaker.until, code=known.code)
            for known in self._places.values()
            if known.breaker.state is State.OPEN
            for who in itertools.islice(known.waiting, most)
        ]

    # --- what came of it -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def calling(self, who: int, call: tuple[str, str] = CALL) -> Iterator[None]:
        """Take note of what becomes of a call of the API; whatever it raises goes on.

        Args:
            who: the id.
            call: the account's and the API's places.
        """
        account, api = call
        try:
            yield
        except Trouble as error:
            if is_rate_limit(error):
                self.failed(who, account, error)
            elif error.tries is None and error.code not in _NOT_THEIRS:
                self.failed(who, api, error)
            raise
        except UploadError:
            self.succeeded(who, *call)  # an answer, if not the one that was hoped for
            raise
        self.succeeded(who, *call)

    def failed(self, who: int, place: str, error: Trouble) -> None:
        """An upload met trouble that is the place's."""
        known = self._place(place)
        opened = known.breaker.failed(who, error, self._monotonic(), self._chance())
        if opened is not None:
            known.code = error.code
            known.asked.clear()
            self._tell_opened(place, error, opened)
            self.changed.set()
            self._schedule(place, known)

    def succeeded(self, who: int, *places: str) -> None:
        """Something went well there: who waits for it goes on."""
        for place in places:
            if (known := self._places.get(place)) is not None:
                self._note_success(place, known, who, is_answer=False)

    def answered(self, who: int, place: str) -> None:
        """A question was answered there, which proves less."""
        if (known := self._places.get(place)) is not None:
            self._note_success(place, known, who, is_answer=True)

    def _note_success(self, place: str, known: _Place, who: int, *, is_answer: bool) -> None:
        breaker, now = known.breaker, self._monotonic()
        closed = breaker.answered(who, now) if is_answer else breaker.succeeded(who, now)
        if closed is not None:
            waiting = len(known.waiting) + len(known.patient)
            self._release(known)
            self._emit(
                events.BreakerClosed(
                    place=place, failures=closed.failures, seconds=round(closed.seconds, 3), waiting=waiting
                )
            )
        if breaker.state is State.CLOSED and not is_answer:
            known.delayed.clear()
        if not breaker.remembers(now):
            del self._places[place]  # well, and empty

    def named(self, host: str) -> None:
        """OK named this host in a new ticket: who would have been sent to the one before may go on."""
        before, self._named = self._places.get(self._named), host
        if before is not None and not self.ill(host):
            waiting, before.patient = before.patient, {}
            _put_back(waiting, {})

    # --- who waits -----------------------------------------------------------------------------------

    def wait(self, who: int, place: str, line: Line, *, patient: bool = False) -> None:
        """Put an id into a line once the place is well.

        Args:
            who: the id.
            place: where it may not go now.
            line: where the id belongs.
            patient: it tries only if nobody else does.
        """
        known = self._places.get(place)
        if known is None or known.breaker.state is State.CLOSED:
            line.put(who)
            return
        (known.patient if patient else known.waiting)[who] = line
        self.changed.set()
        if known.timer is None:
            self._schedule(place, known)

    def delayed(self, who: int, place: str, line: Line) -> None:
        """An id waits in its line for a while because of the place: it need not, once the place is well."""
        if (known := self._places.get(place)) is not None:
            known.delayed[who] = line

    def leave(self, who: int) -> None:
        """An upload is out of hand: if it was to try for all and did not, another one does."""
        for place, known in self._places.items():
            known.scout = None if known.scout == who else known.scout
            was_asked = who in known.asked
            known.asked.discard(who)
            if known.breaker.leave(who, self._monotonic()) or (was_asked and not known.asked):
                self._schedule(place, known)

    def forget(self, who: int) -> None:
        """An upload has come to its end."""
        self.leave(who)
        for known in self._places.values():
            for room in (known.waiting, known.patient, known.delayed):
                room.pop(who, None)

    def recall(self, place: str, seconds: float, code: str) -> None:
        """An earlier run was told, or decided, that nobody goes there for so many seconds from now."""
        known = self._place(place)
        known.code = code
        now = self._monotonic()
        known.breaker.recall(now + seconds, now)

    def _schedule(self, place: str, known: _Place) -> None:
        if known.timer is not None:
            known.timer.cancel()
            known.timer = None
        if known.waiting or known.patient:
            left = self.seconds_left(place)
            known.timer = asyncio.get_running_loop().call_later(left, self._ask_for_a_try, place, known)

    def _ask_for_a_try(self, place: str, known: _Place) -> None:
        """The pause is over: the first of each line may go and see."""
        known.timer = None
        breaker = known.breaker
        if breaker.state is State.OPEN and self._monotonic() >= breaker.until:
            for room in (known.waiting, known.patient):
                firsts = {line: who for who, line in reversed(room.items())}
                for line, who in firsts.items():
                    del room[who]
                    known.asked.add(who)
                    line.put(who)
                if firsts:
                    break
            self._send_scout(place, known)
        if known.waiting or known.patient:
            # Whoever was asked may never come, or not for long: all workers may be busy elsewhere.
            known.timer = asyncio.get_running_loop().call_later(NUDGE, self._ask_for_a_try, place, known)

    def _send_scout(self, place: str, known: _Place) -> None:
        """Have one of those without a ticket ask for one, once after each pause of an upload host."""
        until = known.breaker.until
        if _is_no_host(place) or known.scouted == until or not known.patient:
            return
        known.scouted, known.scout = until, next(iter(known.patient))
        known.patient.pop(known.scout).put(known.scout)

    def _place(self, name: str) -> _Place:
        known = self._places.get(name)
        if known is None:
            if len(self._places) >= REMEMBERED:
                for other in [one for one, place in self._places.items() if place.is_forgettable]:
                    del self._places[other]
            known = self._places[name] = _Place(Breaker(self._backoff))
        return known

    def _release(self, known: _Place) -> None:
        """All go on: one of each line at once, the others a moment later."""
        if known.timer is not None:
            known.timer.cancel()
            known.timer = None
        known.asked.clear()
        waiting, delayed = known.waiting | known.patient, known.delayed
        known.waiting, known.patient, known.delayed = {}, {}, {}
        firsts = {line: who for who, line in reversed(waiting.items())}
        for line, who in firsts.items():
            del waiting[who]
            line.put(who)
        spread = self._backoff.first_delay * self._chance()
        asyncio.get_running_loop().call_later(spread, _put_back, waiting, delayed)

    def _tell_opened(self, place: str, error: Trouble, opened: Opened) -> None:
        until = self._now() + timedelta(seconds=opened.pause)
        kind = events.BreakerStaysOpen if opened.again else events.BreakerOpened
        self._emit(
            kind(
                place=place,
                code=error.code,
                reason=error.message,
                failures=opened.failures,
                delay=round(opened.pause, 3),
                until=until.isoformat(timespec="seconds"),
            )
        )


def _is_no_host(place: str) -> bool:
    """Whether a place is an account or an API: their names have blanks."""
    return " " in place


def _put_back(waiting: dict[int, Line], delayed: dict[int, Line]) -> None:
    for who, line in waiting.items():
        line.put(who)
    for who, line in delayed.items():
        line.retime(who, 0.0)
