"""The calling convention of OK's API: how a call arrives, is checked, and is answered (protocol.md 3)."""

from __future__ import annotations

import collections
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from okdrop.emulator import line
from okdrop.emulator.api_error import ApiError
from okdrop.emulator.gate import GARBAGE, Gate, retry_after
from okdrop.emulator.photos import image_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from okdrop.emulator.methods import Methods
    from okdrop.emulator.sessions import Sessions

_NAMES: Final = {
    1: "UNKNOWN",
    2: "SERVICE",
    3: "METHOD",
    4: "REQUEST",
    7: "ACTION_BLOCKED",
    8: "FLOOD_BLOCKED",
    9: "IP_BLOCKED",
    10: "PERMISSION_DENIED",
    11: "LIMIT_REACHED",
    12: "CANCELLED",
    30: "NETWORK",
    31: "NETWORK_TIMEOUT",
    100: "PARAM",
    101: "PARAM_API_KEY",
    102: "PARAM_SESSION_EXPIRED",
    103: "PARAM_SESSION_KEY",
    104: "PARAM_SIGNATURE",
    121: "PARAM_PHOTO_ID",
    200: "PARAM_PERMISSION",
    300: "NOT_FOUND",
    454: "CENSOR_MATCH",
    500: "PHOTO_ERROR",
    511: "IDS_BLOCKED",
    9999: "SYSTEM",
}

PHOTO: Final = "photo.upload"
"""The operation of a form that brings an image; faults are pointed at it as at a method."""


class Api:
    """Answers calls, in both forms of the URL.

    Args:
        gate: options, faults and clock.
        sessions: who may call.
        methods: what the methods do.
    """

    def __init__(self, gate: Gate, sessions: Sessions, methods: Methods) -> None:
        self._gate = gate
        self._sessions = sessions
        self._methods = methods
        self.calls: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.online: collections.Counter[str] = collections.Counter()

    async def call(self, request: web.Request) -> web.Response:
        """`/fb.do?method=group.name` and `/api/<group>/<name>`, by GET or as a form.

        Raises:
            LineCut: a fault keeps the answer back.
        """
        parameters = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
        method = parameters.get("method", "")
        if "group" in request.match_info:
            method = f"{request.match_info['group']}.{request.match_info['name']}"
        self.calls[method] += 1
        self.online[parameters.get("__online", "absent")] += 1
        if (trouble := self._trouble(method)) is not None:
            await self._gate.pause(method)
            return trouble

        def outcome() -> Any:
            self._sessions.check(method, parameters)
            return self._methods.call(method, parameters)

        plain = parameters.get("format", "").lower() != "json"
        response = self._answer(method, outcome, plain=plain)
        return await self._delivered(request, method, response)

    async def photo(self, request: web.Request) -> web.Response:
        """A form with an image, at the URL of photosV2.getUploadUrl: answered as a call is.

        Raises:
            LineCut: a fault keeps the answer back.
        """
        image = await image_of(request)
        self.calls[PHOTO] += 1
        if (trouble := self._trouble(PHOTO)) is not None:
            await self._gate.pause(PHOTO)
            return trouble
        query = request.raw_path.partition("?")[2]
        response = self._answer(PHOTO, lambda: self._methods.photos.take(query, image), plain=False)
        return await self._delivered(request, PHOTO, response)

    def _trouble(self, method: str) -> web.Response | None:
        """The answer of a fault that keeps the call from being done."""
        faults = self._gate.faults
        if redirect := faults.take("redirect", method):
            return web.Response(
                status=redirect.integer("status"), headers={"Location": redirect.text("location")}
            )
        if faults.take("error_500_before_storing", method):
            return web.Response(status=500, text="<html>trouble</html>", content_type="text/html")
        if busy := faults.take("error_503", method):
            return web.Response(status=503, headers=retry_after(busy.integer("retry_after")))
        if other := faults.take("refuse", method):
            wait = retry_after(other.integer("retry_after"))
            return web.Response(status=other.integer("status"), headers=wait)
        if garbage := faults.take("garbage", method):
            return web.Response(text=GARBAGE[garbage.text("kind")], content_type="text/html")
        return None

    def _answer(self, method: str, work: Callable[[], Any], *, plain: bool) -> web.Response:
        """Check and carry out a call; errors come as HTTP 200 (protocol.md 3.3)."""
        try:
            self._maybe_fail(method)
            outcome = work()
        except ApiError as error:
            self.errors[str(error.code)] += 1
            return _failed(error, plain=plain)
        return _json("" if outcome is None else json.dumps(outcome, ensure_ascii=False))

    def _maybe_fail(self, method: str) -> None:
        """Let the fault have it that makes a call fail in the API's own way."""
        if fault := self._gate.faults.take("api_error", method):
            raise ApiError(fault.integer("code"), fault.text("message"), fault.integer("status"))

    async def _delivered(self, request: web.Request, method: str, response: web.Response) -> web.Response:
        """The answer on its way; what was asked is done by now."""
        await self._gate.linger(request, method)
        if self._gate.faults.take("lost_api_answer", method):
            raise line.cut(request)
        if self._gate.faults.take("error_500_after_storing", method):
            return web.Response(status=500)
        return response


def _failed(error: ApiError, *, plain: bool) -> web.Response:
    """An error as OK words it."""
    text = f"{_NAMES.get(error.code, 'ERROR')} : {error.detail or 'by a fault'}"
    headers = {"Invocation-Error": str(error.code)}
    if plain:
        return web.Response(status=error.status, headers=headers, text=f"{error.code}:{text}")
    body: dict[str, Any] = {"error_code": error.code, "error_msg": text, "error_data": None}
    return _json(json.dumps(body), error.status, headers)


def _json(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=text, content_type="application/json", charset="utf-8", headers=headers
    )
