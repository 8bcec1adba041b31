"""One video on OK's side: what was declared, what is held, what became of it.

A `Video` is the emulator's row: mutable, plain, written to disk by `store` whenever something that must
outlive the process has changed.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
from typing import Any, Final

from okdrop.emulator.ranges import Spans

_LOG_LENGTH: Final = 500
_HISTORY_LENGTH: Final = 64


class Stage(enum.StrEnum):
    """Where a video is in its life; the words are those of OK's own status (protocol.md 2.3)."""

    UPLOADING = "UPLOADING"
    PROCESSING = "PROCESSING"
    FINAL = "FINAL"  #: `Video.final_status` says which
    DELETED = "DELETED"


class Manner(enum.StrEnum):
    """How the bytes of a video come (protocol.md 1.1)."""

    UNKNOWN = ""  #: none came yet
    RENEWABLE = "renewable"  #: in segments
    MULTIPART = "multipart"  #: in one request


@dataclasses.dataclass(slots=True, kw_only=True)
class Ticket:
    """The upload URL of a video: its query, as it was given, is its identity.

    Args:
        query: the raw query, compared byte for byte.
        expires_at: seconds since the epoch.
        dead_status: what the URL answers once it is dead; 0 while it lives.
    """

    query: str
    expires_at: float
    dead_status: int = 0


@dataclasses.dataclass(slots=True, kw_only=True)
class Traffic:
    """What came over the line for one video.

    Args:
        received: bytes of bodies, kept or not.
        held_resent: those of them that were held already when their request began.
        segments: POST requests that carried bytes.
        in_flight: POST requests that are not answered yet.
        max_in_flight: the most of them at once.
        log: the latest requests, oldest first.
    """

    received: int = 0
    held_resent: int = 0
    segments: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    log: collections.deque[dict[str, Any]] = dataclasses.field(
        default_factory=lambda: collections.deque(maxlen=_LOG_LENGTH)
    )


@dataclasses.dataclass(slots=True, kw_only=True)
class Details:
    """What video.update set."""

    title: str = ""
    description: str = ""
    tags: str = ""
    privacy: str = ""
    published: bool = False
    updates: int = 0
    cover: str = ""  #: SHA-256 of the image that was set


@dataclasses.dataclass(slots=True, kw_only=True)
class Video:
    """Everything known of one video.

    Args:
        id: greater than 2**53, so that a client that reads it as a float gets it wrong.
        name: the file name given to video.getUploadUrl.
        declared_size: bytes; 0 where it was not said.
        ticket: its upload URL.
        owner: whose it is; "" is the first user.
        request: the other parameters of video.getUploadUrl (gid, post_form …).
        manner: how its bytes come.
        total: bytes, as the segments or the form have it; None before the first.
        held: the bytes that are stored.
        history: what was held after each of the latest segments, oldest first.
        stage: where it is in its life.
        final_status: OK's word for it once it is processed.
        looks: how often video.get was told of it since it was whole.
        whole_at: seconds since the epoch; None before.
        digest: SHA-256 of the content, once somebody asked; "" before.
        details: what video.update set.
        traffic: what came over the line.
    """

    id: int
    name: str
    declared_size: int
    ticket: Ticket
    owner: str = ""
    request: dict[str, str] = dataclasses.field(default_factory=dict)
    manner: Manner = Manner.UNKNOWN
    total: int | None = None
    held: Spans = dataclasses.field(default_factory=Spans)
    history: collections.deque[Spans] = dataclasses.field(
        default_factory=lambda: collections.deque(maxlen=_HISTORY_LENGTH)
    )
    stage: Stage = Stage.UPLOADING
    final_status: str = ""
    looks: int = 0
    whole_at: float | None = None
    digest: str = ""
    details: Details = dataclasses.field(default_factory=Details)
    traffic: Traffic = dataclasses.field(default_factory=Traffic)

    @property
    def size(self) -> int:
        """Bytes: as the segments have it, or as it was declared."""
        return self.declared_size if self.total is None else self.total

    @property
    def is_whole(self) -> bool:
        """Whether every byte is held."""
        return self.total is not None and self.held.prefix == self.total

    @property
    def status(self) -> str:
        """OK's word for where it is."""
        return self.final_status if self.stage is Stage.FINAL else str(self.stage)

    def take_up(self, manner: Manner) -> None:
        """Bytes begin to come, this way."""
        self.manner = manner

    def note_whole(self, now: float) -> None:
        """Let processing begin, if the file is whole."""
        if self.is_whole and self.stage is Stage.UPLOADING:
            self.stage = Stage.PROCESSING
            self.whole_at = now

    def record(self) -> dict[str, Any]:
        """What is written to disk."""
        ticket, details, traffic = self.ticket, self.details, self.traffic
        return {
            "id": self.id,
            "name": self.name,
            "declared_size": self.declared_size,
            "owner": self.owner,
            "ticket": dataclasses.asdict(ticket),
            "request": self.request,
            "manner": str(self.manner),
            "total": self.total,
            "held": self.held.items,
            "stage": str(self.stage),
            "final_status": self.final_status,
            "looks": self.looks,
            "whole_at": self.whole_at,
            "digest": self.digest,
            "details": dataclasses.asdict(details),
            "traffic": {key: getattr(traffic, key) for key in _KEPT_TRAFFIC},
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Video:
        """The video that wrote this record."""
        held = Spans(tuple((start, stop) for start, stop in record["held"]))
        plain = {key: record[key] for key in _PLAIN}
        return cls(
            **plain,
            held=held,
            owner=record.get("owner", ""),
            manner=Manner(record.get("manner", "")),  # one of an earlier version has none
            stage=Stage(record["stage"]),
            ticket=Ticket(**record["ticket"]),
            details=Details(**record["details"]),
            traffic=Traffic(**record["traffic"]),
        )


_PLAIN: Final = (
    "id",
    "name",
    "declared_size",
    "request",
    "total",
    "final_status",
    "looks",
    "whole_at",
    "digest",
)
_KEPT_TRAFFIC: Final = ("received", "held_resent", "segments", "max_in_flight")
