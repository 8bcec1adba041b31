"""`okdrop top`: the real command, on a real terminal, beside the real daemon."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, until
from e2e.terminal import OnTerminal, on_terminal
from okdrop.drop import State
from okdrop.top.client import Client, NotAdmitted, Refused, Unanswered
from okdrop.top.desk import Cancel, Limit, Pause, Retry
from okdrop.top.where import Where

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.harness import Daemon, Running

TOKEN = "a-long-token-of-somebody"
SLOW = "200KiB/s"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def words(shown: OnTerminal) -> str:
    """What was written, without its control codes."""
    return CONTROL.sub("", shown.seen)


async def sees(shown: OnTerminal, text: str) -> None:
    """Wait until it is on the screen."""
    try:
        await until(lambda: text in words(shown), within=30)
    except TimeoutError:
        pytest.fail(f"{text!r} was not shown, but:\n{words(shown)[-4000:]}")


async def sees_anew(shown: OnTerminal, text: str) -> None:
    """Wait until it is drawn once more."""
    before = words(shown).count(text)
    await until(lambda: words(shown).count(text) > before, within=30)


def is_stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def assert_restored(shown: OnTerminal, before: list[Any]) -> None:
    """The terminal is as it was: its screen, its cursor, its settings."""
    assert shown.settings == before
    assert shown.seen.count("\x1b[?1049h") == shown.seen.count("\x1b[?1049l") > 0
    assert shown.seen.rfind("\x1b[?25h") > shown.seen.rfind("\x1b[?25l")


async def test_it_shows_an_upload_pauses_by_p_and_leaves_by_q(start: Any) -> None:
    _, daemon = await start(settings={"upload__bandwidth": SLOW})
    daemon.file("[bold]long \udcff.mp4", 3000 * KB)
    async with (
        daemon.serving() as (running, address),
        on_terminal(daemon.environment, "top", "--url", address, out=True, keys=True) as shown,
    ):
        before = shown.settings
        await sees(shown, f"okdrop running  {address}")
        await sees(shown, r"1 [bold]long \xff.mp4")
        await sees(shown, "at most 200KiB/s")
        await sees(shown, "left")
        assert not shown.settings[3] & termios.ECHO
        shown.press("p")
        await running.tells("service.paused")
        await sees(shown, "paused since")
        await sees(shown, "paused: segments under way land")
        shown.press("p")
        await running.tells("service.resumed")
        shown.press("?")
        await sees(shown, "leave; the daemon goes on")
        shown.press("q")
        assert (await shown.end())[0] == 0
        assert_restored(shown, before)


async def test_a_failed_one_is_retried_cancelled_and_a_limit_set(start: Any) -> None:
    _, daemon = await start()
    daemon.file("short.mp4", 1 * KB)
    async with (
        daemon.serving() as (running, address),
        on_terminal(daemon.environment, "top", "--url", address, out=True, keys=True) as shown,
    ):
        await sees(shown, "file_too_small: ")
        shown.press("r")
        await sees(shown, "select a failed upload first")
        shown.press("\x1b[Br")
        await until(lambda: running.count("upload.failed") == 2)
        await sees_anew(shown, "file_too_small: ")
        shown.press("\x1b[Bc")
        await sees(shown, "cancel upload 1? y/n")
        shown.press("y")
        await sees(shown, "1 cancelled")
        shown.press("b1MiB/s\r")
        await sees(shown, "at most 1MiB/s, set by hand")
        shown.press("bmuch\r")
        await sees(shown, "limit must be")
        shown.press("q")
        assert (await shown.end())[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_and_restores_the_terminal(start: Any, number: signal.Signals) -> None:
    _, daemon = await start()
    async with (
        daemon.serving() as (_, address),
        on_terminal(daemon.environment, "top", "--url", address, out=True, keys=True) as shown,
    ):
        before = shown.settings
        await sees(shown, "nothing was ever dropped")
        shown.process.send_signal(number)
        assert (await shown.end())[0] == 0
        assert_restored(shown, before)


async def test_it_outlives_a_restart_of_the_daemon(start: Any) -> None:
    _, daemon = await start()
    listen = f"127.0.0.1:{free_port()}"
    async with daemon.serving(listen):
        shown_at = on_terminal(daemon.environment, "top", out=True, keys=True)  # by its configuration
        shown = await shown_at.__aenter__()
        await sees(shown, "okdrop running")
    try:
        await sees(shown, "no daemon answers at")
        daemon.file("new.mp4", 100 * KB)
        async with daemon.serving(listen):
            await sees(shown, "1 published")
            await sees(shown, "1 new.mp4")
            await sees_anew(shown, "okdrop running")
            shown.press("q")
            assert (await shown.end())[0] == 0
    finally:
        await shown_at.__aexit__(None, None, None)


async def test_stopped_by_the_shell_it_gives_the_terminal_back_and_takes_it_again(start: Any) -> None:
    _, daemon = await start()
    async with (
        daemon.serving() as (_, address),
        on_terminal(daemon.environment, "top", "--url", address, out=True, keys=True) as shown,
    ):
        before = shown.settings
        await sees(shown, "nothing was ever dropped")
        shown.process.send_signal(signal.SIGTSTP)
        await until(lambda: shown.seen.count("\x1b[?1049l") == 1)
        await until(lambda: is_stopped(shown.process.pid))
        assert shown.settings == before
        shown.process.send_signal(signal.SIGCONT)
        await until(lambda: shown.seen.count("\x1b[?1049h") == 2)
        shown.press("q")
        assert (await shown.end())[0] == 0
        assert_restored(shown, before)


async def test_piped_it_is_a_snapshot(start: Any) -> None:
    _, daemon = await start()
    daemon.file(b"a\nb\xff.mp4", 100 * KB)
    daemon.file("short.mp4", 1 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published")
        await running.tells("upload.failed")
        ended = await daemon.ends("top", "--url", address)
        assert (ended.code, ended.err) == (0, "")
        lines = ended.out.splitlines()
        assert re.fullmatch(rf"okdrop \S+ at {re.escape(address)}: running", lines[0])
        assert lines[1] == "1 published, 1 failed"
        assert any(line.startswith("published: ") and r"a\nb\xff.mp4" in line for line in lines)
        assert any(line.startswith("failed: ") and "file_too_small" in line for line in lines)
        assert "\x1b" not in ended.out
        async with on_terminal(daemon.environment, "top", "--url", address, out=True) as shown:  # no keys
            assert (await shown.end())[0] == 0
            assert "\x1b" not in shown.seen


async def test_the_wrong_token_ends_with_3_and_the_right_one_comes_from_where_it_is(
    start: Any, tmp_path: Path
) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(TOKEN + "\n")
    wrong.write_text("another-token-of-somebody\n")
    async with daemon.serving(f"127.0.0.1:{free_port()}") as (_, address):
        for arguments, words_of_it in (
            (("--token-file", str(wrong)), "this is not the token"),
            (("--url", address, "--token-file", str(wrong)), "this is not the token"),
            (("--url", address), "show the token"),  # the configured one is for the configured daemon
        ):
            ended = await daemon.ends("top", *arguments)
            assert (ended.code, ended.out) == (3, ""), ended.text
            assert words_of_it in ended.err
            assert len(ended.err.splitlines()) == 1
            assert TOKEN not in ended.text
        for arguments in ((), ("--url", address, "--token-file", str(right))):
            ended = await daemon.ends("top", *arguments)
            assert (ended.code, ended.err) == (0, "")
        async with on_terminal(
            daemon.environment, "top", "--token-file", str(wrong), out=True, keys=True
        ) as shown:
            assert (await shown.end())[0] == 3
            assert "\x1b[?1049h" not in shown.seen


async def test_whoever_watches_need_not_be_allowed_to_read_other_secrets(start: Any, tmp_path: Path) -> None:
    _, daemon = await start()
    async with daemon.serving(f"127.0.0.1:{free_port()}"):
        environment = daemon.environment | {"OKDROP_OK__ACCESS_TOKEN_FILE": str(tmp_path / "none")}
        environment.pop("OKDROP_OK__ACCESS_TOKEN")
        daemon.environment = environment
        assert (await daemon.ends("top")).code == 0
        assert (await daemon.ends("check")).code == 2


async def test_where_nothing_listens_it_ends_with_2_and_says_what_to_look_for(start: Any) -> None:
    _, daemon = await start()
    address = f"127.0.0.1:{free_port()}"
    daemon.set(web__listen=address)
    ended = await daemon.ends("top")
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(
        rf"okdrop: no daemon answers at http://{address} \(.*\); is it running, is web.listen set\?\n",
        ended.err,
    )
    daemon.set(web__listen="")
    ended = await daemon.ends("top")
    assert ended.code == 2
    assert 'web.listen is ""' in ended.err
    assert (await daemon.ends("top", "--url", "nowhere")).code == 2


@pytest.fixture
async def client(start: Any) -> AsyncIterator[tuple[Client, Daemon, Running]]:
    """One that asks a daemon that has a failed upload."""
    _, daemon = await start()
    daemon.file("short.mp4", 1 * KB)
    async with daemon.serving() as (running, address), Client(Where(url=address, token="")) as client:
        await running.tells("upload.failed")
        yield client, daemon, running


async def test_what_a_daemon_says_is_a_status_and_rows(client: tuple[Client, Daemon, Running]) -> None:
    asking, daemon, _ = client
    status, rows = await asking.status(), await asking.rows()
    assert status.words == "running"
    assert [(one.id, one.path) for one in rows.failed] == [(1, str(daemon.drop / "short.mp4"))]
    assert not rows.moving + rows.queued + rows.published


async def test_orders_are_carried_out_or_refused_in_the_daemons_words(
    client: tuple[Client, Daemon, Running],
) -> None:
    asking, _, _ = client
    assert await asking.order(Pause(True))
    assert (await asking.status()).paused_since is not None
    assert await asking.order(Pause(False))
    assert await asking.order(Limit("1MB/s"))
    assert (await asking.status()).limit == 1_000_000
    assert await asking.order(Limit(None))
    assert (await asking.status()).limit is None
    assert await asking.order(Cancel(1))
    with pytest.raises(Refused, match="7"):
        await asking.order(Retry(7))
    with pytest.raises(Refused, match="limit"):
        await asking.order(Limit("much"))


async def test_the_queue_is_told_from_its_beginning(client: tuple[Client, Daemon, Running]) -> None:
    asking, daemon, running = client
    await asking.order(Pause(True))
    for number in range(2, 25):
        daemon.file(f"{number}.mp4", 20 * KB)
    await running.tells("file.settled", 23)
    assert (await asking.status()).counts[State.QUEUED] == 23
    assert [one.id for one in (await asking.rows()).queued] == [*range(2, 22)]


async def test_events_are_heard_as_they_happen(client: tuple[Client, Daemon, Running]) -> None:
    asking, daemon, _ = client
    events = asking.events()
    heard = asyncio.ensure_future(anext(events))
    number = 0
    while not heard.done():  # it listens from some moment on
        number += 1
        daemon.file(f"{number}.mp4", 20 * KB)
        await asyncio.wait([heard], timeout=0.5)
    assert (await heard).upload > 1
    await events.aclose()


STRANGERS = {
    "another page": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "JSON of somebody": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "busy": b'HTTP/1.1 503 Busy\r\nContent-Length: 17\r\n\r\n{"error": "wait"}',
}


@pytest.mark.parametrize("answer", STRANGERS.values(), ids=STRANGERS)
async def test_whoever_else_answers_is_no_daemon(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with Client(Where(url=f"http://{host}:{port}", token=TOKEN)) as asking:
            with pytest.raises(Unanswered) as told:
                await asking.status()
            assert TOKEN not in str(told.value)


async def test_too_many_wrong_tokens_are_said_to_be_that(start: Any) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving() as (_, address), Client(Where(url=address, token="wrong")) as asking:
        for _ in range(10):
            with pytest.raises(NotAdmitted, match="not the token"):
                await asking.status()
        with pytest.raises(NotAdmitted, match="too many wrong tokens"):
            await asking.status()


async def test_a_redirection_is_not_followed_as_the_token_is_for_one_place() -> None:
    asked: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with Client(Where(url=f"http://{host}:{port}", token=TOKEN)) as asking:
            with pytest.raises(Unanswered, match="no okdrop daemon"):
                await asking.status()
    assert len(asked) == 1
