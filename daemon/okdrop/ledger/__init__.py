"""The ledger: the durable truth about every upload.

coroutines ──jobs──► ledger thread ──one transaction for all that wait──► SQLite (WAL, FULL)
    ▲                     │
    └───── answers ◄──────┘ only after the commit

Ledger        the daemon's face: coroutines, one writer, a lock that dies with the process
read_only     `status` and `show`: a look beside the daemon
operations    what can be asked and done, on a connection
many_at_once  the same of many files: what a scan asks, what a first look writes
queries       every statement, named
schema        tables and types; `migrations` brings them about
judgement     what counts as already published
overrides     what a person decided while it ran; `orders`, about one upload
outbox        steps after an event; `desk`, the ledger's face of them
pages         a part of many rows at a time; `folding`, how a text is looked for in them
thread        grouped commits; `patience` waits until they succeed
place         whether there is one, and whether we may look
sqlite        all that is particular to SQLite
"""

from __future__ import annotations

from okdrop.ledger.errors import StaleVersion
from okdrop.ledger.judgement import SENT, Judgement, Known, Moved, New, SetAside, Suspect
from okdrop.ledger.ledger import Ledger, utc_now
from okdrop.ledger.operations import PACE_LIFE, lots
from okdrop.ledger.overrides import BANDWIDTH, LOG_LEVEL, PAUSED, Override
from okdrop.ledger.pages import Waiting
from okdrop.ledger.patience import Patience
from okdrop.ledger.reader import Reader, daemon_of, read_only, writable
from okdrop.ledger.rows import HistoryRow, Orphans, Outstanding

__all__ = [
    "BANDWIDTH",
    "LOG_LEVEL",
    "PACE_LIFE",
    "PAUSED",
    "SENT",
    "HistoryRow",
    "Judgement",
    "Known",
    "Ledger",
    "Moved",
    "New",
    "Orphans",
    "Outstanding",
    "Override",
    "Patience",
    "Reader",
    "SetAside",
    "StaleVersion",
    "Suspect",
    "Waiting",
    "daemon_of",
    "lots",
    "read_only",
    "utc_now",
    "writable",
]
