"""What the upload session asks for (`Step`) and what it is told (`Answer`).

The session hands out steps, a shell carries them out and gives back what came of each. `wire` puts a
step into HTTP terms and reads an answer out of HTTP terms. All of them are values.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, TypeAlias

from okdrop.drop import NO_STRIKES

if TYPE_CHECKING:
    from okdrop.drop import Mode, Strikes
    from okdrop.protocol.ranges import ByteRange, ByteRanges

# --- steps --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class RequestTicket:
    """Ask video.getUploadUrl for a new ticket (and forget the old one, which is an orphan now)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """Ask the upload URL what it holds (GET)."""


@dataclasses.dataclass(frozen=True, slots=True)
class SendSegment:
    """Send these bytes (POST)."""

    span: ByteRange


@dataclasses.dataclass(frozen=True, slots=True)
class SendFile:
    """Send the whole file in one request (POST of a form); `span` is all of it."""

    span: ByteRange


@dataclasses.dataclass(frozen=True, slots=True)
class AskVideo:
    """Every byte was offered, and no answer says what became of them: ask video.get."""


@dataclasses.dataclass(frozen=True, slots=True)
class Publish:
    """OK holds every byte: video.update is due. The session ends here."""


@dataclasses.dataclass(frozen=True, slots=True)
class GiveUp:
    """The session cannot go on; a person has to look. The session ends here."""

    code: str
    message: str
    hint: str


Step: TypeAlias = RequestTicket | Probe | SendSegment | SendFile | AskVideo | Publish | GiveUp

# --- answers of the upload URL ------------------------------------------------------------------------


class Form(enum.Enum):
    """How exactly an account speaks."""

    RANGES = "ranges"  #: names the spans that are held
    LAST_BYTE = "last byte"  #: X-Last-Known-Byte: everything up to and including it
    COUNT = "count"  #: a bare integer: so many bytes from the start (the lower reading)


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """What the upload server says it holds of one file."""

    held: ByteRanges
    form: Form = Form.RANGES


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """201: the segment is stored, more is wanted. The account, if any, came with the answer."""

    account: Account | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Complete:
    """200 on a segment: the server says that the file is whole."""

    account: Account | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RangeRefused:
    """416: the range does not fit. With X-Last-Known-Byte the account says where to go on."""

    account: Account | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """200 on a probe, or a form that says as much: the account is the server's word."""

    account: Account


@dataclasses.dataclass(frozen=True, slots=True)
class NothingYet:
    """404 on a probe: nothing uploaded yet, or the URL is dead (protocol.md 7.6)."""

    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Unclear:
    """An answer that says neither what is held nor that something is wrong."""

    status: int
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class UrlDead:
    """400, 403, 410 (and 404 on a segment): expired, refused, or finished and gone."""

    status: int
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """Another 4xx, a redirect, or an error object in a 200: this host wants it another way."""

    status: int
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ServerTrouble:
    """5xx or 429: passing. `retry_after` is in seconds."""

    status: int
    reason: str = ""
    retry_after: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class NoAnswer:
    """The line was cut, stalled, or never opened.

    `sent`: some of the body may have left. `timed_out`: it was given up for being slow, not cut.
    """

    reason: str
    sent: bool = True
    timed_out: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class WrongTotal:
    """The account speaks of a file of another size (protocol.md 7.3): not our upload."""

    total: int


SegmentAnswer: TypeAlias = (
    Stored | Complete | RangeRefused | UrlDead | Refused | ServerTrouble | NoAnswer | WrongTotal
)
FileAnswer: TypeAlias = Complete | UrlDead | Refused | ServerTrouble | NoAnswer
ProbeAnswer: TypeAlias = (
    Held | NothingYet | Unclear | UrlDead | Refused | ServerTrouble | NoAnswer | WrongTotal
)

# --- answers of the API -------------------------------------------------------------------------------


class VideoStatus(enum.StrEnum):
    """video.get's words (protocol.md 2.3); `UNKNOWN` stands for any other."""

    OK = "OK"
    ERROR = "ERROR"
    UPLOADING = "UPLOADING"
    PROCESSING = "PROCESSING"
    ON_MODERATION = "ON_MODERATION"
    BLOCKED = "BLOCKED"
    CENSORED = "CENSORED"
    COPYRIGHTS_RESTRICTED = "COPYRIGHTS_RESTRICTED"
    UNAVAILABLE = "UNAVAILABLE"
    LIMITED_ACCESS = "LIMITED_ACCESS"
    MISSING = "MISSING"  #: no such video
    UNKNOWN = "UNKNOWN"


# --- what outlives a session ---------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What the ledger kept of a ticket that an earlier process (or attempt) held."""

    mode: Mode | None = None  #: how it was used; None: not known, or not at all
    taken: bool = False  #: the server acknowledged something on it
    offered_all: bool = False
    strikes: Strikes = NO_STRIKES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was learned about the host. `mode` None: whatever was believed of it is revoked."""

    mode: Mode | None
    reason: str
