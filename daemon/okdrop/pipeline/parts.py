"""What every stage works with: handed over once, by the composition root."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import SOURCE_GONE, State
from okdrop.errors import Trouble
from okdrop.inbox.away import away
from okdrop.pipeline.after import KEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from okdrop.client import Client
    from okdrop.drop import Drop, Failure, Upload
    from okdrop.errors import Halted, UploadError
    from okdrop.ledger import Ledger
    from okdrop.metadata import Settings
    from okdrop.pipeline.after import Afterwards
    from okdrop.pipeline.brake import Brake
    from okdrop.protocol.plan import Plan
    from okdrop.protocol.retry import Backoff


SOURCE_AWAY: Final = "source_away"


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
    `devices` is what each watched folder, and the folders in it, were seen to lie on in this run (st_dev).
    `now` gives aware UTC times, `monotonic` seconds that never run backwards, `chance` numbers in [0, 1).
    """

    folders: Mapping[str, Settings]
    ledger: Ledger
    client: Client
    emit: events.Emit
    plan: Plan
    backoff: Backoff
    brake: Brake
    tally: Tally
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    chance: Callable[[], float]
    afterwards: Mapping[str, Afterwards] = dataclasses.field(default_factory=dict)
    devices: dict[str, set[int]] = dataclasses.field(default_factory=dict)

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

    async def put_off(
        self, row: Upload, error: UploadError, *, at_once: bool = False, orphan: str = ""
    ) -> tuple[Upload, float]:
        """Note one more trouble in a row, in the ledger and to whoever listens.

        Args:
            row: as it is to be written.
            error: what stands in the way.
            at_once: the next step needs no wait.
            orphan: a video id that the row gives up with it.

        Returns:
            The row as written, and how many seconds to wait.
        """
        row = row.troubled(error.code)
        delay = 0.0 if at_once else self.backoff.delay(error, row.troubles, self.chance())
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
            )
        )
        return row, delay

    async def only_away(self, row: Upload, error: UploadError) -> UploadError:
        """Tell a file that is gone from one that is away with its mount, which a run that stays waits for.

        Returns:
            The error as it was, or the passing trouble that it is.
        """
        if error.code != SOURCE_GONE or not self.brake.stays or not row.drop.folder:
            return error
        folder, seen = row.drop.folder, frozenset(self.devices.get(row.drop.folder, ()))
        device = row.drop.revision.device
        reason = await asyncio.to_thread(away, row.drop.path, os.fsencode(folder), device, seen=seen)
        if not reason:
            return error
        return Trouble(
            f"{error.message}: {reason}",
            code=SOURCE_AWAY,
            hint="mount it again, or make the folder anew; okdrop cancel ID ends the wait",
        )

    async def supersede(self, row: Upload) -> None:
        """The file is another revision now: this one is neither stitched nor published."""
        orphan = row.ticket.video_id if row.ticket is not None else ""
        await self.ledger.write(
            row.to(State.SUPERSEDED, ticket=None, retry_at=None), note="the file changed", orphan=orphan
        )
        self.tally.add(State.SUPERSEDED)
        self.emit(events.UploadSuperseded(upload=row.id, path=events.shown(row.drop.path)))

    def taken_away(self, row: Upload) -> None:
        """Somebody else brought an upload to its end: cancelled, superseded."""
        self.tally.add(row.state)
        if row.state is State.CANCELLED:
            self.emit(events.UploadCancelled(upload=row.id, path=events.shown(row.drop.path)))

    def halt(self, row: Upload, error: Halted) -> None:
        """Credentials or a permission are missing: everything waits.

        In a daemon that stays, `Mending` tells of it, once it has looked for newer credentials.
        """
        if self.brake.halt(error, row.state) and not self.brake.stays:
            self.emit(events.PoolHalted(code=error.code, message=error.message, hint=error.hint))

    def seconds_until_due(self, row: Upload) -> float:
        """How long a row still has to wait for its next try; 0 if it has not.

        At most as long as was meant when it was written: the clock may have run ahead then.
        """
        if row.retry_at is None:
            return 0.0
        left, meant = row.retry_at - self.now(), row.retry_at - row.updated_at
        return max(0.0, min(left, meant).total_seconds())

    def settings_of(self, drop: Drop) -> Settings:
        """What the drop's folder says of its videos; a folder no longer watched is as any other place."""
        return self.folders.get(drop.folder) or self.folders[""]

    def afterwards_of(self, drop: Drop) -> Afterwards:
        """What becomes of the drop's file once it is published."""
        return self.afterwards.get(drop.folder, KEEP)

    def file_name(self, drop: Drop) -> str:
        """A file's own name, as text."""
        return events.shown(drop.path.rpartition(b"/")[2])
