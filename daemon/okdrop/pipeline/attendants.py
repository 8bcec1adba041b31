"""Does what is to be done beside a published file: its sidecars go with it, and a receipt is written."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from okdrop import events
from okdrop.documents import rfc3339
from okdrop.drop import State
from okdrop.errors import Trouble
from okdrop.inbox import carrying, receipts
from okdrop.inbox.carrying import Seen, Sidecar
from okdrop.inbox.revision import revision_at
from okdrop.leaves import kind_of
from okdrop.names import Names
from okdrop.pipeline.outbox import Took
from okdrop.steps import Outcome
from okdrop.words import video_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.drop import Upload
    from okdrop.ledger import HistoryRow
    from okdrop.pipeline.filer import Filer
    from okdrop.pipeline.parts import Parts
    from okdrop.steps import Step

_NO_NAMES: Final = Names((), ())


class Attendants:
    """Takes the steps of the lane "files".

    Args:
        parts: what all stages share.
        filer: works in threads, and knows whether a folder is there.
    """

    def __init__(self, parts: Parts, filer: Filer) -> None:
        self._parts: Final = parts
        self._filer: Final = filer

    # --- sidecars -------------------------------------------------------------------------------------

    async def file_sidecars(self, step: Step) -> Took:
        """Have what lay beside a video follow it; which of it goes, and where to, is written down first."""
        row = await self._row_of(step)
        if row is None:
            return Took(outcome=Outcome.DROPPED)
        try:
            found = await self._planned(step, row)
        except Trouble as error:
            return Took(outcome=None, said=_said(error))
        key = f"{row.id}-{int(row.created_at.timestamp() * 1e6):x}-{step.id}"
        carried = await self._filer.in_thread(lambda stop: carrying.carry(found, key, stop))
        if carried.trouble is not None or carried.stopped:
            said = _said(carried.trouble) if carried.trouble is not None else "okdrop was asked to end"
            return Took(outcome=None, said=said)
        self._tell(row, carried)
        return Took(outcome=Outcome.DONE, said=carrying.told(carried.left) or f"{carried.done} went with it")

    def _tell(self, row: Upload, carried: carrying.Carried) -> None:
        path = events.shown(row.drop.path)
        if carried.done:
            self._parts.emit(events.SidecarsFiled(upload=row.id, path=path, files=carried.done))
        if carried.left:
            reason = carrying.told(carried.left)
            self._parts.emit(events.SidecarsLeft(upload=row.id, path=path, reason=reason))

    async def _planned(self, step: Step, row: Upload) -> Sequence[Sidecar]:
        plan = json.loads(step.payload)
        if "found" in plan:
            return [Sidecar.of_json(one) for one in plan["found"]]
        await self._filer.require(row.drop.folder)
        found = await self._filer.in_thread(lambda _: self._found(plan, row))
        if found:
            plan["found"] = [one.as_json() for one in found]
            await self._parts.ledger.replan_step(step.id, json.dumps(plan))
        return found

    def _found(self, plan: dict[str, Any], row: Upload) -> list[Sidecar]:
        """Blocking. The sidecars of a video that went; with one that is no more goes its receipt."""
        video = os.fsencode(plan["video"])
        target = None if plan["target"] is None else os.fsencode(plan["target"])
        place = self._parts.places.get(row.drop.folder)
        wanted = self._parts.afterwards_of(row.drop)
        suffixes = wanted.delete_along if target is None else wanted.move_along
        if os.path.lexists(video):
            return []  # another file lies there by now, and they may be its own
        video_id = row.ticket.video_id if row.ticket is not None else ""
        seen = [Seen.of_json(one) for one in plan["beside"]]
        found = carrying.going(seen, video, target, suffixes, place.names if place else _NO_NAMES)
        receipt = receipts.path_of(video)
        is_ours = target is None and receipts.is_ours(receipt, row.id, video_id, _watched(video, row))
        if is_ours and (revision := revision_at(receipt)) is not None:
            found.append(Sidecar(path=receipt, revision=revision, target=None))
        return found

    # --- receipts -------------------------------------------------------------------------------------

    async def write_receipt(self, step: Step) -> Took:
        """Write down beside a video what became of it."""
        row = await self._row_of(step)
        if row is None:
            return Took(outcome=Outcome.DROPPED)
        video = os.fsencode(json.loads(step.payload)["video"])
        document = receipt_of(row, await self._parts.ledger.history(row.id))
        try:
            written = await self._filer.in_thread(
                lambda _: receipts.write(video, document, _watched(video, row))
            )
        except Trouble as error:
            return Took(outcome=None, said=_said(error))
        path = events.shown(receipts.path_of(video))
        if written in {receipts.Written.WRITTEN, receipts.Written.THERE}:
            self._parts.emit(events.ReceiptWritten(upload=row.id, path=path))
            return Took(outcome=Outcome.DONE, said=path)
        foreign = written is receipts.Written.FOREIGN
        reason = "another file has its name" if foreign else "the video lies there no more"
        self._parts.emit(events.ReceiptLeft(upload=row.id, path=path, reason=reason))
        return Took(outcome=Outcome.FAILED, said=f"{path}: {reason}")

    async def _row_of(self, step: Step) -> Upload | None:
        return None if step.upload is None else await self._parts.ledger.get(step.upload)


def _watched(video: bytes, row: Upload) -> bytes:
    """The folder from which on no link is followed to a video; empty where the file was moved to it.

    That is the word of whoever runs the daemon, links and all.
    """
    return b"" if video == row.moved_to else os.fsencode(row.drop.folder)


def receipt_of(row: Upload, history: Sequence[HistoryRow]) -> dict[str, Any]:
    """What a receipt says, as docs/after.md has it."""
    video_id = row.ticket.video_id if row.ticket is not None else ""
    return {
        "id": row.id,
        "video_id": video_id,
        "url": video_page(video_id) if video_id else "",
        "path": os.fsdecode(row.drop.path),
        "moved_to": os.fsdecode(row.moved_to) if row.moved_to is not None else None,
        "size": row.drop.revision.size,
        "modified_ns": str(row.drop.revision.mtime_ns),
        "hash": _hash(row.digest),
        "found_at": rfc3339(row.created_at),
        "started_at": _first(history, State.UPLOADING),
        "published_at": _last(history, State.PUBLISHED),
        "attempts": row.attempts,
        "bytes_sent": row.bytes_sent,
    }


def _hash(digest: bytes | None) -> dict[str, str] | None:
    if digest is None:
        return None
    return {"kind": kind_of(digest).value, "hex": digest.hex()}


def _first(history: Sequence[HistoryRow], state: State) -> str | None:
    return next((rfc3339(step.at) for step in history if step.to_state is state), None)


def _last(history: Sequence[HistoryRow], state: State) -> str | None:
    """When it came into a state for the last time; not when that was noted again."""
    entered = [step.at for step in history if step.to_state is state and step.from_state is not state]
    return rfc3339(entered[-1]) if entered else None


def _said(error: Trouble) -> str:
    return f"{error.message}; {error.hint}".rstrip("; ")
