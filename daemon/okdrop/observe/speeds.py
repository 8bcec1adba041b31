"""How quickly bytes left in the last hour, in steps of some seconds; kept in memory, bounded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY: Final = 10.0
"""Seconds of one step."""

STEPS: Final = 360
"""Steps that are kept: an hour's."""

UPLOADS: Final = 10_000
"""Uploads under way of which it is remembered how many bytes were counted."""

_ENDS: Final = (
    events.UploadFailed,
    events.UploadCancelled,
    events.UploadSuperseded,
    events.UploadDuplicate,
)


class Speeds:
    """A listener to events.

    Args:
        monotonic: seconds, of a clock that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic: Final = monotonic
        self._sent: Final[dict[int, int]] = {}
        self._steps: Final[deque[int]] = deque([0], maxlen=STEPS + 1)
        self._ends = monotonic() + EVERY

    def hear(self, event: events.Event) -> None:
        """Count what left."""
        match event:
            case events.UploadProgress(upload=upload, sent=sent, on_line=on_line):
                self._count(upload, sent, first=on_line)
            case events.UploadWhole(upload=upload, bytes_sent=sent):
                self._count(upload, sent, first=0)
                self._sent.pop(upload, None)
            case events.UploadEvent(upload=upload) if isinstance(event, _ENDS):
                self._sent.pop(upload, None)
            case _:
                pass

    def look(self) -> tuple[list[int], float]:
        """Bytes of each step, oldest first, and how many seconds of the last one have passed."""
        now = self._advance()
        return [*self._steps], EVERY - (self._ends - now)

    def _count(self, upload: int, sent: int, *, first: int) -> None:
        """So many bytes were sent of an upload in all; `first`: of them, if it was not heard of before."""
        before = self._sent.pop(upload, None)
        if before is None or before > sent:
            before = sent - first
        if len(self._sent) >= UPLOADS:
            del self._sent[next(iter(self._sent))]
        self._sent[upload] = sent
        self._advance()
        self._steps[-1] += max(0, sent - before)

    def _advance(self) -> float:
        """Begin the step that this moment belongs to; returns the moment."""
        now = self._monotonic()
        missed = int((now - self._ends) // EVERY) + 1 if now >= self._ends else 0
        if missed > 0:
            self._steps.extend([0] * min(missed, STEPS + 1))
            self._ends += missed * EVERY
        return now
