r"""What programs are told, as JSON: by `--json`, and by the daemon over HTTP.

The form of each is written down in docs/status-json.md and docs/api.md. Numbers that may pass 2^53 are text;
bytes of a path that are not UTF-8 stay, as lone surrogates (U+DCxx), which JSON writes as `\udcXX`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from okdrop.ledger import BANDWIDTH, LOG_LEVEL, PAUSED
from okdrop.protocol.picture import MOST, largest
from okdrop.words import awaiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from okdrop.config.bandwidth import Bandwidth
    from okdrop.drop import Halt, Upload
    from okdrop.ledger import HistoryRow, Override
    from okdrop.ledger.figures import Hour
    from okdrop.protocol.picture import Picture
    from okdrop.protocol.ranges import ByteRange, ByteRanges
    from okdrop.publication import Publication
    from okdrop.steps import Step


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, as RFC 3339 writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def upload_as_json(row: Upload, replaced_by: int | None = None) -> dict[str, Any]:
    """One upload; of a superseded one with the id of that which took over."""
    failure = row.failure
    return {
        "id": row.id,
        "path": os.fsdecode(row.drop.path),
        "size": row.drop.revision.size,
        "state": row.state.value,
        "video_id": row.ticket.video_id if row.ticket is not None else "",
        "received": row.received,
        "attempts": row.attempts,
        "failure": None
        if failure is None
        else {"code": failure.code, "message": failure.message, "hint": failure.hint},
        "updated_at": rfc3339(row.updated_at),
        "bytes_sent": row.bytes_sent,
        "retry_at": rfc3339(row.retry_at) if row.retry_at is not None else None,
        "chore": row.chore.value if row.chore is not None else None,
        "moved_to": os.fsdecode(row.moved_to) if row.moved_to is not None else None,
        "held": row.held,
        "waits_for": row.waits_for,
        "awaits": row.last_trouble if awaiting(row) else None,
        "duplicate_of": row.duplicate_of,
        "replaced_by": replaced_by,
        "account": row.account,
        "title": row.publication.title or row.drop.title or None,
        **_publication_as_json(row.publication),
    }


def _publication_as_json(publication: Publication) -> dict[str, Any]:
    """When, how and for whom its video becomes public."""

    def moment(at: datetime | None) -> str | None:
        return rfc3339(at) if at is not None else None

    cover = publication.cover
    return {
        "waits_to_publish": publication.closed_by.value if publication.closed_by is not None else None,
        "opens_at": moment(publication.opens_at),
        "posted_at": moment(publication.posted_at),
        "draft": publication.draft.value if publication.draft is not None else None,
        "public_at": moment(publication.public_at),
        "cover": cover.state.value if cover is not None else None,
        "to_be_updated": publication.renew is not None,
        "privacy": publication.privacy or None,
    }


def history_as_json(history: Iterable[HistoryRow]) -> list[dict[str, Any]]:
    """What happened to one upload, oldest first."""
    return [
        {
            "at": rfc3339(row.at),
            "from": row.from_state.value if row.from_state is not None else None,
            "to": row.to_state.value,
            "note": row.note,
        }
        for row in history
    ]


def steps_as_json(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """What followed from what became of one upload: who was told, what was done beside its file."""
    return [
        {
            "lane": step.lane,
            "event": step.event,
            "outcome": step.outcome.value if step.outcome is not None else None,
            "said": step.said,
            "output": step.output,
            "tries": step.tries,
            "created_at": rfc3339(step.created_at),
            "due_at": rfc3339(step.due_at),
            "done_at": rfc3339(step.done_at) if step.done_at is not None else None,
        }
        for step in steps
    ]


def picture_as_json(picture: Picture, on_line: Mapping[ByteRange, int]) -> dict[str, Any]:
    """Where an upload's bytes are: spans are `[start, stop]`, half open, of each kind the largest.

    Args:
        picture: where they are.
        on_line: of each segment in flight, how many of its bytes were put on the line.
    """

    def spans(ranges: ByteRanges) -> list[list[int]]:
        return [[span.start, span.stop] for span in largest(ranges)]

    return {
        "size": picture.size,
        "received": picture.received,
        "sent": picture.sent,
        "mode": picture.mode.value if picture.mode is not None else None,
        "held": spans(picture.held),
        "in_flight": [[span.start, span.stop, on_line.get(span, 0)] for span in picture.in_flight[:MOST]],
        "doubtful": spans(picture.doubtful),
        "again": spans(picture.again),
    }


def hours_as_json(hours: Iterable[Hour]) -> list[dict[str, Any]]:
    """How much was published when, oldest first."""
    return [{"at": rfc3339(hour.at), "files": hour.files, "bytes": hour.bytes} for hour in hours]


def halt_as_json(halt: Halt | None) -> dict[str, str] | None:
    """Why all of an account waits; None where it does not."""
    if halt is None:
        return None
    return {
        "code": halt.code,
        "message": halt.message,
        "hint": halt.hint,
        "since": rfc3339(halt.since),
        "account": halt.account,
    }


def overrides_as_json(standing: Iterable[Override]) -> dict[str, Any]:
    """What a person decided while it ran."""
    rows = [*standing]
    paused = [rfc3339(row.since) for row in rows if row.name == PAUSED]
    return {
        "paused_since": paused[0] if paused else None,
        "bandwidth": [
            {"folder": row.folder, "limit": row.value, "since": rfc3339(row.since)}
            for row in rows
            if row.name == BANDWIDTH
        ],
        "log": next((_log_by_hand(row) for row in rows if row.name == LOG_LEVEL), None),
    }


def _log_by_hand(row: Override) -> dict[str, Any]:
    until = rfc3339(row.until) if row.until is not None else None
    return {"level": row.value, "since": rfc3339(row.since), "until": until}


def log_as_json(configured: str, standing: Iterable[Override]) -> dict[str, Any]:
    """Of which level and above lines are written: what holds, what is configured, and what a person set."""
    by_hand = overrides_as_json(standing)["log"] or {"level": None, "since": None, "until": None}
    return {
        "level": by_hand["level"] or configured,
        "configured": configured,
        "by_hand": by_hand["level"],
        "since": by_hand["since"],
        "until": by_hand["until"],
    }


def limits_as_json(
    configured: Mapping[str, Bandwidth], standing: Iterable[Override], now: datetime
) -> list[dict[str, Any]]:
    """The limits on what is sent: of all ("") first, then of each watched folder.

    Args:
        configured: folder → limit.
        standing: what a person decided while it ran.
        now: a timetable goes by the local time of this moment.
    """
    by_hand = {row.folder: row for row in standing if row.name == BANDWIDTH}
    return [_limit_as_json(folder, limit, by_hand.get(folder), now) for folder, limit in configured.items()]


def _limit_as_json(
    folder: str, configured: Bandwidth, override: Override | None, now: datetime
) -> dict[str, Any]:
    holds = type(configured).parse(override.value) if override is not None else configured
    return {
        "folder": folder,
        "configured": str(configured),
        "by_hand": override.value if override is not None else None,
        "since": rfc3339(override.since) if override is not None else None,
        "rate": holds.rate_at(now.astimezone()),
    }
