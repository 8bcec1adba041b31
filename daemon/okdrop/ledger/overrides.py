"""What a person decided while it ran: it stands above the configuration until a time, or it is taken back.

It is in the ledger, so that it outlives a restart, and so that a command reaches the daemon as every other
order does. A name and a folder ("" for all of them) have one value at most.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop.ledger import queries

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

BANDWIDTH: Final = "bandwidth"
"""The most that is sent: a rate or a timetable, in the words of the configuration."""

PAUSED: Final = "paused"
"""Nothing is begun by a daemon; the value says nothing."""

ENDED: Final = "session_ended"
"""A browser signed out: its session is in the place of the folder; the value is until when it was good."""

LOG_LEVEL: Final = "log_level"
"""Of which level and above a daemon writes lines, in the words of the configuration."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One decision."""

    name: str  #: `BANDWIDTH`, `PAUSED`, `LOG_LEVEL` or `ENDED`
    folder: str = ""  #: the watched folder that it is about; "" for all
    value: str = ""
    since: datetime
    until: datetime | None = None  #: from then on it does not stand; None: until it is taken back


def overrides(connection: Connection, now: datetime) -> list[Override]:
    """All that stand, by name and folder."""
    return [
        Override(name=row.name, folder=row.folder, value=row.value, since=row.since, until=row.until)
        for row in connection.execute(queries.OVERRIDES_THAT_STAND, {"now": now})
    ]


def override(
    connection: Connection, now: datetime, name: str, folder: str, value: str | None, until: datetime | None
) -> None:
    """Let another value stand, from now on; None takes back what stood."""
    connection.execute(queries.TAKE_BACK, {"named": name, "of_folder": folder})
    if value is not None:
        row = {"name": name, "folder": folder, "value": value, "since": now, "until": until}
        connection.execute(queries.OVERRIDE, row)
