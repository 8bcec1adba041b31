"""The room in folders: looked up now and then, and nobody waits for a mount that hangs."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from e2e.harness import until
from okdrop.web import space as module
from okdrop.web.space import GOOD_FOR, Room, Space

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_what_is_there_is_told_and_what_is_not_is_not(tmp_path: Path) -> None:
    found = await Space([str(tmp_path), str(tmp_path / "gone")], lambda: 0.0)()
    assert found.keys() == {str(tmp_path)}
    assert 0 < found[str(tmp_path)].free < found[str(tmp_path)].total


async def test_a_look_is_believed_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, now = list[str](), [0.0]

    def room(folder: str) -> Room:
        looks.append(folder)
        return Room(free=len(looks), total=10)

    monkeypatch.setattr(module, "_room", room)
    space = Space(["/a"], lambda: now[0])
    assert (await space())["/a"].free == 1
    now[0] = GOOD_FOR - 1
    assert (await space())["/a"].free == 1
    now[0] = GOOD_FOR
    assert (await space())["/a"].free == 2


async def test_a_mount_that_hangs_keeps_nobody_waiting_and_gets_one_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free, looks, now = threading.Event(), list[str](), [0.0]

    def room(folder: str) -> Room:
        looks.append(folder)
        if folder == "/hangs":
            free.wait(30)
        return Room(free=1, total=10)

    monkeypatch.setattr(module, "_room", room)
    monkeypatch.setattr(module, "WITHIN", 0.01)
    space = Space(["/hangs", "/well"], lambda: now[0])
    for _ in range(3):
        await space()
        now[0] += GOOD_FOR
    assert looks.count("/hangs") == 1
    assert looks.count("/well") == 3
    assert (await space()).keys() == {"/well"}
    free.set()
    await until(lambda: not space._looking)
    await asyncio.sleep(0)
    assert (await space()).keys() == {"/hangs", "/well"}
