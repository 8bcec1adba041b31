"""What a daemon says, made for the tests of what is shown of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from okdrop.drop import State
from okdrop.observe.standing import Stage, Standing
from okdrop.top.model import Moving, Row, Rows, View, rows_of, status_of

NOW: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)

HOSTILE: Final = (
    "[bold red]markup[red] [link=file:]x.mp4",
    "two\nlines\r\x1b[2J\x1b]0;title\x07.mp4",
    "not \udcff utf-8 \udc80.mp4",
    "\ud800.mp4",
    "видео 映画 🎬🎬🎬.mp4",
    "e\u0301" * 100 + ".mp4",
    "\u202egnp.mp4",
    "界" * 85,
    "a" * 255,
)
"""Names of files."""


def status_document(**changes: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "began_at": "2026-11-27T11:00:00.000Z",
        "ready": True,
        "reasons": [],
        "troubles": [],
        "paused_since": None,
        "in_hand": 1,
        "waiting": 2,
        "counts": {state.value: 0 for state in State} | {"published": 12_000, "failed": 1},
        "held": 0,
        "orphans": {"waiting": 0, "given_up": 0},
        "limits": [{"folder": "", "configured": "", "by_hand": None, "since": None, "rate": None}],
        "hosts": [
            {
                "host": "vu.okcdn.ru",
                "uploads": 1,
                "connections": 4,
                "in_flight": 3,
                "segment_size": 4_000_000,
                "goodput": 2_500_000.0,
            }
        ],
    } | changes


def row_document(number: int, name: str = "clip.mp4", **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "path": f"/srv/drop/{name}",
        "size": 10_000_000,
        "state": "queued",
        "video_id": "",
        "received": 0,
        "attempts": 0,
        "failure": None,
        "updated_at": "2026-11-27T11:59:00.000Z",
        "bytes_sent": 0,
        "retry_at": None,
        "chore": None,
        "moved_to": None,
        "held": False,
        "waits_for": None,
        "duplicate_of": None,
    } | changes


def row(number: int, name: str = "clip.mp4", **changes: Any) -> Row:
    return rows_of({"uploads": [row_document(number, name, **changes)]})[0]


def waiting_document(names: tuple[str, ...] = (), count: int | None = None) -> dict[str, Any]:
    """Files that are not finished yet."""
    files = [
        {
            "path": f"/srv/drop/{name}",
            "folder": "/srv/drop",
            "reason": "not_whole",
            "words": "waiting: its end is missing",
            "seconds": 75.0,
        }
        for name in names
    ]
    return {
        "count": len(names) if count is None else count,
        "reasons": {"not_whole": len(names)},
        "files": files,
    }


FAILURE: Final = {"code": "text_refused", "message": "OK refuses [b]the\ntitle", "hint": "change it"}


def view(names: tuple[str, ...] = ("clip.mp4",), **status: Any) -> View:
    """Every name on its way, failed, queued and published; ids count on."""
    moving = tuple(row(n, name, state="uploading", received=2_500_000) for n, name in enumerate(names, 100))
    failed = tuple(row(n, name, state="failed", failure=FAILURE) for n, name in enumerate(names, 200))
    queued = tuple(row(n, name) for n, name in enumerate(names, 300))
    done = tuple(
        row(n, name, state="published", video_id="67108864000013197") for n, name in enumerate(names, 400)
    )
    return View(
        address="http://127.0.0.1:8480",
        status=status_of(status_document(**status)),
        rows=Rows(moving=moving, queued=queued, published=done, failed=failed),
        moving=tuple(_sending(one) for one in moving),
        now=NOW,
    )


def _sending(one: Row) -> Moving:
    standing = Standing(size=one.size, done=one.received, stage=Stage.SENDING, words="sending")
    return Moving(row=one, standing=standing, speed=1_000_000.0, left=7.5, words="sending")
