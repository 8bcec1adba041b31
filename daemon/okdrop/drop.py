"""The words of the trade: a file that was dropped, its revision, its ticket, its upload and its states.

Two rules:

1. A row of the ledger is an `Upload`: one revision of one file on its way to one video.
   Another revision of the same file is another row.
2. A state changes only along `TRANSITIONS`, by `Upload.to`. Everything else in a row may change freely.

The pictures of the states in the documentation are drawn from `TRANSITIONS`.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any, Final, Self

from okdrop.errors import LocalProtocolError
from okdrop.publication import UNPUBLISHED, Publication

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MINIMUM_SIZE: Final = 16 * 1024
"""OK takes no video under 16 KiB (protocol.md 2.1)."""

TICKETS_PER_REVISION: Final = 5
"""How many upload URLs one revision may use up before it fails (`ticket_expired`)."""

TRIES_PER_ORPHAN: Final = 6
"""How often it is tried to delete what an abandoned ticket left at OK; then it stays, empty and unseen."""


def too_small(size: int) -> Failure | None:
    """Why OK would not take a file of `size` bytes; None where size is no reason."""
    if size >= MINIMUM_SIZE:
        return None
    what = "is empty" if size == 0 else f"has only {size} bytes"
    return Failure(
        code="file_too_small",
        message=f"the file {what}; OK takes no video under {MINIMUM_SIZE} bytes",
        hint="if the recording was cut short, there is nothing to publish; remove the file",
    )


def not_whole(missing: str) -> Failure:
    """Why a file is held that is not whole by its own structure; `missing` says in words what is missing."""
    return Failure(
        code="file_not_whole",
        message=f"the file is not whole: {missing}",
        hint="if it can be mended, put the mended file in its place; to send it as it is, retry",
    )


def not_as_promised(what: str) -> Failure:
    """Why a file is held that is not as its manifest has it; `what` says in words what is not."""
    return Failure(
        code="file_not_as_promised",
        message=f"the file is not what its manifest promises: {what}",
        hint="put the right file in its place, or mend the manifest; to send it as it is, retry",
    )


class State(enum.StrEnum):
    """Where an upload stands."""

    QUEUED = "queued"  #: known, waiting for its turn
    UPLOADING = "uploading"  #: its bytes are on their way (or wait for another try)
    FINALIZING = "finalizing"  #: OK holds every byte; video.update is due
    PUBLISHED = "published"  #: OK accepted video.update
    FAILED = "failed"  #: stopped for good, with a reason; `retry` hands it back
    SUPERSEDED = "superseded"  #: the file changed; a newer row took over
    CANCELLED = "cancelled"  #: taken out by a person
    DUPLICATE = "duplicate"  #: the same bytes are published already


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.QUEUED: frozenset(
        {
            State.UPLOADING,
            State.FAILED,
            State.SUPERSEDED,
            State.CANCELLED,
            State.DUPLICATE,
            State.PUBLISHED,  # adopted
        }
    ),
    State.UPLOADING: frozenset(
        {
            State.FINALIZING,
            State.QUEUED,
            State.FAILED,
            State.SUPERSEDED,
            State.CANCELLED,
            State.DUPLICATE,
        }
    ),
    State.FINALIZING: frozenset(
        {State.PUBLISHED, State.UPLOADING, State.FAILED, State.SUPERSEDED, State.CANCELLED}
    ),
    State.PUBLISHED: frozenset({State.FAILED}),
    State.FAILED: frozenset(
        {
            State.QUEUED,
            State.FINALIZING,
            State.SUPERSEDED,
            State.CANCELLED,
            State.PUBLISHED,  # adopted
        }
    ),
    State.SUPERSEDED: frozenset(),
    State.CANCELLED: frozenset(
        {
            State.QUEUED,
            State.SUPERSEDED,
            State.PUBLISHED,  # adopted
        }
    ),
    State.DUPLICATE: frozenset({State.SUPERSEDED}),
}
"""Which state may follow which.

Only from `finalizing` does an upload become published by our own doing. From the three others a person says
so (`okdrop adopt`): nothing of it is on its way, and nothing will be sent.
"""

SOURCE_GONE: Final = "source_gone"
"""The code of a failure that the file's coming back undoes."""

SIDECAR_AWAITED: Final = "sidecar_awaited"
SIDECAR_UNSETTLED: Final = "sidecar_unsettled"
"""What stands as the last trouble of an upload whose publishing waits for a sidecar; it is none."""

EXISTING_IGNORED: Final = "existing_ignored"
"""The code of what lay in a folder before its first start and is not to be sent (`existing = "ignore"`)."""

UNFINISHED: Final = frozenset({State.QUEUED, State.UPLOADING, State.FINALIZING})
"""The states from which work goes on by itself."""


class Chore(enum.StrEnum):
    """What is still to do for an upload that is published; one is done, the next is written, or none."""

    CONFIRM = "confirm"  #: ask OK whether its processing took the video
    MOVE = "move"  #: move the source to where its folder says
    DELETE = "delete"  #: delete the source; only after OK confirmed
    PRUNE = "prune"  #: delete what was moved, after a while; only after OK confirmed


class Mode(enum.StrEnum):
    """How the bytes of a ticket go (protocol.md 1 and 7.8)."""

    PARALLEL = "parallel"  #: in segments, several at once, in any order
    SEQUENTIAL = "sequential"  #: in segments, one after the other, without a gap
    MULTIPART = "multipart"  #: in one request; a host is never found to be so, the configuration says it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What tells one content of a file from another without reading it (the facts of `stat`).

    Sizes are bytes; `mtime_ns` is nanoseconds since the epoch.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Leave to send one video: its future id and the signed URL that takes its bytes.

    The URL is a secret (it carries a signature): it is never shown.
    """

    video_id: str
    upload_url: str = dataclasses.field(repr=False)
    issued_at: datetime
    expires_at: datetime | None = None  #: read from the URL, a guess (protocol.md 2.1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Strikes:
    """How often a ticket's host disappointed; each kind has a bound, which holds over waits and restarts."""

    canaries: int = 0  #: canaries that met trouble
    refusals: int = 0  #: segments refused, in a row
    unclear: int = 0  #: accounts that nobody could read, in a row


NO_STRIKES: Final = Strikes()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an upload stopped, for a person and for a program."""

    code: str
    message: str
    hint: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Why all of an account waits, no single upload alone: credentials or a permission are missing."""

    code: str
    message: str
    hint: str = ""
    since: datetime  #: aware, UTC
    account: str = ""  #: whose; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A settled file in a watched folder, before it has a row.

    Paths are bytes as the kernel gives them: a name need not be UTF-8.
    """

    path: bytes  #: absolute
    revision: Revision
    folder: str  #: the watched folder it was found in ("" for a file named on the command line)
    title: str = ""  #: a title given on the command line; "" means: from the folder's template


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One row of the ledger. Times are aware and in UTC, sizes are bytes."""

    id: int
    drop: Drop
    account: str = ""  #: who publishes it; "" is the account of `[ok]`
    state: State
    version: int  #: counts every write of the row; a write compares and sets it
    attempts: int = 0  #: how many times a worker took it up, or tried again after trouble
    troubles: int = 0  #: tries in a row without progress; what the backoff climbs by
    last_trouble: str = ""  #: the code of the last of them
    repeats: int = 0  #: how many of the last ones had that code
    retry_at: datetime | None = None  #: not before
    ticket: Ticket | None = None
    tickets: int = 0  #: tickets used for this revision so far
    mode: Mode | None = None  #: how this ticket is used: as its host was proven, or MULTIPART once begun so
    strikes: Strikes = NO_STRIKES  #: of this ticket's host
    offered_all: bool = False  #: every byte was handed to the line at least once on this ticket
    publish_offered: bool = False  #: a video.update may have taken effect though no answer said so
    received: int = 0  #: bytes OK acknowledged: a hint for the eye, never for the session
    bytes_sent: int = 0  #: bytes put on the line since it was queued (by a person, last), over all tickets
    digest: bytes | None = None  #: proves what OK holds: a root, or the earlier kind (`okdrop.leaves`)
    sample: bytes | None = None  #: of its size and three small pieces: what equals it is worth a comparison
    waits_for: int | None = None  #: an upload that may be of the same bytes, whose end it waits for
    duplicate_of: int | None = None  #: the row that published the same bytes
    failure: Failure | None = None
    held: bool = False  #: found among too many at once: waits until a person says go
    chore: Chore | None = None  #: what is still to do after publishing; its next try is at `retry_at`
    moved_to: bytes | None = None  #: where the source goes, written before it moves; absolute
    publication: Publication = UNPUBLISHED  #: when it was posted, what OK was told and is still to be told
    moved_at: datetime | None = None  #: since when it lies there
    confirmed_at: datetime | None = None  #: when OK said that the video is there
    removed_at: datetime | None = None  #: when we deleted the file
    along: str = ""  #: JSON: what lay beside the file before it was touched, and may go with it
    created_at: datetime
    updated_at: datetime

    def to(self, state: State, **changes: Any) -> Self:
        """Return this upload in another state, with further changes; whom it waited for is forgotten.

        Raises:
            LocalProtocolError: the table of transitions does not allow it.
        """
        if state not in TRANSITIONS[self.state]:
            raise LocalProtocolError(f"upload {self.id}: {self.state} may not become {state}")
        return self.with_(**({"state": state, "waits_for": None} | changes))

    def with_(self, **changes: Any) -> Self:
        """Return this upload with changes."""
        return dataclasses.replace(self, **changes)

    def troubled(self, code: str) -> Self:
        """Return this upload with one more trouble in a row.

        The backoff climbs by `troubles`, whatever they were; a limit of tries counts `repeats` of one kind.
        """
        same = self.troubles > 0 and self.last_trouble == code
        return self.with_(
            troubles=self.troubles + 1, last_trouble=code, repeats=self.repeats + 1 if same else 1
        )

    @property
    def lost_its_file(self) -> bool:
        """Whether it failed for no other reason than that its file was gone."""
        return self.state is State.FAILED and self.failure is not None and self.failure.code == SOURCE_GONE

    @property
    def is_set_aside(self) -> bool:
        """Whether it lay in its folder before the first start, and nobody has had a wish for it since."""
        failure = self.failure
        return self.state is State.CANCELLED and failure is not None and failure.code == EXISTING_IGNORED

    def handed_back(self, *, may_be_there: bool = False) -> Self:
        """Return a failed or cancelled upload as it begins anew.

        One whose bytes OK holds goes on to video.update; its ticket is kept, and nothing is sent again.
        Any other has its allowance of tickets and bytes anew: else it would fail at once by the old count.

        Args:
            may_be_there: another upload may have published the same bytes meanwhile, or be about to: then a
                worker looks into that first, whatever OK holds of this one.

        Raises:
            LocalProtocolError: its state does not allow it.
        """
        whole = self.ticket is not None and self.received == self.drop.revision.size
        goes_on = whole and self.state is State.FAILED and not may_be_there
        state = State.FINALIZING if goes_on else State.QUEUED
        afresh = {} if state is State.FINALIZING else {"tickets": 0, "bytes_sent": 0}
        return self.to(
            state, failure=None, retry_at=None, troubles=0, strikes=NO_STRIKES, held=False, **afresh
        )
