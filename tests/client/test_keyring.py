"""Credentials that are exchanged while the daemon runs."""

import dataclasses

import pytest

from okdrop.client import Client, Keyring
from okdrop.errors import Halted, Trouble
from scripted import KEYS, NOW, Connect, Serve, Talk

EXPIRED = b'{"error_code": 102, "error_msg": "PARAM_SESSION_EXPIRED"}'
NEWER = dataclasses.replace(KEYS, access_token="TOKEN-newer-9")


async def test_renewed_credentials_count_with_the_next_call(serve: Serve, connect: Connect) -> None:
    forms: list[bytes] = []

    async def script(talk: Talk) -> None:
        forms.append(await talk.body())
        await talk.answer(200, b'{"uid": "1", "name": "A"}')

    async with serve(script) as server:
        ring = Keyring(KEYS)
        async with Client(connect(server.url)._settings, ring, now=lambda: NOW) as client:
            await client.current_user()
            await client.current_user(NEWER)  # a trial changes nothing
            await client.current_user()
            ring.in_use = NEWER
            await client.current_user()
    assert [b"TOKEN-newer-9" in form for form in forms] == [False, True, False, True]


async def test_a_refusal_of_credentials_of_before_halts_nothing(serve: Serve, connect: Connect) -> None:
    """It was under way when they were exchanged: it says nothing of the new ones."""
    ring = Keyring(KEYS)

    async def script(talk: Talk) -> None:
        await talk.body()
        ring.in_use = NEWER
        await talk.answer(200, EXPIRED)

    async with (
        serve(script) as server,
        Client(connect(server.url)._settings, ring, now=lambda: NOW) as client,
    ):
        with pytest.raises(Trouble) as trouble:
            await client.delete("5")
        with pytest.raises(Halted):
            await client.delete("5")
        with pytest.raises(Halted):
            await client.current_user(KEYS)
    assert trouble.value.code == "credentials_exchanged"
