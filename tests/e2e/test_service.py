"""The daemon that stays: halted and resumed, ordered about by other commands."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_published_once, received, until
from okdrop import orders
from okdrop.drop import State
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_SECRET_KEY, REFRESH_TOKEN
from okdrop.ledger import read_only

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.harness import Daemon, Ended, Running
    from okdrop.drop import Halt
    from okdrop.emulator import Emulator

RUN = ("run",)
LONG = {"retry__max_delay": "5m", "log__level": "info"}
ASK = "users.getCurrentUser"


def published(emulator: Emulator) -> int:
    count: int = emulator.summary()["published"]
    return count


def halt_of(daemon: Daemon) -> Halt | None:
    """Why everything waits, as whoever looks on is told."""
    with read_only(f"sqlite:///{daemon.ledger}") as reader:
        return reader.halted()


def token_file(daemon: Daemon, token: str) -> Path:
    """Give the token by a file of its own."""
    file = daemon.place / "token"
    file.write_text(token)
    daemon.set(ok__access_token=None, ok__access_token_file=str(file))
    return file


async def new_token(emulator: Emulator) -> str:
    """A token that OK's OAuth gives beside the first one."""

    def ask() -> str:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": REFRESH_TOKEN,
            "client_secret": APPLICATION_SECRET_KEY,
        }
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{emulator.api_url}/oauth/token.do", data) as answer:  # noqa: S310 - its own address
            token: str = json.load(answer)["access_token"]
            return token

    return await asyncio.to_thread(ask)


async def ends_well(running: Running, number: signal.Signals = signal.SIGTERM) -> Ended:
    running.send(number)
    ended = await running.end()
    assert ended.code == 0, ended.err
    return ended


async def test_it_takes_what_is_dropped_and_ends_well_at_a_signal(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(rescan="100ms")
    files = daemon.files([200 * KB])
    async with daemon.started(*RUN) as running:
        await until(lambda: published(emulator) == 1)
        ready = await running.tells("service.ready")
        files.append(daemon.file("later.mp4", 100 * KB))
        await running.tells("upload.published", 2)
        ended = await ends_well(running, signal.SIGINT)
    told = [event["event"] for event in ended.events if event["level"] != "debug"]  # a scan may end meanwhile
    assert told[-2:] == ["service.draining", "service.stopped"]
    assert (ready["unfinished"], ended.named("pool.halted")) == (0, [])
    assert_published_once(emulator.videos(), files)


# --- halt and resume --------------------------------------------------------------------------------------


async def test_a_dead_token_halts_and_a_new_one_on_disk_resumes(start: Any) -> None:
    """The night the token dies: nothing fails, and no restart is needed."""
    emulator, daemon = await start(settings=LONG | {"upload__segment_size": "64KiB"})
    emulator.faults.set("expire_session", after=2, times=1)
    file = token_file(daemon, ACCESS_TOKEN)
    files = daemon.files([300 * KB, 400 * KB, 500 * KB])
    async with daemon.started(*RUN) as running:
        halted = await running.tells("pool.halted")
        assert (halted["level"], halted["code"]) == ("error", "api_102")
        assert "the file that `ok.access_token_file` names" in halted["hint"]
        assert not {"failed"} & {state for states in (await daemon.states()).values() for state in states}
        assert (await until(lambda: halt_of(daemon))).code == "api_102"
        looked = await daemon.ends("status")
        assert looked.out.startswith("everything waits since ")
        file.write_text(await new_token(emulator) + "\n")
        resumed = await running.tells("pool.resumed")
        await until(lambda: halt_of(daemon) is None)
        await until(lambda: published(emulator) == 3)
        ended = await ends_well(running)
    assert (resumed["code"], resumed["seconds"] > 0) == ("api_102", True)
    assert len(ended.named("pool.halted")) == 1
    assert_published_once(emulator.videos(), files)


async def test_it_stays_up_with_missing_credentials_until_they_come(start: Any) -> None:
    """The first start of a new installation: never a crash loop."""
    emulator, daemon = await start(settings=LONG)
    environment = daemon.place / "environment"
    environment.write_text("# okdrop\n")
    daemon.environment["OKDROP_ENVIRONMENT_FILE"] = str(environment)
    daemon.set(ok__access_token=None)
    files = daemon.files([100 * KB])
    async with daemon.started(*RUN) as running:
        assert (await running.tells("pool.halted"))["code"] == "credentials_missing"
        await running.tells("service.ready")
        environment.write_text("OKDROP_OK__ACCESS_TOKEN='half-writ")
        assert "a quote is never closed" in (await running.tells("credentials.unreadable"))["message"]
        assert running.process.returncode is None
        environment.write_text("OKDROP_OK__ACCESS_TOKEN=wrong\n")
        assert (await running.tells("credentials.refused"))["code"] == "api_103"
        asked = emulator.summary()["calls"][ASK]
        environment.write_text(f'OKDROP_OK__ACCESS_TOKEN="{ACCESS_TOKEN}"\n')
        await running.tells("pool.resumed")
        await until(lambda: published(emulator) == 1)
        ended = await ends_well(running)
    assert asked == 1  # refused credentials are tried once
    assert len(ended.named("credentials.unreadable")) == len(ended.named("credentials.refused")) == 1
    assert ACCESS_TOKEN not in ended.text
    assert_published_once(emulator.videos(), files)
    assert (await daemon.ends()).code == 0


async def test_once_still_ends_with_3(start: Any) -> None:
    _, daemon = await start()
    daemon.set(ok__access_token="wrong")
    daemon.files([100 * KB])
    ended = await daemon.ends()
    assert (ended.code, len(ended.named("pool.halted"))) == (3, 1)


async def test_credentials_that_were_exchanged_before_they_were_refused_raise_no_alarm(start: Any) -> None:
    emulator, daemon = await start(settings=LONG)
    daemon.watch(rescan="100ms")
    file = token_file(daemon, ACCESS_TOKEN)
    async with daemon.started(*RUN) as running:
        await until(lambda: emulator.summary()["calls"].get(ASK))
        file.write_text(await new_token(emulator))
        emulator.faults.set("expire_session", times=1)
        files = daemon.files([100 * KB])
        await running.tells("credentials.renewed")
        await until(lambda: published(emulator) == 1)
        ended = await ends_well(running)
    assert ended.named("pool.halted") == ended.named("pool.resumed") == []
    assert_published_once(emulator.videos(), files)


async def test_a_permission_that_comes_on_oks_side_is_found_without_a_word_more(start: Any) -> None:
    emulator, daemon = await start(settings=LONG | {"retry__max_delay": "300ms"})
    files = daemon.files([100 * KB, 200 * KB])
    with emulator.faults.active("api_error", code=200, method="video.getUploadUrl"):
        async with daemon.started(*RUN) as running:
            await running.tells("pool.halted")
            tries = emulator.summary()["calls"]["video.getUploadUrl"]
            await until(lambda: emulator.summary()["calls"]["video.getUploadUrl"] >= tries + 4)
            assert len(running.told("pool.halted")) == 1
            assert running.told("pool.resumed") == []
            emulator.faults.clear()
            resumed = await running.tells("pool.resumed")
            await until(lambda: published(emulator) == 2)
            ended = await ends_well(running)
    assert resumed["code"] == "api_200"
    assert len(ended.named("pool.halted")) == len(ended.named("pool.resumed")) == 1
    assert len(ended.named("upload.started")) <= len(files) * 2  # tries are not told one by one
    assert_published_once(emulator.videos(), files)


async def test_sighup_reads_the_credentials_again_and_ends_nothing(start: Any) -> None:
    emulator, daemon = await start(settings=LONG)
    file = token_file(daemon, ACCESS_TOKEN)
    async with daemon.started(*RUN) as running:
        await running.tells("service.ready")
        running.send(signal.SIGHUP)
        assert (await running.tells("service.reloaded"))["changed"] is False
        file.write_text("wrong")
        running.send(signal.SIGHUP)
        assert (await running.tells("credentials.refused"))["code"] == "api_103"
        file.write_text(await new_token(emulator))
        running.send(signal.SIGHUP)
        assert (await running.tells("service.reloaded", 3))["changed"] is True
        ended = await ends_well(running)
    assert ended.named("pool.halted") == []


# --- orders from other commands ---------------------------------------------------------------------------


async def test_a_retried_upload_is_taken_up_by_the_running_daemon(start: Any) -> None:
    emulator, daemon = await start(settings=LONG)
    files = daemon.files([300 * KB])
    with emulator.faults.active("api_error", code=454, method="video.update"):
        async with daemon.started(*RUN) as running:
            failed = await running.tells("upload.failed")
            emulator.faults.clear()
            before = received(emulator)
            assert (await daemon.ends("retry", str(failed["upload"]))).code == 0
            await running.tells("upload.taken_up", within=3)
            await until(lambda: published(emulator) == 1)
            await ends_well(running)
    assert received(emulator) == before
    assert_published_once(emulator.videos(), files)


async def test_an_upload_in_flight_that_is_cancelled_stops_soon(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=50 * KB, settings=LONG)
    [path] = daemon.files([20 * MB])
    async with daemon.started(*RUN) as running:
        await until(lambda: received(emulator) > 20 * KB)
        assert (await daemon.ends("cancel", "1")).code == 0
        await running.tells("upload.cancelled", within=5)
        await until(lambda: not emulator.summary()["in_flight"])
        assert running.process.returncode is None
        assert (await daemon.states()) == {path.name: ["cancelled"]}
        emulator.faults.clear()
        assert (await daemon.ends("retry", "1")).code == 0
        await running.tells("upload.taken_up", within=5)
        await until(lambda: len(emulator.videos()) == 2)
        await ends_well(running)
    assert emulator.videos()[0]["published"] is False
    assert received(emulator) < 10 * MB


async def test_an_upload_that_waits_is_let_go_when_it_is_cancelled(start: Any) -> None:
    emulator, daemon = await start("error_503:method=video.getUploadUrl,retry_after=600", settings=LONG)
    daemon.files([100 * KB])
    async with daemon.started(*RUN) as running:
        await running.tells("upload.trouble")
        assert (await daemon.ends("cancel", "1")).code == 0
        await running.tells("upload.cancelled", within=5)
        emulator.faults.clear()
        assert (await daemon.ends("retry", "1")).code == 0
        await until(lambda: published(emulator) == 1)
        await ends_well(running)


def count(url: str, state: State) -> int:
    """How many rows are in a state now."""
    with read_only(url) as ledger:
        return ledger.counts()[state]


@pytest.mark.parametrize("seed", range(3))
async def test_orders_in_the_midst_of_work_never_send_or_publish_anything_twice(
    start: Any, seed: int
) -> None:
    """Cancel and retry, again and again, while the workers write the same rows."""
    emulator, daemon = await start(bytes_per_second=2 * MB, settings=LONG | {"upload__segment_size": "64KiB"})
    chance = random.Random(seed)
    files = daemon.files([1 * MB, 1500 * KB, 2 * MB, 800 * KB])
    url = f"sqlite:///{daemon.ledger}"
    async with daemon.started(*RUN) as running:
        await until(lambda: received(emulator) > 200 * KB)
        for _ in range(25):
            number = chance.randint(1, len(files))
            await orders.cancel(url, [number])
            await asyncio.sleep(chance.random() * 0.2)  # any moment may be the wrong one
            await orders.retry(url, [number])
        await until(lambda: count(url, State.PUBLISHED) == len(files))
        ended = await ends_well(running)
    assert ended.named("service.crashed") == []
    assert_published_once(emulator.videos(), files)
    assert {state for states in (await daemon.states()).values() for state in states} == {"published"}
