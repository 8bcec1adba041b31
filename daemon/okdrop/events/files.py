"""Files on their way to a row."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event, UploadEvent


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
class FilePassedOver(Event):
    """A file, or a folder with all that is in it, is left by the rules of its watched folder."""

    name: ClassVar = "file.passed_over"
    level: ClassVar = "debug"
    path: str
    folder: str
    rule: str  #: the key of the folder
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileDismissed(Event):
    """A file that was waited for is left by the rules of its watched folder, now that it is finished."""

    name: ClassVar = "file.dismissed"
    path: str
    folder: str
    rule: str  #: the key of the folder
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileNotWhole(Event):
    """A file stayed as it was for long, and is not whole by its own structure."""

    name: ClassVar = "file.not_whole"
    level: ClassVar = "warning"
    path: str
    reason: str
    sent: bool


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
