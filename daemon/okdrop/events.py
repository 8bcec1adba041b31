"""What happens, as values. The log, metrics and pages listen; nobody who works here knows them.

Each event has a stable `name` (documented, counted, grepped for) and a `level`. Fields are facts, fit to be
shown: no secret, no signed URL, no object. Paths are text made for the eye (`shown`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar, TypeAlias


def shown(path: bytes) -> str:
    """A path for human eyes: control characters and bytes that are not UTF-8 are escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened."""

    name: ClassVar[str] = "event"
    level: ClassVar[str] = "info"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadEvent(Event):
    """Something that happened to one upload."""

    upload: int  #: the id in the ledger


Emit: TypeAlias = Callable[[Event], None]
"""How a part tells what happened."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted(Event):
    """The process is up."""

    name: ClassVar = "service.started"
    version: str
    folders: int
    once: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopped(Event):
    """The process ends."""

    name: ClassVar = "service.stopped"
    published: int
    failed: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrainStarted(Event):
    """A signal asked us to stop."""

    name: ClassVar = "service.draining"
    signal: str
    timeout: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PoolHalted(Event):
    """Credentials or a permission are missing: everything waits, nothing fails."""

    name: ClassVar = "pool.halted"
    level: ClassVar = "error"
    code: str
    message: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileSettled(UploadEvent):
    """A file is finished and has a row now."""

    name: ClassVar = "file.settled"
    path: str
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileKnown(UploadEvent):
    """A file has its row already; nothing new begins."""

    name: ClassVar = "file.known"
    path: str
    state: str
    video_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileWaiting(Event):
    """A file is not finished yet."""

    name: ClassVar = "file.waiting"
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileLeft(Event):
    """A file was not finished when a run that ends came to its end."""

    name: ClassVar = "file.left"
    level: ClassVar = "warning"
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileUnreadable(Event):
    """A file or folder cannot be looked at."""

    name: ClassVar = "file.unreadable"
    level: ClassVar = "warning"
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderWatched(Event):
    """A folder was looked through for the first time in this run, and is watched from now on."""

    name: ClassVar = "folder.watched"
    path: str
    mode: str  #: kernel events, or scans only and why
    writers: str  #: whether writers can be seen


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WritersUnseen(Event):
    """In this folder only quiet tells that a file is finished."""

    name: ClassVar = "folder.writers_unseen"
    level: ClassVar = "warning"
    path: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderAway(Event):
    """A watched folder is missing, cannot be read, or is not mounted; okdrop waits for it."""

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
    """The kernel's events of a folder ended or cannot be had: scans alone find what is dropped."""

    name: ClassVar = "folder.scans_only"
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TicketIssued(UploadEvent):
    """OK gave a video id and an upload URL (which is not shown)."""

    name: ClassVar = "upload.ticket"
    video_id: str
    host: str
    number: int  #: which ticket of this revision


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadStarted(UploadEvent):
    """A worker took it up."""

    name: ClassVar = "upload.started"
    path: str
    size: int
    attempt: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadResumed(UploadEvent):
    """The server told what it holds; only the rest is sent."""

    name: ClassVar = "upload.resumed"
    received: int
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModeProven(UploadEvent):
    """It is known how this upload's host takes segments."""

    name: ClassVar = "upload.mode"
    host: str
    mode: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SegmentStored(UploadEvent):
    """The server acknowledged a segment."""

    name: ClassVar = "segment.stored"
    level: ClassVar = "debug"
    start: int
    stop: int
    received: int
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadTrouble(UploadEvent):
    """Passing trouble; it goes on after `delay` seconds."""

    name: ClassVar = "upload.trouble"
    level: ClassVar = "warning"
    code: str
    reason: str
    delay: float
    attempt: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TicketAbandoned(UploadEvent):
    """A ticket is of no more use; its video id is an orphan on OK's side."""

    name: ClassVar = "upload.ticket_abandoned"
    level: ClassVar = "warning"
    video_id: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrphanDeleted(Event):
    """An abandoned video id was deleted on OK's side."""

    name: ClassVar = "orphan.deleted"
    video_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadWhole(UploadEvent):
    """OK holds every byte."""

    name: ClassVar = "upload.whole"
    video_id: str
    size: int
    bytes_sent: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadPublished(UploadEvent):
    """OK accepted video.update."""

    name: ClassVar = "upload.published"
    video_id: str
    path: str
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadFailed(UploadEvent):
    """It stopped for good; `okdrop retry` hands it back."""

    name: ClassVar = "upload.failed"
    level: ClassVar = "error"
    path: str
    code: str
    message: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadSuperseded(UploadEvent):
    """The file changed while it was being sent; its new revision gets a row of its own."""

    name: ClassVar = "upload.superseded"
    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadDuplicate(UploadEvent):
    """The same bytes are published already."""

    name: ClassVar = "upload.duplicate"
    path: str
    of: int  #: the id of the row that published them
