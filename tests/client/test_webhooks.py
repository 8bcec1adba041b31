"""A webhook is told once at a time, signed, and of its answer the status alone counts."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import hashlib
import hmac
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from okdrop.client import ClientSettings
from okdrop.client.webhooks import Address, Delivery, Webhooks, signature
from scripted import LOOPBACK_PEM

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

SECRET = "a secret of some length"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
SETTINGS = ClientSettings(api_url="https://api.ok.ru", upload_hosts=())


@contextlib.asynccontextmanager
async def receiver(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A real HTTP server on loopback; gives its address."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}/private-token/x?y=1"
    finally:
        await runner.cleanup()


async def told(url: str, **changes: Any) -> Delivery:
    address = Address(url=url, secret=SECRET, **{"timeout": 10.0} | changes)
    async with Webhooks(SETTINGS) as webhooks:
        return await webhooks.tell(address, key="7-3-published-x", event="published", body=b"{}", now=NOW)


def answering(status: int, **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, text="private-token")

    return answer


async def test_a_request_is_what_a_receiver_can_verify_by_the_standard() -> None:
    seen: list[tuple[str, Any, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path_qs, request.headers, await request.read()))
        return web.Response(status=204)

    async with receiver(answer) as url:
        assert (await told(url)).taken
    [(path, headers, body)] = seen
    assert path == "/private-token/x?y=1"
    assert body == b"{}"
    assert headers["Content-Type"] == "application/json"
    assert headers["okdrop-event"] == "published"
    key, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    assert (key, int(timestamp)) == ("7-3-published-x", int(NOW.timestamp()))
    proof = hmac.new(SECRET.encode(), f"{key}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(proof).decode()


def test_the_example_of_the_standard() -> None:
    # From standardwebhooks.com's own libraries.
    assert (
        signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize("part", ["secret", "key", "time", "body"])
def test_nothing_can_be_changed_without_the_secret(part: str) -> None:
    plain: dict[str, Any] = {"secret": SECRET, "key": "a", "time": 1, "body": b"{}"}
    other = plain | {part: {"secret": "another", "key": "b", "time": 2, "body": b"[]"}[part]}
    assert signature(*plain.values()) != signature(*other.values())


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_any_success_is_taken(status: int) -> None:
    async with receiver(answering(status)) as url:
        assert (await told(url)).taken


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 500, 503])
async def test_anything_else_is_not_and_only_the_host_is_named(status: int) -> None:
    async with receiver(answering(status)) as url:
        came = await told(url)
    assert not came.taken
    assert not came.gone
    assert f"HTTP {status}" in came.said
    assert "127.0.0.1" in came.said
    assert "private-token" not in came.said


async def test_gone_is_gone() -> None:
    async with receiver(answering(410)) as url:
        assert (await told(url)).gone


async def test_who_asks_us_to_wait_is_heard() -> None:
    async with receiver(answering(503, **{"Retry-After": "17"})) as url:
        assert (await told(url)).retry_after == 17.0


async def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async with receiver(answer) as url:
        came = await told(url)
    assert asked == ["/private-token/x"]
    assert "not followed" in came.said


async def test_one_that_hangs_is_left_after_its_time() -> None:
    async def answer(_request: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    async with receiver(answer) as url:
        came = await told(url, timeout=0.3)
    assert came == Delivery(taken=False, said="127.0.0.1: no answer in time")


async def test_an_answer_without_an_end_is_not_read() -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 100_000)
                sent += 100_000
        return response

    async with receiver(answer) as url:
        assert (await told(url)).taken
    assert sent < 50_000_000  # what the buffers of two sockets take


async def test_one_that_cuts_the_line_and_one_that_is_not_there() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with receiver(answer) as url:
        assert not (await told(url)).taken
    came = await told(url)
    assert not came.taken
    assert "private-token" not in came.said


async def test_authorities_that_cannot_be_read_just_now_are_trouble_and_not_the_end(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    settings = dataclasses.replace(SETTINGS, ca_file=str(ca_file))

    async def tell(url: str) -> Delivery:
        address = Address(url=url, secret=SECRET)
        return await webhooks.tell(address, key="k", event="published", body=b"{}", now=NOW)

    async with receiver(answering(200)) as url, Webhooks(settings) as webhooks:
        came = await tell(url)
        assert not came.taken
        assert "ca_file" in came.said
        assert "private-token" not in came.said
        shutil.copy(LOOPBACK_PEM, ca_file)
        assert (await tell(url)).taken


async def test_nothing_of_an_address_is_shown_but_its_host() -> None:
    address = Address(url="https://example.org/private-token", secret=SECRET)
    assert "private-token" not in repr(address)
    assert SECRET not in repr(address)
    assert address.host == "example.org"
