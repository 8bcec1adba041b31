"""Where each upload on its way stands: the ledger's rows, and what is heard between two looks at them.

The daemon tells events as JSON; here they become events again, and are followed by the same rules by which
`okdrop upload` draws its bars (`okdrop.observe.standing`). One that a newer daemon tells otherwise is passed
over: the next look at the rows has the truth.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

from okdrop import events
from okdrop.drop import State
from okdrop.observe.board import LEAPS
from okdrop.observe.board import Row as Tracked
from okdrop.observe.standing import MOVING, Stage, Standing, moved_by
from okdrop.top.model import Moving
from okdrop.words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from okdrop.top.model import Row

_KINDS: Final[Mapping[str, type[events.Event]]] = {
    kind.name: kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.UploadEvent) and "name" in vars(kind)
}
_VALUES: Final[Mapping[object, tuple[type, ...]]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
}
_PASSING: Final = (events.UploadProgress, events.SegmentStored, events.ModeProven)
"""What is heard all the time; after anything else an upload may be in another state."""


def event_of(data: str) -> events.UploadEvent | None:
    """The event about an upload that the `data` of a server-sent event tells; None: it tells no such one."""
    try:
        document = json.loads(data)
        kind = _KINDS.get(document["event"])
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    if kind is None:
        return None
    facts: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name not in document:
            continue
        value = document[field.name]
        if not isinstance(value, _VALUES.get(field.type, ())):
            return None
        facts[field.name] = printable(value) if isinstance(value, str) else value
    try:
        event = kind(**facts)
    except TypeError:  # a fact is missing
        return None
    return event if isinstance(event, events.UploadEvent) else None


class Heard:
    """Follows uploads on their way.

    Args:
        monotonic: seconds, of a clock that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic: Final = monotonic
        self._tracked: Final[dict[int, Tracked]] = {}

    def forget(self) -> None:
        """Something may have been missed: the next look at the rows begins anew."""
        self._tracked.clear()

    def hear(self, event: events.UploadEvent) -> bool:
        """Follow an event; whether the rows are worth a new look."""
        one = self._tracked.get(event.upload)
        if one is not None:
            now = self._monotonic()
            one.standing = moved_by(event, one.standing, now)
            if isinstance(event, LEAPS):
                one.pace.forget()
            _note(one, now)
        return not isinstance(event, _PASSING)

    def look(self, rows: Iterable[Row], now: datetime) -> None:
        """Take the rows of what is on its way; what is not among them is forgotten.

        Args:
            rows: of the ledger.
            now: the daemon's time, as near as it is known.
        """
        here = {row.id: row for row in rows}
        for gone in self._tracked.keys() - here.keys():
            del self._tracked[gone]
        for row in here.values():
            self._look(row, now)

    def _look(self, row: Row, now: datetime) -> None:
        at = self._monotonic()
        one = self._tracked.get(row.id)
        if one is None:
            one = self._tracked[row.id] = Tracked(label=row.name, standing=_first_seen(row, at, now))
        elif row.received > one.standing.done and row.received <= one.standing.size:
            one.standing = dataclasses.replace(
                one.standing, done=row.received, furthest=max(one.standing.furthest, row.received)
            )
        _note(one, at)

    def moving(self, rows: Iterable[Row], *, paused: bool = False) -> tuple[Moving, ...]:
        """How they stand now: what moves stands first, what waits last; else in their order."""
        now = self._monotonic()
        found = [
            _moving(row, self._tracked[row.id], now, paused=paused) for row in rows if row.id in self._tracked
        ]
        return tuple(sorted(found, key=lambda one: one.standing.stage is Stage.WAITING))


def _note(one: Tracked, now: float) -> None:
    if one.standing.stage in MOVING:
        one.pace.note(one.standing.done, now)


def _first_seen(row: Row, at: float, now: datetime) -> Standing:
    """Where an upload stands by its row alone."""
    standing = Standing(
        size=row.size, done=row.received, furthest=row.received, stage=Stage.SENDING, words="sending"
    )
    if row.retry_at is not None and row.retry_at > now:
        until = at + (row.retry_at - now).total_seconds()
        return dataclasses.replace(standing, stage=Stage.WAITING, words="for its next try", until=until)
    if row.state is State.FINALIZING:
        return dataclasses.replace(standing, stage=Stage.PUBLISHING, words="publishing")
    return standing


def _moving(row: Row, one: Tracked, now: float, *, paused: bool) -> Moving:
    left = one.time_left(now)
    words = one.standing.says(now)
    if paused and one.standing.stage is not Stage.WAITING:
        words = "paused" if left is None else "paused: segments under way land"
    if row.waits_for is not None:
        words = f"waits for the end of upload {row.waits_for}, which may be of the same bytes"
    return Moving(
        row=row,
        standing=one.standing,
        speed=one.pace.speed(now) if left is not None else 0.0,
        left=left,
        words=words,
    )
