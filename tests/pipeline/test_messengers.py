"""Apprise itself, in its process, before a real receiver: what is sent, refused, and never said."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import ssl
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiohttp import web
from apprise.manager_plugins import NotificationManager

from client.test_webhooks import receiver as receiving
from okdrop import hooks, messenger
from okdrop.config import Config
from okdrop.config.notify import Language
from okdrop.errors import ConfigurationError
from okdrop.pipeline import messengers
from okdrop.pipeline.letters import Letter
from okdrop.pipeline.messengers import Delivered, Receiver, deliver, look, require
from scripted import LOOPBACK_PEM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
LETTER = Letter(title="okdrop: a trial", body="“<b>x</b> [a](b)” & Закат", kind="warning")
TOKEN = "a-token-that-is-secret"


async def told(url: str, **more: Any) -> Delivered:
    to = Receiver(url=url, language=Language.ENGLISH, **more)
    send = functools.partial(deliver, to, LETTER, ENVIRONMENT, stop=threading.Event())
    return await asyncio.to_thread(send)


def seen(url: str) -> Delivered:
    return look(Receiver(url=url, language=Language.ENGLISH), ENVIRONMENT, stop=threading.Event())


def as_apprise(url: str, scheme: str = "json") -> str:
    return f"{scheme}://{url.partition('://')[2].partition('/')[0]}/{TOKEN}"


def answering(status: int, **headers: str) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, text=TOKEN)

    return answer


async def test_a_message_arrives_as_the_text_that_it_is() -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append((request.path, await request.json()))
        return web.Response()

    async with receiving(answer) as url:
        delivered = await told(as_apprise(url))
    assert delivered == Delivered(well=True, said="JSON took it")
    ((path, message),) = heard
    assert path == f"/{TOKEN}"
    assert (message["title"], message["message"], message["type"]) == (LETTER.title, LETTER.body, "warning")


async def test_in_a_service_that_knows_html_markup_of_others_is_text() -> None:
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append((await request.json())["message"])
        return web.Response()

    async with receiving(answer) as url:
        assert (await told(as_apprise(url) + "?format=html")).well
    assert "<b>" not in heard[0]
    assert "&lt;b&gt;" in heard[0]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "JSON: HTTP 401"),
        (500, "JSON: HTTP 500"),
        (302, "JSON: HTTP 302, a redirect, which is not followed"),
    ],
)
async def test_what_is_not_taken_is_told_by_its_status_and_no_word_more(status: int, words: str) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"}, text=TOKEN)

    async with receiving(answer) as url:
        delivered = await told(as_apprise(url) + "?redirect=yes")
    assert delivered == Delivered(well=False, said=words)
    assert asked == [f"/{TOKEN}"]


async def test_a_service_that_is_away_is_tried_again_later() -> None:
    async with receiving(answering(200)) as url:
        gone = as_apprise(url)
    assert await told(gone) == Delivered(well=False, said="JSON: the host refuses the connection")


async def test_one_that_hangs_is_ended_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.2)
    release = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with receiving(answer) as url:
        delivered = await told(as_apprise(url) + "?rto=1000", timeout=5.0)
        release.set()
    assert delivered == Delivered(well=False, said="the messenger took longer than 5 s, and was ended")


@contextlib.asynccontextmanager
async def hanging() -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """A service that never answers: its address, and events that somebody came, and that they are gone."""
    came, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/{TOKEN}?rto=1000", came, left


async def test_one_whose_daemon_was_killed_ends_with_it() -> None:
    async with hanging() as (url, came, left), asyncio.timeout(120):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "import sys, threading; from okdrop.pipeline.messengers import *;"
            " from okdrop.config.notify import Language;"
            " from okdrop.pipeline.letters import trial;"
            " deliver(Receiver(url=sys.argv[1], language=Language.ENGLISH, timeout=1000.0),"
            " trial(Language.ENGLISH), {}, stop=threading.Event())",
            url,
        )
        await came.wait()
        process.kill()
        await process.wait()
        await left.wait()


async def test_one_that_nobody_ends_in_its_time_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messengers, "_OVERTIME", -999.0)
    async with hanging() as (url, _, _):
        delivered = await told(url, timeout=1000.0)
    assert delivered == Delivered(well=False, said="the messenger was ended by signal 14")


def test_one_that_comes_too_late_to_be_ended_with_its_daemon_does_nothing() -> None:
    wanted = json.dumps({"parent": 0, "seconds": 100.0, "url": "ntfy://topic", "path": sys.path})
    command = [sys.executable, "-I", str(messengers._MESSENGER)]
    ended = subprocess.run(command, input=wanted.encode(), capture_output=True, check=True, timeout=60)
    assert ended.stdout == b""


async def test_tls_is_verified_by_the_authorities_that_are_configured_beside() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(LOOPBACK_PEM)
    async with receiving(answering(200), tls=context) as url:
        refused = await told(as_apprise(url, "jsons"))
        taken = await told(as_apprise(url, "jsons"), ca_file=str(LOOPBACK_PEM))
    assert refused == Delivered(well=False, said="JSON: the TLS certificate cannot be verified")
    assert taken.well


async def test_a_proxy_is_used_and_not_for_this_machine() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.method)
        return web.Response(status=200 if request.method == "POST" else 502)

    async with receiving(answer) as url:
        proxy = "http://" + url.partition("://")[2].partition("/")[0]
        assert (await told(as_apprise(url), proxy=proxy)).well
        refused = await told("jsons://receiver.invalid/x", proxy=proxy)
    assert not refused.well
    assert "proxy" in refused.said
    assert asked[0] == "POST"


@pytest.mark.parametrize(
    ("url", "well", "words"),
    [
        (f"tgram://123456789:{TOKEN}_hijklmnop/12315544/", True, "Telegram"),
        (f"mailto://user:{TOKEN}@gmail.com", True, "E-Mail"),
        ("ntfy://topic", True, "ntfy"),
        (f"ntfys://host.example/{TOKEN}", True, "ntfy"),
        (f"jsons://host.example/{TOKEN}", True, "JSON"),
        (f"json://host.example/{TOKEN}", False, "without TLS"),
        (f"gotify://host.example/{TOKEN}", False, "without TLS"),
        (f"mailto://user:{TOKEN}@host.example", False, "without TLS"),
        (f"mailtos://user:{TOKEN}@host.example?mode=insecure", False, "without TLS"),
        (f"mailtos://user:{TOKEN}@host.example?mode=InSecure", False, "without TLS"),
        (
            f"mailtos://user:{TOKEN}@127.0.0.1?mode=insecure&smtp=host.example&from=a@b.example",
            False,
            "without TLS",
        ),
        (f"mailtos://user:{TOKEN}@host.example?mode=insecure&smtp=127.0.0.1", True, "E-Mail"),
        (f"mailto://user:{TOKEN}@host.example?mode=starttls", True, "E-Mail"),
        (f"deltachats://user:{TOKEN}@host.example?mode=insecure", False, "without TLS"),
        (f"kodi://user:{TOKEN}@host.example", False, "without TLS"),
        (f"xbmc://user:{TOKEN}@host.example", False, "without TLS"),
        (f"kodi://user:{TOKEN}@127.0.0.1", True, "Kodi"),
        (f"jsons://host.example/{TOKEN}?verify=no", False, "not verified"),
        (f"nosuch://{TOKEN}", False, "makes nothing of its url"),
        ("tgram://1/2", False, "makes nothing of its url"),
    ],
)
def test_an_address_is_looked_at_before_anything_is_sent(url: str, *, well: bool, words: str) -> None:
    found = seen(url)
    assert (found.well, found.final) == (well, not well)
    assert words in found.said
    assert TOKEN not in found.said


MODES = (("xmpps", "xmpp"), ("mailtos", "mailto"), ("deltachats", "deltachat"))
"""Schemas of those services of Apprise that have a mode which says whether there is TLS."""


def of_every_service() -> Iterator[Any]:
    plugins = NotificationManager()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what they import
        plugins.load_modules()
    return cast("Iterator[Any]", plugins.plugins(include_disabled=True))


def test_every_service_of_apprise_that_has_tls_as_a_mode_is_known() -> None:
    having = {
        tuple(plugin.__dict__.get(name) or getattr(plugin, name) for name in ("secure_protocol", "protocol"))
        for plugin in of_every_service()
        for argument in plugin.template_args.values()
        if {*argument.get("values", ())} & {"starttls", "tls", "ssl"}
    }
    assert having == {*MODES}


@pytest.mark.parametrize("schema", [schema for both in MODES for schema in both])
def test_a_mode_without_tls_is_refused_whatever_the_address_begins_with(schema: str) -> None:
    (plugin,) = (one for one in of_every_service() if schema in (one.protocol, one.secure_protocol))
    modes = [*plugin.template_args["mode"]["values"]]
    assert len(modes) == 3
    for mode in modes:
        service = plugin(**plugin.parse_url(f"{schema}://user:{TOKEN}@host.example?mode={mode}"))
        refused = messenger._unfit(service, schema)
        assert service.secure_mode in modes
        assert refused == (messenger.PLAIN if service.secure_mode in {"none", "insecure"} else None)


def test_where_apprise_is_not_installed_that_is_said_in_the_user_s_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messengers, "_PACKAGE", "apprise_that_is_not_there")
    require(Config())
    config = Config.model_validate({"notify": [{"name": "n", "url": "ntfy://topic"}]})
    with pytest.raises(ConfigurationError, match=r"^notify\[0\]: needs the package") as caught:
        require(config)
    assert "pip install 'okdrop[notify]'" in caught.value.hint


def test_where_it_went_away_meanwhile_a_message_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    assert seen("ntfy://topic") == Delivered(well=False, said="the package apprise cannot be imported")


def test_an_answer_that_is_none_is_trouble(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for script in ("print('[1]')", "print('x')", "raise SystemExit(3)"):
        (tmp_path / "messenger.py").write_text(script)
        monkeypatch.setattr(messengers, "_MESSENGER", tmp_path / "messenger.py")
        found = seen("ntfy://topic")
        assert not found.well
        assert not found.final
        assert found.said.startswith("the messenger crashed (exit code ")


def test_a_bug_in_a_plugin_is_told_by_its_place_and_no_word_more(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text(f"def __getattr__(name): raise RuntimeError({TOKEN!r})")
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    found = seen("ntfy://topic")
    words = "a bug, in Apprise's part for this service or ours: RuntimeError in apprise.py, line 1"
    assert found == Delivered(well=False, said=words)


def test_nothing_is_taken_from_the_working_directory(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apprise.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])  # as `python -m okdrop` has it
    assert seen(f"ntfys://host.example/{TOKEN}").well


def test_the_address_is_neither_an_argument_nor_in_the_environment(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import json, pathlib, sys; told = json.load(sys.stdin); "
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_bytes("
        "pathlib.Path('/proc/self/cmdline').read_bytes() + pathlib.Path('/proc/self/environ').read_bytes()); "
        "print(json.dumps({'verdict': 'fit', 'service': told['url']}))"
    )
    (tmp_path / "messenger.py").write_text(script)
    monkeypatch.setattr(messengers, "_MESSENGER", tmp_path / "messenger.py")
    assert seen(f"ntfys://host.example/{TOKEN}").well
    assert TOKEN not in (tmp_path / "seen").read_text()


def test_no_secret_is_in_a_receiver_s_repr() -> None:
    shown = repr(Receiver(url=f"ntfys://h/{TOKEN}", language=Language.ENGLISH, proxy=f"http://u:{TOKEN}@p"))
    assert TOKEN not in shown
    assert json.dumps(shown)
