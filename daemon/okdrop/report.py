"""The ledger as a person or a program reads it: `status` and `show`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from okdrop.drop import State
from okdrop.events import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from rich.table import Table

    from okdrop.drop import Upload
    from okdrop.ledger import HistoryRow


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, as RFC 3339 writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def upload_as_json(row: Upload) -> dict[str, Any]:
    """One upload for `--json`; bytes of its path that are not UTF-8 stay, as lone surrogates (U+DCxx)."""
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
        "held": row.held,
    }


def status_as_json(counts: Mapping[State, int], rows: Iterable[Upload]) -> dict[str, Any]:
    """Everything `status --json` prints; every state is counted, those without uploads too."""
    return {
        "counts": {state.value: counts.get(state, 0) for state in State},
        "uploads": [upload_as_json(row) for row in rows],
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


def status_as_text(counts: Mapping[State, int], rows: Sequence[Upload]) -> Table:
    """The same for a person's eyes."""
    from rich.markup import escape  # noqa: PLC0415 - most commands need no table
    from rich.table import Table  # noqa: PLC0415

    caption = " · ".join(f"{counts[state]} {state}" for state in State if counts.get(state, 0))
    if held := sum(row.held for row in rows):
        caption += f"\n{held} held: okdrop go releases them, okdrop adopt PATH records them as published"
    table = Table(caption=caption or "nothing was ever dropped", caption_justify="left")
    for name in ("id", "state", "file", "size", "held by OK", "video"):
        right = name in {"id", "size", "held by OK"}
        table.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=name == "video")
    for row in rows:
        why = f"\n{row.failure.code}: {row.failure.message}" if row.failure is not None else ""
        size = row.drop.revision.size
        table.add_row(
            str(row.id),
            "held" if row.held else row.state.value,
            escape(shown(row.drop.path) + why),
            f"{size:,}",
            f"{100 * row.received // size if size else 0} %",
            row.ticket.video_id if row.ticket is not None else "",
        )
    return table
