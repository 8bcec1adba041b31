"""Messages to a person: the real process, Apprise itself, a real receiver, and kills in between."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from client.test_webhooks import receiver as receiving
from e2e.harness import KB, until

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.harness import Daemon

TOKEN = "a-token-that-is-secret"


class Inbox:
    """What a person got, and how their service answers."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str]] = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        letter = await request.json()
        self.letters.append((letter["title"], letter["message"]))
        return web.Response(status=self.status, text=TOKEN)

    @property
    def titles(self) -> list[str]:
        return [title for title, _ in self.letters]


def notify(url: str, **more: Any) -> str:
    address = f"json://{url.partition('://')[2].partition('/')[0]}/{TOKEN}"
    return json.dumps([{"name": "phone", "url": address} | more])


async def test_a_run_that_ends_tells_of_what_it_did_and_shows_no_address(start: Any) -> None:
    emulator, daemon = await start()
    inbox = Inbox()
    async with receiving(inbox.answer) as url:
        daemon.set(notify=notify(url))
        daemon.file("clip.mp4", 50 * KB)
        daemon.file("<b>small</b>\n@all.mp4".replace("/", ""), 100)
        ended = await daemon.ends()
        shown = ended.text + (await daemon.ends("show", "1")).text + (await daemon.ends("check")).text
    assert ended.code == 1
    (video,) = emulator.videos()
    told = dict(inbox.letters)
    assert f"https://ok.ru/video/{video['id']}" in told["okdrop: published"]
    failed = told["okdrop: a video failed"]
    assert "What to do: " in failed
    assert not set("<>@") & set(failed)
    assert "notify:phone" in shown
    assert "JSON took it" in shown
    assert TOKEN not in shown


async def test_what_cannot_be_told_is_told_over_a_kill_and_no_upload_waits(start: Any) -> None:
    emulator, daemon = await start()
    inbox = Inbox()
    inbox.status = 503
    async with receiving(inbox.answer) as url:
        daemon.set(notify=notify(url))
        daemon.file("clip.mp4", 50 * KB)
        async with daemon.started("run") as running:
            await until(lambda: len(inbox.letters) >= 2)
            daemon.file("another.mp4", 50 * KB)
            await until(lambda: running.count("upload.published") == 2)
            killed = await running.kill()
        inbox.status = 200
        ended = await daemon.ends()
    assert ended.code == 0
    assert len(emulator.videos()) == 2
    assert "clip" in inbox.letters[-1][1] or "clip" in inbox.letters[-2][1]
    assert [step["said"] for step in killed.named("step.trouble")] == ["JSON: HTTP 503"]
    assert ended.named("step.done")
    assert TOKEN not in killed.text + ended.text


async def test_a_halt_and_a_missing_folder_are_told_and_that_it_is_back(start: Any) -> None:
    _, daemon = await start()
    inbox = Inbox()
    async with receiving(inbox.answer) as url:
        daemon.set(notify=notify(url, language="ru"))
        shutil.rmtree(daemon.drop)
        daemon.watch(rescan="100ms")
        async with daemon.started("run") as running:
            await until(lambda: "okdrop: папка недоступна" in inbox.titles)
            daemon.drop.mkdir()
            await until(lambda: "okdrop: снова в порядке" in inbox.titles)
            await running.kill()
        daemon.set(ok__access_token="dead")
        daemon.file("clip.mp4", 50 * KB)
        assert (await daemon.ends()).code == 3
    assert inbox.titles[-1] == "okdrop: всё остановлено"
    assert "папки нет" in inbox.letters[0][1]


async def test_a_disk_with_little_room_is_told(start: Any) -> None:
    _, daemon = await start()
    inbox = Inbox()
    async with receiving(inbox.answer) as url:
        daemon.set(notify=notify(url), disk__low="1000TB")
        async with daemon.started("run") as running:
            await until(lambda: bool(inbox.letters))
            await running.kill()
    assert inbox.titles == ["okdrop: little space is left"]


# --- trying it ----------------------------------------------------------------------------------------


async def test_a_trial_tells_what_came_of_each(start: Any) -> None:
    _, daemon = await start()
    inbox = Inbox()
    async with receiving(inbox.answer) as url:
        (good,) = json.loads(notify(url, quiet="00:00-23:59"))
        bad = {"name": "wrong", "url": f"nosuch://{TOKEN}"}
        daemon.set(notify=json.dumps([good, bad]))
        both = await daemon.ends("notify-test")
        one = await daemon.ends("notify-test", "phone", "--json")
        checked = await daemon.ends("check")
    assert both.code == 1
    assert both.out.splitlines()[0] == "ok    phone: JSON took it"
    assert both.out.splitlines()[1].startswith("FAIL  wrong: Apprise makes nothing of its url")
    assert (one.code, json.loads(one.out)) == (
        0,
        {"all_sent": True, "receivers": [{"name": "phone", "sent": True, "said": "JSON took it"}]},
    )
    assert inbox.titles == ["okdrop: a trial"] * 2
    assert checked.code == 2
    assert "ok    notify phone: JSON is told when there is: published, failed" in checked.out
    assert "FAIL  notify wrong: Apprise makes nothing of its url" in checked.out
    assert TOKEN not in both.text + one.text + checked.text


async def test_a_trial_for_nobody_is_an_error_in_words(start: Any) -> None:
    _, daemon = await start()
    ended = await daemon.ends("notify-test")
    assert (ended.code, ended.out) == (2, "")
    assert "add a [[notify]] table" in ended.err
    daemon.set(notify=json.dumps([{"name": "phone", "url": "ntfy://topic"}]))
    ended = await daemon.ends("notify-test", "telephone")
    assert ended.code == 2
    assert "there are: phone" in ended.err


@pytest.mark.parametrize("command", [("run", "--once"), ("run",), ("notify-test",), ("check",)])
async def test_where_apprise_is_missing_that_is_said_and_what_to_install(
    start: Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    _, daemon = await start()
    without_apprise(daemon, tmp_path)
    daemon.set(notify=json.dumps([{"name": "phone", "url": f"ntfys://h/{TOKEN}"}]))
    ended = await daemon.ends(*command)
    assert ended.code == 2
    assert "needs the package apprise, which is not installed" in ended.text
    assert "okdrop[notify]" in ended.text
    assert "Traceback" not in ended.text
    assert TOKEN not in ended.text
    daemon.set(notify=None)
    if command != ("run",):
        assert (await daemon.ends("run", "--once")).code == 0


def without_apprise(daemon: Daemon, tmp_path: Path) -> None:
    """Have the process find no Apprise, as where it is not installed."""
    place = tmp_path / "hiding"
    place.mkdir()
    (place / "sitecustomize.py").write_text("import sys; sys.modules['apprise'] = None")
    daemon.environment["PYTHONPATH"] = f"{place}:{daemon.environment['PYTHONPATH']}"
