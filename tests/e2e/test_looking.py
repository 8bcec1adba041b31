"""`status` and `show` of the real process: whole in a pipe, folded on a terminal."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from e2e.harness import KB, until
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
    assert row[:-2] == ["1", "published", "100 %", "20,000", video, name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", row[-1])
    assert len(status.out.splitlines()) == 3
    show = await daemon.ends("show", "1")
    assert f"path:        {name}" in show.out.splitlines()
    assert f"video:       {video}, https://ok.ru/video/{video}" in show.out.splitlines()
    assert emulator.videos()[0]["title"] in show.out
    assert "privacy:     PUBLIC" in show.out.splitlines()
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


async def test_a_file_that_is_not_finished_is_in_status_and_in_top(start: Any) -> None:
    _, daemon = await start()
    daemon.watch(settle="1h")
    daemon.file("first.mp4", 20 * KB)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    async with daemon.serving(f"127.0.0.1:{port}") as (running, address):
        await running.tells("file.waiting")
        status, top = await daemon.ends("status"), await daemon.ends("top")
        as_json = json.loads((await daemon.ends("status", "--json")).out)
        async with on_terminal(daemon.environment, "status", out=True) as shown:
            assert (await shown.end())[0] == 0
        async with on_terminal(daemon.environment, "top", out=True, keys=True) as live:
            await until(lambda: "1 file not finished yet" in live.seen)
            live.press("q")
            assert (await live.end())[0] == 0
    assert status.err == top.err == ""
    counts, title, file = status.out.splitlines()
    assert (counts, title) == ("nothing was ever dropped", "1 file not finished yet:")
    assert re.fullmatch(rf"  {daemon.drop}/first\.mp4: .+, for \d:\d\d", file)
    assert title in shown.seen
    assert title.removesuffix(":") in top.out.splitlines()
    assert re.search(rf"^not finished: {daemon.drop}/first\.mp4: .+", top.out, re.MULTILINE)
    assert as_json["uploads"] == []
    assert "files" not in as_json, address
    assert "not finished" not in (await daemon.ends("status")).text  # nobody judges it now


async def test_where_the_daemon_cannot_be_asked_status_says_what_can(start: Any) -> None:
    _, daemon = await start()
    async with daemon.staying():
        status = await daemon.ends("status")
    assert (status.code, status.err) == (0, "")
    assert status.out.splitlines()[-1] == (
        'files that are not finished yet are not listed: web.listen is "": the daemon answers nobody; '
        "okdrop explain FILE tells of one"
    )
