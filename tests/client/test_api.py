import asyncio
import datetime as dt
import socket
import urllib.parse

import pytest

from okdrop.client import Credentials
from okdrop.errors import Halted, Trouble, UploadError
from okdrop.protocol.messages import VideoStatus
from okdrop.protocol.signing import session_secret, sign
from scripted import KEYS, NOW, Connect, Serve, Talk


async def form(talk: Talk) -> dict[str, str]:
    text = (await talk.body()).decode()
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=True))


async def test_a_call_is_a_signed_form_with_nothing_secret_in_the_url(serve: Serve, connect: Connect) -> None:
    calls: list[tuple[str, dict[str, str]]] = []

    async def script(talk: Talk) -> None:
        calls.append((talk.request_line, await form(talk)))
        await talk.answer(200)

    async with serve(script) as server, connect(server.url) as client:
        await client.update("5", title="Кот & \ud800", description="", tags=["a", "b,c"], privacy="PUBLIC")
    ((line, sent),) = calls
    assert line == "POST /fb.do HTTP/1.1"
    assert sent["sig"] == sign(sent, KEYS.session_secret_key)
    assert sent["access_token"] == KEYS.access_token
    assert sent["__online"] == "false"
    assert {key: sent[key] for key in ("method", "vid", "title", "tags", "privacy", "format")} == {
        "method": "video.update",
        "vid": "5",
        "title": "Кот & ?",
        "tags": "a,b c",
        "privacy": "PUBLIC",
        "format": "json",
    }
    assert "description" not in sent


async def test_without_a_session_secret_it_is_made_of_token_and_key(serve: Serve, connect: Connect) -> None:
    keys = Credentials(application_key="k", access_token="t", application_secret_key="s")
    calls: list[dict[str, str]] = []

    async def script(talk: Talk) -> None:
        calls.append(await form(talk))
        await talk.answer(200, b'{"uid": "5", "name": "Anna"}')

    async with serve(script) as server, connect(server.url, keys) as client:
        assert await client.current_user() == "Anna"
    assert calls[0]["sig"] == sign(calls[0], session_secret("t", "s"))


async def test_a_ticket_has_id_url_and_times(serve: Serve, connect: Connect) -> None:
    url = "https://vu.okcdn.ru/upload.do?sig=a%2Fb&expires=1767312000000"
    calls: list[dict[str, str]] = []

    async def script(talk: Talk) -> None:
        calls.append(await form(talk))
        await talk.answer(200, f'{{"video_id": 9007199254740993, "upload_url": "{url}"}}'.encode())

    async with serve(script) as server, connect(server.url) as client:
        ticket = await client.request_ticket(file_name="a.mp4", size=2**40, group_id="")
        await client.request_ticket(file_name="a.mp4", size=1, group_id="77")
    assert (ticket.video_id, ticket.upload_url) == ("9007199254740993", url)
    assert (ticket.issued_at, ticket.expires_at) == (NOW, dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    assert calls[0]["file_size"] == str(2**40)
    assert "gid" not in calls[0]
    assert calls[1]["gid"] == "77"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"videos": [{"status": "PROCESSING"}]}', VideoStatus.PROCESSING),
        (b'{"videos": []}', VideoStatus.MISSING),
        (b'{"error_code": 300, "error_msg": "NOT_FOUND"}', VideoStatus.MISSING),
    ],
)
async def test_the_status_of_a_video(
    serve: Serve, connect: Connect, body: bytes, status: VideoStatus
) -> None:
    async def script(talk: Talk) -> None:
        await talk.body()
        await talk.answer(200, body)

    async with serve(script) as server, connect(server.url) as client:
        assert await client.video_status("5") is status


async def test_deleting_what_is_gone_is_done_and_other_errors_show(serve: Serve, connect: Connect) -> None:
    bodies = iter([b'{"error_code": 300}', b"", b'{"error_code": 102}'])

    async def script(talk: Talk) -> None:
        await talk.body()
        await talk.answer(200, next(bodies))

    async with serve(script) as server, connect(server.url) as client:
        await client.delete("5")
        await client.delete("5")
        with pytest.raises(Halted):
            await client.delete("5")


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (Credentials(), "ok.access_token"),
        (Credentials(access_token="t", application_secret_key="s"), "ok.application_key"),
        (Credentials(access_token="t", application_key="k"), "ok.session_secret_key"),
    ],
)
async def test_a_missing_key_halts_and_is_named(connect: Connect, keys: Credentials, named: str) -> None:
    async with connect(keys=keys) as client:
        with pytest.raises(Halted) as raised:
            await client.current_user()
    assert named in str(raised.value)


async def test_a_lost_answer_may_have_been_done_a_closed_door_not(serve: Serve, connect: Connect) -> None:
    async def cut(talk: Talk) -> None:
        await talk.body()
        talk.writer.transport.abort()

    async def silent(talk: Talk) -> None:
        await talk.body()
        await asyncio.Event().wait()

    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        async with connect(closed) as client:
            assert not (await _trouble(client.delete("5"))).maybe_done
    for script in (cut, silent):
        async with serve(script) as server, connect(server.url, api_timeout=0.3) as client:
            assert (await _trouble(client.delete("5"))).maybe_done


async def _trouble(call: "asyncio.Future[None] | object") -> Trouble:
    with pytest.raises(UploadError) as raised:
        await call  # type: ignore[misc]
    assert isinstance(raised.value, Trouble)
    return raised.value
