"""When a person is told what, so that it neither rings without an end nor at night. Pure.

    published, with a digest     waits for the others of the same while, and goes with them in one message
    in quiet hours               waits for their end, unless it is urgent
    all else                     goes at once, each in a message of its own

Of all that, no more than `at_most` messages go in any `per` seconds. What is due and does not fit into the
room that is left goes in one message, which says how many there are; where there is no room left, it waits.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from okdrop.config.window import ALWAYS, PublishWindow
from okdrop.steps import Occasion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from okdrop.steps import Waiting

DIGESTED: Final = frozenset({Occasion.PUBLISHED, Occasion.CONFIRMED, Occasion.MOVED})
"""What all went well in, of which a digest may tell."""

LONGEST_WAIT: Final = timedelta(hours=1)
"""A step is never put off for longer: one that is, was written by a clock that ran ahead."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often somebody wants to be told.

    Attributes:
        digest: seconds for which what went well is gathered; 0: each is told by itself.
        at_most: messages in `per` seconds.
        per: seconds.
        quiet: the hours in which nobody is told; none of them: there are no such hours.
        urgent: what is told in them all the same.
    """

    digest: float = 0.0
    at_most: int = 10
    per: float = 600.0
    quiet: PublishWindow = ALWAYS
    urgent: frozenset[Occasion] = frozenset()

    @property
    def last(self) -> frozenset[Occasion]:
        """What is looked at after all else where much waits: it comes by thousands, and may wait longest.

        With `urgent` before all else, nothing that may be told stands behind what may not, neither by day nor
        in quiet hours.
        """
        return DIGESTED - self.urgent

    def is_quiet_at(self, moment: datetime, zone: tzinfo | None = None) -> bool:
        """Whether a moment lies in the quiet hours, by the local clock."""
        return bool(self.quiet.spans) and self.quiet.is_open_at(moment.astimezone(zone))


EVERY_TIME: Final = Rhythm()


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is: the ids of what goes in one message now; or, of none, when to look again."""

    ids: tuple[int, ...] = ()
    until: datetime | None = None


def turn(
    rhythm: Rhythm,
    waiting: Sequence[Waiting],
    told: Sequence[datetime],
    now: datetime,
    zone: tzinfo | None = None,
) -> Turn:
    """Say whose turn it is.

    Args:
        rhythm: how often it may be.
        waiting: what is to be told.
        told: when messages were sent, as far as that is known.
        now: aware.
        zone: by whose clock the quiet hours are; None: this machine's.
    """
    if not waiting:
        return Turn()
    times = _times(rhythm, waiting, now, zone)
    ready = [one for one in waiting if times[one.id] <= now]
    if not ready:
        return Turn(until=min(times.values()))
    recent = sorted(at for at in told if now - timedelta(seconds=rhythm.per) < at <= now)
    room = rhythm.at_most - len(recent)
    if room <= 0:
        return Turn(until=recent[-rhythm.at_most] + timedelta(seconds=rhythm.per))
    messages = _messages(rhythm, ready)
    chosen = messages[0] if len(messages) <= room else ready
    return Turn(ids=tuple(one.id for one in chosen))


def _times(
    rhythm: Rhythm, waiting: Sequence[Waiting], now: datetime, zone: tzinfo | None
) -> dict[int, datetime]:
    """Not before when each may be told."""
    is_quiet = rhythm.is_quiet_at(now, zone)
    morning = rhythm.quiet.outside().next_opening(now, zone) if is_quiet else now
    digested = [one.created_at for one in waiting if _is_digested(rhythm, one)]
    span = timedelta(seconds=rhythm.digest)
    together = min(min(digested, default=now), now) + span
    times = {}
    for one in waiting:
        at = one.due_at if one.due_at <= now + LONGEST_WAIT else now
        at = max(at, together) if _is_digested(rhythm, one) else at
        times[one.id] = max(at, morning) if is_quiet and one.event not in rhythm.urgent else at
    return times


def _messages(rhythm: Rhythm, ready: Sequence[Waiting]) -> list[list[Waiting]]:
    """What is due, as it would go if there were room for all: the digest in one, each other by itself."""
    urgent_first = sorted(ready, key=lambda one: (one.event not in rhythm.urgent, one.created_at, one.id))
    digest = [one for one in urgent_first if _is_digested(rhythm, one)]
    alone = [[one] for one in urgent_first if not _is_digested(rhythm, one)]
    return alone + ([digest] if digest else [])


def _is_digested(rhythm: Rhythm, one: Waiting) -> bool:
    return rhythm.digest > 0 and one.event in DIGESTED and one.event not in rhythm.urgent
