"""The files that a person named, and where each stands: the listener behind bars and plain lines."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.observe.standing import MOVING, Standing, moved_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from okdrop.events import Event

PACE_OVER: Final = 20.0
"""Seconds over which a speed is an average: a slow line moves in leaps."""

LEAPS: Final = (events.TicketIssued, events.TicketAbandoned, events.UploadResumed, events.FileSettled)
"""After these a file stands somewhere else, though no byte moved."""


class Pace:
    """How quickly a count grows."""

    def __init__(self) -> None:
        self._samples: Final[deque[tuple[float, int]]] = deque()

    def note(self, done: int, now: float) -> None:
        """Take down the count; one that is lower than before begins anew."""
        if self._samples and done < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((now, done))
        while len(self._samples) > 1 and self._samples[1][0] <= now - PACE_OVER:
            self._samples.popleft()

    def forget(self) -> None:
        """The count leapt: begin anew."""
        self._samples.clear()

    def speed(self, now: float) -> float:
        """Bytes a second; 0 where nothing is known or nothing moves."""
        if not self._samples:
            return 0.0
        since, first = self._samples[0]
        return (self._samples[-1][1] - first) / (now - since) if now > since else 0.0


@dataclasses.dataclass(slots=True, kw_only=True)
class Row:
    """One file on the board."""

    label: str  #: what it is called, made for the eye
    standing: Standing = dataclasses.field(default_factory=Standing)
    pace: Pace = dataclasses.field(default_factory=Pace)

    def time_left(self, now: float) -> float | None:
        """Seconds until every byte is there at this pace; None where nothing moves."""
        speed = self.pace.speed(now)
        moving = self.standing.stage in MOVING and speed > 0
        return (self.standing.size - self.standing.done) / speed if moving else None


class Board:
    """Follows events about named files; those about others it passes over.

    Args:
        files: paths as events show them (`okdrop.events.shown`).
        monotonic: seconds, of a clock that never goes back.
    """

    def __init__(self, files: Iterable[str], monotonic: Callable[[], float]) -> None:
        self.monotonic: Final = monotonic
        self.rows: Final = {path: Row(label=label) for path, label in _labels(files).items()}
        self.published: Final[set[int]] = set()  #: uploads that this run published
        self.left: Final[dict[str, str]] = {}  #: path → why it was left
        self.interrupted = False  #: the run was asked to stop, or halted
        self._paths: Final[dict[int, str]] = {}

    def listen(self, event: Event) -> Row | None:
        """Follow an event; returns the row that it is about, if it is about one."""
        match event:
            case events.DrainStarted() | events.PoolHalted():
                self.interrupted = True
            case events.UploadPublished(upload=number):
                self.published.add(number)
            case events.FileLeft(path=path, reason=reason):
                self.left[path] = reason
            case _:
                pass
        row = self.rows.get(self._path_of(event))
        if row is not None:
            self._move(row, event)
        return row

    def upload_of(self, path: str) -> int | None:
        """The latest upload that was told of for a file, by its id in the ledger; None: none was."""
        numbers = [number for number, named in self._paths.items() if named == path]
        return numbers[-1] if numbers else None

    def _path_of(self, event: Event) -> str:
        path: str = getattr(event, "path", "")
        if not isinstance(event, events.UploadEvent):
            return path
        if path in self.rows:
            self._paths[event.upload] = path
        return self._paths.get(event.upload, "")

    def _move(self, row: Row, event: Event) -> None:
        now = self.monotonic()
        row.standing = moved_by(event, row.standing, now)
        if isinstance(event, LEAPS):
            row.pace.forget()
        if row.standing.stage in MOVING:
            row.pace.note(row.standing.done, now)


def _labels(files: Iterable[str]) -> dict[str, str]:
    """Path → its last part, where no other file's is the same."""
    paths = list(dict.fromkeys(files))
    names = [path.rpartition("/")[2] for path in paths]
    return {path: name if names.count(name) == 1 else path for path, name in zip(paths, names, strict=True)}
