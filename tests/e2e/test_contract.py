from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import sys
from typing import Any

from e2e.harness import KB, MB, received, sha256, until

STATES = {
    "queued",
    "uploading",
    "finalizing",
    "published",
    "failed",
    "superseded",
    "cancelled",
    "duplicate",
}
KEYS = {
    "id": int,
    "path": str,
    "size": int,
    "state": str,
    "video_id": str,
    "received": int,
    "attempts": int,
    "updated_at": str,
}


async def test_status_says_what_is_promised_also_while_a_run_goes_on(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=25 * KB, settings={"upload__segment_size": "64KiB"})
    daemon.file(b"not \xff utf-8.mp4", 2 * MB)
    daemon.file("a-small.mp4", 100)
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 20 * KB)
        going_on = await daemon.status()
        assert running.process.returncode is None
        await running.kill()
    assert going_on["counts"] == dict.fromkeys(STATES, 0) | {"uploading": 1, "failed": 1}
    rows = {row["state"]: row for row in going_on["uploads"]}
    for row in rows.values():
        assert {key: type(row[key]) for key in KEYS} == KEYS
        moment = dt.datetime.fromisoformat(row["updated_at"])
        assert moment.utcoffset() == dt.timedelta(0)
        assert abs(dt.datetime.now(dt.UTC) - moment) < dt.timedelta(minutes=2)
    assert rows["uploading"]["path"] == f"{daemon.drop}/not \udcff utf-8.mp4"
    assert rows["uploading"]["size"] == 2 * MB
    assert rows["uploading"]["video_id"] == emulator.videos()[0]["id"]
    assert rows["uploading"]["failure"] is None
    assert rows["failed"]["failure"].keys() == {"code", "message", "hint"}
    assert rows["failed"]["failure"]["code"] == "file_too_small"
    assert rows["failed"]["video_id"] == ""
    shown = await daemon.ends("show", str(rows["uploading"]["id"]), "--json")
    assert json.loads(shown.out).items() >= {"path": rows["uploading"]["path"], "size": 2 * MB}.items()
    assert (await daemon.ends("status")).code == 0


HOSTILE = {
    b"line\nbreak.mp4": "line break",
    b"quotes \"'`.mp4": "quotes \"'`",
    b"100%25 %s %n.mp4": "100%25 %s %n",
    b"{{ 7 * 7 }}{% raw %}.mp4": "{{ 7 * 7 }}{% raw %}",
    "сюрприз 🎬👩‍👩‍👧.mp4".encode(): "сюрприз 🎬👩‍👩‍👧",
    b"\xff\xfe odd \x80.mp4": "odd",
    b"-rf --help.mp4": "-rf --help",
    b"; rm -rf $HOME & $(id).mp4": "; rm -rf $HOME & $(id)",
    b"back\\slash\r\nX-Evil: 1.mp4": "back\\slash X-Evil: 1",
    b"[bold]rich[red].MP4": "[bold]rich[red]",
    b"x" * 251 + b".mp4": "x" * 251,
}


async def test_hostile_names_are_published_under_sane_titles(start: Any) -> None:
    emulator, daemon = await start()
    wanted = {}
    for number, (name, title) in enumerate(HOSTILE.items()):
        wanted[sha256(daemon.file(name, 20 * KB + number))] = title
    ended = await daemon.ends()
    assert ended.code == 0, ended.err
    assert {video["sha256"]: video["title"] for video in emulator.videos()} == wanted
    assert all(video["published"] for video in emulator.videos())
    assert len(ended.events) == len([line for line in ended.err.splitlines() if line])
    paths = {os.fsencode(row["path"]).rpartition(b"/")[2] for row in (await daemon.status())["uploads"]}
    assert paths == set(HOSTILE)
    assert (await daemon.ends("status")).code == 0


async def test_named_files_are_uploaded_whatever_their_folder(start: Any) -> None:
    emulator, daemon = await start()
    daemon.set(watch=None)
    file, dashed = daemon.file("talk.mp4", 100 * KB), daemon.file("-dash.mp4", 50 * KB)
    ended = await daemon.ends("upload", "--title", "A talk", "--", str(file))
    assert ended.code == 0, ended.err
    assert (await daemon.ends("upload", "--", os.fsencode(dashed))).code == 0
    assert [video["title"] for video in emulator.videos()] == ["A talk", "-dash"]
    assert (await daemon.ends("upload", str(daemon.drop / "missing.mp4"))).code == 2


async def test_the_demonstration_ends_well() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okdrop", "demo"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "All published, once, byte for byte." in out.decode()
