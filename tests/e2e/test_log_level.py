"""Other lines of the log, wished while the real process runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from e2e.harness import KB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_level_holds_at_once_outlives_a_restart_and_is_taken_back(start: Any) -> None:
    _, daemon = await start(settings={"log__level": "info"})
    async with daemon.staying() as running:
        daemon.file("a.mp4", 50 * KB)
        await running.tells("upload.published")
        assert running.told("segment.stored") == []
        assert (await daemon.ends("log", "debug", "--for", "1h")).code == 0
        told = await running.tells("service.log_level")
        assert (told["least"], told["by_hand"], told["until"] != "") == ("debug", True, True)
        daemon.file("b.mp4", 50 * KB)
        await running.tells("upload.published", 2)
        assert len(running.told("segment.stored")) == 1
    async with daemon.staying() as running:
        await running.tells("service.log_level")
        daemon.file("c.mp4", 50 * KB)
        await running.tells("segment.stored")
        assert (await daemon.ends("log", "reset")).code == 0
        told = await running.tells("service.log_level", 2)
        assert (told["least"], told["by_hand"], told["until"]) == ("info", False, "")


async def test_it_is_set_and_told_over_http_as_by_the_command(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start(settings={"log__level": "info"})
    async with daemon.serving() as (running, address):

        async def put(body: Any) -> tuple[int, Any]:
            async with http.put(f"{address}/api/log", json=body) as answer:
                return answer.status, await answer.json()

        async def told(path: str) -> Any:
            async with http.get(f"{address}{path}") as answer:
                return await answer.json()

        assert await told("/api/log") == {
            "level": "info",
            "configured": "info",
            "by_hand": None,
            "since": None,
            "until": None,
        }
        code, answer = await put({"level": "debug", "for": "2h"})
        assert (code, answer["level"], answer["by_hand"], answer["until"][-1]) == (200, "debug", "debug", "Z")
        await running.tells("service.log_level")
        assert (await told("/api/status"))["log"] == answer == await told("/api/log")
        for body in (
            {},
            {"level": "loud"},
            {"level": ["debug"]},
            {"level": "debug", "for": "a while"},
            {"level": "debug", "for": ["1h"]},
            {"level": None, "for": "1h"},
            {"level": "debug", "until": "1h"},
        ):
            assert (await put(body))[0] == 400, body
        assert (await put({"level": None}))[1]["by_hand"] is None
        assert (await running.tells("service.log_level", 2))["least"] == "info"
