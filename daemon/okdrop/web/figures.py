"""What is drawn: where bytes are, how quickly they leave, how much was published when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.documents import hours_as_json, rfc3339
from okdrop.web.answers import ledger_within, told, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.web.daemon import Daemon

DAYS: Final = 28
MOST_DAYS: Final = 366
STEP: Final = 10.0
"""Seconds of one step of the last hour, as `okdrop.observe.speeds` counts them."""

LATELY: Final = 2
"""Steps, with the one that has not ended, that "now" is an average over."""


class Figures:
    """The desk for `/api/sending`, `/api/speed` and `/api/published`.

    Args:
        daemon: whose.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon: Final = daemon

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [
            web.get("/api/sending", self._sending),
            web.get("/api/speed", self._speed),
            web.get("/api/published", self._published),
        ]

    def pulse(self) -> dict[str, Any]:
        """What moves: as `/api/sending` tells it, and in every pulse of `/api/events`."""
        daemon = self._daemon
        standing = daemon.standing()
        return {
            "in_hand": standing.in_hand,
            "waiting": standing.waiting,
            "speed": round(self._now()),
            "sending": daemon.sending(),
        }

    def _now(self) -> float:
        """Bytes a second, lately."""
        steps, passed = self._daemon.speeds()
        lately = steps[-LATELY:]
        return sum(lately) / ((len(lately) - 1) * STEP + passed) if passed or len(lately) > 1 else 0.0

    async def _sending(self, _request: web.Request) -> web.Response:
        return told(self.pulse())

    async def _speed(self, _request: web.Request) -> web.Response:
        steps, passed = self._daemon.speeds()
        return told(
            {
                "now": rfc3339(self._daemon.now()),
                "step": STEP,
                "passed": round(passed, 3),
                "bytes": steps,
            }
        )

    async def _published(self, request: web.Request) -> web.Response:
        days = whole_number(request, "days", default=DAYS, low=1, high=MOST_DAYS)
        since = (self._daemon.now() - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        async with ledger_within():
            hours = await self._daemon.looks(lambda reader: reader.published_by_hour(since))
        return told({"since": rfc3339(since), "hours": hours_as_json(hours)})
