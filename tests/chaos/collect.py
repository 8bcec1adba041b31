"""Gathers the facts of a storm: reads, and judges nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import sqlite3
import urllib.parse
from typing import TYPE_CHECKING, Any, Final

from chaos import plan, weather
from chaos.facts import Facts, Lying, Row
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_SECRET_KEY, REFRESH_TOKEN
from okdrop.names import PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos.storm import Storm

UNFINISHED: Final = frozenset({"queued", "uploading", "finalizing"})
WORKERS: Final = 2  #: tickets that may be asked for at once

TOLD: Final = {
    "the ledger was stuck": "ledger.stuck",
    "the pool was halted": "pool.halted",
    "credentials were renewed": "credentials.renewed",
    "an upload was resumed": "upload.resumed",
    "a ticket was abandoned": "upload.ticket_abandoned",
    "nobody could be reached": "network.offline",
}
"""For the summary: what → the event of the log that says so."""

_ROWS: Final = (
    "SELECT id, path, size, mtime_ns, state, coalesce(last_trouble, '') AS last_trouble, "
    "coalesce(failure_code, '') AS failure_code, chore FROM uploads"
)


class Ledger:
    """The ledger as it lies on the disk, read beside the daemon."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path

    def _read(self, query: str) -> list[sqlite3.Row]:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as database:
                database.row_factory = sqlite3.Row
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # not there yet, or just now not to be read

    def unrest(self, files: set[tuple[bytes, int, int]]) -> list[str]:
        """What is still on its way; `files` are path, size and time of what lies in the folder."""
        rows = self._read(_ROWS)
        known = {(row["path"], row["size"], int(row["mtime_ns"])) for row in rows}
        waiting = [
            f"row {row['id']} {row['state']} {row['last_trouble']}"
            for row in rows
            if row["state"] in UNFINISHED
            and not (row["last_trouble"] == "source_away" and not os.path.lexists(row["path"]))
        ]
        return [*(f"{path!r} is not known" for path, *_ in sorted(files - known)), *waiting]

    def to_hand_back(self) -> list[int]:
        """Rows that failed for a reason that passes."""
        return [
            row["id"]
            for row in self._read(_ROWS)
            if row["state"] == "failed"
            and not row["failure_code"].startswith(("video_", "file_too_small", "source_"))
        ]

    def left_to_do(self, *, confirm: bool) -> bool:
        """Whether another run would find something to do; `confirm`: what OK decides matters."""
        rows, waits = self._read(_ROWS), {"move", "delete", *(("confirm",) if confirm else ())}
        return (
            bool(self.orphans())
            or any(row["chore"] in waits for row in rows)
            or any(row["state"] in UNFINISHED and row["last_trouble"] != "source_away" for row in rows)
        )

    def troubles(self) -> dict[int, str]:
        """Row → its last trouble."""
        return {row["id"]: row["last_trouble"] for row in self._read(_ROWS)}

    def orphans(self) -> frozenset[str]:
        """Video ids that wait for their deletion."""
        return frozenset(row["video_id"] for row in self._read("SELECT video_id FROM orphans"))

    def notes(self) -> list[str]:
        """Everything that was noted of any upload."""
        return [row["note"] for row in self._read("SELECT note FROM history")]


def lying_below(folder: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Path, size and time of each file, but for an empty probe.

    A process that is killed may leave one, and another sweeps it up a minute later.
    """
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(path)
                if status.st_size or not name.startswith(os.fsencode(PROBE)):
                    yield path, status.st_size, status.st_mtime_ns


def _lying(folder: bytes, *, kept: bool) -> Iterator[Lying]:
    for path, size, _ in lying_below(folder):
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        name = os.path.relpath(path, folder)
        yield Lying(kept=kept, name=name, sha256=digest, size=size)


def row_of(upload: dict[str, Any], troubles: dict[int, str]) -> Row:
    """A row as `status --json` has it."""
    return Row(
        id=upload["id"],
        path=os.fsencode(upload["path"]),
        size=upload["size"],
        state=upload["state"],
        video_id=upload["video_id"],
        code=(upload["failure"] or {}).get("code", ""),
        chore=upload["chore"],
        last_trouble=troubles.get(upload["id"], ""),
    )


def secrets_of(accounts: list[dict[str, Any]]) -> dict[str, str]:
    """What may be told to nobody, by a name that may."""
    secrets = {
        "the access token": ACCESS_TOKEN,  # those that follow begin with it
        "the application's secret key": APPLICATION_SECRET_KEY,
        "the refresh token": REFRESH_TOKEN,
    }
    for account in accounts:
        found = re.search(r"[?&]sig=([^&]+)", account["upload_url"])
        if found is not None:
            secrets[f"the signature of video {account['id']}"] = found[1]
            secrets[f"the signature of video {account['id']}, unquoted"] = urllib.parse.unquote(found[1])
    return secrets


def _answers_lost(storm: Storm) -> int:
    ends = storm.keeper.kills + storm.keeper.drains + storm.host.lives - 1
    by_faults = sum(
        dict(step.do.values).get("times", 1)
        for step in storm.schedule.steps
        if isinstance(step.do, plan.Strike)
        and step.do.fault in weather.LOSES_A_TICKET
        and dict(step.do.values).get("method") == weather.TICKET
    )
    return ends * WORKERS + int(by_faults)


async def gather(storm: Storm) -> Facts:
    """All facts, once nothing runs any more but the emulator."""
    ended = await storm.daemon.ends("status", "--json")
    document = json.loads(ended.out) if ended.code == 0 else {"uploads": []}
    wrongs = [*storm.wrongs, *storm.keeper.wrongs]
    if ended.code:
        wrongs.append(f"status --json ended with {ended.code}: {ended.text[-300:]}")
    accounts = await storm.host.accounts()
    await storm.host.count()
    (storm.place / "account.json").write_text(json.dumps(accounts, indent=1))
    folder, troubles = storm.folder, storm.ledger.troubles()
    written = [path.read_text("utf-8", "replace") for path in sorted(storm.daemon.place.glob("*.err"))]
    written += [path.read_text("utf-8", "replace") for path in sorted(storm.daemon.place.glob("*.out"))]
    kept = os.fsencode(storm.place / "kept")
    facts = Facts(
        schedule=storm.schedule,
        drop=folder.drop,
        expected=folder.expected,
        complete=frozenset(folder.complete),
        accounts=tuple(accounts),
        rows=tuple(row_of(upload, troubles) for upload in document["uploads"]),
        lying=(*_lying(folder.drop, kept=False), *_lying(kept, kept=True)),
        renamed=frozenset(folder.renamed),
        touched=frozenset(folder.touched),
        overtaken=frozenset(folder.overtaken),
        vanished=tuple(storm.vanished.values()),
        orphans=storm.ledger.orphans(),
        output="\n".join((*written, *storm.ledger.notes())),
        secrets=secrets_of(accounts),
        aimed=tuple(storm.host.aimed),
        answers_lost=_answers_lost(storm),
        wrongs=tuple(wrongs),
        fired=dict(storm.host.fired),
        notes=(f"no full disk: {storm.disk.refused}",) if storm.disk.refused else (),
    )
    return dataclasses.replace(facts, counts=_counts(storm, facts))


def _counts(storm: Storm, facts: Facts) -> dict[str, int]:
    states = [row.state for row in facts.rows]
    return {
        "files": storm.folder.files,
        "bytes": storm.folder.bytes,
        "kills": storm.keeper.kills,
        "drains": storm.keeper.drains,
        "emulator kills": storm.host.lives - 1,
        "steps": len(storm.schedule.steps),
        "steps in vain": storm.in_vain,
        "clock jumps": sum(isinstance(step.do, plan.Jump) for step in storm.schedule.steps),
        "handed back": storm.handed_back,
        **{
            f"rows {state}": states.count(state)
            for state in ("published", "superseded", "duplicate", "failed")
        },
        "orphans waiting": len(facts.orphans),
        **{f"times {what}": facts.output.count(f'"event": "{event}"') for what, event in TOLD.items()},
    }
