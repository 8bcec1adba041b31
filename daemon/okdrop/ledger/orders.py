"""A person's word about one upload, carried out on its row: hand it back, take it out.

Each write compares and sets the row's version, so an order that a worker's write came before is judged anew,
and a worker that an order came before meets `StaleVersion`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop.drop import UNFINISHED, State
from okdrop.ledger.errors import StaleVersion
from okdrop.publication import Draft, Renew

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from okdrop.drop import Upload
    from okdrop.ledger.ledger import Ledger

RETRIABLE: Final = frozenset({State.FAILED, State.CANCELLED})
"""The states that a person may have a wish to undo."""

MAY_BE_PUBLIC: Final = UNFINISHED | {State.PUBLISHED}
"""The states in which, or after which, a video is there to be seen."""

CANCELLABLE: Final = UNFINISHED | {State.FAILED}
"""The states in which there is something left to take out."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of an order about one upload."""

    text: str
    done: bool
    known: bool = True  #: whether there is such an upload


class RefusalError(Exception):
    """The order cannot be carried out on this row; the text says why."""


async def retry(ledger: Ledger, number: int) -> Said:
    """Hand a failed or cancelled upload back; one that OK holds whole goes straight to video.update."""
    return await _carry_out(ledger, number, _hand_back)


async def cancel(ledger: Ledger, number: int) -> Said:
    """Take an unfinished or failed upload out; what it left on OK's side is deleted later."""
    return await _carry_out(ledger, number, _take_out)


async def release(ledger: Ledger, number: int) -> Said:
    """Make public what friends saw first."""
    return await _carry_out(ledger, number, _release)


async def renew(ledger: Ledger, number: int) -> Said:
    """Tell OK the metadata of a published video as it comes to now."""
    return await _carry_out(ledger, number, _renew)


async def _carry_out(ledger: Ledger, number: int, order: Callable[[Ledger, Upload], Awaitable[str]]) -> Said:
    while True:
        row = await ledger.get(number)
        if row is None:
            return Said(
                text=f"there is no upload {number}; okdrop status lists them", done=False, known=False
            )
        try:
            return Said(text=f"upload {number}: {await order(ledger, row)}", done=True)
        except RefusalError as refusal:
            return Said(text=f"upload {number} {refusal}", done=False)
        except StaleVersion:
            continue  # somebody else wrote it meanwhile: judge it as it stands now


async def _hand_back(ledger: Ledger, row: Upload) -> str:
    if row.state is State.DUPLICATE:
        raise RefusalError(f"is duplicate; upload {row.duplicate_of} published the same bytes")
    if row.state not in RETRIABLE:
        raise RefusalError(f"is {row.state}; only failed and cancelled ones can be retried")
    back = row.handed_back()
    if back.state is State.FINALIZING and await _may_be_there(ledger, row):
        back = row.handed_back(may_be_there=True)
    await ledger.write(back, note="handed back by hand")
    if back.state is State.FINALIZING:
        return "OK holds every byte of it; it goes on with publishing"
    return "queued again"


async def _may_be_there(ledger: Ledger, row: Upload) -> bool:
    """Whether the same bytes may be public, or become so, by another upload: a copy that was let go first."""
    if row.publish_offered:
        return False  # this one may be public itself
    return any(twin.state in MAY_BE_PUBLIC for twin in await ledger.twins(row))


async def _take_out(ledger: Ledger, row: Upload) -> str:
    if row.state not in CANCELLABLE:
        raise RefusalError(f"is {row.state}; only unfinished and failed ones can be cancelled")
    cancelled = row.to(State.CANCELLED, retry_at=None)
    orphan = ""
    if row.ticket is not None and not await may_be_public(ledger, row):
        orphan = row.ticket.video_id
        cancelled = cancelled.with_(ticket=None, mode=None, offered_all=False, received=0)
    await ledger.write(cancelled, note="cancelled by hand", orphan=orphan)
    return "cancelled"


async def _release(ledger: Ledger, row: Upload) -> str:
    publication = row.publication
    if row.state is not State.PUBLISHED:
        raise RefusalError(f"is {row.state}; only what was published for friends first can be released")
    if publication.draft is None:
        raise RefusalError("was not published for friends first, or is public already")
    if publication.draft is Draft.FRIENDS:
        released = publication.with_(draft=Draft.RELEASE).due(ledger.now())
        await ledger.write(row.with_(publication=released), note="released by hand")
    return "it is made public"


async def _renew(ledger: Ledger, row: Upload) -> str:
    if row.state is not State.PUBLISHED:
        raise RefusalError(f"is {row.state}; only published ones can be updated")
    if row.ticket is None:
        raise RefusalError("was adopted: okdrop does not know its video")
    if row.publication.renew is not Renew.ASKED:
        anew = row.publication.with_(renew=Renew.ASKED).due(ledger.now())
        await ledger.write(row.with_(publication=anew), note="to be updated, by hand")
    return "OK is told what its metadata comes to now"


async def may_be_public(ledger: Ledger, row: Upload) -> bool:
    """Whether people may see its video already: then it is not ours to delete."""
    history = await ledger.history(row.id)
    return row.publish_offered or any(step.to_state is State.PUBLISHED for step in history)
