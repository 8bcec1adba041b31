"""Rows and values: an `Upload` as columns, columns as an `Upload`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from okdrop.drop import Drop, Failure, Revision, State, Strikes, Ticket, Upload

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One step in the life of an upload."""

    upload_id: int
    at: datetime
    from_state: State | None  #: None: the row was made
    to_state: State
    version: int  #: the version of the row after this step
    note: str = ""  #: for a person; holds no secret


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What came of forgetting some steps."""

    gone: int  #: how many were forgotten
    next: int | None  #: the step to go on after; None: nothing older is left


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """What abandoned tickets left at OK, in entries without a video."""

    waiting: int = 0  #: to be deleted
    given_up: int = 0  #: could not be deleted, and are not tried again


def values_of(upload: Upload) -> dict[str, Any]:
    """Every column of the row but its id."""
    return {
        "path": upload.drop.path,
        "folder": upload.drop.folder,
        "title": upload.drop.title,
        "device": upload.drop.revision.device,
        "inode": upload.drop.revision.inode,
        "size": upload.drop.revision.size,
        "mtime_ns": upload.drop.revision.mtime_ns,
        "state": upload.state,
        "version": upload.version,
        "attempts": upload.attempts,
        "troubles": upload.troubles,
        "last_trouble": upload.last_trouble,
        "repeats": upload.repeats,
        "retry_at": upload.retry_at,
        "tickets": upload.tickets,
        "mode": upload.mode,
        "offered_all": upload.offered_all,
        "publish_offered": upload.publish_offered,
        "received": upload.received,
        "bytes_sent": upload.bytes_sent,
        "digest": upload.digest,
        "duplicate_of": upload.duplicate_of,
        "created_at": upload.created_at,
        "updated_at": upload.updated_at,
        "canary_strikes": upload.strikes.canaries,
        "refusal_strikes": upload.strikes.refusals,
        "unclear_strikes": upload.strikes.unclear,
        "held": upload.held,
        "chore": upload.chore,
        "moved_to": upload.moved_to,
        "sample": upload.sample,
        "waits_for": upload.waits_for,
        **_ticket_values(upload.ticket),
        **_failure_values(upload.failure),
    }


def _ticket_values(ticket: Ticket | None) -> dict[str, Any]:
    return {
        "video_id": ticket and ticket.video_id,
        "upload_url": ticket and ticket.upload_url,
        "issued_at": ticket and ticket.issued_at,
        "expires_at": ticket and ticket.expires_at,
    }


def _failure_values(failure: Failure | None) -> dict[str, Any]:
    return {
        "failure_code": failure and failure.code,
        "failure_message": failure and failure.message,
        "failure_hint": failure and failure.hint,
    }


def upload_of(row: Row[Any]) -> Upload:
    """The upload that a row of `uploads` holds."""
    return Upload(
        id=row.id,
        drop=Drop(
            path=row.path,
            revision=Revision(device=row.device, inode=row.inode, size=row.size, mtime_ns=row.mtime_ns),
            folder=row.folder,
            title=row.title,
        ),
        state=row.state,
        version=row.version,
        attempts=row.attempts,
        troubles=row.troubles,
        last_trouble=row.last_trouble,
        repeats=row.repeats,
        retry_at=row.retry_at,
        ticket=_ticket_of(row),
        tickets=row.tickets,
        mode=row.mode,
        offered_all=row.offered_all,
        publish_offered=row.publish_offered,
        received=row.received,
        bytes_sent=row.bytes_sent,
        digest=row.digest,
        duplicate_of=row.duplicate_of,
        failure=_failure_of(row),
        strikes=Strikes(
            canaries=row.canary_strikes, refusals=row.refusal_strikes, unclear=row.unclear_strikes
        ),
        held=row.held,
        chore=row.chore,
        moved_to=row.moved_to,
        sample=row.sample,
        waits_for=row.waits_for,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _ticket_of(row: Row[Any]) -> Ticket | None:
    if row.video_id is None:
        return None
    return Ticket(
        video_id=row.video_id,
        upload_url=row.upload_url,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )


def _failure_of(row: Row[Any]) -> Failure | None:
    if row.failure_code is None:
        return None
    return Failure(code=row.failure_code, message=row.failure_message, hint=row.failure_hint)


def history_of(row: Row[Any]) -> HistoryRow:
    """The step that a row of `history` holds."""
    return HistoryRow(
        upload_id=row.upload_id,
        at=row.at,
        from_state=row.from_state,
        to_state=row.to_state,
        version=row.version,
        note=row.note,
    )
