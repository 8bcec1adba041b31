"""Whether a file is finished, judged by repeated looks.

Two rules:

1. A file is settled when the same revision was seen at one look and again at a look at least `settle`
   seconds later, with no other revision between, and nobody has it open for writing at the later one.
   One that is not whole by its own structure then is waited for a while longer, and is settled as it is.
   One of which somebody has to say that it is done waits for that, for ever; once somebody is seen to say
   so, and nothing changed since, a short quiet will do.
2. Time is the caller's monotonic clock. A file's mtime is only compared for equality: clocks of
   cameras and file servers are wrong, and copying tools preserve times.

Where writers cannot be seen (`Writer.UNKNOWN`), quiet alone decides.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.inbox.lease import Writer

if TYPE_CHECKING:
    from okdrop.drop import Revision

WRITER_POLL: Final = 0.5
"""Seconds between looks at a quiet file that a writer keeps open: nothing else tells that it was closed."""

DONE_QUIET: Final = 0.5
"""Seconds of quiet that will do for a file of which was said that it is done."""

DONE_POLL: Final = 10.0
"""Seconds between looks, at most, at a file of which nobody says that it is done."""

DONE_SHARE: Final = 20.0
"""A file that has been quiet for so many seconds is looked at each second for that word, and so on."""

_MEASURED_OVER: Final = 1.0
"""Seconds that a file has to be seen growing before its speed is worth a word: a copy comes in bursts."""

_KILO: Final = 1000
_SHORT: Final = 10  #: a figure below it is shown with a decimal


class Cause(enum.StrEnum):
    """Why a file is not taken yet: for programs, and for a metric's label."""

    QUIET = "quiet"  #: it was seen, or changed, too short a time ago
    GROWING = "growing"  #: it was larger at the latest look
    WRITER = "writer"  #: a writer has it open
    NOT_DONE = "not_done"  #: nobody has said that it is done
    NOT_WHOLE = "not_whole"  #: something is missing by its own structure, or by a manifest
    CHECKING = "checking"  #: it is finished, and its bytes are compared with a checksum


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is known of a file beside its stat and its writer; each "" if nothing is."""

    holder: str = ""  #: which process has it open for writing
    waits_for: str = ""  #: why nobody has said that it is done
    missing: str = ""  #: what is missing by its own structure, or by what was said of it
    is_done: bool = False  #: somebody was seen to say that it is done, as it is now


NOTHING: Final = Beside()


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

    cause: Cause
    reason: str  #: in words that follow "waiting: "
    look_again: float  #: when another look can bring news; on the clock of `now`, later than `now`
    being_written: bool
    """A writer has it open, or it is not whole or not done; where writers cannot be seen, it changed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """There is no such file any more."""


Verdict: TypeAlias = Settled | Waiting | Gone
"""What a look came to."""


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
        self,
        path: bytes,
        revision: Revision | None,
        writer: Writer,
        now: float,
        *,
        beside: Beside = NOTHING,
    ) -> Verdict:
        """Judge by one more look at a file; what is settled or gone is forgotten.

        Args:
            path: the file.
            revision: what was seen at the path; None: nothing, or no regular file.
            writer: whether somebody has it open for writing.
            now: seconds on a monotonic clock, the time of this look.
            beside: what else is known of it.
        """
        if revision is None:
            self.forget(path)
            return Gone()
        before = self._looks.get(path)
        look = _next_look(before, revision, now)
        quiet_at = look.since + self._asked(is_done=beside.is_done)
        kept = self._kept(before, look, quiet_at, writer, beside)
        if kept is None:
            self.forget(path)
            return Settled(revision=revision, missing=beside.missing)
        self._looks[path] = look
        return kept

    def _kept(
        self, before: _Look | None, look: _Look, quiet_at: float, writer: Writer, beside: Beside
    ) -> Waiting | None:
        """Why a file is waited for at this look; None: it is settled."""
        now, again = look.at, look.at + WRITER_POLL
        if now < quiet_at:
            grows = before is not None and look.revision.size > before.revision.size
            changed_now = before is not None and before.revision != look.revision
            return Waiting(
                cause=Cause.GROWING if grows else Cause.QUIET,
                reason=self._restless(before, look),
                look_again=quiet_at,
                being_written=writer is Writer.WRITING or (writer is Writer.UNKNOWN and changed_now),
            )
        if writer is Writer.WRITING:
            who = f" ({beside.holder})" if beside.holder else ""
            reason = f"held open by a writer{who}"
            return Waiting(cause=Cause.WRITER, reason=reason, look_again=again, being_written=True)
        if beside.waits_for:
            rest = min(max(WRITER_POLL, (now - look.since) / DONE_SHARE), DONE_POLL)
            reason = beside.waits_for
            return Waiting(cause=Cause.NOT_DONE, reason=reason, look_again=now + rest, being_written=True)
        if beside.missing and now < quiet_at + self._whole_within:
            reason, again = f"not whole: {beside.missing}", min(quiet_at + self._whole_within, again)
            return Waiting(cause=Cause.NOT_WHOLE, reason=reason, look_again=again, being_written=True)
        return None

    def begin(self, path: bytes, revision: Revision, now: float) -> None:
        """Count a sight of a file, at `now` or before, as its first look; one that was looked at stays."""
        self._looks.setdefault(path, _next_look(None, revision, now))

    def is_quiet(self, path: bytes, revision: Revision | None, now: float, *, is_done: bool = False) -> bool:
        """Whether a look at this revision would find the file quiet for long enough. Changes nothing."""
        before = self._looks.get(path)
        since = before.since if before is not None and before.revision == revision else now
        return revision is not None and now >= since + self._asked(is_done=is_done)

    def brings_news(
        self, path: bytes, revision: Revision | None, now: float, *, is_done: bool = False
    ) -> bool:
        """Whether a look at this revision would bring anything: a change, the end, or enough quiet."""
        before = self._looks.get(path)
        if before is None or before.revision != revision:
            return True
        return self.is_quiet(path, revision, now, is_done=is_done)

    def forget(self, path: bytes) -> None:
        """Drop what is remembered of a file; a later look is the first again."""
        self._looks.pop(path, None)

    def _asked(self, *, is_done: bool) -> float:
        """For how many seconds a file has to be quiet."""
        return min(self._settle, DONE_QUIET) if is_done else self._settle

    def _restless(self, before: _Look | None, look: _Look) -> str:
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
