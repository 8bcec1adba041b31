"""A person's orders about uploads: `retry`, `cancel` and `go`, carried out on the ledger.

They work beside a running daemon: each write compares and sets the row's version, so an order that a
worker's write came before is judged anew, and a worker that an order came before meets `StaleVersion`.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.drop import UNFINISHED, State, Upload
from okdrop.ledger import Ledger, StaleVersion, lots, read_only

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

RETRIABLE: Final = frozenset({State.FAILED, State.CANCELLED})
"""The states that a person may have a wish to undo."""

CANCELLABLE: Final = UNFINISHED | {State.FAILED}
"""The states in which there is something left to take out."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of an order about one upload."""

    text: str
    done: bool


Order: TypeAlias = Callable[[Ledger, Upload], Awaitable[str]]
"""Carries an order out on a row, and says what became of it."""


class RefusalError(Exception):
    """The order cannot be carried out on this row; the text says why."""


async def retry(url: str, numbers: Sequence[int]) -> list[Said]:
    """Hand failed or cancelled uploads back; one that OK holds whole goes straight to video.update.

    Args:
        url: of the ledger.
        numbers: ids; none: every failed upload.

    Raises:
        LedgerError: the ledger is missing, or cannot be used.
    """
    with read_only(url) as reader:  # looks only: an order never creates a ledger
        chosen = [*numbers] or reader.ids({State.FAILED})
    return await _carry_out_all(url, chosen, _hand_back)


async def cancel(url: str, numbers: Sequence[int]) -> list[Said]:
    """Take unfinished or failed uploads out; what they left on OK's side is deleted by the next run.

    Args:
        url: of the ledger.
        numbers: ids.

    Raises:
        LedgerError: the ledger is missing, or cannot be used.
    """
    with read_only(url):
        pass
    return await _carry_out_all(url, numbers, _take_out)


async def go(url: str, folders: Collection[str] | None = None) -> int:
    """Release uploads that are held; returns how many.

    Args:
        url: of the ledger.
        folders: the watched folders whose uploads are meant; None: all.

    Raises:
        LedgerError: the ledger is missing, or cannot be used.
    """
    with read_only(url):
        pass
    async with await Ledger.open(url, lock=False) as ledger:
        return await ledger.release(folders)


async def _carry_out_all(url: str, numbers: Iterable[int], order: Order) -> list[Said]:
    """Some hundreds together, so that the ledger writes them in a few commits; each is said in its turn."""
    said: list[Said] = []
    async with await Ledger.open(url, lock=False) as ledger:
        for some in lots([*dict.fromkeys(numbers)]):
            said += await asyncio.gather(*(_carry_out(ledger, number, order) for number in some))
    return said


async def _carry_out(ledger: Ledger, number: int, order: Order) -> Said:
    while True:
        row = await ledger.get(number)
        if row is None:
            return Said(text=f"there is no upload {number}; okdrop status lists them", done=False)
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
    await ledger.write(back, note="handed back by hand")
    if back.state is State.FINALIZING:
        return "OK holds every byte of it; it goes on with publishing"
    return "queued again"


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


async def may_be_public(ledger: Ledger, row: Upload) -> bool:
    """Whether people may see its video already: then it is not ours to delete."""
    history = await ledger.history(row.id)
    return row.publish_offered or any(step.to_state is State.PUBLISHED for step in history)
