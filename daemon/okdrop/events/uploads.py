"""Uploads on their way to being published."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event, UploadEvent


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
class UploadRenamed(UploadEvent):
    """Its file, or a folder above it, got another name; it goes on under that one."""

    name: ClassVar = "upload.renamed"
    path: str
    before: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TicketIssued(UploadEvent):
    """OK gave a video id and an upload URL (which is not shown)."""

    name: ClassVar = "upload.ticket"
    video_id: str
    host: str
    number: int  #: which ticket of this revision
    account: str = ""  #: who got it; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadStarted(UploadEvent):
    """A worker took it up."""

    name: ClassVar = "upload.started"
    path: str
    size: int
    attempt: int
    account: str = ""  #: for whom; "" is that of `[ok]`


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
    held: int = 0  #: bytes of it that were known to be held before this answer came


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
    held_by: str = ""  #: the place in trouble that it waits for; `breaker.opened` told of it
    folded: int = 0  #: how many more like it there were since the last line of the log


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadWaits(UploadEvent):
    """An earlier run had trouble with it; this run goes on with it after `delay` seconds."""

    name: ClassVar = "upload.waits"
    path: str
    code: str  #: of that trouble
    delay: float
    until: str  #: when that is, RFC 3339


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadWaitsForTwin(UploadEvent):
    """Another upload, on its way already, may be of the same bytes: this one waits for its end."""

    name: ClassVar = "upload.waits_for_twin"
    path: str
    first: int  #: the id of that one


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadAwaitsSidecar(UploadEvent):
    """OK may hold its bytes already; publishing waits for a sidecar, or until one is finished."""

    name: ClassVar = "upload.awaits_sidecar"
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MetadataRemarked(UploadEvent):
    """Something of its title, description, tags or privacy was passed over, or could not be found out."""

    name: ClassVar = "metadata.remark"
    level: ClassVar = "warning"
    path: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TicketAbandoned(UploadEvent):
    """A ticket is of no more use; its video id is an orphan on OK's side."""

    name: ClassVar = "upload.ticket_abandoned"
    level: ClassVar = "warning"
    video_id: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TicketLost(UploadEvent):
    """A ticket was asked for and no answer seen: OK may hold an empty entry that nobody knows the id of."""

    name: ClassVar = "upload.ticket_lost"
    level: ClassVar = "warning"
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrphanDeleted(Event):
    """An abandoned video id was deleted on OK's side."""

    name: ClassVar = "orphan.deleted"
    video_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrphanGivenUp(Event):
    """An abandoned video id could not be deleted on OK's side, and is not tried again: delete it by hand."""

    name: ClassVar = "orphan.given_up"
    level: ClassVar = "warning"
    video_id: str
    tries: int
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadWhole(UploadEvent):
    """OK holds every byte."""

    name: ClassVar = "upload.whole"
    video_id: str
    size: int
    bytes_sent: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadNotYetPublished(UploadEvent):
    """OK holds every byte; it is published at another time, as its folder or the day's number says."""

    name: ClassVar = "upload.not_yet_published"
    path: str
    reason: str  #: the key of the configuration
    until: str  #: RFC 3339; empty where that depends on others


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadPublished(UploadEvent):
    """OK accepted video.update."""

    name: ClassVar = "upload.published"
    video_id: str
    path: str
    size: int
    account: str = ""  #: on which; "" is that of `[ok]`


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
