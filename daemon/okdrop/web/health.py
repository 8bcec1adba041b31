"""Whether it is alive, whether it is ready, how it stands, which files are not finished; and the metrics."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.documents import limits_as_json, log_as_json, overrides_as_json, rfc3339
from okdrop.errors import LedgerError
from okdrop.events import shown
from okdrop.web.answers import ledger_within, told, whole_number
from okdrop.web.guard import AUTHORISED, MAY_CHANGE, SIGNED_IN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from okdrop.drop import Mode
    from okdrop.web.daemon import Daemon
    from okdrop.web.space import Room

ALIVE_WITHIN: Final = 5.0
"""Seconds within which the ledger's thread comes round, in a daemon that gets on."""


FILES: Final = 100
MOST_FILES: Final = 1000


class Health:
    """The desk for `/healthz`, `/readyz`, `/api/status`, `/api/waiting` and `/metrics`.

    Args:
        daemon: whose.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon: Final = daemon

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [
            web.get("/healthz", self._alive),
            web.get("/readyz", self._ready),
            web.get("/api/status", self._status),
            web.get("/api/waiting", self._waiting),
            web.get("/metrics", self._metrics),
        ]

    async def _alive(self, _request: web.Request) -> web.Response:
        """The event loop comes round, and the ledger's thread, for which everything waits; and work moves."""
        try:
            async with asyncio.timeout(ALIVE_WITHIN):
                await self._daemon.ledger.foreign_writes()
        except (TimeoutError, LedgerError):
            if self._daemon.condition.ledger_is_stuck:
                return told({"alive": True})  # it is known, told, and waited for: a new start would not help
            return told({"alive": False, "reason": "the ledger's thread does not come round"}, status=503)
        if self._daemon.is_stuck():
            reason = "uploads could go on, and nothing has moved for long"
            return told({"alive": False, "reason": reason}, status=503)
        return told({"alive": True})

    async def _ready(self, request: web.Request) -> web.Response:
        reasons = self._daemon.condition.reasons
        answer: dict[str, object] = {"ready": not reasons}
        if request[AUTHORISED]:  # they name folders and hosts
            answer["reasons"] = reasons
        return told(answer, status=503 if reasons else 200)

    async def _status(self, request: web.Request) -> web.Response:
        daemon = self._daemon
        async with ledger_within():
            counts, held, orphans, standing, modes, quotas = await self._daemon.looks(
                lambda reader: (
                    reader.counts(),
                    reader.held(),
                    reader.count_orphans(),
                    reader.overrides(daemon.now()),
                    reader.host_modes(daemon.now()),
                    daemon.quotas(reader),
                )
            )
        now, room = daemon.standing(), await daemon.space()
        return told(
            {
                "version": daemon.version,
                "began_at": rfc3339(daemon.began_at),
                "ready": not daemon.condition.reasons,
                "reasons": daemon.condition.reasons,
                "troubles": daemon.condition.troubles,
                "paused_since": overrides_as_json(standing)["paused_since"],
                "in_hand": now.in_hand,
                "waiting": now.waiting,
                "files_waiting": daemon.files(0)["reasons"],
                "counts": {state.value: count for state, count in counts.items()},
                "held": held,
                "orphans": dataclasses.asdict(orphans),
                "log": log_as_json(daemon.log_level, standing),
                "limits": limits_as_json(daemon.limits, standing, daemon.now()),
                "quotas": quotas,
                "folders": [self._folder(folder, room) for folder in daemon.limits if folder],
                "hosts": [host | {"mode": _mode(modes, host["host"])} for host in daemon.hosts()],
                "accounts": daemon.accounts(),
                "videos_at": daemon.videos_at,
                "signed_in": request[SIGNED_IN],
                "may_change": request[MAY_CHANGE],
            }
        )

    def _folder(self, folder: str, room: Mapping[str, Room]) -> dict[str, Any]:
        """How one folder does; those that a person sees are told by their paths as events show them."""
        path = shown(os.fsencode(folder))
        watching, mode = self._daemon.condition.watched.get(path, (None, ""))
        health, there = self._daemon.folders(path), room.get(folder)
        return {
            "folder": folder,
            "watching": watching,
            "mode": mode,
            "writers": health.writers,
            "scanned_at": rfc3339(health.scanned_at) if health.scanned_at is not None else None,
            "scan_seconds": health.scan_seconds,
            "away": health.away or None,
            "hint": health.hint,
            "free": there.free if there is not None else None,
            "total": there.total if there is not None else None,
        }

    async def _waiting(self, request: web.Request) -> web.Response:
        """Which files are not finished yet, and why; what waits for the longest time first."""
        limit = whole_number(request, "limit", default=FILES, low=0, high=MOST_FILES)
        return told(self._daemon.files(limit))

    async def _metrics(self, _request: web.Request) -> web.Response:
        body, content_type = await self._daemon.metrics()
        return web.Response(body=body, headers={"Content-Type": content_type})


def _mode(modes: Mapping[str, Mode], host: str) -> str | None:
    """How a host takes segments, where that was found lately; the ledger knows it without its port."""
    mode = modes.get(host.partition(":")[0] if host.count(":") == 1 else host)
    return mode.value if mode is not None else None
