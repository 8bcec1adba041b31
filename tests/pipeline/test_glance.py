"""A look that hangs is left behind, and another begins."""

from __future__ import annotations

import threading

import pytest

from okdrop.pipeline.glance import MOST, Glance
from pipeline.bench import until


async def test_what_was_seen_or_raised_is_handed_back() -> None:
    assert await Glance(lambda: 7)() == 7
    with pytest.raises(ZeroDivisionError):
        await Glance(lambda: 1 // 0)()


async def test_looks_that_hang_are_left_behind_but_not_without_end() -> None:
    go_on, looks = threading.Event(), []

    def look() -> int:
        looks.append(threading.current_thread())
        go_on.wait()
        return 7

    glance = Glance(look, within=0.01)
    for _ in range(MOST + 2):
        with pytest.raises(TimeoutError):
            await glance()
    assert len(looks) == MOST
    go_on.set()
    await until(lambda: not any(thread.is_alive() for thread in looks))
    assert await Glance(look)() == 7
    assert await glance() == 7
