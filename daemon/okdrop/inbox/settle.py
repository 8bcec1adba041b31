"""Whether a file is finished, judged by repeated looks.

Two rules:

1. A file is settled when the same revision was seen at one look and again at a look at least `settle`
   seconds later, with no other revision between, and nobody has it open for writing at the later one.
   One that is not whole by its own structure then is waited for a while longer, and is settled as it is.
2. Time is the caller's monotonic clock. A file's mtime is only compared for equality: clocks of
   cameras and file servers are wrong, and copying tools preserve times.

Where writers cannot be seen (`Writer.UNKNOWN`), quiet alone decides.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.inbox.lease import Writer

if TYPE_CHECKING:
    from okdrop.drop import Revision

WRITER_POLL: Final = 0.5
"""Seconds between looks at a quiet file that a writer keeps open: nothing else tells that it was closed."""

_MEASURED_OVER: Final = 1.0
"""Seconds that a file has to be seen growing before its speed is worth a word: a copy comes in bursts."""

_KILO: Final = 1000
_SHORT: Final = 10  #: a figure below it is shown with a decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The file is finished, or will not be.

    `missing` says, in a person's words, what is missing by its own structure; "": nothing is known to be.
    """

    revision: Revision
    missing: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The file is not finished yet, as far as can be told."""

    reason: str
    look_again: float  #: when another look can bring news; on the clock of `now`, later than `now`
    being_written: bool
    """A writer has it open, or it is not whole; where writers cannot be seen, it changed since last time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """There is no such file any more."""


Settling: TypeAlias = Settled | Waiting | Gone


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The latest look at a file, and since when it has looked like that."""

    revision: Revision
    at: float
    since: float
    changed: bool  #: another revision was seen before this one
    size_then: int  #: at the earliest look since which it never shrank
    then: float  #: the time of that look


class Settler:
    """Remembers looks at files until they are settled or gone.

    Args:
        settle: for how many seconds a file has to be quiet; with 0 one look is enough.
        whole_within: for how many seconds more one that is not whole is waited for.
    """

    def __init__(self, settle: float, whole_within: float = 0.0) -> None:
        self._settle = settle
        self._whole_within = whole_within
        self._looks: dict[bytes, _Look] = {}

    @property
    def waiting(self) -> frozenset[bytes]:
        """The files that were seen, but are neither settled nor known to be gone."""
        return frozenset(self._looks)

    @property
    def is_waiting(self) -> bool:
        """Whether there are any such files."""
        return bool(self._looks)

    def look(
        self, path: bytes, revision: Revision | None, writer: Writer, now: float, *, missing: str = ""
    ) -> Settling:
        """Judge by one more look at a file; what is settled or gone is forgotten.

        Args:
            path: the file.
            revision: what was seen at the path; None: nothing, or no regular file.
            writer: whether somebody has it open for writing.
            now: seconds on a monotonic clock, the time of this look.
            missing: what is missing by the file's own structure, in words.
        """
        if revision is None:
            self.forget(path)
            return Gone()
        before = self._looks.get(path)
        look = _next_look(before, revision, now)
        quiet_at = look.since + self._settle
        if now >= quiet_at and writer is not Writer.WRITING:
            if not missing or now >= quiet_at + self._whole_within:
                self.forget(path)
                return Settled(revision=revision, missing=missing)
            self._looks[path] = look
            return Waiting(
                reason=f"not whole: {missing}",
                look_again=min(quiet_at + self._whole_within, now + WRITER_POLL),
                being_written=True,
            )
        self._looks[path] = look
        changed_now = before is not None and before.revision != revision
        return Waiting(
            reason=self._reason(before, look, quiet=now >= quiet_at),
            look_again=quiet_at if now < quiet_at else now + WRITER_POLL,
            being_written=writer is Writer.WRITING or (writer is Writer.UNKNOWN and changed_now),
        )

    def begin(self, path: bytes, revision: Revision, now: float) -> None:
        """Count a sight of a file, at `now` or before, as its first look; one that was looked at stays."""
        self._looks.setdefault(path, _next_look(None, revision, now))

    def is_quiet(self, path: bytes, revision: Revision | None, now: float) -> bool:
        """Whether a look at this revision would find the file quiet for long enough. Changes nothing."""
        before = self._looks.get(path)
        since = before.since if before is not None and before.revision == revision else now
        return revision is not None and now >= since + self._settle

    def brings_news(self, path: bytes, revision: Revision | None, now: float) -> bool:
        """Whether a look at this revision would bring anything: a change, the end, or enough quiet."""
        before = self._looks.get(path)
        return before is None or before.revision != revision or self.is_quiet(path, revision, now)

    def forget(self, path: bytes) -> None:
        """Drop what is remembered of a file; a later look is the first again."""
        self._looks.pop(path, None)

    def _reason(self, before: _Look | None, look: _Look, *, quiet: bool) -> str:
        if quiet:
            return "held open by a writer"
        if before is None:
            return "seen for the first time"
        if look.revision.size > before.revision.size:
            return f"still growing{_speed(look)}"
        what = "changed" if look.changed else "seen for the first time"
        return f"{what} {look.at - look.since:.0f} s ago; quiet for {self._settle:g} s is asked"


def _next_look(before: _Look | None, revision: Revision, now: float) -> _Look:
    if before is not None and before.revision == revision:
        return dataclasses.replace(before, at=now)
    grows = before is not None and revision.size >= before.revision.size
    return _Look(
        revision=revision,
        at=now,
        since=now,
        changed=before is not None,
        size_then=before.size_then if before is not None and grows else revision.size,
        then=before.then if before is not None and grows else now,
    )


def _speed(look: _Look) -> str:
    seconds = look.at - look.then
    if seconds < _MEASURED_OVER:
        return ""
    speed, unit = (look.revision.size - look.size_then) / seconds, "B/s"
    for larger in ("kB/s", "MB/s", "GB/s"):
        if speed < _KILO:
            break
        speed, unit = speed / _KILO, larger
    return f", {speed:.{1 if speed < _SHORT else 0}f} {unit}"
