"""What every stage works with: handed over once, by the composition root."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.config.model import Order
from okdrop.drop import SOURCE_GONE, UNFINISHED, State
from okdrop.errors import GaveUp, SourceChanged, Trouble
from okdrop.inbox.away import away
from okdrop.inbox.reading import PLAIN
from okdrop.inbox.scan import FolderUnmarked, require
from okdrop.inbox.source import Source
from okdrop.metadata import Privacy, group_of
from okdrop.pipeline.after import KEEP
from okdrop.pipeline.former_names import Former, FormerNames, beside
from okdrop.pipeline.notices import NOBODY
from okdrop.pipeline.places import folder_of
from okdrop.pipeline.posting import AS_IT_COMES
from okdrop.pipeline.underway import Underway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from okdrop.client import Client
    from okdrop.client.webhooks import Webhooks
    from okdrop.drop import Drop, Failure, Upload
    from okdrop.errors import Halted, UploadError
    from okdrop.inbox.reading import Reading
    from okdrop.ledger import Ledger, Outstanding
    from okdrop.metadata import Settings
    from okdrop.pipeline.after import Afterwards
    from okdrop.pipeline.brake import Brake
    from okdrop.pipeline.breakers import Breakers
    from okdrop.pipeline.notices import Notices
    from okdrop.pipeline.pacing import Pacing
    from okdrop.pipeline.places import Place
    from okdrop.pipeline.posting import Posting, Postings
    from okdrop.pipeline.throttle import Throttle
    from okdrop.protocol.plan import Plan
    from okdrop.protocol.retry import Backoff


SOURCE_AWAY: Final = "source_away"
SOURCE_MISSED: Final = "source_missed"


@dataclasses.dataclass(slots=True)
class Tally:
    """How this run ended its uploads; the exit code is judged by it."""

    counts: dict[State, int] = dataclasses.field(default_factory=dict)

    def add(self, state: State) -> None:
        """One more upload ended in this state."""
        self.counts[state] = self.counts.get(state, 0) + 1

    def __getitem__(self, state: State) -> int:
        return self.counts.get(state, 0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that the stages share.

    `folders` tells what each watched folder says of its videos; the one named "" stands for the rest.
    `afterwards` tells what becomes of each folder's published files; those of any other place are kept.
    `places` tells what names each watched folder takes, and how long a file that is gone is waited for.
    `posting` tells when and how videos become public.
    `keep_history` is for how many seconds the history of an ended upload is kept; 0: for ever.
    `breakers` tell which places are in trouble, and keep who waits for them.
    `reading` is how the bytes of files are read.
    `order` is whose turn it is of those that wait for their bytes to be sent.
    `log_level` is of which level and above lines are written, by the configuration.
    `throttles` are the limits on what is sent: the process's, named "", and each watched folder's.
    `devices` is what each watched folder, and the folders in it, were seen to lie on in this run (st_dev).
    `client` talks to OK for the account of `[ok]`, `clients` for each further one, by its name.
    `senders` tells for which account each folder sends; "" is a file that a person named, in such a run.
    `apis` is what the API of an account is called as a place, where it is not that of `[ok]`.
    `underway` tells which uploads are in a worker's hands, and where their bytes are.
    `notices` tells who hears of what becomes of uploads, and `webhooks` is the way out to some of them.
    `former_names` remember what lay beside files that were renamed.
    `now` gives aware UTC times, `monotonic` seconds that never run backwards, `chance` numbers in [0, 1).
    """

    folders: Mapping[str, Settings]
    ledger: Ledger
    client: Client
    emit: events.Emit
    plan: Plan
    backoff: Backoff
    breakers: Breakers
    pacing: Pacing
    brake: Brake
    tally: Tally
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    chance: Callable[[], float]
    afterwards: Mapping[str, Afterwards] = dataclasses.field(default_factory=dict)
    places: Mapping[str, Place] = dataclasses.field(default_factory=dict)
    keep_history: float = 0.0
    order: Order = Order.OLDEST
    reading: Reading = PLAIN
    log_level: str = "info"
    throttles: Mapping[str, Throttle] = dataclasses.field(default_factory=dict)
    posting: Postings = AS_IT_COMES
    devices: dict[str, set[int]] = dataclasses.field(default_factory=dict)
    clients: Mapping[str, Client] = dataclasses.field(default_factory=dict)
    senders: Mapping[str, str] = dataclasses.field(default_factory=dict)
    apis: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notices: Notices = NOBODY
    webhooks: Webhooks | None = None
    underway: Underway = dataclasses.field(default_factory=Underway)
    former_names: FormerNames = dataclasses.field(default_factory=FormerNames)

    async def fail(self, row: Upload, failure: Failure, *, orphan: str = "") -> Upload:
        """Stop an upload for good, with its reason, in the ledger and to whoever listens."""
        row = await self.ledger.write(
            row.to(State.FAILED, failure=failure, retry_at=None), note=failure.message, orphan=orphan
        )
        self.tally.add(State.FAILED)
        self.tell_failure(row)
        return row

    def tell_failure(self, row: Upload) -> None:
        """Say that an upload stopped for good."""
        failure = row.failure
        if failure is not None:
            self.emit(
                events.UploadFailed(
                    upload=row.id,
                    path=events.shown(row.drop.path),
                    code=failure.code,
                    message=failure.message,
                    hint=failure.hint,
                )
            )

    def tell_duplicate(self, row: Upload) -> None:
        """Say that an upload need not be: its bytes are published already."""
        self.tally.add(State.DUPLICATE)
        self.emit(
            events.UploadDuplicate(
                upload=row.id, path=events.shown(row.drop.path), of=row.duplicate_of or row.id
            )
        )

    async def put_off(
        self,
        row: Upload,
        error: UploadError,
        *,
        at_once: bool = False,
        at_most: float = math.inf,
        held_by: str = "",
        orphan: str = "",
    ) -> tuple[Upload, float]:
        """Note one more trouble in a row, in the ledger and to whoever listens.

        Args:
            row: as it is to be written.
            error: what stands in the way.
            at_once: the next step needs no wait.
            at_most: seconds that the next step may be waited for, whatever the backoff says.
            held_by: the place in trouble that keeps it from going on; "" where its own backoff does.
            orphan: a video id that the row gives up with it.

        Returns:
            The row as written, and how many seconds to wait.
        """
        row = row.troubled(error.code)
        if held_by:
            delay = self.breakers.seconds_left(held_by)
        else:
            delay = 0.0 if at_once else self.backoff.delay(error, row.troubles, self.chance())
            delay = min(delay, at_most)
        row = await self.ledger.write(
            row.with_(
                attempts=row.attempts + 1,
                retry_at=self.now() + timedelta(seconds=delay),
            ),
            note=f"{error.code}: {error.message}",
            orphan=orphan,
        )
        self.emit(
            events.UploadTrouble(
                upload=row.id,
                code=error.code,
                reason=error.message,
                delay=round(delay, 3),
                attempt=row.attempts,
                held_by=held_by,
            )
        )
        return row, delay

    async def only_away(self, row: Upload, error: UploadError) -> UploadError:
        """Tell a file that is gone from one that is away with its mount, which a run that stays waits for.

        Returns:
            The error as it was, or the passing trouble that it is.
        """
        if error.code != SOURCE_GONE or not self.brake.stays:
            return error
        reason = await self.why_away(row)
        if not reason:
            return error
        return Trouble(
            f"{error.message}: {reason}",
            code=SOURCE_AWAY,
            hint="mount it again, or make the folder anew; okdrop cancel ID ends the wait",
        )

    async def why_away(self, row: Upload) -> str:
        """Why a file that could not be found is away with its folder; "" where it is gone."""
        folder = row.drop.folder
        if not folder:
            return ""
        seen, device = frozenset(self.devices.get(folder, ())), row.drop.revision.device
        return await self.unmarked(folder) or await asyncio.to_thread(
            away, row.drop.path, os.fsencode(folder), device, seen=seen
        )

    async def unmarked(self, folder: str) -> str:
        """Why a watched folder is not the right one just now; "" where nothing speaks against it."""
        place = self.places.get(folder)
        try:
            await asyncio.to_thread(require, os.fsencode(folder), place.marker if place is not None else "")
        except FolderUnmarked as error:
            return error.message
        return ""

    async def supersede(self, row: Upload) -> None:
        """The file is another revision now: this one is neither stitched nor published."""
        orphan = row.ticket.video_id if row.ticket is not None else ""
        await self.ledger.write(
            row.to(State.SUPERSEDED, ticket=None, retry_at=None), note="the file changed", orphan=orphan
        )
        self.tally.add(State.SUPERSEDED)
        self.emit(events.UploadSuperseded(upload=row.id, path=events.shown(row.drop.path)))

    async def open_source(self, row: Upload) -> Source:
        """Bind to a row's file where it lies: once published, it may have been moved. See `Source.open`."""
        if row.moved_to is not None:
            with contextlib.suppress(SourceChanged, GaveUp):  # a person may have put it back
                return await Source.open(row.moved_to, row.drop.revision, reading=self.reading)
        return await Source.open(row.drop.path, row.drop.revision, reading=self.reading)

    def drop_at(self, drop: Drop, path: bytes) -> Drop:
        """A drop whose file has another name by now, in this watched folder or another."""
        folder = folder_of(self.places, path) if drop.folder in self.places else drop.folder
        return dataclasses.replace(drop, path=path, folder=folder or drop.folder)

    async def renamed(self, row: Upload, before: Drop) -> None:
        """An upload goes by another name: say so, and remember what lies beside the old one."""
        self.emit(
            events.UploadRenamed(
                upload=row.id, path=events.shown(row.drop.path), before=events.shown(before.path)
            )
        )
        kinds = self.settings_of(before).sidecars
        if kinds and row.state in UNFINISHED:
            seen = await asyncio.to_thread(beside, before, kinds)
            self.former_names.note(row.id, Former(drop=before, seen=seen, since=self.monotonic()))

    def taken_away(self, row: Upload) -> None:
        """Somebody else brought an upload to its end: cancelled, superseded."""
        self.tally.add(row.state)
        if row.state is State.CANCELLED:
            self.emit(events.UploadCancelled(upload=row.id, path=events.shown(row.drop.path)))

    def halt(self, row: Upload, error: Halted) -> None:
        """Credentials or a permission are missing: all of the upload's account waits.

        In a daemon that stays, `Mending` tells of it, once it has looked for newer credentials; of an account
        that the configuration does not have, there are none.
        """
        account = row.account
        is_news = self.brake.halt(error, row.state, account=account)
        if is_news and not (self.brake.stays and (not account or account in self.clients)):
            self.emit(
                events.PoolHalted(code=error.code, message=error.message, hint=error.hint, account=account)
            )

    def seconds_until_due(self, row: Upload | Outstanding) -> float:
        """How long a row still has to wait for its next try; 0 if it has not.

        At most as long as was meant when it was written: the clock may have run ahead then.
        """
        if row.retry_at is None:
            return 0.0
        left, meant = row.retry_at - self.now(), row.retry_at - row.updated_at
        return max(0.0, min(left, meant).total_seconds())

    def settings_of(self, drop: Drop) -> Settings:
        """What the drop's folder says of its videos.

        A folder that is watched no longer, or is spelt anew, says nothing of who may see them: friends may,
        until a person says more.
        """
        known = self.folders.get(drop.folder)
        return known or dataclasses.replace(self.folders[""], privacy=Privacy.FRIENDS)

    def is_forsaken(self, drop: Drop) -> bool:
        """Whether the drop's folder is watched no longer."""
        return drop.folder not in self.folders

    def group_of(self, drop: Drop) -> str:
        """The group that the drop's video goes to; "" for the account itself.

        Raises:
            GaveUp: its folder's template gives none for this very file.
        """
        return group_of(self.settings_of(drop).group_id, drop.path, drop.folder)

    def afterwards_of(self, drop: Drop) -> Afterwards:
        """What becomes of the drop's file once it is published."""
        return self.afterwards.get(drop.folder, KEEP)

    def posting_of(self, drop: Drop) -> Posting:
        """When and how the drop's video becomes public."""
        return self.posting.of(drop.folder)

    def throttles_of(self, drop: Drop) -> list[Throttle]:
        """The limits that hold for what is sent of a drop."""
        found = (self.throttles.get(name) for name in dict.fromkeys((drop.folder, "")))
        return [throttle for throttle in found if throttle is not None]

    def priority_of(self, folder: str) -> int:
        """The priority of a watched folder; any other place has none."""
        place = self.places.get(folder)
        return place.priority if place is not None else 0

    def file_name(self, drop: Drop) -> str:
        """A file's own name, as text."""
        return events.shown(drop.path.rpartition(b"/")[2])
