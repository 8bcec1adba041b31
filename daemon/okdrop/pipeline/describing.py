"""What a video is called, found out when it is about to be published; and whether that waits for a sidecar.

Its bytes are on their way, or at OK, by then: only publishing waits. Two things are waited for:

    none is there yet       for `sidecar_wait` of the folder, counted from when the file was found, so that a
                            restart begins no wait anew
    one is being written    until it is quiet: for `settle`, or a second where the kernel says that nobody has
                            it open; after ten minutes it counts as one that cannot be used

Everything that touches the disk is done in a thread of its own: one that hangs on a dead mount is in nobody's
way.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import SIDECAR_AWAITED, SIDECAR_UNSETTLED, SOURCE_GONE, State
from okdrop.errors import GaveUp, Trouble
from okdrop.inbox.gathering import described, gather
from okdrop.inbox.lease import Writer
from okdrop.inbox.own_thread import begun
from okdrop.inbox.sidecars import look, writer_of
from okdrop.metadata import require_sound
from okdrop.metadata.privacy import stricter
from okdrop.pipeline import telling
from okdrop.pipeline.belonging import file_of, folder_above, place_of
from okdrop.pipeline.parts import SOURCE_AWAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.drop import Upload
    from okdrop.inbox.sidecars import Seen
    from okdrop.metadata import Beside, Metadata, Settings
    from okdrop.pipeline.parts import Parts

QUIET: Final = 1.0
"""Seconds for which a sidecar that nobody has open has to be as it is: a script may write it line by line."""

LONGEST_WRITTEN: Final = 600.0
"""Seconds for which one that is being written is waited for."""

FIRST_LOOK: Final = 1.0
LAST_LOOK: Final = 30.0
"""Seconds between looks for a sidecar that is not there: a tenth of the time waited so far, within these."""

PROBES: Final = 2
"""Looks into files of one folder (ffprobe) at once."""

MOST_REMARKS: Final = 10
"""Remarks on one upload that are told."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why publishing waits; it is looked again in `delay` seconds."""

    code: str
    reason: str
    delay: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What OK is to be told, and for its history by whom it was said and what was passed over."""

    metadata: Metadata
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class _Look:
    """What lay beside a video: since when it is so, and since when there is anything (monotonic seconds)."""

    seen: tuple[Seen, ...]
    since: float
    first: float


class Describing:
    """Finds out what videos are called.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._looks: Final[dict[int, _Look]] = {}
        self._waiting_since: Final[dict[int, float]] = {}
        self._told: Final[dict[int, set[str]]] = {}
        self._probes: Final[dict[str, asyncio.Semaphore]] = collections.defaultdict(
            lambda: asyncio.Semaphore(PROBES)  # of each folder: one whose mount is dead holds its own alone
        )

    def forget(self, upload: int) -> None:
        """An upload came to its end."""
        self._looks.pop(upload, None)
        self._waiting_since.pop(upload, None)
        self._told.pop(upload, None)

    def is_news(self, upload: int, text: str) -> bool:
        """Whether this was not told of an upload before."""
        told = self._told.setdefault(upload, set())
        if text in told:
            return False
        told.add(text)
        return True

    # --- whether to wait ------------------------------------------------------------------------------

    async def wait(self, row: Upload) -> Wait | None:
        """Why publishing has to wait; None: it need not.

        Raises:
            Trouble: (`sidecar_busy`) it cannot be seen just now.
        """
        settings = self._parts.settings_of(row.drop)
        if row.publish_offered or not settings.sidecars:
            return None
        seen, writer = await begun(partial(_look, row, settings), name="okdrop-beside")
        return self._unsettled(row, settings, seen, writer) if seen else self._awaited(row, settings)

    def _awaited(self, row: Upload, settings: Settings) -> Wait | None:
        now = self._parts.monotonic()
        waited = now - self._waiting_since.setdefault(row.id, now)
        found = max(waited, (self._parts.now() - row.created_at).total_seconds())
        left = settings.sidecar_wait - found
        if left <= 0:
            return None
        return Wait(
            code=SIDECAR_AWAITED,
            reason=f"waits for a sidecar, for {left:.0f} s more at most (sidecar_wait)",
            delay=min(left, max(FIRST_LOOK, min(found / 10, LAST_LOOK))),
        )

    def _unsettled(
        self, row: Upload, settings: Settings, seen: tuple[Seen, ...], writer: Writer
    ) -> Wait | None:
        now, before = self._parts.monotonic(), self._looks.get(row.id)
        if before is None or before.seen != seen:
            before = _Look(seen, now, before.first if before is not None else now)
            self._looks[row.id] = before
        quiet = settings.settle if writer is Writer.UNKNOWN else min(settings.settle, QUIET)
        left = QUIET if writer is Writer.WRITING else before.since + quiet - now
        if left <= 0 or self._is_overdue(row):
            return None
        names = ", ".join(one.name for one in seen)
        return Wait(code=SIDECAR_UNSETTLED, reason=f"waits until {names} is finished", delay=left)

    def _is_overdue(self, row: Upload) -> bool:
        """Whether what is written beside it was waited for long enough."""
        look = self._looks.get(row.id)
        return look is not None and self._parts.monotonic() - look.first >= LONGEST_WRITTEN

    # --- what it is called ----------------------------------------------------------------------------

    async def describe(self, row: Upload) -> Described:
        """Say what a video is called.

        Raises:
            GaveUp: (`metadata_template`, `sidecar_broken`, `source_gone`) it cannot be said without a person.
            Trouble: (`sidecar_busy`, `source_away`) it cannot be said just now.
        """
        settings, unwanted = self._parts.settings_of(row.drop), threading.Event()
        may_wait = not row.publish_offered and not self._is_overdue(row)
        look = partial(_described, row, settings, may_wait=may_wait, unwanted=unwanted)
        async with self._probes[row.drop.folder] if settings.looks_inside else contextlib.nullcontext():
            try:
                metadata, beside, is_there = await begun(look, name="okdrop-describe")
            except asyncio.CancelledError:
                unwanted.set()  # a child of the thread's need not be waited for
                raise
        metadata = await self._as_known(row, settings, metadata, is_there=is_there)
        sidecars = beside.sidecars
        remarks = [*(f"{name}: {reason}" for name, reason in sidecars.problems), *metadata.remarks]
        remarks = remarks[:MOST_REMARKS]
        self._tell(row, remarks)
        by = [f"described by {', '.join(sidecars.names)}"] if sidecars.names else []
        return Described(metadata=metadata, note="; ".join([*by, *remarks]))

    async def _as_known(
        self, row: Upload, settings: Settings, metadata: Metadata, *, is_there: bool
    ) -> Metadata:
        """The metadata, where all that speaks of the file could be seen; and never wider than was offered.

        Where the file is away, so are its sidecars, and that none is seen says nothing. Where it is gone for
        good, or an update may have taken effect, it is shown to no more people than the last update said.
        """
        if not is_there and settings.sidecars and not row.publish_offered:
            await self._require_place(row)
        if row.state is not State.FINALIZING or not row.publication.words:
            return metadata
        offered = telling.recalled(row.publication.words)
        if not is_there and row.publish_offered:
            return offered
        if is_there and not row.publish_offered:
            return metadata
        return dataclasses.replace(metadata, privacy=stricter(metadata.privacy, offered.privacy))

    async def _require_place(self, row: Upload) -> None:
        reason = await self._parts.why_away(row)
        if not reason:
            return
        words = f"what the video is called cannot be said: {reason}"
        if self._parts.brake.stays:
            hint = "mount it again, or make the folder anew; okdrop cancel ID ends the wait"
            raise Trouble(words, code=SOURCE_AWAY, hint=hint)
        raise GaveUp(words, code=SOURCE_GONE, hint="mount it again, then retry: no byte is sent again")

    def _tell(self, row: Upload, remarks: Sequence[str]) -> None:
        path = events.shown(row.drop.path)
        for remark in remarks:
            if self.is_news(row.id, remark):
                self._parts.emit(events.MetadataRemarked(upload=row.id, path=path, reason=remark))


def _described(
    row: Upload, settings: Settings, *, may_wait: bool, unwanted: threading.Event
) -> tuple[Metadata, Beside, bool]:
    """In a thread: read, and put together; and say whether the file was there after what lies beside it."""
    drop, path = row.drop, file_of(row)
    if settings.looks_inside and path is None and row.state is State.PUBLISHED:
        raise GaveUp(
            "the video's file is gone, and a template speaks of its contents",
            code=SOURCE_GONE,
            hint="put it back, then okdrop update",
        )
    seen, writer = _look(row, settings)
    is_there = file_of(row) is not None
    if writer is Writer.WRITING and may_wait:
        raise Trouble("a sidecar is being written just now", code="sidecar_busy")
    if writer is Writer.WRITING and not row.publish_offered:
        seen = tuple(dataclasses.replace(one, unfit="it is still being written") for one in seen)
    path = path or drop.path
    beside = gather(settings, path, seen, folder=folder_above(path, row), unwanted=unwanted)
    require_sound(settings, beside)
    metadata = telling.no_more_public(described(settings, drop, beside), row.publication.told)
    return metadata, beside, is_there


def _look(row: Upload, settings: Settings) -> tuple[tuple[Seen, ...], Writer]:
    """What lies beside the file and belongs to it."""
    path = place_of(row)
    seen = look(path, settings.sidecars, folder_above(path, row)) if path is not None else ()
    return seen, writer_of(seen)
