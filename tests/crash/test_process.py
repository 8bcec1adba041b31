"""The same with the real process, which the kernel ends: SIGKILL at the n-th thing, life after life."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from e2e.harness import IMPORTS, KIB, Daemon, sha256, until
from okdrop.emulator import Emulator, Options

FEWEST = 4
"""How many times it dies at least, by what it does on its way."""

TESTS = Path(__file__).parents[1]


async def life(daemon: Daemon, number: int, when: str) -> int:
    """Start it, let it die at the n-th thing that it does; returns how it ended."""
    environment = daemon.environment | {"PYTHONPATH": f"{IMPORTS}:{TESTS}", "DIE_AT": f"{number}:{when}"}
    with (daemon.place / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            TESTS / "crash" / "dying.py",
            "run",
            "--once",
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            async with asyncio.timeout(30):
                return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.parametrize(("after", "when"), [("move", "before"), ("delete", "after")])
async def test_a_process_that_is_killed_at_each_thing_in_turn_publishes_once(
    tmp_path: Path, after: str, when: str
) -> None:
    async with Emulator(Options(data_dir=tmp_path / "ok", processing_looks=0)) as emulator:
        daemon = Daemon(tmp_path / "daemon", emulator.api_url, upload__segment_size="64KiB")
        kept = tmp_path / "kept"
        daemon.watch(after=after, **({"move_to": str(kept)} if after == "move" else {}))
        (file,) = daemon.files([150 * KIB])
        digest, deaths, number = sha256(file), 0, 1
        while (code := await life(daemon, number, when)) != 0:
            assert code == -signal.SIGKILL, (daemon.place / "log").read_text()
            await until(lambda: not emulator.summary()["in_flight"])
            deaths += 1
            public = [video for video in emulator.videos() if video["published"]]
            assert file.exists() or [video["sha256"] for video in public] == [digest]
            assert len(public) <= 1
            number += 2  # each life does more than the one before, so that they come to an end
        assert deaths >= FEWEST
        (video,) = [video for video in emulator.videos() if video["published"]]
        assert (video["sha256"], video["deleted"]) == (digest, False)
        assert sum(video["held_bytes_resent"] for video in emulator.videos()) == 0
        assert not file.exists()
        assert [path.name for path in kept.glob("*")] == ([file.name] if after == "move" else [])
        lost = [
            json.loads(line) for line in (daemon.place / "log").read_text().splitlines() if line[0] == "{"
        ]
        told = [line for line in lost if line["event"] == "upload.ticket_lost"]
        assert len([one for one in emulator.videos() if not (one["published"] or one["deleted"])]) <= len(
            told
        )
