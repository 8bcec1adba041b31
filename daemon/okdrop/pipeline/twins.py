"""Files of the same bytes: only one of them is sent.

An upload that a worker takes up is compared with others of its size. Those of another sample hold other
bytes. The same sample is a suspicion, and what follows is decided by what the other one is:

    published   its bytes are compared with this file's, by digest or by reading both; equal: a duplicate
    on its way  this one waits for its end, then is looked at again
    neither     this one goes on

Nothing is dropped on a suspicion: where nothing can be proven, the file is sent. A comparison may read a
hundred gigabytes, so it has a task of its own, one at a time: workers go on with other uploads meanwhile.

It is asked at the worker, where every way leads by: a watched folder, a named file, one handed back. Both
files have rows by then, so that of two found at once neither overlooks the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import State
from okdrop.errors import GaveUp, Trouble, UploadError
from okdrop.inbox import contents
from okdrop.inbox.source import Source
from okdrop.leaves import kind_of
from okdrop.ledger import StaleVersion
from okdrop.pipeline.accounts import account_now
from okdrop.pipeline.after import chore_of_duplicate
from okdrop.pipeline.line import IN_OTHER_HANDS, Line
from okdrop.pipeline.turns import first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from okdrop.drop import Upload
    from okdrop.inbox.reading import Reading
    from okdrop.leaves import Kind
    from okdrop.pipeline.line import OpenUploads
    from okdrop.pipeline.parts import Parts

LOOK_AGAIN: Final = 10.0
"""Seconds after which one that waits is looked at again, though nothing was heard of the other's end."""

SAMPLED_WITHIN: Final = 10.0
"""Seconds after which another's file that gives no answer counts as one that cannot be read."""

MOST_BLIND: Final = 16
"""Others of one size without a sample, and without a file to take one of, that are compared by digest."""

MOST_SAMPLES: Final = 10_000
"""Samples of others that are remembered."""


class Twins:
    """Lets one of several equal files be sent.

    Args:
        parts: what all stages share.
        line: ids that wait for their bytes to be sent.
        opened: uploads of this run that have no end yet.
        has_chore: told of a duplicate whose file is to be moved.
    """

    def __init__(
        self, parts: Parts, line: Line, opened: OpenUploads, has_chore: Callable[[Upload], None]
    ) -> None:
        self._parts: Final = parts
        self._line: Final = line
        self._opened: Final = opened
        self._has_chore: Final = has_chore
        self._suspects: Final = Line()
        self._sending: Final[dict[tuple[int, bytes | None, tuple[str, str]], int]] = {}
        self._waits: Final[dict[int, int]] = {}
        self._followers: Final[dict[int, set[int]]] = {}
        self._told_apart: Final[dict[int, set[int]]] = {}
        self._unproven: Final[set[int]] = set()  # could not be compared: nothing holds them up any more
        self._samples: Final[dict[int, bytes | None]] = {}  # None: there is none to be had
        opened.on_end(self._ended)

    # --- at the worker --------------------------------------------------------------------------------

    async def admit(self, row: Upload, source: Source) -> Upload | None:
        """Ask whether this upload is to be sent now.

        Args:
            row: as the ledger has it, with a worker.
            source: its file.

        Returns:
            The row to go on with; None: it waits, or is being compared, and will be in the line again.

        Raises:
            UploadError: the file cannot be read.
            StaleVersion: somebody else wrote the row.
        """
        if row.publish_offered:
            return row  # OK may show it: there is nothing left to decide
        row = await _sampled(row, source)
        others = await self._suspected(row)
        if row.id not in self._unproven and any(other.state is State.PUBLISHED for other in others):
            self._suspects.put(row.id)
            return None
        if row.offered_all and row.state is not State.QUEUED:
            return row  # OK may hold all of it: there is nothing to wait for, unless it was handed back
        first = first_of(row, others, now=self._parts.now(), is_open=self._is_awaited)
        number = self._sending.setdefault(self._key(row), row.id) if first is None else first.id
        if number == row.id:
            self._waits_no_more(row.id)
            return row
        await self._wait(row, number)
        return None

    def _is_awaited(self, number: int) -> bool:
        return number in self._opened or self._opened.is_left(number)

    def leaves_worker(self, row: Upload) -> None:
        """A worker is done with this upload for now."""
        key = self._key(row)
        if self._sending.get(key) == row.id:
            del self._sending[key]

    def _key(self, row: Upload) -> tuple[int, bytes | None, tuple[str, str]]:
        """What files that may be equal, and go to one place, have in common."""
        return row.drop.revision.size, row.sample, self._place(row)

    async def _suspected(self, row: Upload) -> list[Upload]:
        """Those others that may be equal, but for those that were told apart, or go to another place."""
        apart, place = self._told_apart.get(row.id, set()), self._place(row)
        others = [
            other
            for other in await self._parts.ledger.twins(row)
            if other.id not in apart and self._place(other) == place
        ]
        alike = [other for other in others if await self._may_be_equal(row, other)]
        blind = [other for other in alike if self._sample_known(other) is None]
        # So many files of one size are pieces of a fixed size, and to have that is no suspicion.
        return alike if len(blind) <= MOST_BLIND else [other for other in alike if other not in blind]

    def _place(self, row: Upload) -> tuple[str, str]:
        """Where it is published: whoever drops a file for two accounts, or two groups, wants it in both."""
        try:
            group = self._parts.group_of(row.drop)
        except GaveUp:
            group = f"none, for {row.id}"  # it fails once it is sent, and tells why
        return account_now(self._parts, row), group

    async def _may_be_equal(self, row: Upload, other: Upload) -> bool:
        """Whether it has the same sample; one that has none and no file any more may still have a digest."""
        if other.sample is None and other.id not in self._samples:
            if len(self._samples) >= MOST_SAMPLES:
                self._samples.clear()
            self._samples[other.id] = None
            with contextlib.suppress(UploadError, TimeoutError):
                async with asyncio.timeout(SAMPLED_WITHIN):  # its mount may hang, which is no matter of ours
                    self._samples[other.id] = await _sample_of(other, self._parts.reading)
        sample = self._sample_known(other)
        return other.digest is not None if sample is None else sample == row.sample

    def _sample_known(self, row: Upload) -> bytes | None:
        return row.sample or self._samples.get(row.id)

    async def _wait(self, row: Upload, first: int) -> None:
        if row.waits_for != first:
            await self._parts.ledger.write(
                row.with_(waits_for=first),
                note=f"waits for the end of upload {first}, which may be of the same bytes",
            )
        if self._waits.get(row.id) != first:
            self._parts.emit(
                events.UploadWaitsForTwin(upload=row.id, path=events.shown(row.drop.path), first=first)
            )
        if self._opened.is_left(first):
            self._opened.leave(row.id)  # a later run publishes that one, and sees
            return
        self._waits_no_more(row.id)
        self._waits[row.id] = first
        self._followers.setdefault(first, set()).add(row.id)
        self._line.put(row.id, LOOK_AGAIN if first in self._opened else 0.0)

    def _waits_no_more(self, number: int) -> None:
        if (first := self._waits.pop(number, None)) is not None:
            self._followers[first].discard(number)
            if not self._followers[first]:
                del self._followers[first]

    def _ended(self, number: int) -> None:
        self._waits_no_more(number)
        self._told_apart.pop(number, None)
        self._samples.pop(number, None)
        self._unproven.discard(number)
        for waiting in sorted(self._followers.get(number, ())):
            self._line.put(waiting)

    # --- comparisons ----------------------------------------------------------------------------------

    async def work(self) -> None:
        """Compare, one after the other, until `close`."""
        while (number := await self._suspects.get()) is not None:
            with self._opened.taken(number) as is_ours:
                if not is_ours:
                    self._suspects.put(number, IN_OTHER_HANDS)
                    continue
                await self._unless_stopped(number)

    def close(self) -> None:
        """No more comparisons: the run ends."""
        self._suspects.close()

    async def _unless_stopped(self, number: int) -> None:
        """Compare; but what takes too long must not hold up the end, and begins anew with the next run."""
        comparing = asyncio.ensure_future(self._compare_or_yield(number))
        stopping = asyncio.ensure_future(self._parts.brake.wait())
        try:
            await asyncio.wait({comparing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, comparing):
                task.cancel()
            await asyncio.wait({comparing})
        if not comparing.cancelled():
            comparing.result()

    async def _compare_or_yield(self, number: int) -> None:
        try:
            await self.compare(number)
        except StaleVersion:
            self._line.put(number)  # somebody else wrote the row; a worker sees what stands

    async def compare(self, number: int) -> None:
        """Prove that an upload is a duplicate, or let it go on."""
        row = await self._parts.ledger.get(number)
        if row is None or row.state not in {State.QUEUED, State.UPLOADING}:
            self._line.put(number)
            return
        try:
            source = await self._parts.open_source(row)
            row = await _sampled(row, source)
            equal = await self._equal_to(source, await self._suspected(row), row.id)
        except Trouble as error:
            _, delay = await self._parts.put_off(row, error)
            self._line.put(number, delay)
        except UploadError:
            # Nothing can be proven: the upload itself will say what is wrong with the file.
            self._unproven.add(number)
            self._line.put(number)
        else:
            await self._end_of_comparison(row, equal)

    async def _end_of_comparison(self, row: Upload, equal: Upload | None) -> None:
        if equal is None:
            self._line.put(row.id)
        else:
            await self._is_duplicate(row, equal)

    async def _equal_to(self, source: Source, others: Iterable[Upload], number: int) -> Upload | None:
        digests: dict[Kind, bytes] = {}
        for other in others:
            if other.state is not State.PUBLISHED:
                continue
            if await _is_equal(source, other, digests):
                return other
            self._told_apart.setdefault(number, set()).add(other.id)
        return None

    async def _is_duplicate(self, row: Upload, other: Upload) -> None:
        row = await self._parts.ledger.write(
            row.to(
                State.DUPLICATE,
                duplicate_of=other.id,
                ticket=None,
                mode=None,
                received=0,
                retry_at=None,
                chore=chore_of_duplicate(self._parts.afterwards_of(row.drop).after),
            ),
            note=f"the same bytes as upload {other.id}",
            orphan=row.ticket.video_id if row.ticket is not None else "",
        )
        self._parts.tell_duplicate(row)
        self._has_chore(row)
        self._opened.end(row.id)


async def _sampled(row: Upload, source: Source) -> Upload:
    return row.with_(sample=row.sample or await contents.sample(source))


async def _sample_of(row: Upload, reading: Reading) -> bytes | None:
    source = await _file_of(row, reading)
    return None if source is None else await contents.sample(source)


async def _file_of(row: Upload, reading: Reading) -> Source | None:
    """The file that was published, where it still lies; None where it does not."""
    for path in (row.moved_to, row.drop.path):
        if path is not None:
            try:
                return await Source.open(path, row.drop.revision, reading=reading)
            except UploadError:
                continue
    return None


async def _is_equal(source: Source, other: Upload, digests: dict[Kind, bytes]) -> bool:
    """Compare a file with a published one: by digest, each kind made once, else byte for byte."""
    if other.digest is not None:
        kind = kind_of(other.digest)
        if kind not in digests:
            digests[kind] = await contents.digest(source, like=other.digest)
        return digests[kind] == other.digest
    theirs = await _file_of(other, source.reading)
    try:
        return theirs is not None and await contents.equal(source, theirs)
    except UploadError:
        await source.check()  # was it this file, or the other?
        return False
