"""When a place is left in peace, and who finds out that it is well again: a circuit breaker.

    CLOSED ──► failures in a row, not of one upload alone; or a rate limit ──► OPEN: nobody goes there
      ▲                                                                          │ the pause is over
      │                                                                          ▼
      └── it succeeds: everybody goes on ◄── HALF_OPEN: one goes, the others wait
                                                 └── it fails: OPEN again, for longer

A place is whatever has troubles of its own: OK's API, the account there, one upload host. Two rules:

1. One upload's failures alone open nothing: they may be the file's own, and its backoff sees to them. What
   no file can be blamed for opens at once: a rate limit, and a place to which no connection comes about.
2. Open, only whoever is let in proves anything: what was on its way before may still fail, and counts no
   more. Its success proves that the place lives, unless that place named a limit.

A place that falls ill again soon after it was well goes on climbing where it was. Times are seconds of one
monotonic clock.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final

from okdrop.protocol.unreachable import is_unreachable
from okdrop.protocol.verdicts import RATE_LIMITS

if TYPE_CHECKING:
    from okdrop.errors import Trouble
    from okdrop.protocol.retry import Backoff

FAILURES: Final = 4
"""Failures in a row that open a breaker…"""

UPLOADS: Final = 2
"""…if they are those of so many uploads at least."""


class State(enum.Enum):
    """How a breaker stands."""

    CLOSED = "closed"  #: all is well, as far as is known
    OPEN = "open"  #: nobody goes there before the pause is over
    HALF_OPEN = "half-open"  #: one tries, for all


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A breaker opened, for `pause` seconds; `again`: it was not closed before."""

    pause: float
    failures: int  #: in a row so far
    again: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A breaker closed, `seconds` after it opened; so many failures came before."""

    failures: int
    seconds: float


def is_rate_limit(error: Trouble) -> bool:
    """Whether it says that there were too many of us, or too much."""
    return error.code in RATE_LIMITS


def is_at_once(error: Trouble) -> bool:
    """Whether it cannot be any file's own fault."""
    return is_rate_limit(error) or is_unreachable(error.message)


class Breaker:
    """Of one place.

    Args:
        backoff: how the pauses grow.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff: Final = backoff
        self.state = State.CLOSED
        self.until = 0.0  #: nobody goes there before; once it is open
        self.failures = 0  #: in a row
        self._failing: Final[set[int]] = set()
        self._limited = False
        self._unreachable = False
        self._probe: int | None = None
        self._since = 0.0
        self._pauses = 0
        self._well_until = 0.0  # falling ill before is a relapse

    def would_admit(self, who: int, now: float) -> bool:
        """Whether an upload may go there now."""
        match self.state:
            case State.CLOSED:
                return True
            case State.OPEN:
                return now >= self.until
            case State.HALF_OPEN:
                return who == self._probe

    def admit(self, who: int, now: float) -> bool:
        """Let an upload go there, if it may: once the pause is over, as the one that tries for all."""
        if not self.would_admit(who, now):
            return False
        if self.state is State.OPEN:
            self.state, self._probe = State.HALF_OPEN, who
        return True

    def failed(self, who: int, error: Trouble, now: float, chance: float) -> Opened | None:
        """An upload failed there.

        Args:
            who: whose try it was.
            error: what happened; its Retry-After goes before any climb.
            now: the time.
            chance: a random number in [0, 1).

        Returns:
            What that changes, if anything.
        """
        self.failures += 1
        if self.state is State.CLOSED:
            self._failing.add(who)
            many = self.failures >= FAILURES and len(self._failing) >= UPLOADS
            return self._open(error, now, chance) if many or is_at_once(error) else None
        if self.state is State.HALF_OPEN and who == self._probe:
            return self._open(error, now, chance)
        if self.state is State.OPEN and is_rate_limit(error) and error.retry_after:
            return self._prolong(now, error.retry_after)
        return None

    def _prolong(self, now: float, retry_after: float) -> Opened | None:
        """What was on its way before tells how long to stay away; that may be longer."""
        if now + retry_after <= self.until:
            return None
        self.until, self._limited = now + retry_after, True
        return Opened(pause=retry_after, failures=self.failures, again=True)

    def succeeded(self, who: int, now: float) -> Closed | None:
        """Something that an upload did there went well; tells what ended by that, if anything."""
        if self.state is State.CLOSED:
            self._forget()
            return None
        if self._limited and who != self._probe:
            return None
        return self._close(now)

    def answered(self, who: int, now: float) -> Closed | None:
        """A question was answered there: that counts where the place could not even be reached."""
        if self.state is State.CLOSED or not self._unreachable:
            return None
        return self.succeeded(who, now)

    def leave(self, who: int, now: float) -> bool:
        """An upload goes away; whether it was to try for all, and had not found out anything yet."""
        if self.state is not State.HALF_OPEN or who != self._probe:
            return False
        self.state, self._probe, self.until = State.OPEN, None, now
        return True

    def recall(self, until: float, now: float) -> None:
        """An earlier run was told not to come before `until`."""
        if self.state is State.CLOSED:
            self.state, self._since, self._limited = State.OPEN, now, True
        self.until = max(self.until, until)

    def open_for(self, now: float) -> float:
        """For how many seconds nothing has gone well there; 0 while it is closed."""
        return 0.0 if self.state is State.CLOSED else now - self._since

    def remembers(self, now: float) -> bool:
        """Whether it still knows something that counts: failures, or that it was open lately."""
        return self.state is not State.CLOSED or self.failures > 0 or now < self._well_until

    def _open(self, error: Trouble, now: float, chance: float) -> Opened:
        again = self.state is not State.CLOSED
        if not again:
            self._since = now
            self._pauses = self._pauses if now < self._well_until else 0
        self._pauses += 1
        self._limited, self._unreachable = is_rate_limit(error), is_unreachable(error.message)
        climbed = self._backoff.pause(self._pauses, chance, limited=self._limited)
        pause = error.retry_after or climbed
        self.state, self._probe, self.until = State.OPEN, None, now + pause
        return Opened(pause=pause, failures=self.failures, again=again)

    def _close(self, now: float) -> Closed:
        closed = Closed(failures=self.failures, seconds=now - self._since)
        pause = self._backoff.pause(self._pauses + 1, 1.0, limited=self._limited)
        self.state, self._probe, self._well_until = State.CLOSED, None, now + pause
        self._forget()
        return closed

    def _forget(self) -> None:
        self.failures = 0
        self._failing.clear()
