"""What comes after publishing."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import UploadEvent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoConfirmed(UploadEvent):
    """OK processed the video."""

    name: ClassVar = "video.confirmed"
    video_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoAsked(UploadEvent):
    """OK answered how its processing of a video stands."""

    name: ClassVar = "video.asked"
    level: ClassVar = "debug"
    status: str  #: OK's word


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
    folded: int = 0  #: how many more like it there were since the last line of the log


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoReleased(UploadEvent):
    """A video that friends saw first is public now."""

    name: ClassVar = "video.released"
    video_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoUpdated(UploadEvent):
    """OK was told other metadata of a published video."""

    name: ClassVar = "video.updated"
    video_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CoverSet(UploadEvent):
    """The image beside the file is the video's cover."""

    name: ClassVar = "video.cover_set"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VideoNotTold(UploadEvent):
    """A cover, other metadata, or that it is public now could not be told to OK; the video is as it was."""

    name: ClassVar = "video.not_told"
    level: ClassVar = "warning"
    code: str
    reason: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilePruned(UploadEvent):
    """A moved file was deleted, since it lay there for as long as its folder says."""

    name: ClassVar = "file.pruned"
    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SidecarsFiled(UploadEvent):
    """What lay beside a video went with it: was moved, or deleted."""

    name: ClassVar = "sidecars.filed"
    path: str  #: the video's
    files: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SidecarsLeft(UploadEvent):
    """Something that lay beside a video stays where it is."""

    name: ClassVar = "sidecars.left"
    level: ClassVar = "warning"
    path: str  #: the video's
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptWritten(UploadEvent):
    """A receipt was written beside a video."""

    name: ClassVar = "receipt.written"
    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLeft(UploadEvent):
    """No receipt was written: another file has its name, or the video is gone."""

    name: ClassVar = "receipt.left"
    level: ClassVar = "warning"
    path: str
    reason: str
