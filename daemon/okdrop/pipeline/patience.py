"""How long an attempt waits after trouble, and when it lets go of its worker instead.

A short wait is waited out. For a longer one the worker takes up another upload, and the session ends: what
it knows, and the row does not, must not be lost to that.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from typing import TYPE_CHECKING, Final

from okdrop.errors import Doubt, GaveUp, Trouble
from okdrop.pipeline.sessions import places_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.errors import UploadError
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.record import Record
    from okdrop.protocol.tickets import TicketSession

LONGEST: Final = 5.0
"""Seconds a worker waits out with the upload in its hands; for a longer wait it takes up another."""


@dataclasses.dataclass(frozen=True, slots=True)
class Released:
    """Come back in `delay` seconds; another upload may have the worker meanwhile.

    Attributes:
        delay: seconds.
        place: whose trouble it is; once that place is well, there is nothing to wait for.
        held: that place lets nobody in, and the delay is for the eye.
    """

    delay: float
    place: str = dataclasses.field(default="", compare=False)
    held: bool = dataclasses.field(default=False, compare=False)


class Patience:
    """The waits of one attempt.

    Args:
        parts: what all stages share.
        record: the row; it is told of each trouble.
        session: knows what comes next.
        wake: called when a wait is over.
    """

    def __init__(
        self, parts: Parts, record: Record, session: TicketSession, wake: Callable[[], object]
    ) -> None:
        self._parts: Final = parts
        self._record: Final = record
        self._session: Final = session
        self._wake: Final = wake
        self._not_before = 0.0
        self.released: Released | None = None  #: once nothing is out, the worker is let go

    @property
    def is_waiting(self) -> bool:
        """Whether nothing may be begun now."""
        return self.released is not None or self._parts.monotonic() < self._not_before

    def is_held(self, *places: str) -> bool:
        """Whether a place that is needed is in trouble: then this worker has better things to do."""
        upload = self._record.row.id
        if place := self._parts.breakers.holds(upload, *places):
            self.released = Released(self._parts.breakers.seconds_left(place), place, held=True)
        return bool(place)

    async def meet(self, error: UploadError) -> GaveUp | None:
        """Wait before the next step, as the backoff says; what is in flight goes on meanwhile.

        Returns:
            What ends the upload, where this was one try too many.
        """
        now, row = self._parts.monotonic(), self._record.row
        wait = error.retry_after if isinstance(error, Trouble) else None
        if now < self._not_before and (wait is None or now + wait <= self._not_before):
            return None  # the same trouble on another connection, and nobody asks for a longer wait
        again = row.troubled(error.code)
        if isinstance(error, Trouble) and error.tries is not None and again.repeats >= error.tries:
            return GaveUp(error.message, code=error.code, hint=error.hint)
        asks_first = again.troubles == 1 and isinstance(error, Doubt)
        held_by = self._parts.breakers.ill(*places_of(self._parts, row)) if isinstance(error, Trouble) else ""
        at_most = math.inf if isinstance(error, Trouble) else self._at_most
        delay = await self._record.put_off(error, at_once=asks_first, at_most=at_most, held_by=held_by)
        self._not_before = now + delay
        if held_by or delay > LONGEST:
            place = (
                places_of(self._parts, row)[-1]
                if isinstance(error, Trouble) and not error.retry_after
                else ""
            )
            self.released = Released(delay, held_by or place, held=bool(held_by))
        else:
            asyncio.get_running_loop().call_later(delay, self._wake)
        return None

    @property
    def _at_most(self) -> float:
        """Seconds: an upload that asks about its video, or is at its end, is not worth another session."""
        if self._session.gives_up_next:
            return 0.0
        return LONGEST if self._session.asks_about_video else math.inf

    async def let_go(self) -> None:
        """Have the row say it if its ticket is dead: whoever takes it up later would ask that URL again."""
        ticket = self._record.row.ticket
        if ticket is not None and self._session.has_lost_ticket:
            await self._record.abandon(ticket, due=self._record.row.retry_at)
