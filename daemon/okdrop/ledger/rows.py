"""Rows and values: an `Upload` as columns, columns as an `Upload`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from okdrop.drop import Drop, Failure, Revision, State, Strikes, Ticket, Upload
from okdrop.ledger.folding import sought_in
from okdrop.ledger.schema import UPLOADS
from okdrop.publication import Cover, Publication

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

_COLUMNS: Final = tuple(UPLOADS.c.keys())

_OF_PUBLICATION: Final = (
    *("closed_by", "opens_at", "posted_at", "draft", "public_at"),
    *("renew", "tell_at", "told", "beside"),
)
"""Columns that are fields of a publication, by the same name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One step in the life of an upload."""

    upload_id: int
    at: datetime
    from_state: State | None  #: None: the row was made
    to_state: State
    version: int  #: the version of the row after this step
    note: str = ""  #: for a person; holds no secret


@dataclasses.dataclass(frozen=True, slots=True)
class Outstanding:
    """An upload that goes on by itself, or waits for a person: as much of it as tells where it belongs."""

    id: int
    state: State
    held: bool
    retry_at: datetime | None
    updated_at: datetime


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
        "sample": upload.sample,
        "waits_for": upload.waits_for,
        "account": upload.account,
        "folded": sought_in(upload.drop.path, upload.drop.title),
        **_afterwards_values(upload),
        **_ticket_values(upload.ticket),
        **_failure_values(upload.failure),
        **_publication_values(upload.publication),
    }


def _afterwards_values(upload: Upload) -> dict[str, Any]:
    return {
        "moved_to": upload.moved_to,
        "moved_at": upload.moved_at,
        "confirmed_at": upload.confirmed_at,
        "removed_at": upload.removed_at,
        "along": upload.along or None,
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


def _publication_values(publication: Publication) -> dict[str, Any]:
    cover = publication.cover
    return {name: getattr(publication, name) for name in _OF_PUBLICATION} | {
        "words": publication.words or None,
        "cover": cover and cover.state,
        "cover_photo_id": cover and (cover.photo_id or None),
        "cover_token": cover and (cover.token or None),
    }


def upload_of(row: Row[Any]) -> Upload:
    """The upload that a whole row of `uploads` holds."""
    column = dict(zip(_COLUMNS, row, strict=True))  # a row's own attributes cost several times as much
    return Upload(
        id=column["id"],
        drop=_drop_of(column),
        state=column["state"],
        version=column["version"],
        attempts=column["attempts"],
        troubles=column["troubles"],
        last_trouble=column["last_trouble"],
        repeats=column["repeats"],
        retry_at=column["retry_at"],
        ticket=_ticket_of(column),
        tickets=column["tickets"],
        mode=column["mode"],
        offered_all=column["offered_all"],
        publish_offered=column["publish_offered"],
        received=column["received"],
        bytes_sent=column["bytes_sent"],
        digest=column["digest"],
        duplicate_of=column["duplicate_of"],
        failure=_failure_of(column),
        strikes=Strikes(
            canaries=column["canary_strikes"],
            refusals=column["refusal_strikes"],
            unclear=column["unclear_strikes"],
        ),
        held=column["held"],
        chore=column["chore"],
        moved_to=column["moved_to"],
        sample=column["sample"],
        waits_for=column["waits_for"],
        account=column["account"],
        moved_at=column["moved_at"],
        confirmed_at=column["confirmed_at"],
        removed_at=column["removed_at"],
        along=column["along"] or "",
        created_at=column["created_at"],
        updated_at=column["updated_at"],
        publication=_publication_of(column),
    )


def _publication_of(column: Mapping[str, Any]) -> Publication:
    plain = {name: column[name] for name in _OF_PUBLICATION}
    state, cover = column["cover"], None
    if state is not None:
        cover = Cover(state=state, photo_id=column["cover_photo_id"] or "", token=column["cover_token"] or "")
    return Publication(**plain, words=column["words"] or "", cover=cover)


def _drop_of(column: Mapping[str, Any]) -> Drop:
    revision = Revision(**{name: column[name] for name in ("device", "inode", "size", "mtime_ns")})
    return Drop(path=column["path"], revision=revision, folder=column["folder"], title=column["title"])


def _ticket_of(column: Mapping[str, Any]) -> Ticket | None:
    if column["video_id"] is None:
        return None
    return Ticket(
        video_id=column["video_id"],
        upload_url=column["upload_url"],
        issued_at=column["issued_at"],
        expires_at=column["expires_at"],
    )


def _failure_of(column: Mapping[str, Any]) -> Failure | None:
    if column["failure_code"] is None:
        return None
    return Failure(
        code=column["failure_code"], message=column["failure_message"], hint=column["failure_hint"]
    )


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
