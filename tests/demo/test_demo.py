"""The demonstration as a whole, as `okdrop demo` runs it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import okdrop

if TYPE_CHECKING:
    import pytest


async def started(*arguments: str) -> asyncio.subprocess.Process:
    environment = os.environ | {"PYTHONPATH": str(Path(okdrop.__file__).parents[1])}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "okdrop",
        "demo",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def test_every_clip_is_published_once_and_whole() -> None:
    process = await started()
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert out.decode().splitlines()[-1] == "All published, once, byte for byte."


async def test_kept_it_runs_on_until_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process = await started("--keep")
    assert process.stdout is not None
    seen = ""
    while "Interrupt" not in seen:
        line = await process.stdout.readline()
        assert line, seen
        seen += line.decode()
    (url,) = re.findall(r"stand-in +(http://\S+)", seen)

    def page() -> str:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - on loopback
            text: str = answer.read().decode()
        return text

    assert "Evening news" in await asyncio.to_thread(page)
    process.send_signal(signal.SIGINT)
    rest, _ = await process.communicate()
    assert process.returncode == 0, rest.decode()
    assert "Traceback" not in rest.decode()
    assert await asyncio.to_thread(os.listdir, tmp_path) == []
