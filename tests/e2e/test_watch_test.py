"""`okdrop watch-test` as a person calls it: the real process, real events, and nothing left behind."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import NO_WATCHES, assert_published_once, published, until

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.harness import Daemon

DEEDS = ["create", "grow", "rename", "remove"]


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


async def works(daemon: Daemon) -> bool:
    from e2e.test_drops import works as is_allowed  # noqa: PLC0415

    return is_allowed(daemon.within)


async def test_what_was_seen_is_told_for_each_deed_and_nothing_is_left(start: Any) -> None:
    _, daemon = await start()
    daemon.file("a.mp4", 100)
    before = contents(daemon.drop)
    ended = await daemon.ends("watch-test", str(daemon.drop))
    assert (ended.code, ended.err) == (0, "")
    first, *deeds, mode = ended.out.splitlines()
    assert first.startswith(f"{daemon.drop} (")
    assert [line.split()[0] for line in deeds] == DEEDS
    assert all("the kernel told of it after" in line for line in deeds)
    assert mode.split(maxsplit=1) == ["mode", "kernel events"]
    assert contents(daemon.drop) == before


@pytest.mark.parametrize("why", ["no watches", "as configured"])
async def test_where_there_are_no_events_looks_see_all(start: Any, why: str) -> None:
    _, daemon = await start()
    if why == "no watches":
        daemon.within = NO_WATCHES
        if not await works(daemon):
            pytest.skip("needs user namespaces")
    else:
        daemon.watch(watching="poll", poll="2s")
    ended = await daemon.ends("watch-test", str(daemon.drop), "--json")
    assert ended.code == 0, ended.text
    told = json.loads(ended.out)
    assert (told["watching"], told["all_seen"]) == ("polling", True)
    assert told["mode"].startswith(f"polling every {5 if why == 'no watches' else 2} s: ")
    assert [(deed["deed"], deed["seen_by"]) for deed in told["deeds"]] == [
        (name, "polling") for name in DEEDS
    ]
    assert contents(daemon.drop) == {}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("{drop}/none", "{drop}/none: No such file or directory"),
        ("{drop}/a.mp4", "{drop}/a.mp4: Not a directory"),
        ("/proc/self/task", "/proc/self/task: a probe of ours cannot be created there: "),
    ],
)
async def test_where_it_cannot_be_tried_is_one_line(start: Any, path: str, words: str) -> None:
    _, daemon = await start()
    daemon.file("a.mp4", 100)
    ended = await daemon.ends("watch-test", path.format(drop=daemon.drop))
    assert (ended.code, ended.out) == (2, "")
    [line] = ended.err.splitlines()
    assert line.startswith(f"okdrop: {words.format(drop=daemon.drop)}")


async def test_a_name_of_hostile_bytes_is_tried_by_looks(start: Any) -> None:
    _, daemon = await start()
    folder = os.fsencode(daemon.drop) + b"/new\nline \xff"
    os.mkdir(folder)  # noqa: PTH102 - the path is bytes
    ended = await daemon.ends("watch-test", folder)
    assert ended.code == 0, ended.text
    assert ended.out.count("\n") == 6
    assert os.listdir(folder) == []  # noqa: PTH208 - the path is bytes


async def test_a_daemon_that_takes_every_name_takes_no_probe(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(suffixes=["*"], ignore=[], rescan="100ms")
    async with daemon.staying() as running:
        for _ in range(2):
            assert (await daemon.ends("watch-test", str(daemon.drop))).code == 0
        last = daemon.file("last", 40_000)
        await until(lambda: published(emulator.videos()))
        assert_published_once(emulator.videos(), [last], titles=False)
        assert not [told for told in running.told("file.waiting") if "probe" in told["path"]]
    assert [*await daemon.states()] == ["last"]
