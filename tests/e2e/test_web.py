"""The daemon's own HTTP, asked over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from e2e.harness import KB, KIB, MB, assert_published_once, published, received, until
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_SECRET_KEY
from okdrop.serving import _videos_at
from okdrop.web.door import AT_MOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "a-long-token-of-somebody"
VIEW_TOKEN = "a-long-token-of-who-looks-on"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def get(http: aiohttp.ClientSession, url: str, **more: Any) -> tuple[int, Any]:
    async with http.get(url, **more) as answer:
        return answer.status, await answer.json()


async def send(http: aiohttp.ClientSession, method: str, url: str, **more: Any) -> tuple[int, Any]:
    async with http.request(method, url, **more) as answer:
        return answer.status, await answer.json()


async def becomes(http: aiohttp.ClientSession, url: str, status: int) -> Any:
    """Ask until the answer is of this status; gives it."""
    async with asyncio.timeout(30):
        while True:
            code, answer = await get(http, url)
            if code == status:
                return answer
            await asyncio.sleep(0.01)


async def test_health_readiness_and_the_page(start: Any, http: aiohttp.ClientSession) -> None:
    _, daemon = await start()
    async with daemon.serving() as (running, address):
        assert running.told("web.listening")[0]["address"] == address
        assert await get(http, f"{address}/healthz") == (200, {"alive": True})
        assert await get(http, f"{address}/readyz") == (200, {"ready": True, "reasons": []})
        async with http.get(address) as answer:
            text = await answer.text()
            assert answer.content_type == "text/html"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert "aiohttp" not in answer.headers["Server"]
        assert "/static/main.js" in text
        assert "//" not in text  # nothing from elsewhere
        assert await get(http, f"{address}/nothing") == (
            404,
            {"error": "there is nothing here; docs/api.md lists what there is"},
        )
        assert (await send(http, "DELETE", f"{address}/api/status"))[0] == 405


async def test_a_folder_that_is_away_is_a_reason_not_to_be_ready(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start()
    daemon.watch(rescan="100ms")
    async with daemon.serving() as (_, address):
        daemon.drop.rename(daemon.place / "away")
        answer = await becomes(http, f"{address}/readyz", 503)
        assert any(str(daemon.drop) in reason for reason in answer["reasons"])
        assert (await get(http, f"{address}/healthz"))[0] == 200
        (daemon.place / "away").rename(daemon.drop)
        await becomes(http, f"{address}/readyz", 200)


async def test_dead_credentials_are_a_reason_not_to_be_ready(start: Any, http: aiohttp.ClientSession) -> None:
    _, daemon = await start()
    daemon.set(ok__access_token="no longer good".replace(" ", "-"))
    async with daemon.serving() as (_, address):
        answer = await becomes(http, f"{address}/readyz", 503)
        assert answer["reasons"][0].startswith("halted: ")
        assert (await get(http, f"{address}/api/status"))[1]["ready"] is False


async def test_uploads_come_in_pages_by_state_and_by_name(start: Any, http: aiohttp.ClientSession) -> None:
    _, daemon = await start()
    names = ["Talk.mp4", "talk-2.mp4", "Ёж.mp4", b'odd-\xff\n".mp4']
    for number, name in enumerate(names):
        daemon.file(name, 20 * KB + number)
    daemon.file("tiny.mp4", 100)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published", len(names))
        await running.tells("upload.failed")
        found, url = list[Any](), f"{address}/api/uploads"
        after: int | None = 0
        while after is not None:
            code, page = await get(http, url, params={"limit": 2, "after": after})
            assert code == 200
            found += page["uploads"]
            after = page["next"]
        assert [row["id"] for row in found] == [5, 4, 3, 2, 1]
        paths = {row["path"] for row in found}
        assert f'{daemon.drop}/odd-\udcff\n".mp4' in paths

        async def names_of(**query: str) -> list[str]:
            code, page = await get(http, url, params=query)
            assert code == 200
            return sorted(row["path"].rpartition("/")[2] for row in page["uploads"])

        assert await names_of(state="failed") == ["tiny.mp4"]
        assert len(await names_of(state="failed,published")) == 5
        assert await names_of(q="tALK") == ["Talk.mp4", "talk-2.mp4"]
        assert await names_of(q="ёж") == ["Ёж.mp4"]
        assert await names_of(q="%") == []
        assert await names_of(q="talk", state="failed") == []
        number = next(row["id"] for row in found if row["state"] == "failed")
        code, one = await get(http, f"{url}/{number}")
        assert (code, one["failure"]["code"]) == (200, "file_too_small")
        assert one == json.loads((await daemon.ends("show", str(number), "--json")).out)


@pytest.mark.parametrize(
    ("api_url", "videos_at"),
    [
        ("https://api.ok.ru", "https://ok.ru/video/"),
        ("https://api.odnoklassniki.ru", "https://ok.ru/video/"),
        ("https://api.notok.ru", ""),
        ("http://127.0.0.1:8470", ""),
    ],
)
def test_where_videos_are_seen_is_known_of_ok_alone(api_url: str, videos_at: str) -> None:
    assert _videos_at(api_url) == videos_at


async def test_a_superseded_upload_names_the_one_that_took_over(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start()
    daemon.file("tiny.mp4", 100)
    async with daemon.serving() as (running, address):
        await running.tells("upload.failed")
        daemon.file("tiny.mp4", 30 * KB)
        await running.tells("upload.published")
        _, page = await get(http, f"{address}/api/uploads", params={"state": "superseded"})
        assert [(row["id"], row["replaced_by"]) for row in page["uploads"]] == [(1, 2)]
        _, one = await get(http, f"{address}/api/uploads/1")
        assert (one["replaced_by"], one["halted"]) == (2, None)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/uploads?state=odd", 400),
        ("GET", "/api/uploads?limit=0", 400),
        ("GET", "/api/uploads?order=any", 400),
        ("GET", "/api/uploads?limit=501", 400),
        ("GET", "/api/uploads?after=-1", 400),
        ("GET", "/api/uploads?after=99999999999999999999999", 400),
        ("GET", f"/api/uploads?q={'x' * 201}", 400),
        ("GET", "/api/uploads?q=%00", 400),
        ("GET", "/api/uploads/77", 404),
        ("GET", "/api/uploads/99999999999999999999999", 404),
        ("GET", "/api/uploads/%D9%A1", 404),
        ("POST", "/api/uploads/77/retry", 404),
        ("POST", "/api/uploads/1/cancel", 409),
        ("GET", "/api/uploads/1/cancel", 405),
        ("GET", "/api/pause", 405),
        ("GET", "/api/events?level=loud", 400),
        ("GET", "/api/events?pulse=10", 400),
        ("GET", "/api/published?days=0", 400),
        ("GET", "/../../etc/passwd", 404),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    start: Any, http: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    _, daemon = await start()
    daemon.file("a.mp4", 20 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published")
        code, answer = await send(http, method, f"{address}{path}")
        assert (code, list(answer)) == (status, ["error"])
        assert running.told("web.trouble") == []


async def test_orders_are_heeded_at_once(start: Any, http: aiohttp.ClientSession) -> None:
    settings = {"upload__bandwidth": "64KiB/s", "upload__segment_size": "64KiB"}
    emulator, daemon = await start(settings=settings)
    file = daemon.file("a.mp4", 4 * MB)
    async with daemon.serving() as (running, address):
        await until(lambda: received(emulator) > 100 * KIB)
        code, said = await send(http, "POST", f"{address}/api/uploads/1/cancel")
        assert (code, said) == (200, {"id": 1, "said": "upload 1: cancelled"})
        await running.tells("upload.cancelled")
        code, _ = await send(http, "PUT", f"{address}/api/bandwidth", json={"limit": None})
        assert code == 200
        code, _ = await send(http, "PUT", f"{address}/api/bandwidth", json={"limit": "off"})
        assert code == 200
        assert (await send(http, "POST", f"{address}/api/uploads/1/retry"))[0] == 200
        await running.tells("upload.published")
    assert len(published(emulator.videos())) == 1
    assert published(emulator.videos())[0]["size"] == file.stat().st_size


async def test_a_pause_and_a_limit_are_those_of_the_commands(start: Any, http: aiohttp.ClientSession) -> None:
    emulator, daemon = await start()
    async with daemon.serving() as (running, address):
        code, answer = await send(http, "POST", f"{address}/api/pause")
        assert (code, answer["paused_since"][-1]) == (200, "Z")
        await running.tells("service.paused")
        files = daemon.files([1 * MB])
        await running.tells("file.settled")
        code, limits = await send(http, "PUT", f"{address}/api/bandwidth", json={"limit": "900MiB/s"})
        assert (code, limits["limits"][0]["rate"]) == (200, 900 * 1024 * 1024)
        assert limits == json.loads((await daemon.ends("bandwidth", "--json")).out)
        _, status = await get(http, f"{address}/api/status")
        assert (status["ready"], status["paused_since"], status["limits"][0]["by_hand"]) == (
            True,
            answer["paused_since"],
            "900MiB/s",
        )
        assert running.told("upload.started") == []
        assert (await daemon.ends("resume")).code == 0
        await running.tells("upload.published")
        _, status = await get(http, f"{address}/api/status")
        assert status["counts"]["published"] == 1
        [folder] = status["folders"]
        assert folder["folder"] == str(daemon.drop)
        assert (folder["watching"], folder["mode"], folder["away"]) == ("events", "kernel events", None)
        assert (folder["scan_seconds"] >= 0, 0 < folder["free"] < folder["total"]) == (True, True)
        [host] = status["hosts"]
        assert host["host"].startswith("127.0.0.1")
        assert host["connections"] >= 1
        assert host["segment_size"] >= 1024 * 1024
        assert host["goodput"] > 0
        assert (host["mode"], host["troubles"]) == (None, 0)  # one segment alone tells nothing of its mode
        assert status["accounts"][0]["in_use_since"] >= status["began_at"]
    assert_published_once(emulator.videos(), files)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"limit": "fast"}, 400),
        ({"limit": 7}, 400),
        ({"limit": "1MiB/s", "folder": "/not/watched"}, 404),
        ({"limit": "1MiB/s", "folder": 7}, 404),
        ({"limits": "1MiB/s"}, 400),
        ({}, 400),
        ([], 400),
        ("[" * 10_000, 400),
    ],
)
async def test_a_limit_that_is_none_changes_nothing(
    start: Any, http: aiohttp.ClientSession, body: Any, status: int
) -> None:
    _, daemon = await start()
    async with daemon.serving() as (running, address):
        data = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        assert (await send(http, "PUT", f"{address}/api/bandwidth", data=data, headers=headers))[0] == status
        assert (await send(http, "PUT", f"{address}/api/bandwidth", data=b"{}"))[0] == 415
        assert (await send(http, "PUT", f"{address}/api/bandwidth", data=b" " * 20_000, headers=headers))[
            0
        ] == 413
        assert running.told("service.bandwidth_set") == []


async def test_metrics_tell_what_the_host_got(start: Any, http: aiohttp.ClientSession) -> None:
    emulator, daemon = await start(settings={"ok__access_token_expires": "2030-01-01T01:00:00+01:00"})
    daemon.watch(rescan="100ms")
    files = daemon.files([3 * MB, 1 * MB])
    daemon.file("tiny.mp4", 100)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published", 2)
        await running.tells("upload.failed")
        async with http.get(f"{address}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = await answer.text()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["okdrop_stored_bytes_total",] == 4 * MB
    assert found["okdrop_sent_bytes_total",] == received(emulator)
    assert found["okdrop_sent_again_bytes_total",] == 0
    assert (found["okdrop_uploads", "published"], found["okdrop_uploads", "failed"]) == (2, 1)
    assert found["okdrop_stage_seconds_count", "sending"] == 2
    assert found["okdrop_failures_total", "file_too_small"] == 1
    assert found["okdrop_credentials_accepted", ""] == 1
    assert found["okdrop_access_token_expiry_timestamp_seconds", ""] == 1893456000
    assert (
        found["okdrop_last_published_timestamp_seconds",] > found["okdrop_last_stored_timestamp_seconds",] > 0
    )
    assert found["okdrop_folder_free_bytes", str(daemon.drop)] > 0
    assert (found["okdrop_ready",], found["okdrop_uploads_due",], found["okdrop_uploads_outside_hours",]) == (
        1,
        0,
        0,
    )
    assert found["okdrop_folder_scan_seconds_count", str(daemon.drop)] >= 1
    assert found["okdrop_ledger_seconds_count", "write"] > 0
    assert "clip-" not in text
    assert "tiny" not in text
    assert_published_once(emulator.videos(), files)


async def still_for(http: aiohttp.ClientSession, address: str) -> float:
    async with http.get(f"{address}/metrics") as answer:
        text = await answer.text()
    return float(text.partition("\nokdrop_still_seconds ")[2].splitlines()[0])


async def test_work_that_could_go_on_and_does_not_is_seen_and_what_is_paused_is_not_meant(
    start: Any, http: aiohttp.ClientSession
) -> None:
    settings = {"upload__answer_timeout": "1h", "upload__drain_timeout": "0s"}
    _, daemon = await start("stall_answer", settings=settings)
    async with daemon.serving() as (running, address):
        assert await still_for(http, address) == 0
        daemon.file("a.mp4", 1 * MB)
        await running.tells("upload.ticket")
        async with asyncio.timeout(30):
            while True:
                if await still_for(http, address):
                    break
                await asyncio.sleep(0.01)
        assert await get(http, f"{address}/healthz") == (200, {"alive": True})  # for a quarter of an hour
        assert (await send(http, "POST", f"{address}/api/pause"))[0] == 200
        assert await still_for(http, address) == 0


# --- who may ask ----------------------------------------------------------------------------------------


async def test_a_name_that_was_made_to_lead_here_is_refused(start: Any, http: aiohttp.ClientSession) -> None:
    _, daemon = await start(settings={"web__hosts": "okdrop.lan"})
    async with daemon.serving() as (_, address):
        port = address.rpartition(":")[2]
        for host, status in {
            "evil.example": 421,
            f"evil.example:{port}": 421,
            "127.0.0.1.evil.example": 421,
            "[::1]evil.example": 421,
            f"[::1]evil.example:{port}": 421,
            "[::1": 421,
            "localhost:evil.example": 421,
            "192.168.1.7": 421,  # this one listens for its own machine alone
            "": 421,
            f"localhost:{port}": 200,
            f"LOCALHOST:{port}": 200,
            f"[::1]:{port}": 200,
            "okdrop.lan": 200,
        }.items():
            assert (await get(http, f"{address}/api/status", headers={"Host": host}))[0] == status, host


async def test_a_probe_that_calls_nobody_is_told_of_health_and_of_nothing_else(start: Any) -> None:
    _, daemon = await start()
    async with daemon.serving() as (_, address):
        host, port = address.removeprefix("http://").split(":")
        answers = {"/healthz": b"200", "/readyz": b"200", "/api/status": b"421", "/": b"421"}
        for path, status in answers.items():
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert (await reader.readline()).split()[1] == status, path
            writer.close()


async def test_a_page_of_another_place_changes_nothing(start: Any, http: aiohttp.ClientSession) -> None:
    _, daemon = await start()
    async with daemon.serving() as (running, address):
        for headers, status in [
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": address.replace("127.0.0.1", "localhost")}, 403),
            ({"Origin": address, "Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
        ]:
            assert (await send(http, "POST", f"{address}/api/pause", headers=headers))[0] == status, headers
        assert running.told("service.paused") == []
        own = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
        assert (await send(http, "POST", f"{address}/api/pause", headers=own))[0] == 200
        assert (await send(http, "POST", f"{address}/api/resume"))[0] == 200


async def test_where_others_can_connect_everything_but_health_wants_the_token(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving("0.0.0.0:0") as (running, everywhere):
        address = f"http://127.0.0.1:{everywhere.rpartition(':')[2]}"
        assert await get(http, f"{address}/healthz") == (200, {"alive": True})
        assert await get(http, f"{address}/readyz") == (200, {"ready": True})
        for path in ("/", "/api/status", "/api/uploads", "/api/events", "/nothing"):
            assert (await get(http, f"{address}{path}"))[0] == 401, path
        assert (await send(http, "POST", f"{address}/healthz"))[0] == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await get(http, f"{address}/api/status", headers=bearer))[0] == 200
        assert (await get(http, f"{address}/readyz", headers=bearer))[1] == {"ready": True, "reasons": []}
        basic = aiohttp.encode_basic_auth("anybody", TOKEN)
        assert (await get(http, f"{address}/api/status", headers={"Authorization": basic}))[0] == 200
        # An address as the host is nobody's name; a name is still none of ours.
        for host, status in {"192.168.1.7:8480": 200, "evil.example": 421}.items():
            assert (await get(http, f"{address}/api/status", headers=bearer | {"Host": host}))[0] == status
        foreign = bearer | {"Origin": "https://evil.example"}
        assert (await send(http, "POST", f"{address}/api/pause", headers=foreign))[0] == 403
        assert running.told("web.refused") == []
        codes = [
            (await get(http, f"{address}/api/status", headers={"Authorization": f"Bearer {guess}"}))[0]
            for guess in range(14)
        ]
        assert codes[:10] == [401] * 10
        assert codes[-1] == 429
        # The right token was shown from here before: a neighbour's wrong ones do not lock it out.
        assert (await get(http, f"{address}/api/status", headers=bearer))[0] == 200
        await running.tells("web.refused")
        assert len(running.told("web.refused")) == 1
    assert TOKEN not in running.err()


async def test_while_too_many_wrong_tokens_come_a_guess_is_not_told_right(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving() as (_, address):
        guesses = [*map(str, range(12)), TOKEN]
        codes = [
            (await get(http, f"{address}/api/status", headers={"Authorization": f"Bearer {guess}"}))[0]
            for guess in guesses
        ]
    assert codes == [401] * 10 + [429] * 3


async def test_without_a_token_nobody_else_can_connect(start: Any) -> None:
    _, daemon = await start(settings={"web__listen": "0.0.0.0:0"})
    ended = await daemon.ends("run")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "web.token" in ended.err
    assert (await daemon.ends("status")).code == 0  # it opens nothing, and needs no secret
    secret = daemon.place / "token"
    secret.write_text(f"{TOKEN}\n")
    daemon.set(web__token_file=str(secret))
    secret.chmod(0)
    ended = await daemon.ends("status", "--json")
    assert ended.code == 0, ended.text


async def test_a_port_that_is_taken_ends_it_with_2_and_names_the_key(start: Any) -> None:
    _, daemon = await start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        daemon.set(web__listen=f"127.0.0.1:{port}")
        ended = await daemon.ends("run")
        assert ended.code == 2
        assert (
            f"okdrop: web.listen: nothing can listen on 127.0.0.1:{port}: Address already in use" in ended.err
        )
        assert "Traceback" not in ended.err
        assert (await daemon.ends("run", "--once")).code == 0  # one that ends answers nobody


async def test_no_secret_and_no_upload_url_is_served(start: Any, http: aiohttp.ClientSession) -> None:
    emulator, daemon = await start(settings={"upload__bandwidth": "64KiB/s", "web__token": TOKEN})
    daemon.files([4 * MB])
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with daemon.serving() as (_, address):
        await until(lambda: received(emulator) > 50 * KIB)
        texts = list[str]()
        paths = ("/", "/api/status", "/api/uploads", "/api/uploads/1", "/api/bandwidth", "/readyz")
        for path in (*paths, "/api/sending", "/api/speed", "/api/published", "/static/main.js", "/login"):
            async with http.get(f"{address}{path}", headers=bearer) as answer:
                assert answer.status == 200
                texts.append(await answer.text())
        await send(http, "POST", f"{address}/api/uploads/1/cancel", headers=bearer)
    for secret in (ACCESS_TOKEN, APPLICATION_SECRET_KEY, TOKEN, "upload.do", "sig="):
        assert not [text for text in texts if secret in text], secret


async def test_connections_that_say_nothing_keep_nobody_out_and_uploads_go_on(
    start: Any, http: aiohttp.ClientSession
) -> None:
    emulator, daemon = await start()
    async with daemon.serving() as (running, address), contextlib.AsyncExitStack() as stack:
        host, port = address.removeprefix("http://").split(":")
        silent = []
        for _ in range(AT_MOST):
            reader, writer = await asyncio.open_connection(host, int(port))
            stack.callback(writer.close)
            silent.append(reader)
        assert await get(http, f"{address}/healthz") == (200, {"alive": True})
        assert await silent[0].read() == b""  # the longest without a word had to go
        files = daemon.files([1 * MB])
        await running.tells("upload.published")
    assert_published_once(emulator.videos(), files)


# --- events ---------------------------------------------------------------------------------------------


async def test_events_come_as_they_happen(start: Any, http: aiohttp.ClientSession) -> None:
    _, daemon = await start()
    async with daemon.serving() as (_, address):
        async with http.get(f"{address}/api/events") as answer:
            assert answer.content_type == "text/event-stream"
            assert (await answer.content.readuntil(b"\n\n")) == b"retry: 2000\n\n"
            daemon.file("new\nline.mp4", 50 * KB)
            names = list[str]()
            async with asyncio.timeout(30):
                while "upload.published" not in names:
                    block = (await answer.content.readuntil(b"\n\n")).decode()
                    number, name, data = block.strip().split("\n")
                    document = json.loads(data.removeprefix("data: "))
                    assert number.startswith("id: ")
                    assert name == f"event: {document['event']}"
                    names.append(document["event"])
            assert document["path"] == f"{daemon.drop}/new\\nline.mp4"
        assert "upload.started" in names
        assert "segment.stored" not in names  # of level debug


async def test_the_end_of_the_daemon_ends_the_stream_and_waits_for_no_listener(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start()
    daemon.set(web__listen="127.0.0.1:0")
    async with daemon.started("run") as running:
        address = (await running.tells("service.ready"))["web"]
        async with http.get(f"{address}/api/events?level=debug") as answer:
            running.send(signal.SIGTERM)
            text = await answer.text()
            assert "service.draining" in text
        ended = await running.end(within=10)
    assert ended.code == 0, ended.text


# --- the page, and what it draws ------------------------------------------------------------------------


async def test_the_page_is_kept_by_a_browser_and_asked_for_again_only_if_it_changed(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start()
    async with daemon.serving() as (_, address):
        parts = {"index.html": "text/html", "main.js": "text/javascript", "app.css": "text/css"}
        for name, kind in (parts | {"icon.svg": "image/svg+xml"}).items():
            async with http.get(f"{address}/static/{name}") as answer:
                assert (answer.status, answer.content_type) == (200, kind)
                assert answer.headers["Cache-Control"] == "no-cache"
                assert "unsafe" not in answer.headers["Content-Security-Policy"]
                etag = answer.headers["ETag"]
            async with http.get(f"{address}/static/{name}", headers={"If-None-Match": etag}) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
                assert answer.headers["ETag"] == etag
            async with http.get(f"{address}/static/{name}", headers={"If-None-Match": '"x"'}) as answer:
                assert answer.status == 200
        for name in ("nothing.js", "..%2fguard.py", "%2e%2e/guard.py", "", "__init__.py"):
            assert (await get(http, f"{address}/static/{name}"))[0] == 404, name
        async with http.get(f"{address}/api/status") as answer:
            assert answer.headers["Cache-Control"] == "no-store"


async def test_who_shows_the_token_for_looking_on_sees_all_and_changes_nothing(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start(settings={"web__token": TOKEN, "web__view_token": VIEW_TOKEN})
    async with daemon.serving() as (running, address):
        views, changes = ({"Authorization": f"Bearer {token}"} for token in (VIEW_TOKEN, TOKEN))
        for path in ("/api/status", "/api/uploads", "/api/bandwidth", "/api/log", "/api/waiting"):
            assert (await get(http, f"{address}{path}", headers=views))[0] == 200, path
        async with http.get(f"{address}/metrics", headers=views) as answer:
            assert answer.status == 200
        for method, path in (
            ("POST", "/api/pause"),
            ("POST", "/api/resume"),
            ("POST", "/api/uploads/1/retry"),
            ("PUT", "/api/bandwidth"),
            ("PUT", "/api/log"),
            ("POST", "/nothing"),
        ):
            code, answer = await send(http, method, f"{address}{path}", headers=views)
            assert (code, answer["error"]) == (403, "this token lets you look on; changes need web.token")
        assert (await get(http, f"{address}/api/status", headers=views))[1]["may_change"] is False
        assert (await get(http, f"{address}/api/status", headers=changes))[1]["may_change"] is True
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            roles = {VIEW_TOKEN: False, TOKEN: True}
            for token in (VIEW_TOKEN, TOKEN, VIEW_TOKEN):  # the last one that was shown counts
                async with browser.post(
                    f"{address}/login", data={"token": token}, allow_redirects=False
                ) as answer:
                    assert answer.status == 303
                _, status = await get(browser, f"{address}/api/status")
                assert (status["signed_in"], status["may_change"]) == (True, roles[token])
                assert len(jar) == 1
            assert (await send(browser, "POST", f"{address}/api/pause"))[0] == 403
            async with browser.post(f"{address}/logout", allow_redirects=False) as answer:
                assert answer.headers["Location"] == "/login"
            assert (await get(browser, f"{address}/api/status"))[0] == 401
        assert (await send(http, "POST", f"{address}/api/pause", headers=changes))[0] == 200
        await running.tells("service.paused")
    assert VIEW_TOKEN not in running.err()


async def test_the_cover_of_a_video_is_shown_and_nothing_else_that_lies_beside_it(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start()
    image = b"\xff\xd8\xff" + b"picture" * 100 + b"\xff\xd9"
    daemon.drop.joinpath("a.jpg").write_bytes(image)
    daemon.file("a.mp4", 50 * KB)
    daemon.file("b.mp4", 51 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published", 2)
        _, answer = await get(http, f"{address}/api/uploads")
        ids = {row["path"][-5:]: row["id"] for row in answer["uploads"]}
        async with http.get(f"{address}/api/uploads/{ids['a.mp4']}/cover") as cover:
            assert (cover.status, cover.content_type) == (200, "image/jpeg")
            assert cover.headers["X-Content-Type-Options"] == "nosniff"
            assert await cover.read() == image
        # What came to lie there afterwards, and what is no image, is nobody's cover.
        daemon.drop.joinpath("b.jpg").write_bytes(b"<svg onload='alert(1)'/>")
        daemon.drop.joinpath("a.jpg").unlink()
        daemon.drop.joinpath("a.jpg").symlink_to(daemon.ledger)
        for number in (*ids.values(), 77):
            assert (await get(http, f"{address}/api/uploads/{number}/cover"))[0] == 404


async def test_how_many_posts_a_day_has_and_had_is_told(start: Any, http: aiohttp.ClientSession) -> None:
    _, daemon = await start(settings={"upload__posts_per_day": "9"})
    daemon.watch(posts_per_day=2)
    daemon.files([50 * KB])
    async with daemon.serving() as (running, address):
        await running.tells("upload.published")
        _, status = await get(http, f"{address}/api/status")
        assert status["quotas"] == [
            {"folder": "", "posts_per_day": 9, "posted_today": 1},
            {"folder": str(daemon.drop), "posts_per_day": 2, "posted_today": 1},
        ]
        assert status["accounts"][0]["expires_at"] is None


async def test_a_person_is_led_to_the_form_and_a_program_is_told(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving() as (running, address):
        async with http.get(address, headers={"Accept": "text/html"}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/login")
        async with http.get(f"{address}/api/status") as answer:
            assert (answer.status, "Basic" in answer.headers["WWW-Authenticate"]) == (401, True)
        async with http.get(f"{address}/api/status", headers={"Sec-Fetch-Mode": "cors"}) as answer:
            assert (answer.status, answer.headers.get("WWW-Authenticate")) == (401, None)
        for name in ("base.css", "main.js"):
            async with http.get(f"{address}/static/{name}") as answer:
                assert answer.status == 200
        login, other = f"{address}/login", {"Origin": "https://evil.example"}
        assert (await send(http, "POST", login, data={"token": TOKEN}, headers=other))[0] == 403
        assert (await send(http, "POST", login, json={"token": TOKEN}))[0] == 415
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.post(login, data={"token": TOKEN}, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/")
            assert (await get(browser, f"{address}/api/status"))[1]["signed_in"] is True
            assert (await send(browser, "POST", f"{address}/api/pause", headers=other))[0] == 403
            async with browser.post(f"{address}/logout", allow_redirects=False) as answer:
                assert answer.headers["Location"] == "/login"
            assert (await get(browser, f"{address}/api/status"))[0] == 401
        codes = [await _guess(http, login, str(guess)) for guess in range(12)]
        assert (codes[0], codes[-1]) == (403, 429)
        assert await _guess(http, login, TOKEN) == 303  # it was shown from here before
        await running.tells("web.refused")
        assert len(running.told("web.refused")) == 2  # before the token was shown, and after


async def test_signing_out_ends_the_session_wherever_its_cookie_is_and_over_a_restart(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving() as (_, address):
        cookies = list[dict[str, str]]()
        for origin in (address, address.replace("http:", "https:")):
            shown = {"data": {"token": TOKEN}, "headers": {"Origin": origin}}
            async with http.post(f"{address}/login", allow_redirects=False, **shown) as answer:
                set_cookie = answer.headers["Set-Cookie"]
                assert ("Secure" in set_cookie) is origin.startswith("https:")
                cookies.append({"Cookie": set_cookie.partition(";")[0]})
        copied, other = cookies
        assert (await get(http, f"{address}/api/status", headers=copied))[0] == 200
        async with http.post(f"{address}/logout", headers=copied, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/login"
        assert (await get(http, f"{address}/api/status", headers=copied))[0] == 401
        assert (await get(http, f"{address}/api/status", headers=other))[0] == 200
    async with daemon.serving() as (_, address):
        assert (await get(http, f"{address}/api/status", headers=copied))[0] == 401
        assert (await get(http, f"{address}/api/status", headers=other))[0] == 200


async def test_what_is_no_form_is_refused_in_words_and_counts_as_a_wrong_token(
    start: Any, http: aiohttp.ClientSession
) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    form = "application/x-www-form-urlencoded"
    async with daemon.serving() as (running, address):
        codes = list[int]()
        for kind, body in [(form, b"token=\xff"), (f"{form}; charset=nosuch", b"token=x")] * 6:
            code, answer = await send(
                http, "POST", f"{address}/login", data=body, headers={"Content-Type": kind}
            )
            codes.append(code)
            assert "bug" not in answer["error"]
        assert codes == [400, 415] * 5 + [429] * 2
        assert running.told("web.trouble") == []
        assert len(running.told("web.refused")) == 1


async def _guess(http: aiohttp.ClientSession, login: str, token: str) -> int:
    async with http.post(login, data={"token": token}, allow_redirects=False) as answer:
        return answer.status


async def test_where_bytes_are_is_told_in_pulses_and_how_quickly_they_leave(
    start: Any, http: aiohttp.ClientSession
) -> None:
    settings = {"upload__bandwidth": "256KiB/s", "upload__segment_size": "64KiB", "upload__connections": "2"}
    emulator, daemon = await start(settings=settings)
    daemon.file("a.mp4", 2 * MB)
    async with daemon.serving() as (running, address):
        await until(lambda: received(emulator) > 300 * KIB)
        async with http.get(f"{address}/api/events", params={"pulse": "100", "level": "error"}) as answer:
            pulses = [await _pulse(answer) for _ in range(8)]
        first, last = (pulse["sending"][0] for pulse in (pulses[0], pulses[-1]))
        assert (first["id"], first["path"], first["size"]) == (1, f"{daemon.drop}/a.mp4", 2 * MB)
        assert (first["mode"], first["host"].partition(":")[0]) == ("parallel", "127.0.0.1")
        assert last["sent"] > first["sent"]
        assert sum(stop - start for start, stop in last["held"]) == last["received"] > 0
        for start_at, stop, on_line in last["in_flight"]:
            assert 0 <= on_line <= stop - start_at <= 64 * KIB
        assert (last["again"], last["doubtful"]) == ([], [])
        assert 100 * KIB < pulses[-1]["speed"] < 600 * KIB
        _, sending = await get(http, f"{address}/api/sending")
        assert sending["sending"][0]["id"] == 1
        _, speed = await get(http, f"{address}/api/speed")
        assert sum(speed["bytes"]) > 300 * KIB
        assert (speed["step"], speed["passed"] <= 10) == (10.0, True)
        code, _ = await send(http, "PUT", f"{address}/api/bandwidth", json={"limit": "off"})
        assert code == 200
        await running.tells("upload.published")
        assert (await get(http, f"{address}/api/sending"))[1]["sending"] == []
        _, answer_of_weeks = await get(http, f"{address}/api/published")
        [hour] = answer_of_weeks["hours"]
        assert (hour["files"], hour["bytes"]) == (1, 2 * MB)


async def _pulse(answer: aiohttp.ClientResponse) -> Any:
    """The next pulse of a stream."""
    async with asyncio.timeout(30):
        while True:
            block = (await answer.content.readuntil(b"\n\n")).decode()
            if block.startswith("event: pulse\n"):
                return json.loads(block.partition("data: ")[2])


async def test_who_waits_is_told_apart_from_who_has_only_not_had_its_turn(
    start: Any, http: aiohttp.ClientSession
) -> None:
    settings = {"retry__first_delay": "60s", "retry__max_delay": "10m", "upload__workers": "1"}
    _, daemon = await start("error_500_before_storing:method=video.getUploadUrl,times=1", settings=settings)
    daemon.watch(rescan="100ms")
    async with daemon.serving() as (running, address):
        daemon.file("later.mp4", 20 * KB)
        await running.tells("upload.trouble")
        await send(http, "POST", f"{address}/api/pause")
        await running.tells("service.paused")
        daemon.file("queued.mp4", 20 * KB)
        await running.tells("file.settled", 2)
        url, query = f"{address}/api/uploads", {"state": "queued,uploading,finalizing"}
        _, page = await get(http, url, params=query | {"waits": "yes"})
        assert [row["path"].rpartition("/")[2] for row in page["uploads"]] == ["later.mp4"]
        assert "500" in page["uploads"][0]["reason"]
        _, page = await get(http, url, params=query | {"waits": "no", "folder": str(daemon.drop)})
        assert [row["path"].rpartition("/")[2] for row in page["uploads"]] == ["queued.mp4"]
        assert page["uploads"][0]["reason"] is None
        assert (await get(http, url, params={"folder": "/elsewhere"}))[0] == 404
        assert (await get(http, url, params={"waits": "perhaps"}))[0] == 400
