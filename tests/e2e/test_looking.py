"""`status` and `show` of the real process: whole in a pipe, folded on a terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from e2e.harness import KB
from e2e.terminal import COLUMNS, on_terminal


async def test_in_a_pipe_nothing_is_cut_however_narrow(start: Any) -> None:
    emulator, daemon = await start()
    daemon.set(log__level="error")
    file = daemon.file(b"[red]\xff\n" + b"x" * 200 + b".mp4", 20 * KB)
    assert (await daemon.ends()).code == 0
    daemon.environment |= {"COLUMNS": "40", "FORCE_COLOR": "1"}
    video = emulator.videos()[0]["id"]
    name = f"{daemon.drop}/[red]\\xff\\n{'x' * 200}.mp4"
    status = await daemon.ends("status")
    (row,) = [line.split("\t") for line in status.out.splitlines() if name in line]
    assert row[:-1] == ["1", "published", "100 %", "20,000", video, name]
    assert len(status.out.splitlines()) == 3
    show = await daemon.ends("show", "1")
    assert f"path:        {name}" in show.out.splitlines()
    assert f"video:       {video}, https://ok.ru/video/{video}" in show.out.splitlines()
    assert "\x1b" not in status.out + show.out
    assert file.exists()


@pytest.mark.parametrize("command", [["status"], ["show", "1"]])
async def test_a_terminal_folds_what_is_too_wide(start: Any, command: list[str]) -> None:
    _, daemon = await start()
    daemon.file(b"y" * 200 + b".mp4", 20 * KB)
    assert (await daemon.ends()).code == 0
    async with on_terminal(daemon.environment | {"NO_COLOR": "1"}, *command, out=True) as shown:
        assert (await shown.end())[0] == 0
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown.seen).splitlines()
    assert max(map(len, lines)) <= COLUMNS
    assert sum(line.count("y") for line in lines) >= 200
    assert "┃" in shown.seen
