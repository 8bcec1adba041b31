from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from emulator.talk import SIZE
from okdrop.emulator import Mode, StatusForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.talk import Talk


async def two_islands(talk: Talk) -> str:
    """An upload that holds 0-9999 and 20000-29999."""
    _, url = await talk.ticket()
    await talk.post(url, 20_000, 30_000)
    await talk.post(url, 0, 10_000)
    return url


@pytest.mark.parametrize(
    ("form", "header", "body"),
    [
        ("auto", "0-9999/100000,20000-29999/100000", ""),
        ("range-header", "0-9999/100000,20000-29999/100000", ""),
        ("range-header-bytes", "bytes 0-9999/100000,20000-29999/100000", ""),
        ("range-header-bare", "0-9999,20000-29999", ""),
        ("body", None, "0-9999/100000"),
        ("body-comma", None, "0-9999/100000,20000-29999/100000"),
        ("body-newline", None, "0-9999/100000\n20000-29999/100000"),
        ("body-bytes", None, "bytes 0-9999/100000,20000-29999/100000"),
        ("body-bare", None, "0-9999,20000-29999"),
        ("last-known-byte", None, ""),
        ("integer", None, "10000"),
        ("json", None, '{"ranges": ["0-9999", "20000-29999"], "size": 100000, "last_known_byte": 9999}'),
        ("empty", None, ""),
        ("unknown", None, "state=RECEIVING;node=17"),
    ],
)
async def test_every_form(talk: Talk, form: str, header: str | None, body: str) -> None:
    url = await two_islands(talk)
    with talk.emulator.faults.active("status_form", form=form):
        answer = await talk.status(url)
    assert (answer.status, answer.headers.get("Range"), answer.text) == (200, header, body)
    assert answer.headers.get("X-Last-Known-Byte") == ("9999" if form == "last-known-byte" else None)


async def test_without_the_mode_header_islands_are_hidden(talk: Talk) -> None:
    url = await two_islands(talk)
    assert (await talk.status(url, parallel=False)).text == "0-9999/100000"
    with talk.emulator.faults.active("status_form", form="body-comma"):
        assert (await talk.status(url, parallel=False)).text == "0-9999/100000"


async def test_the_sequential_server_knows_no_mode_header(start: Callable[..., Any]) -> None:
    talk = await start(mode=Mode.SEQUENTIAL, status_form=StatusForm.RANGE_HEADER)
    _, url = await talk.ticket()
    assert (await talk.post(url, 20_000, 30_000)).status == 416
    await talk.post(url, 0, 10_000)
    assert (await talk.status(url)).headers["Range"] == "0-9999/100000"


@pytest.mark.parametrize("form", ["404", "416", "200"])
async def test_a_fresh_url(talk: Talk, form: str) -> None:
    _, url = await talk.ticket()
    with talk.emulator.faults.active("fresh_form", form=form):
        answer = await talk.status(url)
    assert (answer.status, answer.text) == (int(form), "")


async def test_a_whole_file_is_told_whole(talk: Talk) -> None:
    _, url = await talk.whole()
    assert (await talk.status(url)).headers["Range"] == f"0-{SIZE - 1}/{SIZE}"


async def test_a_stale_account_is_that_of_some_segments_ago(talk: Talk) -> None:
    url = await two_islands(talk)
    with talk.emulator.faults.active("stale_account"):
        assert (await talk.status(url)).headers["Range"] == "20000-29999/100000"
    with talk.emulator.faults.active("stale_account", segments=2):
        assert (await talk.status(url)).status == 404


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("extra", "0-14999/100000,20000-29999/100000"),
        ("less", "0-9999/100000,20000-24999/100000"),
        ("off-by-one", "0-10000/100000,20000-30000/100000"),
    ],
)
async def test_a_wrong_account(talk: Talk, kind: str, told: str) -> None:
    url = await two_islands(talk)
    with talk.emulator.faults.active("wrong_account", kind=kind, bytes=5000):
        assert (await talk.status(url)).headers["Range"] == told


async def test_a_wrong_total(talk: Talk) -> None:
    url = await two_islands(talk)
    with talk.emulator.faults.active("wrong_total", by=7):
        assert (await talk.status(url)).headers["Range"] == "0-9999/100007,20000-29999/100007"


async def test_garbage_and_errors_can_strike_the_status(talk: Talk) -> None:
    url = await two_islands(talk)
    with talk.emulator.faults.active("garbage", kind="error", method="status"):
        assert json.loads((await talk.status(url)).text)["error_code"] == 1
    with talk.emulator.faults.active("error_503", retry_after=7):
        answer = await talk.status(url)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
