"""Who may call: access tokens, how they end, and how OAuth gives new ones (protocol.md 3.2 and 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop.emulator import signing
from okdrop.emulator.api_error import ApiError
from okdrop.emulator.options import AUTHORIZATION_CODE, REFRESH_TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.emulator.gate import Gate

_LIFETIME: Final = 1800  # seconds, as `expires_in` says; tokens end by a fault alone
_GRANTS: Final[Mapping[str, tuple[str, str]]] = {
    "refresh_token": ("refresh_token", REFRESH_TOKEN),
    "authorization_code": ("code", AUTHORIZATION_CODE),
}


class Sessions:
    """The tokens of one emulator; those that it gave live as long as its process.

    Args:
        gate: options and faults.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._valid = {gate.options.access_token, *gate.options.others}
        self._expired = set(gate.options.expired_tokens)
        self._given = 0

    def check(self, method: str, parameters: Mapping[str, str]) -> None:
        """Are this application, session and signature known.

        Raises:
            ApiError: 101, 102, 103 or 104.
        """
        options = self._gate.options
        if parameters.get("application_key") != options.application_key:
            raise ApiError(101, "application_key")
        token = parameters.get("access_token", "")
        if token in self._valid and self._gate.faults.take("expire_session", method):
            self._valid.remove(token)
            self._expired.add(token)
        if token in self._expired:
            raise ApiError(102, "session expired")
        if token not in self._valid:
            raise ApiError(103, "invalid session")
        secret = signing.secret_of(
            access_token=token,
            application_secret_key=options.application_secret_key,
            session_secret_key=options.session_secret_key,
        )
        if not signing.is_signed(parameters, secret):
            raise ApiError(104, "invalid signature")

    def end(self, token: str) -> None:
        """A token is good no more: its user's word, or the end of its time."""
        self._valid.discard(token)
        self._expired.add(token)

    def begin(self, token: str) -> None:
        """A token is good, again or from now on."""
        self._expired.discard(token)
        self._valid.add(token)

    async def grant(self, request: web.Request) -> web.Response:
        """`/oauth/token.do`: a new access token for a refresh token, or for a code."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        field, wanted = _GRANTS.get(form.get("grant_type", ""), ("", ""))
        if form.get("client_secret") != self._gate.options.application_secret_key:
            return _refused("invalid_client")
        if not wanted or form.get(field) != wanted:
            return _refused("invalid_grant")
        self._given += 1
        token = f"{self._gate.options.access_token}-{self._given}"
        self._valid.add(token)
        answer = {"access_token": token, "token_type": "session", "expires_in": str(_LIFETIME)}
        if field == "code":  # a refresh gives no new refresh token: the old one goes on
            answer["refresh_token"] = REFRESH_TOKEN
        return web.json_response(answer)


def _refused(error: str) -> web.Response:
    return web.json_response({"error": error, "error_description": "refused by the emulator"}, status=400)
