"""A daemon that is asked to end: in time, with 0, and without losing a byte that OK holds."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_published_once, received, until

if TYPE_CHECKING:
    from e2e.harness import Ended, Running
    from okdrop.emulator import Mode

RUN = ("run",)
MARGIN = 3.0
"""Seconds for the process to end after its drain, on a busy machine."""


async def asked_to_end(running: Running, *, within: float, code: int = 0) -> Ended:
    """Send SIGTERM and see the process end in time."""
    asked = time.monotonic()
    running.send(signal.SIGTERM)
    ended = await running.end(within=within + MARGIN + 30)
    assert ended.code == code, ended.err
    assert time.monotonic() - asked < within + MARGIN
    return ended


async def test_in_the_midst_of_two_uploads_on_a_slow_line(start: Any, mode: Mode) -> None:
    emulator, daemon = await start("slow:rate=1000000", mode=mode, settings={"upload__drain_timeout": "8s"})
    files = daemon.files([20 * MB, 20 * MB + 1])
    async with daemon.started(*RUN) as running:
        await until(lambda: received(emulator) > 3 * MB)
        ended = await asked_to_end(running, within=8.0)
    assert [event["event"] for event in ended.events][-1] == "service.stopped"
    await until(lambda: not emulator.summary()["in_flight"])
    # It was a drain, not a cut: everything under way landed.
    assert all(row["status"] in (200, 201, 416) for video in emulator.videos() for row in video["requests"])
    emulator.faults.set("slow", rate=200 * MB)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == 2


async def test_a_line_too_slow_for_the_drain_is_cut_and_costs_no_held_byte(start: Any, mode: Mode) -> None:
    emulator, daemon = await start("slow:rate=100000", mode=mode, settings={"upload__drain_timeout": "1s"})
    files = daemon.files([4 * MB, 4 * MB + 1])
    async with daemon.started(*RUN) as running:
        await until(lambda: received(emulator) > 300 * KB)
        await asked_to_end(running, within=1.0)
    await until(lambda: not emulator.summary()["in_flight"])
    emulator.faults.set("slow", rate=200 * MB)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


@pytest.mark.parametrize(
    "fault", ["stall:bytes=20000", "stall_answer", "stall_answer:method=video.getUploadUrl"]
)
async def test_with_a_server_that_stalls(start: Any, fault: str) -> None:
    emulator, daemon = await start(fault, settings={"upload__drain_timeout": "1s"})
    files = daemon.files([500 * KB])
    async with daemon.started(*RUN) as running:
        await until(lambda: emulator.summary()["in_flight"] or "getUploadUrl" in fault)
        await until(lambda: emulator.summary()["calls"].get("video.getUploadUrl"))
        await asked_to_end(running, within=1.0)
    emulator.faults.clear()
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


async def test_while_halted(start: Any) -> None:
    _, daemon = await start(settings={"retry__max_delay": "5m"})
    daemon.set(ok__access_token="wrong")
    daemon.files([500 * KB])
    async with daemon.started(*RUN) as running:
        await running.tells("pool.halted")
        await running.tells("file.settled")
        await asked_to_end(running, within=1.0)


async def test_while_offline(start: Any) -> None:
    emulator, daemon = await start(settings={"retry__max_delay": "5m", "retry__first_delay": "2m"})
    files = daemon.files([500 * KB, 600 * KB])
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        daemon.set(ok__api_url=f"http://127.0.0.1:{reserved.getsockname()[1]}")
        async with daemon.started(*RUN) as running:
            await running.tells("network.offline")
            await asked_to_end(running, within=1.0)
    daemon.set(ok__api_url=emulator.api_url)
    states = await daemon.states()
    assert set(states) == {file.name for file in files}
    assert {state for row in states.values() for state in row} <= {"queued", "uploading"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["imports", "ledger"])
async def test_during_the_start(start: Any, number: signal.Signals, moment: str) -> None:
    _, daemon = await start()
    daemon.files([500 * KB])
    async with daemon.started(*RUN) as running:
        if moment == "imports":
            # The handlers are in place before the heavy imports; until then nobody has begun anything.
            await until(lambda: handles(running.process.pid, signal.SIGHUP))
        else:
            await until(daemon.ledger.exists)
        running.send(number)
        ended = await running.end(within=20)
    assert ended.code == 0
    assert "Traceback" not in ended.text


def handles(process: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


async def test_a_second_signal_cuts_at_once_with_130(start: Any) -> None:
    emulator, daemon = await start("stall", settings={"upload__drain_timeout": "5m"})
    files = daemon.files([500 * KB])
    async with daemon.started(*RUN) as running:
        await until(lambda: emulator.summary()["in_flight"])
        running.send(signal.SIGTERM)
        await running.tells("service.draining")
        await asked_to_end(running, within=0.5, code=130)
    emulator.faults.clear()
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


async def test_signals_at_its_very_end_change_nothing(start: Any) -> None:
    _, daemon = await start()
    async with daemon.started(*RUN) as running:
        await running.tells("service.ready")
        running.send(signal.SIGTERM)
        await running.tells("service.stopped")
        running.send(signal.SIGTERM)
        assert (await running.end()).code == 0
