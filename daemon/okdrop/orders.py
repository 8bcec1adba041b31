"""A person's orders, carried out on the ledger: about uploads, about limits and pauses, about the log.

They work beside a running daemon: each write compares and sets the row's version, so an order that a
worker's write came before is judged anew, and a worker that an order came before meets `StaleVersion`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from okdrop.drop import State
from okdrop.ledger import BANDWIDTH, LOG_LEVEL, PAUSED, Ledger, lots, orders, read_only
from okdrop.ledger.orders import CANCELLABLE, RETRIABLE, Said, may_be_public

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from okdrop.config import LogLevel
    from okdrop.config.bandwidth import Bandwidth

__all__ = [
    "CANCELLABLE",
    "RETRIABLE",
    "Said",
    "cancel",
    "go",
    "limit",
    "log",
    "may_be_public",
    "pause",
    "release",
    "resume",
    "retry",
    "update",
]


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
    return await _carry_out_all(url, chosen, orders.retry)


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
    return await _carry_out_all(url, numbers, orders.cancel)


async def release(url: str, numbers: Sequence[int]) -> list[Said]:
    """Make public what friends saw first.

    Args:
        url: of the ledger.
        numbers: ids; none: all that friends alone see.

    Raises:
        LedgerError: the ledger is missing, or cannot be used.
    """
    with read_only(url) as reader:
        chosen = [*numbers] or reader.in_draft()
    return await _carry_out_all(url, chosen, orders.release)


async def update(url: str, numbers: Sequence[int]) -> list[Said]:
    """Tell OK the metadata of published videos as it comes to now.

    Args:
        url: of the ledger.
        numbers: ids.

    Raises:
        LedgerError: the ledger is missing, or cannot be used.
    """
    with read_only(url):
        pass
    return await _carry_out_all(url, numbers, orders.renew)


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


async def limit(url: str, bandwidth: Bandwidth | None, *, folder: str = "") -> None:
    """Let another limit hold for what is sent, above the configuration; None: what is configured.

    Args:
        url: of the ledger.
        bandwidth: the limit.
        folder: the watched folder that it is for; "" for all that is sent.

    Raises:
        LedgerError: the ledger is missing, or cannot be used.
    """
    await _override(url, BANDWIDTH, None if bandwidth is None else str(bandwidth), folder=folder)


async def pause(url: str) -> None:
    """Have a daemon begin nothing new until `resume`; raises as `limit` does."""
    await _override(url, PAUSED, "yes")


async def resume(url: str) -> bool:
    """Have a paused daemon go on; returns whether one was paused; raises as `limit` does."""
    return await _override(url, PAUSED, None)


async def log(url: str, level: LogLevel | None, *, until: datetime | None = None) -> None:
    """Have a daemon write lines of this level and above; None: what is configured. Raises as `limit` does.

    Args:
        url: of the ledger.
        level: which.
        until: when that ends by itself; None: never.
    """
    await _override(url, LOG_LEVEL, None if level is None else level.value, until=until)


async def _carry_out_all(
    url: str, numbers: Iterable[int], order: Callable[[Ledger, int], Awaitable[Said]]
) -> list[Said]:
    """Some hundreds together, so that the ledger writes them in a few commits; each is said in its turn."""
    said: list[Said] = []
    async with await Ledger.open(url, lock=False) as ledger:
        for some in lots([*dict.fromkeys(numbers)]):
            said += await asyncio.gather(*(order(ledger, number) for number in some))
    return said


async def _override(
    url: str, name: str, value: str | None, *, folder: str = "", until: datetime | None = None
) -> bool:
    """Let a value stand, or none; returns whether one stood before."""
    with read_only(url):  # looks only: an order never creates a ledger
        pass
    async with await Ledger.open(url, lock=False) as ledger:
        stood = any((one.name, one.folder) == (name, folder) for one in await ledger.overrides())
        await ledger.override(name, value, folder=folder, until=until)
    return stood
