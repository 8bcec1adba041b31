"""What a video is called, found out when it is about to be published; and whether that waits for a sidecar.

Its bytes are on their way, or at OK, by then: only publishing waits. Two things are waited for:

    none is there yet       for `sidecar_wait` of the folder, counted from when the file was found, so that a
                            restart begins no wait anew (`pipeline.since_found`)
    one is being written    until it is quiet: for `settle`, or a second where the kernel says that nobody has
                            it open; after ten minutes it counts as one that cannot be used

A video that was renamed on its way may have left its sidecar behind: for `settle` it is waited whether that
is renamed as well; then it is heeded where it lies (`pipeline.former_names`).

Everything that touches the disk is done in a thread of its own: one that hangs on a dead mount is in nobody's
way.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import math
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import SIDECAR_AWAITED, SIDECAR_UNSETTLED, SOURCE_GONE, State
from okdrop.errors import GaveUp, Trouble, UploadError
from okdrop.inbox.gathering import described, gather
from okdrop.inbox.lease import Writer
from okdrop.inbox.own_thread import begun
from okdrop.inbox.sidecars import look, writer_of
from okdrop.metadata import require_sound
from okdrop.pipeline import telling
from okdrop.pipeline.belonging import file_of, folder_above, place_of
from okdrop.pipeline.parts import SOURCE_AWAY
from okdrop.pipeline.since_found import SinceFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.drop import Upload
    from okdrop.inbox.sidecars import Seen
    from okdrop.metadata import Beside, Metadata, Settings
    from okdrop.pipeline.former_names import LeftBehind
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

FORSAKEN: Final = "its folder is not watched any more, so that friends alone see it"
"""What is said where the configuration has no word on who may see a video."""

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
        self._since_found: Final = SinceFound(parts)
        self._told: Final[dict[int, set[str]]] = {}
        self._probes: Final[dict[str, asyncio.Semaphore]] = collections.defaultdict(
            lambda: asyncio.Semaphore(PROBES)  # of each folder: one whose mount is dead holds its own alone
        )

    def begun(self, upload: int) -> None:
        """This run takes an upload up."""
        self._since_found.begun(upload)

    def forget(self, upload: int) -> None:
        """An upload came to its end."""
        self._looks.pop(upload, None)
        self._since_found.forget(upload)
        self._parts.former_names.forget(upload)
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
        look = partial(_look, row, settings, self._left_behind(row, settings))
        found = await begun(look, name="okdrop-beside")
        if not found.seen:
            return self._awaited(row, settings)
        wait = self._unsettled(row, settings, found.seen, found.writer)
        return self._renamed_alone(row, settings, found.seen) or wait if found.left_behind else wait

    def _awaited(self, row: Upload, settings: Settings) -> Wait | None:
        found = self._since_found.seconds(row)
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

    def _renamed_alone(self, row: Upload, settings: Settings, seen: tuple[Seen, ...]) -> Wait | None:
        """Whether to wait until what lies beside an old name is renamed as its video was."""
        former = self._parts.former_names.of(row.id)
        since = former.since if former is not None else -math.inf
        left = since + max(settings.settle, QUIET) - self._parts.monotonic()
        if left <= 0:
            return None
        names = ", ".join(one.name for one in seen)
        reason = f"waits whether {names} is renamed as the video was"
        return Wait(code=SIDECAR_UNSETTLED, reason=reason, delay=min(left, QUIET))

    def _left_behind(self, row: Upload, settings: Settings) -> LeftBehind:
        return self._parts.former_names.left_behind(row.id, settings.sidecars, self._parts.places)

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
        if row.state is State.FINALIZING and row.publish_offered and row.publication.words:
            offered = telling.recalled(row.publication.words)
            if offered.title:  # else it was handed back since, to be told anew
                return Described(metadata=offered)  # it may be public under these already
        metadata, beside = await self._said(row)
        sidecars = beside.sidecars
        remarks = [*(f"{name}: {reason}" for name, reason in sidecars.problems), *metadata.remarks]
        remarks = remarks[:MOST_REMARKS]
        self._tell(row, remarks)
        by = [f"described by {', '.join(sidecars.names)}"] if sidecars.names else []
        return Described(metadata=metadata, note="; ".join([*by, *remarks]))

    async def _said(self, row: Upload) -> tuple[Metadata, Beside]:
        settings, unwanted = self._parts.settings_of(row.drop), threading.Event()
        may_wait = not row.publish_offered and not self._is_overdue(row)
        look = partial(
            _described,
            row,
            settings,
            self._left_behind(row, settings),
            may_wait=may_wait,
            unwanted=unwanted,
        )
        async with self._probes[row.drop.folder] if settings.looks_inside else contextlib.nullcontext():
            try:
                metadata, beside, is_there = await begun(look, name="okdrop-describe")
            except asyncio.CancelledError:
                unwanted.set()  # a child of the thread's need not be waited for
                raise
        metadata = await self._as_known(row, settings, metadata, is_there=is_there)
        if self._parts.is_forsaken(row.drop):
            metadata = dataclasses.replace(metadata, remarks=(*metadata.remarks, FORSAKEN))
        return metadata, beside

    async def _as_known(
        self, row: Upload, settings: Settings, metadata: Metadata, *, is_there: bool
    ) -> Metadata:
        """The metadata, where all that speaks of the file could be seen.

        Where the file is away, so are its sidecars, and that none is seen says nothing. Where it is gone for
        good, what it was called when it was whole holds, since what lies there may be another one's; and what
        a text had put before friends then stays with them until a text says otherwise.
        """
        if not is_there and settings.sidecars and not row.publish_offered:
            await self._require_place(row)
        if row.state is not State.FINALIZING or not row.publication.words:
            return metadata
        kept = telling.recalled(row.publication.words)
        return telling.no_more_public_than(metadata, kept) if is_there or not kept.title else kept

    async def with_words(self, row: Upload) -> Upload:
        """The row of a whole file with what its texts say of it, to be kept while it waits to be published.

        It may wait for days, and a person who tidies up meanwhile must not make it public by that.
        """
        settings = self._parts.settings_of(row.drop)
        if row.publish_offered or row.publication.words or not settings.sidecars:
            return row
        with contextlib.suppress(UploadError):  # what is wrong with them is said when it is to be published
            look = partial(_look, row, settings, self._left_behind(row, settings))
            if (await begun(look, name="okdrop-beside")).seen:
                metadata, _ = await self._said(row)
                return row.with_(publication=row.publication.with_(words=telling.words_of(metadata)))
        return row

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
    row: Upload, settings: Settings, left_behind: LeftBehind, *, may_wait: bool, unwanted: threading.Event
) -> tuple[Metadata, Beside, bool]:
    """In a thread: read, and put together; and say whether the file was there after what lies beside it."""
    drop, path = row.drop, file_of(row)
    if settings.looks_inside and path is None and row.state is State.PUBLISHED:
        raise GaveUp(
            "the video's file is gone, and a template speaks of its contents",
            code=SOURCE_GONE,
            hint="put it back, then okdrop update",
        )
    found = _look(row, settings, left_behind)
    seen, writer = found.seen, found.writer
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


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """The sidecars of a video, and whether they lie beside an old name of it."""

    seen: tuple[Seen, ...]
    writer: Writer
    left_behind: bool = False


def _look(row: Upload, settings: Settings, left_behind: LeftBehind) -> _Found:
    """What lies beside the file and belongs to it; where nothing does, what lies beside its old name."""
    if seen := _beside(row, settings):
        return _Found(seen, writer_of(seen))
    if left := left_behind():
        return _Found(left, writer_of(left), left_behind=True)
    seen = _beside(row, settings)  # what was beside the old name may have been renamed in between
    return _Found(seen, writer_of(seen))


def _beside(row: Upload, settings: Settings) -> tuple[Seen, ...]:
    path = place_of(row)
    return look(path, settings.sidecars, folder_above(path, row)) if path is not None else ()
