"""What lets the stages work, holds them, or ends them."""

from __future__ import annotations

import asyncio

import pytest

from okdrop.drop import State
from okdrop.errors import Halted
from okdrop.pipeline import Brake

EXPIRED = Halted("expired", code="api_102")


async def test_pulled_it_ends_the_run_once_and_tells_who_listens() -> None:
    brake, heard = Brake(), []
    forget = brake.listen(lambda: heard.append("first"))
    brake.listen(lambda: heard.append("second"))
    waiting = asyncio.create_task(brake.wait())
    forget()
    brake.pull()
    brake.pull()
    await asyncio.wait_for(waiting, 1)
    assert brake.is_pulled
    assert brake.holds
    assert brake.halted is None
    assert heard == ["second"]
    assert await brake.wait_until_free() is False


async def test_a_halt_ends_a_run_that_ends_and_keeps_its_first_reason() -> None:
    brake = Brake()
    assert brake.halt(EXPIRED)
    assert not brake.halt(Halted("later"))
    assert brake.is_pulled
    assert brake.halted is EXPIRED
    brake.release()
    assert brake.is_pulled


async def test_a_halt_holds_a_daemon_until_it_is_released() -> None:
    brake, heard = Brake(stays=True), []
    brake.listen(lambda: heard.append("held"))
    assert await brake.wait_until_free()
    assert brake.halt(EXPIRED, State.FINALIZING)
    assert not brake.halt(Halted("later"), State.UPLOADING)
    assert (brake.holds, brake.is_pulled, brake.halted, heard) == (True, False, EXPIRED, ["held"])
    assert brake.halted_at is State.FINALIZING
    await asyncio.wait_for(brake.wait_until_held(), 1)
    waiting = asyncio.create_task(brake.wait_until_free())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.01)
    brake.release()
    assert await asyncio.wait_for(waiting, 1)
    assert (brake.holds, brake.halted, brake.halted_at) == (False, None, None)
    assert brake.halt(EXPIRED)  # and again


async def test_whoever_waits_for_a_held_brake_learns_that_it_is_pulled() -> None:
    brake = Brake(stays=True)
    brake.halt(EXPIRED)
    waiting = asyncio.create_task(brake.wait_until_free())
    brake.pull()
    assert await asyncio.wait_for(waiting, 1) is False


async def test_the_halt_of_one_account_holds_no_other_until_all_are_halted() -> None:
    brake, heard, back = Brake(stays=True, accounts=("", "kids")), [], []
    brake.listen(lambda: heard.append("held"))
    brake.on_release(back.append)
    assert brake.halt(EXPIRED, State.UPLOADING, account="kids")
    assert heard == ["held"]
    assert (brake.holds, brake.holds_for(""), brake.holds_for("kids")) == (False, False, True)
    assert (brake.halt_of("kids"), brake.halt_of(""), brake.halt_at("kids")) == (
        EXPIRED,
        None,
        State.UPLOADING,
    )
    assert await asyncio.wait_for(brake.wait_until_free(), 1)
    await asyncio.wait_for(brake.wait_until_held("kids"), 1)
    assert brake.halt(EXPIRED)
    assert (brake.holds, brake.is_halted, brake.is_pulled) == (True, True, False)
    waiting = asyncio.create_task(brake.wait_until_free())
    await asyncio.sleep(0)
    assert not waiting.done()
    brake.release("kids")
    assert await asyncio.wait_for(waiting, 1)
    assert (brake.holds_for(""), brake.holds_for("kids"), back) == (True, False, ["kids"])


async def test_an_account_that_there_is_not_is_halted_and_holds_nobody_else() -> None:
    brake = Brake()
    assert brake.halt(EXPIRED, account="gone")
    assert not brake.is_pulled
    assert (brake.holds_for("gone"), brake.holds_for(""), brake.halted) == (True, False, EXPIRED)


async def test_a_run_that_ends_goes_on_until_every_account_is_halted() -> None:
    brake = Brake(accounts=("", "kids"))
    assert brake.halt(EXPIRED)
    assert not brake.is_pulled
    assert brake.halt(EXPIRED, account="kids")
    assert brake.is_pulled


async def test_a_pause_and_a_halt_hold_each_for_itself() -> None:
    brake, heard = Brake(stays=True), []
    brake.listen(lambda: heard.append("held"))
    assert brake.pause()
    assert not brake.pause()
    assert (brake.holds, brake.is_paused, brake.is_halted, heard) == (True, True, False, ["held"])
    assert brake.halt(EXPIRED)  # what is missing is noted in a pause, too
    brake.release()
    assert (brake.holds, brake.halted) == (True, None)
    assert brake.halt(EXPIRED)
    assert brake.go_on()
    assert not brake.go_on()
    assert (brake.holds, brake.is_halted) == (True, True)
    waiting = asyncio.create_task(brake.wait_until_free())
    await asyncio.sleep(0)
    assert not waiting.done()
    brake.release()
    assert await asyncio.wait_for(waiting, 1)


async def test_a_pause_ends_with_the_run() -> None:
    brake = Brake(stays=True)
    brake.pause()
    waiting = asyncio.create_task(brake.wait_until_free())
    brake.pull()
    assert await asyncio.wait_for(waiting, 1) is False
    assert brake.go_on()
    assert brake.holds
