"""The demonstration as a whole, as `okdrop demo` runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

import okdrop


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_kept_it_runs_on_until_a_signal_and_leaves_what_was_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
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
    (folder,) = re.findall(r"drop videos into +(\S+)", seen)
    own = Path(folder) / "my own.mp4"
    own.write_bytes(bytes(20_000))
    process.send_signal(number)
    rest, _ = await process.communicate()
    assert process.returncode == 0, rest.decode()
    assert "Traceback" not in rest.decode()
    assert own.exists()
    assert not await asyncio.to_thread(processes_of, tmp_path)


def processes_of(place: Path) -> list[str]:
    """Processes that know a folder, by their command line or their environment; but for this one."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if bytes(place) in known and int(process.name) != os.getpid():
                found.append(process.name)
    return found
