"""What a page shows beside the rows: how much was published when, why rows wait, how hosts take segments.

Each on a connection in a transaction; reads only.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Integer, bindparam, cast, func, literal_column, select

from okdrop.drop import State
from okdrop.ledger.operations import HOST_MODE_LIFE
from okdrop.ledger.schema import HISTORY, HOSTS, POSTED, UPLOADS, Instant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from okdrop.drop import Mode

_ROW: Final = UPLOADS.c
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)

# Written so that no index of states is thought of: nearly all are published, and few of them lately.
_PUBLISHED: Final = literal_column("state || ''") == State.PUBLISHED.value

# The hour since the epoch; what is kept are microseconds.
_HOUR: Final = cast(cast(_ROW.posted_at, Integer) / literal_column("3600000000"), Integer).label("hour")

BY_HOUR: Final = (
    select(_HOUR, func.count().label("files"), func.sum(_ROW.size).label("bytes"))
    .where(
        POSTED,
        _ROW.posted_at >= bindparam("since", type_=Instant),
        _PUBLISHED,
    )
    .group_by(literal_column("hour"))
    .order_by(literal_column("hour"))
)

_LATEST: Final = select(HISTORY.c.upload_id, HISTORY.c.note).where(
    HISTORY.c.id.in_(
        select(func.max(HISTORY.c.id))
        .where(HISTORY.c.upload_id.in_(bindparam("numbers", expanding=True)))
        .group_by(HISTORY.c.upload_id)
    )
)

_MODES: Final = select(HOSTS.c.host, HOSTS.c.mode).where(
    HOSTS.c.learned_at > bindparam("since", type_=Instant)
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What was published in the hour that began `at`."""

    at: datetime
    files: int
    bytes: int


def published_by_hour(connection: Connection, since: datetime) -> list[Hour]:
    """How much was published in each hour, oldest first; hours without anything are none."""
    return [
        Hour(at=_EPOCH + row.hour * HOUR, files=row.files, bytes=int(row.bytes))
        for row in connection.execute(BY_HOUR, {"since": since})
    ]


def latest_notes(connection: Connection, numbers: Collection[int]) -> Mapping[int, str]:
    """What the history of each of these uploads says last; of some hundreds at once, at most."""
    if not numbers:
        return {}
    return {row.upload_id: row.note for row in connection.execute(_LATEST, {"numbers": [*numbers]})}


def host_modes(connection: Connection, now: datetime) -> Mapping[str, Mode]:
    """How each host takes segments, of those of which that was found lately."""
    found = connection.execute(_MODES, {"since": now - HOST_MODE_LIFE})
    return {row.host: row.mode for row in found}
