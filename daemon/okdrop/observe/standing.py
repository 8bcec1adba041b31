"""Where one file stands, in figures and words, folded from events: what bars and plain lines show.

Pure: a `Standing` is a value, `moved_by` gives the next one, and time is an argument.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from okdrop.events import Event

_KILO: Final = 1000
_SHORT: Final = 10  #: a figure below it is shown with a decimal


class Stage(enum.Enum):
    """What is being done about a file."""

    SETTLING = "settling"  #: is it finished?
    QUEUED = "queued"
    ASKING = "asking"
    SENDING = "sending"
    AGAIN = "again"  #: sending what was lost on the way
    WAITING = "waiting"  #: until another try
    PUBLISHING = "publishing"
    DONE = "done"
    STOPPED = "stopped"


ENDED: Final = frozenset({Stage.DONE, Stage.STOPPED})
"""The stages after which nothing more is done about a file."""

MOVING: Final = frozenset({Stage.SENDING, Stage.AGAIN})
"""The stages in which bytes leave."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a file stands. Sizes are bytes, `until` is seconds on the clock of `now`."""

    size: int = 0  #: 0: not known yet
    done: int = 0  #: OK holds them or they are on the line; never more than `size`
    furthest: int = 0  #: the largest `done` there was
    stage: Stage = Stage.SETTLING
    words: str = "looking whether it is finished"
    until: float = 0.0  #: when the next try is due, in `Stage.WAITING`

    @property
    def percent(self) -> int:
        """How much of it is done, rounded down: 100 only for the whole."""
        return 100 * self.done // self.size if self.size else 0

    def says(self, now: float) -> str:
        """What is being done, in words."""
        if self.stage is not Stage.WAITING:
            return self.words
        return f"waiting {max(0.0, self.until - now):.0f} s: {self.words}"


def moved_by(event: Event, standing: Standing, now: float) -> Standing:
    """Where a file stands after an event that is about it; an event without news changes nothing."""
    match event:
        case events.FileWaiting(reason=reason):
            return _at(standing, Stage.SETTLING, f"waiting until it is finished: {reason}")
        case events.FileLeft(reason=reason):
            return _at(standing, Stage.STOPPED, f"left: {reason}")
        case events.FileSettled(size=size):
            return _at(_with(standing, done=0, size=size), Stage.QUEUED, "in line")
        case events.FileKnown():
            return _known(event, standing)
        case events.UploadWaits(delay=delay, code=code):
            waiting = _at(standing, Stage.WAITING, f"an earlier run met {code}")
            return dataclasses.replace(waiting, until=now + delay)
        case events.UploadSuperseded():
            return Standing(words="it changed; looking whether it is finished")
        case _:
            return _on_its_way(event, standing, now)


def _known(event: events.FileKnown, standing: Standing) -> Standing:
    if event.state in {"published", "duplicate"}:
        video = f", video {event.video_id}" if event.video_id else ""
        return _at(standing, Stage.DONE, f"published already{video}")
    if standing.stage is Stage.SETTLING:
        return _at(standing, Stage.QUEUED, "in line, since an earlier run")
    return standing  # an upload that was taken up before its file had settled


def _on_its_way(event: Event, standing: Standing, now: float) -> Standing:
    match event:
        case events.UploadStarted(size=size):
            words = "asking OK what it holds" if standing.furthest else "asking OK for a place to upload to"
            return _at(_with(standing, done=standing.done, size=size), Stage.ASKING, words)
        case events.TicketIssued():
            return _at(_with(standing, done=0, size=standing.size), Stage.SENDING, "sending")
        case events.UploadResumed(received=received, size=size):
            return _at(_with(standing, done=received, size=size), Stage.SENDING, "sending the rest")
        case events.UploadProgress():
            return _progress(event, standing)
        case events.UploadTrouble():
            return _troubled(event, standing, now)
        case events.TicketAbandoned():
            words = "beginning anew, since its upload URL is of no more use"
            return _at(_with(standing, done=0, size=standing.size), Stage.ASKING, words)
        case _:
            return _at_its_end(event, standing)


def _progress(event: events.UploadProgress, standing: Standing) -> Standing:
    """Bytes are leaving. It goes back only where some were lost on the way, and then says so."""
    reached = min(event.received + event.on_line, event.size)
    lost = max(0, event.sent - event.received - event.on_line)
    if reached < standing.done and not lost:
        reached = standing.done  # some of what is on the line stands in OK's account already
    moved = _with(standing, done=reached, size=event.size)
    if lost and reached < standing.furthest:
        return _at(moved, Stage.AGAIN, f"sending again what was lost on the way ({amount(lost)} so far)")
    return moved if standing.stage is Stage.SENDING else _at(moved, Stage.SENDING, "sending")


def _troubled(event: events.UploadTrouble, standing: Standing, now: float) -> Standing:
    if event.delay:
        return dataclasses.replace(_at(standing, Stage.WAITING, event.reason), until=now + event.delay)
    return _at(standing, Stage.ASKING, f"asking OK what it holds: {event.reason}")


def _at_its_end(event: Event, standing: Standing) -> Standing:
    match event:
        case events.UploadWhole(size=size):
            return _at(_with(standing, done=size, size=size), Stage.PUBLISHING, "publishing")
        case events.UploadPublished(video_id=video_id, size=size):
            return _at(_with(standing, done=size, size=size), Stage.DONE, f"published, video {video_id}")
        case events.UploadDuplicate(of=number):
            return _at(standing, Stage.DONE, f"published already: the same bytes as upload {number}")
        case events.UploadFailed(code=code, message=message):
            return _at(standing, Stage.STOPPED, f"failed: {code}: {message}")
        case _:
            return standing


def _at(standing: Standing, stage: Stage, words: str) -> Standing:
    return dataclasses.replace(standing, stage=stage, words=words)


def _with(standing: Standing, *, done: int, size: int) -> Standing:
    reached = min(done, size)
    return dataclasses.replace(standing, done=reached, size=size, furthest=max(standing.furthest, reached))


def amount(count: float) -> str:
    """Bytes for a person: `45.0 MB`; a thousand is a thousand."""
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if count < _KILO:
            break
        count, unit = count / _KILO, larger
    return f"{count:.{1 if unit != 'B' and count < _SHORT * _SHORT else 0}f} {unit}"


def duration(seconds: float) -> str:
    """A time span for a person: `0:05`, `1:02:03`."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
