"""The simple mode, as a client meets it: one file in one request (protocol.md 1.2)."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from emulator.talk import SIZE, Talk, content, until
from okdrop.emulator import Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.talk import Answer

LOST = (aiohttp.ClientConnectionError, ConnectionError)
SHA256 = hashlib.sha256(content()).hexdigest()
BOUNDARY = "a-boundary-that-no-file-holds"


async def send(talk: Talk, url: str, data: bytes | None = None, **fields: str) -> Answer:
    form = aiohttp.FormData(fields, default_to_multipart=True)
    form.add_field("data", content() if data is None else data, filename="a.mp4")
    return await talk.ask("POST", url, data=form)


async def raw(talk: Talk, url: str, body: bytes, **headers: str) -> Answer:
    """A form as it stands."""
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return await talk.ask("POST", url, data=body, headers=kind | headers)


def part(data: bytes, name: str = "a.mp4") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


async def test_a_form_is_a_whole_file(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    answer = await send(talk, url, note="no file")
    assert (answer.status, answer.text) == (200, "<retval>1</retval>")
    account = talk.account(video_id)
    assert (account["sha256"], account["held"], account["received"]) == (SHA256, SIZE, SIZE)
    assert (account["mode"], account["segments"], account["held_bytes_resent"]) == ("multipart", 1, 0)
    assert account["requests"][-1]["content_type"] == "multipart/form-data"
    assert (await talk.call("video.get", vids=video_id)).json["videos"][0]["status"] == "PROCESSING"
    assert (await talk.call("video.update", vid=video_id, title="A")).status == 200


async def test_a_second_form_counts_as_again_and_spoils_nothing(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    await send(talk, url)
    assert (await send(talk, url, b"x" * SIZE)).text == "<retval>1</retval>"
    account = talk.account(video_id)
    assert (account["sha256"], account["received"]) == (SHA256, 2 * SIZE)
    assert (account["held_bytes_resent"], account["segments"]) == (SIZE, 2)
    with talk.emulator.faults.active("expire_url"):
        assert (await send(talk, url)).status == 403
    assert talk.account(video_id)["whole"]


async def test_one_url_is_used_one_way(talk: Talk) -> None:
    first, url = await talk.ticket()
    assert (await talk.post(url, 0, 10_000)).status == 201
    assert (await send(talk, url)).status == 415
    assert (talk.account(first)["mode"], talk.account(first)["held"]) == ("renewable", 10_000)
    second, url = await talk.ticket()
    with talk.emulator.faults.active("cut_after_bytes", bytes=10_000), pytest.raises(LOST):
        await send(talk, url)
    assert (await talk.post(url, 0, 10_000)).status == 415
    assert (talk.account(second)["mode"], talk.account(second)["held"]) == ("multipart", 0)
    assert (await send(talk, url)).status == 200


async def test_the_mode_outlives_the_process(start: Callable[..., Any]) -> None:
    talk = await start()
    video_id, url = await talk.ticket()
    await send(talk, url)
    options: Options = talk.emulator.options
    await talk.emulator.__aexit__()
    again = await start(data_dir=options.data_dir)
    assert (again.account(video_id)["mode"], again.account(video_id)["sha256"]) == ("multipart", SHA256)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        END,
        part(content()),
        part(content())[:-10],
        part(content()[:-1]) + END,
        part(content() + b"x") + END,
        part(content()) + part(content()) + END,
        part(content()).replace(b"; filename", b"; nofilename") + END,
        b"no form at all\r\n",
        f"--{BOUNDARY}\r\n".encode(),
    ],
    ids=range(10),
)
async def test_a_form_that_will_not_do(talk: Talk, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    video_id, url = await talk.ticket()
    assert (await raw(talk, url, body)).status == 400
    account = talk.account(video_id)
    assert (account["held"], account["whole"]) == (0, False)
    assert not caplog.records
    assert (await raw(talk, url, part(content()) + END)).status == 200, "and the next one is taken"
    assert talk.account(video_id)["sha256"] == SHA256


async def test_without_a_length_it_is_refused(talk: Talk) -> None:
    _, url = await talk.ticket()

    async def chunks() -> Any:
        yield part(content()) + END

    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    assert (await talk.ask("POST", url, data=chunks(), headers=kind)).status == 411


async def test_a_file_that_is_too_large_is_refused_before_its_bytes(start: Callable[..., Any]) -> None:
    talk = await start(maximum_form_size=50_000)
    video_id, url = await talk.ticket()
    assert (await send(talk, url)).status == 413
    _, url = await talk.ticket(50_001)
    assert (await send(talk, url, content(50_001))).status == 413, "told by its bytes alone"
    _, url = await talk.ticket(50_000)
    assert (await send(talk, url, content(50_000))).status == 200
    assert not talk.account(video_id)["held"]
    assert Options(data_dir=talk.emulator.options.data_dir).maximum_form_size == 2 * 1024**3


@pytest.mark.parametrize(
    ("name", "values", "status", "whole"),
    [
        ("error_500_before_storing", {}, 500, False),
        ("error_500_after_storing", {}, 500, True),
        ("error_503", {"retry_after": 3}, 503, False),
        ("refuse", {"status": 413}, 413, False),
        ("expire_url", {"status": 410}, 410, False),
        ("redirect", {"status": 307}, 307, False),
        ("garbage", {"method": "segment"}, 200, False),
        ("url_dies_on_completion", {"lose_answer": False}, 200, True),
    ],
)
async def test_a_fault_strikes_a_form_too(
    talk: Talk, name: str, values: dict[str, Any], status: int, *, whole: bool
) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active(name, **values):
        answer = await send(talk, url)
    assert answer.status == status
    assert talk.account(video_id)["whole"] is whole
    assert answer.headers.get("Retry-After") == ("3" if status == 503 else None)
    if name == "url_dies_on_completion":
        assert (await talk.status(url)).status == 404


async def test_a_lost_answer_loses_no_byte(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("lost_answer"), pytest.raises(LOST):
        await send(talk, url)
    assert talk.account(video_id)["sha256"] == SHA256


@pytest.mark.parametrize("fault", ["cut_after_bytes", "stall"])
async def test_what_was_cut_leaves_nothing(talk: Talk, fault: str) -> None:
    video_id, url = await talk.ticket()
    values = {"seconds": 0.0} if fault == "stall" else {}
    with talk.emulator.faults.active(fault, bytes=30_000, **values), pytest.raises(LOST):
        await send(talk, url)
    await until(lambda: not talk.account(video_id)["in_flight"])
    account = talk.account(video_id)
    assert (account["held"], account["whole"], account["status"]) == (0, False, "UPLOADING")
    assert (await talk.status(url)).status == 404, "as a URL that nothing came to"
    assert (await send(talk, url)).status == 200


async def test_who_leaves_half_way_leaves_nothing(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    for body in (part(content())[:50_000], part(content())[:20]):
        video_id, url = await talk.ticket()
        sender = await talk.raw(
            url, 0, SIZE, parallel=False, **{"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        )
        await sender.send(body)
        await until(lambda url=video_id: bool(talk.account(url)["in_flight"]))
        await sender.leave()
        await until(lambda url=video_id: not talk.account(url)["in_flight"])
        assert not talk.account(video_id)["held"]
    assert not caplog.records


async def test_the_page_tells_how_the_bytes_came(talk: Talk) -> None:
    await talk.whole()
    _, url = await talk.ticket()
    await send(talk, url)
    page = (await talk.ask("GET", "/")).text
    assert re.findall(r"<span>(1 segment|one request)</span>", page) == ["one request", "1 segment"]
    await send(talk, url)
    assert "2 whole requests" in (await talk.ask("GET", "/")).text
