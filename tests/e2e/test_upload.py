"""`okdrop upload` as a person meets it: bars on a terminal, lines elsewhere, an account of each file."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest

from e2e.harness import KB, MB, assert_published_once, published, received, until
from e2e.terminal import on_terminal


async def test_a_terminal_shows_a_bar_that_moves_and_the_words_of_each_state(start: Any) -> None:
    emulator, daemon = await start(
        "cut_after_bytes:bytes=100000,after=3,times=1",
        bytes_per_second=MB,
        settings={
            "upload__segment_size": "256KiB",
            "upload__connections": "1",
            "log__level": "info",
            "retry__first_delay": "500ms",
        },
    )
    daemon.set(retry__max_delay="1s")
    files = [daemon.file("[red]film.mp4", 4 * MB), daemon.file(b"line\n\xff.mp4", 20 * KB)]
    async with on_terminal(daemon.environment, "upload", *map(os.fsencode, files)) as shown:
        code, out = await shown.end()
    assert code == 0, shown.seen
    assert all(video["published"] for video in emulator.videos())
    seen = shown.seen
    for words in ("sending", "published, video", "[red]film.mp4", "line\\n\\xff.mp4", "B/s", " left", "━"):
        assert words in seen, words
    figures = [int(figure) for figure in re.findall(r"(\d+) % ", seen)]
    assert len({*figures} - {0, 100}) > 1  # it moved on the way
    assert max(figures) <= 100
    assert "upload.trouble" in seen  # the log, above the bars
    assert seen.endswith("\x1b[2K")  # nothing of the bars is left
    assert "\x1b[?25h" in seen
    assert [line.split(": ")[1].split(",")[0] for line in out.splitlines()] == ["published"] * 2
    assert "\x1b" not in out


async def test_a_terminal_that_cannot_draw_gets_plain_lines(start: Any) -> None:
    _, daemon = await start(settings={"log__level": "info"})
    file = daemon.file("a.mp4", 100 * KB)
    async with on_terminal(daemon.environment, "upload", str(file), term="dumb") as shown:
        code, _ = await shown.end()
    assert code == 0
    assert "a.mp4: sending" in shown.seen
    assert "\x1b" not in shown.seen


async def test_without_a_terminal_there_are_a_few_plain_lines(start: Any) -> None:
    _, daemon = await start(bytes_per_second=MB, settings={"log__level": "info"})
    file = daemon.file(b"[red]\x1b[31m\xff.mp4", 2 * MB)
    ended = await daemon.ends("upload", bytes(file))
    assert ended.code == 0
    assert "\x1b" not in ended.text
    lines = ended.err.splitlines()
    assert [
        line.rpartition(": ")[2].split(",")[0] for line in lines if "until it is finished" not in line
    ] == [
        "in line",
        "asking OK for a place to upload to",
        "sending",
        "publishing",
        "published",
    ]
    assert all(line.startswith("[red]\\x1b[31m\\xff.mp4: ") for line in lines)


async def test_bad_files_are_all_named_before_anything_starts(start: Any) -> None:
    emulator, daemon = await start()
    good = daemon.file("good.mp4", 20 * KB)
    os.mkfifo(daemon.drop / "pipe.mp4")
    (daemon.drop / "link.mp4").symlink_to(good)
    daemon.file("small.mp4", 100)
    bad = [b"missing\n.mp4", b"pipe.mp4", b"link.mp4", b"small.mp4", b""]
    named = [bytes(daemon.drop) + b"/" + name for name in bad]
    ended = await daemon.ends("upload", bytes(good), *named)
    assert (ended.code, ended.out, emulator.videos()) == (2, "", [])
    lines = ended.err.splitlines()
    assert len(lines) == len(bad)
    for line, words in zip(
        lines, ("is not there", "pipe", "symbolic link", "100 bytes", "folder"), strict=True
    ):
        assert line.startswith(f"okdrop: {daemon.drop}")
        assert words in line
    assert not daemon.ledger.exists()


async def test_an_interrupt_cuts_takes_the_bars_away_and_says_where_it_stands(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=100 * KB, settings={"upload__segment_size": "64KiB"})
    file = daemon.file("a.mp4", 2 * MB)
    async with on_terminal(daemon.environment, "upload", str(file)) as shown:
        await until(lambda: received(emulator) > 50 * KB)
        shown.process.send_signal(signal.SIGINT)
        code, out = await shown.end(within=10)
    assert code == 130
    assert shown.seen.endswith("\x1b[2K")
    assert "Traceback" not in shown.seen
    assert out.startswith(f"{file}: uploading, ")
    assert out.endswith("held by OK; the same command goes on from there\n")
    assert not published(emulator.videos())


async def test_a_second_time_nothing_is_sent(start: Any) -> None:
    emulator, daemon = await start()
    file = daemon.file("a.mp4", 100 * KB)
    first = await daemon.ends("upload", str(file))
    second = await daemon.ends("upload", str(file))
    assert (first.code, second.code) == (0, 0)
    assert second.out == first.out.replace(": published,", ": published already,")
    assert_published_once(emulator.videos(), [file])


@pytest.mark.parametrize("signals", [1, 2])
async def test_a_termination_drains_and_the_file_is_named(start: Any, signals: int) -> None:
    emulator, daemon = await start(bytes_per_second=100 * KB, settings={"upload__segment_size": "64KiB"})
    file = daemon.file("a.mp4", 2 * MB)
    async with daemon.started("upload", str(file)) as running:
        await until(lambda: received(emulator) > 50 * KB)
        for _ in range(signals):
            running.send(signal.SIGTERM)
            await until(lambda: "service.draining" in running.err())
        ended = await running.end(within=30)
    assert ended.code == (0 if signals == 1 else 130)
    assert ended.out.startswith(f"{file}: uploading, ")
