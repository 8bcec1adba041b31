"""What is to be done once something has happened, at least once each: the words of the outbox.

A step is written in the transaction that makes the thing happen, and closed by a write of its own. So a
process that dies in between takes it again in its next life: whoever is told may be told twice, with the same
key, and what is done to files looks first.

    lane    whoever takes steps one after the other: a hook, a webhook, or the files
    key     names a step for ever; a second one of the same key is not written
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


class Kind(enum.StrEnum):
    """What is to be done."""

    HOOK = "hook"  #: a command is run
    WEBHOOK = "webhook"  #: an address is told
    NOTIFY = "notify"  #: a person is told
    SIDECARS = "sidecars"  #: what lies beside a video goes with it
    RECEIPT = "receipt"  #: what became of a video is written beside it


class Occasion(enum.StrEnum):
    """What somebody may want to hear of."""

    PUBLISHED = "published"  #: OK accepted the video
    CONFIRMED = "confirmed"  #: OK processed it
    MOVED = "moved"  #: its file was moved
    FAILED = "failed"  #: an upload stopped for good
    REFUSED = "refused"  #: OK refused a published video afterwards
    HALTED = "halted"  #: everything waits, for credentials or a permission
    FOLDER_MISSING = "folder_missing"  #: a watched folder is away, and waited for
    DISK_LOW = "disk_low"  #: little space is left where the ledger or a watched folder lies
    RECOVERED = "recovered"  #: one of these three is over


class Outcome(enum.StrEnum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"  #: it was taken, and did not succeed; it is not taken again
    GIVEN_UP = "given up"  #: tried too often, or for too long
    DROPPED = "dropped"  #: nobody wants it any more


FILES: Final = "files"
"""The lane of what is done to files."""

FACTS: Final = (
    *("event", "event_id", "at", "id", "path", "folder", "account", "size", "title", "state", "video_id"),
    *("url", "moved_to", "code", "message", "hint", "ends"),
)
"""What a hook finds in its environment, each in capital letters after "OKDROP_"."""


def lane_of(kind: Kind, name: str) -> str:
    """The lane of whoever is told, by the name in the configuration."""
    return f"{kind}:{name}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A step to be written."""

    key: str
    lane: str
    kind: Kind
    event: str  #: what happened
    payload: str  #: JSON: all that is needed to take it
    upload: int | None = None  #: None: it is about no single one


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """As much of a step that is still to be taken as is needed to say whose turn it is."""

    id: int
    event: str
    created_at: datetime
    due_at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as it is kept. Times are aware and in UTC."""

    id: int
    key: str
    lane: str
    kind: Kind
    event: str
    payload: str
    upload: int | None
    created_at: datetime
    due_at: datetime  #: not before
    tries: int = 0
    done_at: datetime | None = None  #: None: it is still to be taken
    outcome: Outcome | None = None
    said: str = ""  #: what came of the last try, for a person
    output: str = ""  #: the last lines that a command wrote
