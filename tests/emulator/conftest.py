from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from emulator.talk import Talk
from okdrop.emulator import Emulator, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Start an emulator with these options, and give somebody to talk to it."""
    async with contextlib.AsyncExitStack() as stack:

        async def started(**options: Any) -> Talk:
            emulator = await stack.enter_async_context(
                Emulator(Options(**{"data_dir": tmp_path / "emulator"} | options))
            )
            jar = aiohttp.DummyCookieJar()
            return Talk(emulator, await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar)))

        yield started


@pytest.fixture
async def talk(start: Callable[..., Any]) -> Talk:
    """Somebody to talk to an emulator that plays the parallel mode."""
    talking: Talk = await start()
    return talking
