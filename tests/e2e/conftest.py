from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import Daemon
from okdrop.emulator import Emulator, Fault, Mode, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

Start = "Callable[..., Awaitable[tuple[Emulator, Daemon]]]"


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Any]:
    """Start an emulator with these options and faults, and make a daemon that is configured for it."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(*faults: str, settings: dict[str, str] | None = None, **options: Any) -> Any:
            weather = tuple(map(Fault.parse, faults))
            emulator = await stack.enter_async_context(
                Emulator(Options(**{"data_dir": tmp_path / "ok", "faults": weather} | options))
            )
            return emulator, Daemon(tmp_path / "daemon", emulator.api_url, **(settings or {}))

        yield begin


@pytest.fixture(params=list(Mode))
def mode(request: pytest.FixtureRequest) -> Mode:
    """Both kinds of upload host."""
    found: Mode = request.param
    return found
