"""What a daemon answered, as values: made of the API's JSON (docs/api.md), fit to be shown.

Pure. Every text from elsewhere is escaped here, once, so that nobody who draws has to think of it. A document
that is not what a daemon would say is a `KeyError`, a `TypeError` or a `ValueError`, as it comes; whoever
asked makes one error of them.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from okdrop.drop import State
from okdrop.events import shown
from okdrop.observe.standing import Stage, Standing
from okdrop.words import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.top.unfinished import Unfinished

ON_THEIR_WAY: Final = frozenset({State.UPLOADING, State.FINALIZING})
"""The states of what is being worked on, or waits for its next try."""

_BY_HAND: Final = "paused by hand"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """How one upload host is sent to. Sizes are bytes, `goodput` is bytes a second."""

    name: str
    uploads: int
    connections: int
    in_flight: int
    segment_size: int
    goodput: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a daemon stands."""

    version: str
    reasons: tuple[str, ...]  #: why it does not do what it is there for
    troubles: tuple[str, ...]  #: what else is wrong
    paused_since: str | None  #: RFC 3339
    in_hand: int
    waiting: int
    held: int
    counts: Mapping[State, int]
    limit: int | None  #: bytes a second, of all uploads together, at this moment
    limit_by_hand: bool
    hosts: tuple[Host, ...]

    @property
    def goodput(self) -> float:
        """Bytes a second that were stored lately, by all hosts."""
        return sum(host.goodput for host in self.hosts)

    @property
    def words(self) -> str:
        """What it does, or why not."""
        paused = f"paused since {self.paused_since}" if self.paused_since is not None else ""
        return "; ".join(part for part in (*self.reasons, paused) if part) or "running"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An upload as the ledger has it. Sizes are bytes, `name` is the last part of its path."""

    id: int
    path: str
    size: int
    state: State
    received: int
    video_id: str
    cause: str  #: why it failed; empty where it did not
    retry_at: datetime | None
    updated_at: datetime
    waits_for: int | None
    held: bool
    account: str = ""  #: "" is that of `[ok]`

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.rpartition("/")[2]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """An upload on its way: the ledger's row, and where it stands at this moment."""

    row: Row
    standing: Standing
    speed: float  #: bytes a second; 0 where nothing moves
    left: float | None  #: seconds; None where nobody can say
    words: str  #: what is being done, or waited for

    @property
    def is_sending(self) -> bool:
        """Whether its bytes leave, so that a figure says more than a word."""
        return self.standing.stage is Stage.SENDING


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Uploads, by what is to be said of them; each is the first few of possibly many."""

    moving: tuple[Row, ...] = ()
    queued: tuple[Row, ...] = ()
    published: tuple[Row, ...] = ()
    failed: tuple[Row, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that is shown of a daemon."""

    address: str
    status: Status
    rows: Rows
    moving: tuple[Moving, ...] = ()
    unfinished: Unfinished | None = None  #: files without an upload; None before it was asked
    lost: str = ""  #: why the latest question had no answer; what is shown is from before
    now: datetime  #: aware

    @property
    def selectable(self) -> tuple[Row, ...]:
        """What a person may order something about, in the order in which it is shown."""
        return (*(one.row for one in self.moving), *self.rows.failed, *self.rows.queued)


def status_of(document: Mapping[str, Any]) -> Status:
    """What `/api/status` says; raises KeyError, TypeError, ValueError where that is no daemon's."""
    reasons = tuple(printable(str(one)) for one in document["reasons"])
    troubles = tuple(printable(str(one)) for one in document["troubles"])
    everywhere = next((one for one in document["limits"] if one["folder"] == ""), {"rate": None})
    since = document["paused_since"]
    return Status(
        version=printable(str(document["version"])),
        reasons=reasons,
        troubles=tuple(one for one in troubles if one not in reasons and one != _BY_HAND),
        paused_since=None if since is None else printable(str(since)),
        in_hand=int(document["in_hand"]),
        waiting=int(document["waiting"]),
        held=int(document["held"]),
        counts={State(name): int(count) for name, count in document["counts"].items()},
        limit=None if everywhere["rate"] is None else int(everywhere["rate"]),
        limit_by_hand=everywhere.get("by_hand") is not None,
        hosts=tuple(_host(one) for one in document["hosts"]),
    )


def _host(document: Mapping[str, Any]) -> Host:
    return Host(
        name=printable(str(document["host"])),
        uploads=int(document["uploads"]),
        connections=int(document["connections"]),
        in_flight=int(document["in_flight"]),
        segment_size=int(document["segment_size"]),
        goodput=float(document["goodput"]),
    )


def rows_of(document: Mapping[str, Any]) -> tuple[Row, ...]:
    """What a page of `/api/uploads` says; raises as `status_of`."""
    return tuple(_row(one) for one in document["uploads"])


def _row(document: Mapping[str, Any]) -> Row:
    failure, retry_at = document["failure"], document["retry_at"]
    waits_for = document["waits_for"]
    return Row(
        id=int(document["id"]),
        path=path_shown(str(document["path"])),
        size=int(document["size"]),
        state=State(document["state"]),
        received=int(document["received"]),
        video_id=printable(str(document["video_id"])),
        cause="" if failure is None else printable(f"{failure['code']}: {failure['message']}"),
        retry_at=None if retry_at is None else _moment(retry_at),
        updated_at=_moment(document["updated_at"]),
        waits_for=None if waits_for is None else int(waits_for),
        held=bool(document["held"]),
        account=printable(str(document.get("account", ""))),
    )


def path_shown(path: str) -> str:
    """A path made for the eye, as every other command shows it: bytes that are not UTF-8 are escaped."""
    try:
        return shown(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # a surrogate that stands for no byte: no daemon of ours says so
        return printable(path)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment
