"""The room that is left on disks."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DiskLow(Event):
    """Little space is left where the ledger or a watched folder lies; told once until there is room."""

    name: ClassVar = "disk.low"
    level: ClassVar = "warning"
    path: str  #: what lies there: the ledger, or the first such folder
    free: int  #: bytes that okdrop may still write
    least: int  #: below how many it is told
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DiskAmple(Event):
    """There is room again on a disk that had little."""

    name: ClassVar = "disk.ample"
    path: str
    free: int
