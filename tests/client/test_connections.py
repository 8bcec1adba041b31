"""Kept connections, and single ones after a request without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from client.test_uploads import blocks_of, post
from okdrop.client.connections import FIRST_SPELL, LONGEST_SPELL, Connections
from okdrop.protocol.messages import NoAnswer, Stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scripted import Connect, Serve, Talk


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    pair = Connections(aiohttp.ClientSession(), aiohttp.ClientSession())
    yield pair
    await pair.close()


def spell(connections: Connections, host: str) -> int:
    """How many requests go over connections of their own from now on."""
    count = 0
    while connections.to(host) is connections._single:
        count += 1
    return count


async def test_connections_are_kept_until_a_request_brings_no_answer(connections: Connections) -> None:
    assert spell(connections, "a:443") == 0
    connections.unanswered("a:443")
    assert spell(connections, "b:443") == 0
    assert spell(connections, "a:443") == FIRST_SPELL
    assert spell(connections, "a:443") == 0


async def test_each_spell_is_twice_as_long_as_the_one_before_up_to_a_bound(connections: Connections) -> None:
    spells = []
    for _ in range(12):
        connections.unanswered("a:443")
        spells.append(spell(connections, "a:443"))
    assert spells[:3] == [FIRST_SPELL, 2 * FIRST_SPELL, 4 * FIRST_SPELL]
    assert spells[-1] == LONGEST_SPELL


async def test_a_host_that_drops_kept_connections_is_asked_over_fresh_ones(
    serve: Serve, connect: Connect
) -> None:
    """It answers the first segment of each connection, and hangs up on the second without a word."""
    used: set[int] = set()

    async def script(talk: Talk) -> None:
        if id(talk.writer) in used:
            talk.writer.transport.abort()
            return
        used.add(id(talk.writer))
        kept.append(talk.writer)  # an id is only its own while its object lives
        await talk.body()
        await talk.answer(201)

    kept: list[object] = []
    async with serve(script) as server, connect() as client:
        answers = [
            await post(client, server.ticket(), blocks_of(b"12345678"), 8) for _ in range(2 + FIRST_SPELL)
        ]
    assert [type(answer) for answer in answers] == [Stored, NoAnswer, *[Stored] * FIRST_SPELL]
