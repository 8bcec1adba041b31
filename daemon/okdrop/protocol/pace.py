"""How many connections to a host pay, and how much should go in one request: learned from what was stored.

Two hosts look alike at first. One gives each connection so much and no more: n of them carry n times as
much. To the other the line is full with the first, and more of them carry the same in smaller parts. So the
number is doubled as long as doubling pays, and taken back to what it paid for:

    climbing ──► doubling paid: double again          ──► the most there may be: settled
        │
        └──► it did not: back to what it was worth ──► settled
                  └──► it was worth nothing: half of the last ones, as long as they are enough ──► settled
    settled  ──► after a while, longer each time: climbing again
    trouble that tells of load (429, 503, a timeout): half of them, settled
    remembered from an earlier run: those at once, and are half of them enough?

What is compared is the host's goodput: a stored segment's own rate times the number of segments that were
out beside it, itself included. A segment is meant to last some seconds: short enough that a lost answer
costs little, long enough that answers cost little.
"""

from __future__ import annotations

import dataclasses
import enum
import statistics
from typing import Final

MIB: Final = 1024 * 1024

FIRST_LEVEL: Final = 4
"""Connections to begin with: as many as the server's own family uses (protocol.md 4.1, K3)."""

SMALLEST: Final = MIB
LARGEST: Final = 64 * MIB
"""Bytes of a segment, at least and at most."""

SECONDS_SETTLED: Final = 4.0
SECONDS_CLIMBING: Final = 1.0
"""How long a segment is meant to last; shorter while its end is waited for to learn from."""

PAYS: Final = 0.25
"""The share of what doubling could bring at most that it has to bring."""

ENOUGH: Final = 0.92
"""The share of the goodput that fewer connections have to carry to be enough."""

TOGETHER: Final = 0.75
"""A segment tells of a level if so large a share of its connections was busy in its life."""

SHORTEST_TRIAL: Final = 0.5
"""Seconds for which a number is tried at least: what lasts a few milliseconds tells little."""

FIRST_REST: Final = 30.0
LONGEST_REST: Final = 480.0
"""Seconds until a settled number is tried anew: the first time, and at most."""

_OWN_SHARE: Final = 0.3  # of the newest segment, in the smoothed rate of a connection


class _Phase(enum.Enum):
    CLIMBING = "climbing"
    LOWERING = "lowering"  # are half of those below enough?
    SETTLED = "settled"


@dataclasses.dataclass(frozen=True, slots=True)
class _Level:
    """What so many connections carried, in bytes a second."""

    connections: int
    goodput: float

    @property
    def each(self) -> float:
        return self.goodput / self.connections


class Pace:
    """One host's.

    Args:
        most: connections there may be at most.
        remembered: how many paid the last time; 0: unknown.
    """

    def __init__(self, *, most: int, remembered: int = 0) -> None:
        self._most: Final = most
        self.connections = min(remembered or FIRST_LEVEL, most)  #: at once, all uploads to this host together
        self.segment_size = SMALLEST  #: bytes
        self._phase = _Phase.CLIMBING
        self._from_memory = remembered > 0
        self._below: _Level | None = None
        self._each = 0.0
        self._heard: Final[list[float]] = []
        self._rest = FIRST_REST / 2  # doubled whenever a rest begins
        self._entered: float | None = None  # the phase, with the first segment that was stored

    @property
    def is_settled(self) -> bool:
        """Whether the number of connections is left as it is for a while."""
        return self._phase is _Phase.SETTLED

    def stored(self, size: int, *, seconds: float, together: float, now: float) -> None:
        """A segment was stored.

        Args:
            size: bytes of it.
            seconds: from its beginning to its answer.
            together: how many segments to this host were out meanwhile, on average, this one included.
            now: seconds of one monotonic clock.
        """
        rate = size / max(seconds, 1e-6)
        if self._entered is None:
            self._entered = now - seconds
        tried = now - self._entered
        self._each = rate if not self._each else self._each + _OWN_SHARE * (rate - self._each)
        if self._phase is _Phase.SETTLED and tried >= self._rest:
            self._enter(_Phase.CLIMBING, self.connections, now)
            tried = 0.0
        if self._phase is not _Phase.SETTLED and together >= TOGETHER * self.connections:
            self._heard.append(rate * together)
            if len(self._heard) >= max(self.connections, 2) and tried >= SHORTEST_TRIAL:
                self._judge(_Level(self.connections, statistics.median(self._heard)), now)
        self._resize()

    def overloaded(self, *, now: float) -> None:
        """The host, or the line to it, has too much to carry (429, 503, a timeout)."""
        self._settle(max(1, self.connections // 2), now)

    def _judge(self, level: _Level, now: float) -> None:
        below = self._below
        if self._from_memory:
            self._doubt(level, now)
        elif self._phase is _Phase.LOWERING and below is not None:
            self._lower(level, below, now)
        elif below is None or _has_paid(level, below):
            self._climb(level, now)
        else:
            self._step_back(level, below, now)

    def _doubt(self, level: _Level, now: float) -> None:
        """What was remembered paid another day: is it still more than half of it would carry?"""
        if level.connections == 1:
            self._settle(1, now)
        else:
            self._enter(_Phase.LOWERING, level.connections // 2, now, below=level)

    def _climb(self, level: _Level, now: float) -> None:
        if level.connections >= self._most:
            self._settle(level.connections, now)
        else:
            self._enter(_Phase.CLIMBING, min(2 * level.connections, self._most), now, below=level)

    def _step_back(self, level: _Level, below: _Level, now: float) -> None:
        """As many as carry what all of them carried, by what each carried before there were more."""
        worth = max(round(ENOUGH * level.goodput / below.each), below.connections)
        if worth > below.connections or worth == 1:
            self._settle(worth, now)
        else:
            self._enter(_Phase.LOWERING, worth // 2, now, below=below)

    def _lower(self, level: _Level, below: _Level, now: float) -> None:
        """`below` is the least that is known to be enough."""
        if level.goodput < ENOUGH * below.goodput:
            self._settle(below.connections, now)
        elif level.connections == 1:
            self._settle(1, now)
        else:
            less = _Level(level.connections, max(level.goodput, below.goodput))
            self._enter(_Phase.LOWERING, level.connections // 2, now, below=less)

    def _settle(self, connections: int, now: float) -> None:
        self._enter(_Phase.SETTLED, connections, now)
        self._rest = min(2 * self._rest, LONGEST_REST)

    def _enter(self, phase: _Phase, connections: int, now: float, *, below: _Level | None = None) -> None:
        self._phase, self.connections, self._below, self._entered = phase, connections, below, now
        self._from_memory = False
        self._heard.clear()

    def _resize(self) -> None:
        """At most twice or half of what it was: one odd segment must not turn it over."""
        seconds = SECONDS_SETTLED if self.is_settled else SECONDS_CLIMBING
        wanted = int(self._each * seconds)
        wanted = min(max(wanted, self.segment_size // 2), 2 * self.segment_size)
        self.segment_size = min(max(wanted // MIB * MIB, SMALLEST), LARGEST)


def _has_paid(level: _Level, below: _Level) -> bool:
    could = level.connections / below.connections - 1.0
    return level.goodput >= below.goodput * (1.0 + PAYS * could)
