from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import pathlib
import signal
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yarl

import okdrop
from emulator.talk import SIZE, Talk, content, segment_head
from okdrop.emulator import Emulator, EmulatorError, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PROGRAM = """
import asyncio, pathlib, sys
from okdrop.emulator import Options, serve
asyncio.run(serve(Options(data_dir=pathlib.Path(sys.argv[1]), port=int(sys.argv[2]))))
"""


@contextlib.asynccontextmanager
async def process(data_dir: Path, port: int = 0) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A real emulator process, and where it says that it listens."""
    daemon = str(pathlib.Path(okdrop.__file__).parent.parent)
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(data_dir), str(port)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": daemon},
    )
    try:
        assert running.stdout is not None
        line = (await running.stdout.readline()).decode()
        yield running, line.split("listening on ")[1].split(",")[0]
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_what_was_acknowledged_outlives_a_killed_process(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        talk = Talk(Emulator(Options(data_dir=tmp_path)), session)
        async with process(tmp_path) as (killed, url):
            data = talk.signed(method="video.getUploadUrl", file_name="a.mp4", file_size=str(SIZE))
            ticket = (await talk.ask("POST", url + "/fb.do", data=data)).json["upload_url"]
            assert (await talk.post(ticket, 60_000, SIZE)).status == 201
            killed.send_signal(signal.SIGKILL)
            await killed.wait()
        async with process(tmp_path, yarl.URL(url).port or 0) as (ended, _):
            assert (await talk.status(ticket)).headers["Range"] == f"60000-99999/{SIZE}"
            assert (await talk.post(ticket, 0, 60_000)).status == 200
            account = (await talk.ask("GET", url + "/emulator/videos")).json[0]
            assert account["sha256"] == hashlib.sha256(content()).hexdigest()
            ended.send_signal(signal.SIGTERM)
            assert await ended.wait() == 0


async def test_a_restart_keeps_everything_and_new_ids_are_new(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    options = Options(data_dir=tmp_path / "kept")
    async with Emulator(options) as emulator, aiohttp.ClientSession() as session:
        talk = Talk(emulator, session)
        video_id, _ = await talk.whole()
        await talk.call("video.update", vid=video_id, title="kept", gid="7")
        before = talk.account(video_id)
    talk = await start(data_dir=options.data_dir)
    after = talk.account(video_id)
    for changing in ("upload_url", "requests"):
        del before[changing], after[changing]
    assert after == before
    other, _ = await talk.ticket()
    assert other != video_id


async def test_a_taken_port_is_named(talk: Talk, tmp_path: Path) -> None:
    port = yarl.URL(talk.emulator.url).port or 0
    with pytest.raises(EmulatorError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
        async with Emulator(Options(data_dir=tmp_path / "other", port=port)):
            pass


async def test_a_taken_directory_is_named_and_is_free_afterwards(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    async with Emulator(Options(data_dir=tmp_path / "emulator")):
        with pytest.raises(EmulatorError, match="in use by another emulator"):
            await start()
    await start()


async def test_a_spoilt_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "videos" / "1").mkdir(parents=True)
    (tmp_path / "videos" / "1" / "video.json").write_text("{")
    with pytest.raises(EmulatorError, match="cannot read"):
        async with Emulator(Options(data_dir=tmp_path)):
            pass


async def test_the_end_does_not_wait_for_whoever_hangs(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with Emulator(Options(data_dir=tmp_path)) as emulator:
            talk = Talk(emulator, session)
            _, url = await talk.ticket()
            emulator.faults.set("stall_answer")
            headers = segment_head(0, SIZE, SIZE, parallel=True)
            hanging = asyncio.create_task(talk.ask("POST", url, data=content(), headers=headers))
            while not emulator.videos()[0]["whole"]:  # noqa: ASYNC110 - the emulator's account has no event
                await asyncio.sleep(0)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 2
        with pytest.raises(aiohttp.ClientConnectionError):
            await hanging
