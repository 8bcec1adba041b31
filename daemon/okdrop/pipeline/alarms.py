"""What somebody may want to hear of though no row of the ledger tells of it, as facts to be told. Pure.

pool.halted, folder.away, disk.low            a trouble that holds up more than one upload
pool.resumed, folder.back, disk.ample         it is over; whoever hears of the trouble hears of that
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any, Final

from okdrop import events
from okdrop.documents import rfc3339
from okdrop.steps import Occasion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_EPOCH_US: Final = 1_000_000
_GIB: Final = 1024**3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What is told.

    Attributes:
        occasion: what happened.
        facts: what is told of it, as docs/after.md has it.
        folder: the watched folder that it is about; None: it is about no single one.
        ends: the occasion that it is the end of; None: of none.
    """

    occasion: Occasion
    facts: Mapping[str, Any]
    folder: str | None = None
    ends: Occasion | None = None


def alarm_of(event: events.Event, now: datetime) -> Alarm | None:
    """What an event that happens now is to others; None: nothing."""
    match event:
        case events.PoolHalted(account=account):
            return _begins(Occasion.HALTED, event, now, account, account=account)
        case events.FolderAway(path=path):
            return _begins(Occasion.FOLDER_MISSING, event, now, path, folder=path, path=path)
        case events.DiskLow(path=path, free=free, hint=hint):
            facts = {"path": path, "code": "disk_low", "message": f"{_gib(free)} left", "hint": hint}
            return Alarm(occasion=Occasion.DISK_LOW, facts=_named(Occasion.DISK_LOW, now, path, facts))
        case events.PoolResumed(account=account, code=code):
            return _over(Occasion.HALTED, now, account, account=account, code=code)
        case events.FolderBack(path=path):
            return _over(Occasion.FOLDER_MISSING, now, path, folder=path, path=path)
        case events.DiskAmple(path=path, free=free):
            return _over(Occasion.DISK_LOW, now, path, path=path, message=f"{_gib(free)} left")
        case _:
            return None


def _begins(
    occasion: Occasion, event: events.PoolHalted | events.FolderAway, now: datetime, which: str, **more: str
) -> Alarm:
    facts = more | {"code": event.code, "message": event.message, "hint": event.hint}
    return Alarm(occasion=occasion, facts=_named(occasion, now, which, facts), folder=more.get("folder"))


def _over(ends: Occasion, now: datetime, which: str, **facts: str) -> Alarm:
    named = _named(Occasion.RECOVERED, now, f"{ends} {which}", facts | {"ends": ends.value})
    return Alarm(occasion=Occasion.RECOVERED, facts=named, folder=facts.get("folder"), ends=ends)


def _named(occasion: Occasion, now: datetime, which: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """The facts, and a name for ever: which of several things of a kind it is about is in it by a digest."""
    stamp = f"{int(now.timestamp() * _EPOCH_US):x}"
    digest = hashlib.blake2s(which.encode("utf-8", "backslashreplace"), digest_size=4).hexdigest()
    name = f"{occasion}-{stamp}{f'-{digest}' if which else ''}"
    return {"event": occasion.value, "event_id": name, "at": rfc3339(now), **facts}


def _gib(size: int) -> str:
    return f"{size / _GIB:.2f} GiB"
