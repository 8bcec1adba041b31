"""Folders that want to be told what is done, or that leave some files: the real process and its words."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from e2e.harness import KB, assert_published_once, published, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.harness import Daemon


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def get(http: aiohttp.ClientSession, url: str) -> Any:
    async with http.get(url) as answer:
        assert answer.status == 200
        return await answer.json() if answer.content_type == "application/json" else await answer.text()


async def explained(daemon: Daemon, path: Any) -> str:
    return (await daemon.ends("explain", str(path))).out


async def test_without_its_marker_a_file_waits_wherever_a_person_looks_and_with_it_is_taken(
    start: Any, http: aiohttp.ClientSession
) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="50ms", rescan="1h", done="marker")
    async with daemon.serving() as (running, address):
        path = daemon.file("x.mp4", 50 * KB)
        await until(
            lambda: any(told["reason"] == "no x.mp4.done yet" for told in running.told("file.waiting"))
        )
        waiting = await get(http, f"{address}/api/waiting")
        assert (waiting["count"], waiting["reasons"]) == (1, {"not_done": 1})
        [file] = waiting["files"]
        assert (file["path"], file["words"]) == (str(path), "waiting: no x.mp4.done yet")
        assert (await get(http, f"{address}/api/waiting?limit=0"))["files"] == []
        assert (await get(http, f"{address}/api/status"))["files_waiting"] == {"not_done": 1}
        assert 'okdrop_files_waiting{reason="not_done"} 1.0' in await get(http, f"{address}/metrics")
        assert "once it is said to be done: no x.mp4.done yet" in await explained(daemon, path)
        assert emulator.videos() == []
        marker = path.with_name("x.mp4.done")
        marker.touch()
        await until(lambda: published(emulator.videos()))
        assert (await get(http, f"{address}/api/waiting"))["count"] == 0
        assert marker.exists()
    assert_published_once(emulator.videos(), [path])


async def test_what_a_manifest_lists_is_taken_if_it_is_what_was_promised(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="50ms", rescan="1h", done="manifest")
    async with daemon.staying() as running:
        good, bad, unlisted = (
            daemon.file(f"day/{name}.mp4", 50 * KB) for name in ("good", "bad", "unlisted")
        )
        checksum = hashlib.sha256(good.read_bytes()).hexdigest()
        beside = daemon.place / "SHA256SUMS"
        beside.write_text(f"{checksum}  day/good.mp4\n{checksum}  day/bad.mp4\n")
        beside.rename(daemon.drop / "SHA256SUMS")
        failed = await running.tells("upload.failed")
        assert (failed["path"], failed["code"]) == (str(bad), "file_not_as_promised")
        await until(lambda: published(emulator.videos()))
        assert "SHA256SUMS does not list it" in await explained(daemon, unlisted)
    assert_published_once(emulator.videos(), [good])
    assert await daemon.states() == {"good.mp4": ["published"], "bad.mp4": ["failed"]}


async def test_what_the_rules_of_a_folder_leave_is_passed_over_and_explained(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="50ms", rescan="100ms", leave=["raw/"], max_size="60KB")
    async with daemon.staying() as running:
        taken = daemon.file("a.mp4", 50 * KB)
        left = [daemon.file("raw/b.mp4", 50 * KB), daemon.file("large.mp4", 70 * KB)]
        await until(lambda: published(emulator.videos()))
        await until(lambda: running.count("file.passed_over") == 2)
        scans = running.count("folder.scanned")
        await until(lambda: running.count("folder.scanned") > scans + 2)
        assert {(told["rule"], told["level"]) for told in running.told("file.passed_over")} == {
            ("leave", "debug"),
            ("max_size", "debug"),
        }
        assert f'by `leave` of [[watch]] {daemon.drop}: the pattern "raw/"' in await explained(
            daemon, left[0]
        )
        assert f"by `max_size` of [[watch]] {daemon.drop}" in await explained(daemon, left[1])
    assert_published_once(emulator.videos(), [taken])
