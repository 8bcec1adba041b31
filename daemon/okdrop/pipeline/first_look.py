"""What lies in a watched folder when it is looked through for the first time ever.

By `existing = "ignore"` it is recorded and not sent. Else, in a run that stays, too much at once waits until
a person says go: a new folder may be somebody's archive, or the ledger may have been lost.

A first look that was cut short goes on at the next start, with what lies there then: only when all of it is
decided does the ledger know the folder.

What is ignored is all that lies there by its name, whatever its size and its age: a file that is too young
then, or too small by rules that are others later, lay there all the same. One that no pattern takes lies
outside, and comes in when it is moved to where it is taken.

Where no video lies there is nothing to decide, and it may be the place of a mount that comes later, perhaps
after a restart. So such a folder is known on the device it was seen on alone: what is dropped there is taken,
and what comes with another device is looked at for the first time. With the first file that is taken it is
decided: devices are renumbered at times.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from okdrop import events
from okdrop.drop import EXISTING_IGNORED, Drop, Failure, State, too_small
from okdrop.inbox.own_thread import begun
from okdrop.inbox.scan import FolderUnmounted, scan
from okdrop.inbox.walk import Wanted
from okdrop.ledger import New, Suspect
from okdrop.pipeline.folders import in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from okdrop.inbox.walk import Found
    from okdrop.ledger import Judgement
    from okdrop.pipeline.parts import Parts
    from okdrop.pipeline.standing import Folder

T = TypeVar("T")

AT_ONCE: Final = 500
"""Files that are written in one commit; other writes go in between."""

IGNORED: Final = "lay there before the first start (existing = ignore)"
WHY_IGNORED: Final = Failure(
    code=EXISTING_IGNORED, message="it " + IGNORED, hint="okdrop retry ID sends it all the same"
)
HELD: Final = "held: found with too many others in a new folder; okdrop go releases it"


class FirstLook:
    """Decides about what a scan found, where it is the first one of its folder.

    Args:
        parts: what all stages share.
        stays: the run stays; a run that ends is an explicit order, and holds nothing.
    """

    def __init__(self, parts: Parts, *, stays: bool) -> None:
        self._parts: Final = parts
        self._stays: Final = stays
        self._empty: Final[set[str]] = set()

    async def decide(
        self, folder: Folder, found: list[Found], device: int, *, holds_videos: bool
    ) -> list[Found]:
        """Record what is not to be sent now; returns the rest.

        Args:
            folder: the watched folder.
            found: every video in it that the ledger does not know.
            device: what it lies on (st_dev). Of another one it is to be asked again.
            holds_videos: whether any video lies in it, known or not.

        Raises:
            FolderError: the folder went away meanwhile, or another one lies there; nothing is decided.
        """
        if await self._parts.ledger.is_folder_known(folder.path, device=device):
            decided: set[bytes] = set()
        else:
            decided = await self._decided(folder, found, device)
            holds_videos = holds_videos or bool(decided)
        await self._parts.ledger.note_folder(folder.path, empty_on=None if holds_videos else device)
        if not holds_videos:
            self._empty.add(folder.path)
        return [one for one in found if one.path not in decided]

    async def taken(self, folder: Folder) -> None:
        """A file of this folder is taken from now on: if there was nothing to decide about, it is decided."""
        if folder.path in self._empty:
            await self._parts.ledger.note_folder(folder.path)
            self._empty.discard(folder.path)

    async def _decided(self, folder: Folder, found: list[Found], device: int) -> set[bytes]:
        if folder.ignores_existing:
            if folder.rules.by_path != folder.rules:
                found = await self._whatever_their_facts(folder, device)
            return await self._ignore(folder, found)
        if self._stays and folder.surge:
            return await self._hold(folder, found)
        return set()

    async def _whatever_their_facts(self, folder: Folder, device: int) -> list[Found]:
        """What lies there that the ledger does not know, whatever its size and age: another look, once."""
        look = partial(
            scan,
            os.fsencode(folder.path),
            suffixes=folder.suffixes,
            ignore=folder.ignore,
            marker=folder.marker,
            depth=folder.depth,
            wanted=Wanted(rules=folder.rules.by_path),
            at_most=AT_ONCE,
        )
        looked_on, ledger = partial(begun, name="look"), self._parts.ledger
        seen = await in_parts(look, looked_on, ledger.unknown, lambda _: None)
        if seen.device != device:
            raise FolderUnmounted(f"{_shown(folder)} lies on another device than when the look began")
        return seen.found

    async def _ignore(self, folder: Folder, found: list[Found]) -> set[bytes]:
        drops = await self._judged(folder, found, lambda judgement: isinstance(judgement, New | Suspect))
        for batch in _batches(drops):
            await self._parts.ledger.add_all(
                batch,
                account=self._account_of(folder),
                state=State.CANCELLED,
                failure=WHY_IGNORED,
                note=IGNORED,
            )
        if drops:
            self._parts.emit(
                events.ExistingIgnored(
                    path=_shown(folder), files=len(drops), hint="okdrop retry ID sends one of them"
                )
            )
        return {drop.path for drop in drops}

    async def _hold(self, folder: Folder, found: list[Found]) -> set[bytes]:
        # What was renamed or only touched is no news; the intake knows what to do about it.
        drops = await self._judged(folder, found, lambda judgement: isinstance(judgement, New))
        drops = [drop for drop in drops if too_small(drop.revision.size) is None]
        if len(drops) <= folder.surge:
            return set()
        for batch in _batches(drops):
            await self._parts.ledger.add_all(batch, account=self._account_of(folder), held=True, note=HELD)
        self._parts.emit(
            events.SurgeHeld(
                path=_shown(folder),
                files=len(drops),
                hint="okdrop go sends them; okdrop adopt records them as published; more than [intake] surge",
            )
        )
        return {drop.path for drop in drops}

    def _account_of(self, folder: Folder) -> str:
        return self._parts.senders.get(folder.path, "")

    async def _judged(
        self, folder: Folder, found: list[Found], wanted: Callable[[Judgement], bool]
    ) -> list[Drop]:
        drops: list[Drop] = []
        for batch in _batches(found):
            asked = [Drop(path=one.path, revision=one.revision, folder=folder.path) for one in batch]
            judgements = await self._parts.ledger.judge_all(asked)
            drops += [drop for drop, judgement in zip(asked, judgements, strict=True) if wanted(judgement)]
        return drops


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def _shown(folder: Folder) -> str:
    return events.shown(folder.path.encode("utf-8", "surrogateescape"))
