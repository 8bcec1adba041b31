"""Drops, tickets and a clock for the ledger's tests."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from okdrop.drop import Drop, Revision, Ticket

START = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)

SECRET = "https://vu.okcdn.ru/upload.do?id=77&sig=SECRETSIGNATURE"


@dataclasses.dataclass
class Clock:
    """A clock that moves when it is told to."""

    time: datetime = START

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **span: float) -> None:
        self.time += timedelta(**span)


def revision(size: int = 100_000, mtime_ns: int = 10**18, inode: int = 7, device: int = 1) -> Revision:
    return Revision(device=device, inode=inode, size=size, mtime_ns=mtime_ns)


def drop(path: bytes = b"/srv/drop/a.mp4", **changes: int) -> Drop:
    return Drop(path=path, revision=revision(**changes), folder="/srv/drop")


def ticket(video_id: str = "77") -> Ticket:
    return Ticket(
        video_id=video_id, upload_url=SECRET, issued_at=START, expires_at=START + timedelta(microseconds=1)
    )
