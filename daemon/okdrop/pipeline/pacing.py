"""Who may have how many segments out: the connections that pay towards a host, shared among its uploads.

The number is the host's (`protocol.pace`); one budget stands over all hosts, so that the process as a whole
is bounded. Each upload may have its share of the host's, and what the others leave of theirs: a large file
uses what a small one does not need.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop.pipeline.goodput import Goodput
from okdrop.protocol import messages as m
from okdrop.protocol.pace import FIRST_LEVEL, Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.protocol.plan import Plan
    from okdrop.protocol.ranges import ByteRange

BUDGET: Final = 16
"""Segments on their way at once, all uploads and hosts together, where their number is found by itself."""

REMEMBERED: Final = 256
"""Hosts whose pace is remembered while the process lives."""

_LOAD: Final = frozenset({429, 503})


@dataclasses.dataclass(frozen=True, slots=True)
class _Out:
    """A segment that is out: since when, and how busy its host had been until then."""

    since: float
    busy: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostPace:
    """How one host is sent to, at a moment."""

    host: str
    uploads: int  #: that go there now
    connections: int  #: at once: all uploads together where their number is found by itself, else for each
    in_flight: int  #: segments on their way
    segment_size: int  #: bytes
    goodput: float  #: bytes a second that were stored, lately
    troubles: int = 0  #: requests there that met trouble, since it is remembered


class _Host:
    """What is out to one host, and how many segments that is on average."""

    def __init__(self, remembered: int) -> None:
        self.pace: Final = Pace(most=BUDGET, remembered=remembered)
        self.goodput: Final = Goodput()
        self.connections = 0  # as they were planned last
        self.segment_size = 0
        self.troubles = 0
        self.uploads: Final[dict[int, None]] = {}
        self._out: Final[dict[tuple[int, ByteRange], _Out]] = {}
        self._busy = 0.0  # the integral of the number of segments out over time
        self._busy_until = 0.0

    def __len__(self) -> int:
        return len(self._out)

    def out_for(self, upload: int) -> int:
        return sum(one == upload for one, _ in self._out)

    def began(self, upload: int, span: ByteRange, now: float) -> None:
        self._advance(now)
        self._out[upload, span] = _Out(now, self._busy)

    def ended(self, upload: int, span: ByteRange, now: float) -> tuple[float, float]:
        """How long it was out, in seconds, and how many were out meanwhile, on average."""
        self._advance(now)
        out = self._out.pop((upload, span))
        seconds = now - out.since
        return seconds, (self._busy - out.busy) / seconds if seconds > 0 else 1.0

    def _advance(self, now: float) -> None:
        self._busy += len(self._out) * (now - self._busy_until)
        self._busy_until = now


class Pacing:
    """Fits the plan of each upload to what pays now.

    Args:
        monotonic: seconds.
        connections: whether their number is found by itself; else the plan's stands, for each upload.
        segment_size: whether it is found by itself; else the plan's stands.
    """

    def __init__(self, monotonic: Callable[[], float], *, connections: bool, segment_size: bool) -> None:
        self._monotonic: Final = monotonic
        self._finds_connections: Final = connections
        self._finds_size: Final = segment_size
        self._hosts: Final[dict[str, _Host]] = {}
        self._listeners: Final[list[Callable[[], object]]] = []
        self._recalled: Final[dict[str, tuple[int, float]]] = {}
        self._news: dict[str, int] = {}
        self.changed: Final = asyncio.Event()  #: a host's number was settled; see `take_news`

    def recall(self, host: str, connections: int, *, seconds: float) -> None:
        """So many paid to a host in an earlier run; that is good for so many seconds from now on."""
        if self._finds_connections:
            self._recalled[host] = connections, self._monotonic() + seconds

    def take_news(self) -> dict[str, int]:
        """Hosts whose number was settled since this was asked last, and how many connections it is."""
        news, self._news = self._news, {}
        return news

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener` when there may be more than before; returns what takes the listener off."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def plan(self, base: Plan, upload: int, host: str, *, is_proven: bool) -> Plan:
        """The plan as it is now.

        Args:
            base: as it is configured.
            upload: whose.
            host: where its bytes go.
            is_proven: whether it is known how the host takes segments; to find out takes more than one.
        """
        if base.in_one:
            return base
        state = self._host(host)
        if upload not in state.uploads:
            for other in self._hosts.values():
                other.uploads.pop(upload, None)
            state.uploads[upload] = None
        connections, size = base.connections, base.segment_size
        if self._finds_connections:
            connections = self._room(state, upload) if is_proven else FIRST_LEVEL
        if self._finds_size:
            size = state.pace.segment_size
        state.connections, state.segment_size = base.connections, size
        return dataclasses.replace(base, connections=connections, segment_size=size)

    def _room(self, host: _Host, upload: int) -> int:
        """How many segments an upload may have out: one at least."""
        elsewhere = sum(len(other) for other in self._hosts.values() if other is not host)
        together = min(host.pace.connections, BUDGET - elsewhere)
        share = together // len(host.uploads)
        left_by_others = together - (len(host) - host.out_for(upload))
        return max(1, share, left_by_others)

    def began(self, upload: int, host: str, span: ByteRange) -> None:
        """A segment leaves."""
        self._host(host).began(upload, span, self._monotonic())

    def ended(self, upload: int, host: str, span: ByteRange, answer: m.SegmentAnswer | None) -> None:
        """What came of it; None: it was given up on our side."""
        state, now = self._hosts[host], self._monotonic()
        seconds, together = state.ended(upload, span, now)
        before, was_settled = state.pace.connections, state.pace.is_settled
        state.troubles += isinstance(answer, m.ServerTrouble | m.NoAnswer)
        match answer:
            case m.Stored() | m.Complete():
                state.pace.stored(len(span), seconds=seconds, together=together, now=now)
                state.goodput.add(len(span), seconds=seconds, now=now)
            case m.ServerTrouble(status) if status in _LOAD:
                state.pace.overloaded(now=now)
            case m.NoAnswer(timed_out=True):
                state.pace.overloaded(now=now)
            case _:
                pass
        if state.pace.connections > before:
            self._tell()
        if state.pace.is_settled and not (was_settled and state.pace.connections == before):
            self._settled(host, state.pace.connections)

    def hosts(self) -> list[HostPace]:
        """How every host is sent to that is remembered, the one that was used last at the end."""
        now = self._monotonic()
        return [
            HostPace(
                host=name,
                uploads=len(host.uploads),
                connections=host.pace.connections if self._finds_connections else host.connections,
                in_flight=len(host),
                segment_size=host.segment_size,
                goodput=host.goodput.per_second(now),
                troubles=host.troubles,
            )
            for name, host in self._hosts.items()
        ]

    def left(self, upload: int) -> None:
        """An upload is in nobody's hands any more: its share goes to the others."""
        for host in self._hosts.values():
            host.uploads.pop(upload, None)
        self._tell()

    def _host(self, name: str) -> _Host:
        known = self._hosts.pop(name, None)
        if len(self._hosts) >= REMEMBERED:
            idle = (other for other, host in self._hosts.items() if not host.uploads and not len(host))
            self._hosts.pop(next(idle, ""), None)
        known = known if known is not None else _Host(self._paid_before(name))
        self._hosts[name] = known  # the one that was used last is the last to be forgotten
        return known

    def _settled(self, host: str, connections: int) -> None:
        if self._finds_connections:
            self._news[host] = connections
            self.changed.set()

    def _paid_before(self, host: str) -> int:
        connections, until = self._recalled.pop(host, (0, 0.0))
        return connections if self._monotonic() < until else 0

    def _tell(self) -> None:
        for listener in [*self._listeners]:
            listener()
