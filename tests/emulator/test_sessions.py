from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from okdrop.emulator import APPLICATION_SECRET_KEY, AUTHORIZATION_CODE, REFRESH_TOKEN

if TYPE_CHECKING:
    from emulator.talk import Answer, Talk


async def grant(talk: Talk, **form: str) -> Answer:
    return await talk.ask("POST", "/oauth/token.do", data={"client_secret": APPLICATION_SECRET_KEY} | form)


async def test_an_expired_session_goes_on_with_a_refreshed_token(talk: Talk) -> None:
    with talk.emulator.faults.active("expire_session", times=1):
        assert (await talk.call("users.getCurrentUser")).json["error_code"] == 102
    assert (await talk.call("users.getCurrentUser")).json["error_code"] == 102
    given = (await grant(talk, grant_type="refresh_token", refresh_token=REFRESH_TOKEN)).json
    assert "refresh_token" not in given
    answer = await talk.call("users.getCurrentUser", access_token=given["access_token"])
    assert answer.json["uid"] == "1"


async def test_a_code_is_exchanged_for_both_tokens(talk: Talk) -> None:
    given = (await grant(talk, grant_type="authorization_code", code=AUTHORIZATION_CODE)).json
    assert given["refresh_token"] == REFRESH_TOKEN
    assert (await talk.call("users.getCurrentUser", access_token=given["access_token"])).json["uid"] == "1"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "another"}, "invalid_grant"),
        ({"grant_type": "guess"}, "invalid_grant"),
        ({"client_secret": "another"}, "invalid_client"),
    ],
)
async def test_nobody_else_gets_a_token(talk: Talk, form: dict[str, str], error: str) -> None:
    answer = await grant(talk, **form)
    assert (answer.status, answer.json["error"]) == (400, error)
