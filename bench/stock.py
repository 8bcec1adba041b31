"""A library that was published long ago: files in a folder, and the ledger that a daemon has of them."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bench.context import sparse_file
from okdrop.drop import Drop, State, Ticket, Upload
from okdrop.inbox.revision import revision_of
from okdrop.ledger import migrate, sqlite
from okdrop.ledger.ledger import utc_now
from okdrop.ledger.rows import values_of
from okdrop.ledger.schema import FOLDERS, HISTORY, UPLOADS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL: Final = 20_000
"""Bytes of a file: one hole."""

FOLDERS_OF_FILES: Final = 100
"""Folders that many files lie in."""

STEPS: Final = 10
"""Steps that the history of each upload has."""

_AT_ONCE: Final = 5000


def scatter(folder: Path, files: int) -> None:
    """Many small files in folders of their own, sparse."""
    for number in range(files):
        below = folder / f"{number % FOLDERS_OF_FILES:02}"
        if number < FOLDERS_OF_FILES:
            below.mkdir()
        sparse_file(below / f"{number}.mp4", SMALL)


def stock(ledger: Path, folder: Path, *, state: State = State.PUBLISHED, steps: int = STEPS) -> int:
    """Write a ledger that knows every file in these folders, as a daemon would have written it.

    Args:
        ledger: its file, which is made.
        folder: the watched folder.
        state: of every row.
        steps: of the history of each.

    Returns:
        How many rows there are.
    """
    sqlite.create_file(ledger)
    engine = sqlite.writer(sa.make_url(f"sqlite:///{ledger}"))
    count = 0
    with engine.begin() as connection:
        migrate.bring_up(connection, alone=True)
        connection.execute(FOLDERS.insert(), {"path": str(folder), "first_seen": utc_now(), "empty_on": None})
        for rows in _batches(_rows(folder, state)):
            connection.execute(UPLOADS.insert(), [{"id": row.id, **values_of(row)} for row in rows])
            connection.execute(HISTORY.insert(), [step for row in rows for step in _life(row, steps)])
            count += len(rows)
    engine.dispose()
    return count


def _rows(folder: Path, state: State) -> Iterator[Upload]:
    now = utc_now()
    for number, path in enumerate(sorted(folder.rglob("*.mp4")), start=1):
        revision = revision_of(path.stat())
        video = str(10**12 + number)
        yield Upload(
            id=number,
            drop=Drop(path=bytes(path), revision=revision, folder=str(folder)),
            state=state,
            version=STEPS,
            attempts=1,
            tickets=1,
            ticket=Ticket(
                video_id=video, upload_url=f"https://vu.okcdn.ru/upload.do?id={video}", issued_at=now
            ),
            received=revision.size,
            bytes_sent=revision.size,
            sample=hashlib.sha256(video.encode()).digest(),
            digest=hashlib.sha256(video.encode() * 2).digest(),
            created_at=now,
            updated_at=now,
        )


def _life(row: Upload, steps: int) -> Iterator[dict[str, Any]]:
    states = [None, State.QUEUED, *[State.UPLOADING] * (steps - 3), State.FINALIZING, row.state]
    for version, (before, after) in enumerate(itertools.pairwise(states), start=1):
        yield {
            "upload_id": row.id,
            "at": row.created_at,
            "from_state": before,
            "to_state": after,
            "version": version,
            "note": "settled" if before is None else "",
        }


def _batches(rows: Iterator[Upload]) -> Iterator[list[Upload]]:
    batch: list[Upload] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
