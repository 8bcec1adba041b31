"""Covers on OK's side: a URL, a form, a token, and a video.update that takes both."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yarl

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.talk import Talk

JPEG = b"\xff\xd8\xff" + bytes(100)


async def url_of(talk: Talk) -> tuple[str, str]:
    answer = await talk.call("photosV2.getUploadUrl", count="1")
    return answer.json["upload_url"], answer.json["photo_ids"][0]


async def bring(talk: Talk, url: str, data: bytes = JPEG, *, field: str = "pic1") -> Any:
    form = aiohttp.FormData()
    form.add_field(field, data, filename="a.jpg")
    async with talk.session.post(yarl.URL(url, encoded=True), data=form) as response:
        return await response.json()


async def test_an_image_gets_a_token_and_becomes_a_cover(talk: Talk) -> None:
    url, photo_id = await url_of(talk)
    token = (await bring(talk, url))["photos"][photo_id]["token"]
    video_id, _ = await talk.whole()
    said = await talk.call(
        "video.update", vid=video_id, title="t", cover_photo_id=photo_id, cover_photo_upload_token=token
    )
    assert said.text == ""
    (video,) = talk.emulator.videos()
    assert (video["cover"], video["published"]) == (hashlib.sha256(JPEG).hexdigest(), True)
    await talk.call("video.update", vid=video_id, title="t")
    assert talk.emulator.videos()[0]["cover"] == video["cover"]


async def test_a_token_that_is_not_the_photos_is_refused(talk: Talk) -> None:
    url, photo_id = await url_of(talk)
    video_id, _ = await talk.whole()
    for token in ("", "another"):
        said = await talk.call(
            "video.update", vid=video_id, cover_photo_id=photo_id, cover_photo_upload_token=token
        )
        assert said.json["error_code"] == 121
    assert not talk.emulator.videos()[0]["published"]
    assert (await bring(talk, url + "x"))["error_code"] == 104


@pytest.mark.parametrize(("data", "field"), [(b"text", "pic1"), (JPEG, "data")])
async def test_what_is_no_image_is_refused(talk: Talk, data: bytes, field: str) -> None:
    url, _ = await url_of(talk)
    assert (await bring(talk, url, data, field=field))["error_code"] == 500


async def test_photos_outlive_the_process(start: Callable[..., Any]) -> None:
    talk = await start()
    url, photo_id = await url_of(talk)
    token = (await bring(talk, url))["photos"][photo_id]["token"]
    video_id, _ = await talk.whole()
    await talk.emulator.__aexit__()
    talk = await start()
    said = await talk.call(
        "video.update", vid=video_id, title="t", cover_photo_id=photo_id, cover_photo_upload_token=token
    )
    assert said.text == ""
    assert await url_of(talk) != (url, photo_id)
