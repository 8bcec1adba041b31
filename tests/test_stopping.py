"""Signals, the drain and its deadline, the cut."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.errors import Halted
from okdrop.pipeline import Brake
from okdrop.stopping import Stop, signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def stop(
    brake: Brake, cut: Callable[[], object], *, told: list[events.Event] | None = None, **changes: Any
) -> Stop:
    emit = (told if told is not None else []).append
    return Stop(
        **{"brake": brake, "emit": emit, "drain_timeout": 60.0, "interrupt_cuts": False, "cut": cut} | changes
    )


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before


async def test_the_first_signal_drains_and_the_second_cuts() -> None:
    told: list[events.Event] = []
    cuts: list[bool] = []
    brake = Brake()
    heeding = stop(brake, lambda: cuts.append(True), told=told)
    heeding(signal.SIGINT)
    assert brake.is_pulled
    assert (told, cuts) == ([events.DrainStarted(signal="SIGINT", timeout=60.0)], [])
    heeding(signal.SIGTERM)
    assert (cuts, heeding.was_cut) == ([True], True)


async def test_a_run_is_cut_once_however_many_ask() -> None:
    cuts: list[bool] = []
    heeding = stop(Brake(), lambda: cuts.append(True), drain_timeout=0.0)
    for _ in range(4):
        heeding(signal.SIGTERM)
        await asyncio.sleep(0)
    assert cuts == [True]


async def test_an_interrupt_cuts_an_upload_at_once() -> None:
    cuts: list[bool] = []
    heeding = stop(Brake(), lambda: cuts.append(True), interrupt_cuts=True)
    heeding(signal.SIGINT)
    assert (cuts, heeding.was_cut) == ([True], True)


async def test_a_drain_that_takes_too_long_is_cut_without_being_called_so() -> None:
    cut = asyncio.Event()
    heeding = stop(Brake(), cut.set, drain_timeout=0.0)
    heeding(signal.SIGTERM)
    await asyncio.wait_for(cut.wait(), 5)
    assert heeding.was_cut is False


async def test_a_halt_that_ends_a_run_drains_no_longer_than_a_signal() -> None:
    cut = asyncio.Event()
    brake = Brake()
    stop(brake, cut.set, drain_timeout=0.0)
    brake.halt(Halted("the token is dead"))
    await asyncio.wait_for(cut.wait(), 5)


async def test_a_halt_that_holds_is_no_drain() -> None:
    brake = Brake(stays=True)
    stop(brake, lambda: pytest.fail("cut"), drain_timeout=0.0)
    brake.halt(Halted("the token is dead"))
    await asyncio.sleep(0.01)
    assert not brake.is_pulled


async def test_the_loop_heeds_signals_within_the_block() -> None:
    brake, hung_up = Brake(), asyncio.Event()
    with signals(stop(brake, lambda: None), hang_up=hung_up.set):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(hung_up.wait(), 5)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(brake.wait(), 5)


OUTSIDE = """
import asyncio, os, signal, sys, time
from okdrop.pipeline import Brake
from okdrop.stopping import Outside, Stop, signals

outside = Outside(stays=True, last_resort=0.2)
outside.heed()
upload = Outside(stays=False, interrupted=130)

def hits(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)

def stop():
    return Stop(brake=Brake(), emit=print, drain_timeout=1.0, interrupt_cuts=False, cut=int)
"""


def outside(script: str) -> int:
    """The exit code of a process that does this."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", OUTSIDE + script], env=environment, timeout=30, check=False
    ).returncode


def test_before_the_run_a_signal_just_ends_the_process_well() -> None:
    assert outside("hits(signal.SIGHUP); sys.exit(7)") == 7
    assert outside("hits(signal.SIGTERM); sys.exit(7)") == 0
    assert outside("hits(signal.SIGINT); sys.exit(7)") == 0
    assert outside("upload.heed(); hits(signal.SIGINT); sys.exit(7)") == 130


def test_a_signal_that_comes_where_an_exception_is_lost_is_heeded() -> None:
    script = """
class Dying:
    def __del__(self):
        hits(signal.SIGTERM)

Dying()
sys.exit(7)
"""
    assert outside(script) == 0


def test_after_the_run_a_late_signal_changes_nothing() -> None:
    script = """
async def run():
    with signals(stop(), hang_up=int):
        pass
    hits(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    outside.end(7)
    hits(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    return 7

code = asyncio.run(run())
hits(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
sys.exit(code)
"""
    assert outside(script) == 7


def test_what_hangs_on_the_way_out_is_left_behind() -> None:
    script = """
async def run():
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    outside.end(7)

asyncio.run(run())
"""
    assert outside(script) == 7
