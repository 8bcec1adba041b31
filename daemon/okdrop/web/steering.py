"""Pauses, limits, the log: what a person decides while it runs (`okdrop.ledger.overrides`)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.config import LogLevel
from okdrop.config.bandwidth import Bandwidth
from okdrop.config.units import parse_duration
from okdrop.documents import limits_as_json, log_as_json, overrides_as_json
from okdrop.ledger import BANDWIDTH, LOG_LEVEL, PAUSED
from okdrop.web.answers import RefusedError, body_of, ledger_within, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from okdrop.web.daemon import Daemon


class Steering:
    """The desk for `/api/pause`, `/api/resume`, `/api/bandwidth` and `/api/log`.

    Args:
        daemon: whose.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon: Final = daemon

    def routes(self) -> Sequence[web.RouteDef]:
        """What is answered here."""
        return [
            web.post("/api/pause", self._pause),
            web.post("/api/resume", self._resume),
            web.get("/api/bandwidth", self._limits),
            web.put("/api/bandwidth", self._limit),
            web.get("/api/log", self._log),
            web.put("/api/log", self._have_logged),
        ]

    async def _pause(self, _request: web.Request) -> web.Response:
        return await self._decide(PAUSED, "yes")

    async def _resume(self, _request: web.Request) -> web.Response:
        return await self._decide(PAUSED, None)

    async def _decide(self, name: str, value: str | None) -> web.Response:
        async with ledger_within():
            await self._daemon.ledger.override(name, value)
            await self._daemon.decided()
            standing = await self._daemon.ledger.overrides()
        return told({"paused_since": overrides_as_json(standing)["paused_since"]})

    async def _limits(self, _request: web.Request) -> web.Response:
        async with ledger_within():
            standing = await self._daemon.ledger.overrides()
        return told({"limits": limits_as_json(self._daemon.limits, standing, self._daemon.now())})

    async def _limit(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        folder, limit = self._folder(body), _limit(body)
        async with ledger_within():
            await self._daemon.ledger.override(
                BANDWIDTH, None if limit is None else str(limit) or "off", folder=folder
            )
            await self._daemon.decided()
        return await self._limits(request)

    def _folder(self, body: dict[str, Any]) -> str:
        _refuse_others(body, "limit", "folder")
        folder = body.get("folder", "")
        if not isinstance(folder, str) or folder not in self._daemon.limits:
            raise RefusedError(404, "folder must be a watched folder as it is configured, or missing for all")
        return folder

    async def _log(self, _request: web.Request) -> web.Response:
        async with ledger_within():
            standing = await self._daemon.ledger.overrides()
        return told(log_as_json(self._daemon.log_level, standing))

    async def _have_logged(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        _refuse_others(body, "level", "for")
        level, until = _level(body), self._until(body)
        if level is None and until is not None:
            raise RefusedError(400, "for goes with a level")
        async with ledger_within():
            await self._daemon.ledger.override(LOG_LEVEL, level, until=until)
            await self._daemon.decided()
        return await self._log(request)

    def _until(self, body: dict[str, Any]) -> datetime | None:
        if body.get("for") is None:
            return None
        try:
            return self._daemon.now() + timedelta(seconds=parse_duration(body["for"]))
        except ValueError as error:
            raise RefusedError(400, f"for {error}") from None


def _refuse_others(body: dict[str, Any], *names: str) -> None:
    if unknown := set(body) - {*names}:
        raise RefusedError(400, f"there is no {min(unknown)!r}; there is {' and '.join(names)}")


def _level(body: dict[str, Any]) -> str | None:
    """The level that is wanted; None: what is configured."""
    if "level" not in body:
        raise RefusedError(400, "level is missing; null takes back what was set")
    if body["level"] is None:
        return None
    for level in LogLevel:
        if body["level"] == level.value:
            return level.value
    raise RefusedError(400, f"level must be one of {', '.join(LogLevel)}, or null")


def _limit(body: dict[str, Any]) -> Bandwidth | None:
    """The limit that is wanted; None: what is configured."""
    if "limit" not in body:
        raise RefusedError(400, 'limit is missing; null takes back what was set, "off" is no limit')
    if body["limit"] is None:
        return None
    try:
        return Bandwidth.parse(body["limit"])
    except ValueError as error:
        raise RefusedError(400, f"limit {error}") from None
