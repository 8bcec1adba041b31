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


class Audience:
    """Everybody who listens: itself what a part is given to tell with."""

    def __init__(self, *listeners: Emit) -> None:
        self._listeners = [*listeners]

    def add(self, listener: Emit) -> None:
        """Let one more listen, after the others."""
        self._listeners.append(listener)

    def __call__(self, event: Event) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            listener(event)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted(Event):
    """The process is up."""

    name: ClassVar = "service.started"
    version: str
    folders: int
    once: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NothingResumes(Event):
    """Files go in one request each: what is cut starts anew, and none may have more bytes than `largest`."""

    name: ClassVar = "service.nothing_resumes"
    level: ClassVar = "warning"
    largest: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReady(Event):
    """The ledger is open, and every folder that is there was looked through once."""

    name: ClassVar = "service.ready"
    unfinished: int  #: uploads that an earlier run left, taken up again
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReloaded(Event):
    """SIGHUP: the credentials were read again; other keys of the configuration need a restart."""

    name: ClassVar = "service.reloaded"
    changed: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCrashed(Event):
    """A bug, or a fault that nobody foresaw: the process ends with exit code 1; please report it."""

    name: ClassVar = "service.crashed"
    level: ClassVar = "error"
    message: str
    traceback: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopped(Event):
    """The process ends."""

    name: ClassVar = "service.stopped"
    published: int
    failed: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrainStarted(Event):
    """A signal asked us to stop: nothing new begins, segments under way may land."""

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
class PoolResumed(Event):
    """What halted the pool is mended: everything goes on."""

    name: ClassVar = "pool.resumed"
    code: str  #: of the halt
    reason: str
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsRenewed(Event):
    """Other credentials were found on disk, and OK accepts them; they are in use now."""

    name: ClassVar = "credentials.renewed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsRefused(Event):
    """Other credentials were found on disk, and OK refuses them."""

    name: ClassVar = "credentials.refused"
    level: ClassVar = "warning"
    code: str
    message: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsUnreadable(Event):
    """The configuration cannot be read just now; the credentials in use stay."""

    name: ClassVar = "credentials.unreadable"
    level: ClassVar = "warning"
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOffline(Event):
    """Nobody can be reached; the tries go on and are not told one by one."""

    name: ClassVar = "network.offline"
    level: ClassVar = "warning"
    since: str  #: RFC 3339, in UTC
    host: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOnline(Event):
    """Somebody was reached again."""

    name: ClassVar = "network.online"
    seconds: float  #: how long nobody was
    tries: int  #: how many tries were not told one by one


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStuck(Event):
    """The ledger cannot be written; everything that depends on it waits, and nothing is lost."""

    name: ClassVar = "ledger.stuck"
    level: ClassVar = "error"
    code: str
    message: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LedgerWritable(Event):
    """The ledger can be written again; what waited goes on."""

    name: ClassVar = "ledger.writable"
    seconds: float


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
class UploadTakenUp(UploadEvent):
    """Another command handed it back (`okdrop retry`, say), and it goes on."""

    name: ClassVar = "upload.taken_up"
    path: str
    state: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadCancelled(UploadEvent):
    """A person took it out."""

    name: ClassVar = "upload.cancelled"
    path: str


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
class UploadProgress(UploadEvent):
    """Bytes are leaving; told a few times a second at most. All figures are bytes, and for the eye only."""

    name: ClassVar = "upload.progress"
    level: ClassVar = "debug"
    received: int  #: OK holds them
    on_line: int  #: put on the line in requests that have no answer yet
    sent: int  #: put on the line so far, those sent again too
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
    folded: int = 0  #: how many more like it there were since the last line of the log


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoConfirmed(UploadEvent):
    """OK processed the video."""

    name: ClassVar = "video.confirmed"
    video_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoRefused(UploadEvent):
    """OK refused a video that was published; its upload has failed."""

    name: ClassVar = "video.refused"
    level: ClassVar = "error"
    video_id: str
    status: str  #: OK's word


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoUnconfirmed(UploadEvent):
    """OK is asked no more: the video is missing there, or nothing has been decided for days."""

    name: ClassVar = "video.unconfirmed"
    level: ClassVar = "warning"
    status: str  #: OK's last word


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileMoved(UploadEvent):
    """A published file was moved to where its folder says."""

    name: ClassVar = "file.moved"
    path: str
    to: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileDeleted(UploadEvent):
    """A published file was deleted, as its folder says; OK had confirmed its video."""

    name: ClassVar = "file.deleted"
    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileLeftAlone(UploadEvent):
    """A published file was to be moved or deleted, and is gone, or another by now."""

    name: ClassVar = "file.left_alone"
    level: ClassVar = "warning"
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChoreTrouble(UploadEvent):
    """What is to do after publishing cannot be done now; it is tried again, in a run that stays."""

    name: ClassVar = "chore.trouble"
    level: ClassVar = "warning"
    chore: str
    code: str
    reason: str
    delay: float  #: seconds until then
