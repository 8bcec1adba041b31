"""Watched folders: how they are watched, and what their first look decided."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderWatched(Event):
    """A folder is watched from now on, in this way; told again when that changes."""

    name: ClassVar = "folder.watched"
    path: str
    mode: str  #: in words, with the reason where it is not by the kernel's events alone
    watching: str  #: `events`, `both` (and polling), `polling` or `scans` (none but those of `rescan`)
    writers: str  #: whether writers can be seen


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderScanned(Event):
    """A folder was looked through, whatever the kernel told of it."""

    name: ClassVar = "folder.scanned"
    level: ClassVar = "debug"
    path: str
    seconds: float
    free: int = -1  #: bytes that may still be written where it lies; -1: not known


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderHinted(Event):
    """The kernel told of so many paths in a folder, which are looked at."""

    name: ClassVar = "folder.hinted"
    level: ClassVar = "debug"
    path: str
    paths: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WritersUnseen(Event):
    """In this folder only quiet tells that a file is finished."""

    name: ClassVar = "folder.writers_unseen"
    level: ClassVar = "warning"
    path: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderAway(Event):
    """A watched folder is missing, cannot be read, is not mounted, or gives no answer; it is waited for."""

    name: ClassVar = "folder.away"
    level: ClassVar = "error"
    path: str
    code: str
    message: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderBack(Event):
    """A watched folder that was away is there again."""

    name: ClassVar = "folder.back"
    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HintsLost(Event):
    """The kernel's events of a folder ended, cannot be had, or do not come: it is looked through instead."""

    name: ClassVar = "folder.no_events"
    level: ClassVar = "warning"
    path: str
    reason: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HintsBack(Event):
    """A folder's kernel events are steady again."""

    name: ClassVar = "folder.events_again"
    path: str
    times: int  #: how often they were lost meanwhile


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProbeLeft(Event):
    """A probe of okdrop's own cannot be removed from a folder; it is empty, and no other is laid there."""

    name: ClassVar = "folder.probe_left"
    level: ClassVar = "warning"
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExistingIgnored(Event):
    """What lay in a folder before its first start was recorded, and is not sent."""

    name: ClassVar = "folder.existing_ignored"
    path: str
    files: int
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SurgeHeld(Event):
    """A new folder holds so many videos that a person has to say go first."""

    name: ClassVar = "folder.held"
    level: ClassVar = "warning"
    path: str
    files: int
    hint: str
