"""How long to wait before the next try.

Delays double from `first_delay` up to `max_delay`, spread by chance so that many uploads do not come
back at once; the other side's Retry-After goes before. Progress starts the climb anew: that is the
caller's `troubles`, a count of failures in a row.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop.errors import Trouble
from okdrop.protocol.messages import NoAnswer, ServerTrouble

if TYPE_CHECKING:
    from okdrop.errors import UploadError

_DOUBLINGS: Final = 40
"""More would overflow nothing useful: 2**40 seconds are past any `max_delay`."""

_LIMITED: Final = 16
"""A rate limit's first pause, as a part of `max_delay`: one call, for the whole account, asks after it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The two ends of the delays, in seconds."""

    first_delay: float
    max_delay: float

    def delay(self, error: UploadError, troubles: int, chance: float) -> float:
        """Seconds to wait after the `troubles`-th failure in a row (1 for the first).

        Args:
            error: what happened; a `Trouble` may ask for a certain or for the long delay.
            troubles: failures in a row without progress, this one included.
            chance: a random number in [0, 1).
        """
        if isinstance(error, Trouble):
            if error.retry_after:  # "at once" is no answer to whoever asks how long to wait
                return error.retry_after
            if error.long:
                return self.max_delay
        top = min(self.max_delay, self.first_delay * 2.0 ** min(max(troubles, 1) - 1, _DOUBLINGS))
        return self.first_delay + chance * (top - self.first_delay)

    def pause(self, number: int, chance: float, *, limited: bool) -> float:
        """Seconds for which a place is left in peace by everybody, for the `number`-th time in a row.

        Args:
            number: 1 for the first.
            chance: a random number in [0, 1); one that waits for all need not be spread by much.
            limited: there was too much of us: the climb begins high.
        """
        first = max(self.first_delay, self.max_delay / _LIMITED) if limited else self.first_delay
        top = min(self.max_delay, first * 2.0 ** min(max(number, 1) - 1, _DOUBLINGS))
        return top * (1.0 + chance) / 2.0


def trouble_of(answer: ServerTrouble | NoAnswer) -> Trouble:
    """Passing trouble with an upload host, as an error."""
    if isinstance(answer, NoAnswer):
        return Trouble(answer.reason, code="no_answer")
    text = f"HTTP {answer.status} {answer.reason}".strip()
    return Trouble(text, code=f"http_{answer.status}", retry_after=answer.retry_after)
