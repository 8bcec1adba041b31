"""Hooks and webhooks: the real process, a real receiver, and kills in between."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from client.test_webhooks import receiver, signature
from e2e.harness import KB, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "a-secret-of-some-length"


def hook(script: str, **more: Any) -> str:
    return json.dumps([{"name": "h", "command": ["/bin/sh", "-c", script]} | more])


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.fixture
def ended_at_last(tmp_path: Path) -> Iterator[Path]:
    """Where a hook writes its number that outlives a killed daemon: it is ended after the test."""
    path = tmp_path / "number"
    yield path
    for number in lines(path):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"OKDROP_EVENT=" in Path(f"/proc/{number}/environ").read_bytes():  # it is a hook's still
                os.killpg(int(number), signal.SIGKILL)


async def test_a_run_that_ends_tells_of_what_it_did(start: Any, tmp_path: Path) -> None:
    _, daemon = await start()
    told, stdin = tmp_path / "told", tmp_path / "stdin"
    script = f'echo "$OKDROP_EVENT:$OKDROP_ID:$OKDROP_TITLE" >> {told}; cat >> {stdin}; env >> {tmp_path}/env'
    daemon.set(hook=hook(script))
    daemon.file("clip.mp4", 50 * KB)
    daemon.file("small.mp4", 100)
    ended = await daemon.ends()
    assert ended.code == 1
    assert sorted(lines(told)) == ["failed:1:small", "published:2:clip"] or sorted(lines(told)) == [
        "failed:2:small",
        "published:1:clip",
    ]
    assert json.loads(stdin.read_text().splitlines()[0])["event"] in {"failed", "published"}
    environment = (tmp_path / "env").read_text()
    for secret in ("ACCESS_TOKEN", "SECRET", "LEDGER__URL", "PYTHONPATH"):
        assert secret not in environment
    assert len(ended.named("step.done")) == 2


async def test_show_tells_what_came_of_a_hook(start: Any) -> None:
    _, daemon = await start()
    daemon.set(hook=hook("echo first; echo broken >&2; exit 7"))
    daemon.file("clip.mp4", 50 * KB)
    assert (await daemon.ends()).code == 0  # a hook that fails is no failed upload
    shown = (await daemon.ends("show", "1")).out
    assert "hook:h published: failed, exit code 7" in shown
    assert "    broken" in shown
    (step,) = json.loads((await daemon.ends("show", "1", "--json")).out)["steps"]
    assert (step["lane"], step["outcome"], step["output"]) == ("hook:h", "failed", "first\nbroken")


async def test_a_hook_that_was_cut_by_a_kill_runs_again_and_the_upload_does_not(
    start: Any, tmp_path: Path, ended_at_last: Path
) -> None:
    emulator, daemon = await start()
    told = tmp_path / "told"
    waits = f"[ $(wc -l < {told}) -gt 1 ] || sleep 1000"
    daemon.set(hook=hook(f"echo $$ >> {ended_at_last}; echo $OKDROP_EVENT_ID >> {told}; {waits}"))
    daemon.file("clip.mp4", 50 * KB)
    async with daemon.started("run") as running:
        await until(lambda: len(lines(told)) == 1)
        await running.kill()
    assert (await daemon.ends()).code == 0
    assert len(lines(told)) == 2
    assert len(set(lines(told))) == 1
    assert len(emulator.videos()) == 1


async def test_a_daemon_that_is_asked_to_end_ends_its_hooks(start: Any, tmp_path: Path) -> None:
    _, daemon = await start()
    told = tmp_path / "told"
    daemon.set(
        hook=hook(f"trap 'echo asked >> {told}; exit 0' TERM; echo begun >> {told}; sleep 1000 & wait")
    )
    daemon.file("clip.mp4", 50 * KB)
    async with daemon.started("run") as running:
        await until(lambda: lines(told) == ["begun"])
        running.send(signal.SIGTERM)
        assert (await running.end()).code == 0
    assert lines(told) == ["begun", "asked"]


async def test_uploads_do_not_wait_for_a_hook_that_hangs(start: Any, ended_at_last: Path) -> None:
    emulator, daemon = await start()
    daemon.set(hook=hook(f"echo $$ >> {ended_at_last}; trap '' TERM; sleep 1000", timeout="1000s"))
    daemon.file("one.mp4", 50 * KB)
    async with daemon.started("run") as running:
        await until(lambda: lines(ended_at_last) != [])
        for number in range(5):
            daemon.file(f"more {number}.mp4", 50 * KB)
        await until(lambda: running.count("upload.published") == 6)
        await running.kill()
    assert len(emulator.videos()) == 6


async def test_a_webhook_is_told_over_a_kill_until_it_takes_it(start: Any) -> None:
    _, daemon = await start()
    heard: list[tuple[str, str, str, bytes]] = []
    answers = {"status": 500}

    async def answer(request: web.Request) -> web.Response:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        heard.append((*(request.headers[name] for name in names), await request.read()))
        return web.Response(status=answers["status"])

    async with receiver(answer) as url:
        daemon.set(webhook=json.dumps([{"name": "w", "url": url}]), webhook__w__secret=SECRET)
        daemon.file("clip.mp4", 50 * KB)
        async with daemon.started("run") as running:
            await until(lambda: len(heard) >= 2)
            killed = await running.kill()
        answers["status"] = 200
        ended = await daemon.ends()
        assert ended.code == 0
    assert len({(key, body) for key, _, _, body in heard}) == 1
    for key, timestamp, proof, body in heard:
        assert proof == signature(SECRET, key, int(timestamp), body)
    assert json.loads(heard[0][3])["event"] == "published"
    for text in (killed.text, ended.text):
        assert SECRET not in text
        assert "private-token" not in text


async def test_a_halt_is_told(start: Any, tmp_path: Path) -> None:
    _, daemon = await start()
    daemon.set(hook=hook(f"echo $OKDROP_EVENT:$OKDROP_CODE >> {tmp_path}/told"), ok__access_token="dead")
    daemon.file("clip.mp4", 50 * KB)
    assert (await daemon.ends()).code == 3
    (told,) = lines(tmp_path / "told")
    assert told.startswith("halted:")


async def test_a_halt_that_the_last_question_meets_is_told(start: Any, tmp_path: Path) -> None:
    _, daemon = await start()
    daemon.set(hook=hook(f"echo $OKDROP_EVENT >> {tmp_path}/told"), ok__access_token="dead")
    assert (await daemon.ends()).code == 3
    assert lines(tmp_path / "told") == ["halted"]


async def test_a_template_names_the_moved_file_and_its_sidecars_and_its_receipt(
    start: Any, tmp_path: Path
) -> None:
    emulator, daemon = await start()
    kept = tmp_path / "kept"
    daemon.watch(
        after="move",
        move_to=f"{kept}/{{{{ published.year }}}}/{{{{ video_id }}}}{{{{ suffix }}}}",
        receipt=True,
    )
    (daemon.drop / "clip.json").write_text("{}")
    daemon.file("clip.mp4", 50 * KB)
    assert (await daemon.ends()).code == 0
    (video,) = emulator.videos()
    (folder,) = kept.iterdir()
    assert folder.name.isdigit()
    name = video["id"]
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.mp4",
        f"{name}.json",
        f"{name}.mp4.okdrop.json",
    }
    assert [*daemon.drop.iterdir()] == []


async def test_a_hook_may_ask_okdrop(start: Any, tmp_path: Path) -> None:
    """What it finds in its environment is no configuration of ours."""
    _, daemon = await start()
    script = (
        f"OKDROP_LEDGER__URL=sqlite:///{daemon.ledger} PYTHONPATH={daemon.environment['PYTHONPATH']}"
        f" {sys.executable} -m okdrop show $OKDROP_ID > {tmp_path}/shown"
    )
    daemon.set(hook=hook(script))
    daemon.file("clip.mp4", 50 * KB)
    assert (await daemon.ends()).code == 0
    assert "published" in (tmp_path / "shown").read_text()
