from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from emulator.talk import md5

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.talk import Talk


async def test_a_call_goes_by_both_addresses_and_both_verbs(talk: Talk) -> None:
    parameters = talk.signed(method="users.getCurrentUser")
    answers = [
        await talk.ask("POST", "/fb.do", data=parameters),
        await talk.ask("POST", "/api/users/getCurrentUser", data=talk.signed()),
    ]
    async with talk.session.get(talk.emulator.url + "/fb.do", params=parameters) as response:
        assert (await response.json())["uid"] == "1"
    assert [answer.json["uid"] for answer in answers] == ["1", "1"]


async def test_the_secret_is_made_of_token_and_application_unless_the_session_has_one(
    start: Callable[..., Any],
) -> None:
    talk = await start(session_secret_key="of the session")
    wrong = await talk.ask("POST", "/fb.do", data=talk.signed(method="users.getCurrentUser"))
    right = await talk.ask(
        "POST", "/fb.do", data=talk.signed(secret="of the session", method="users.getCurrentUser")
    )
    assert wrong.json["error_code"] == 104
    assert right.json["uid"] == "1"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"application_key": "another"}, 101),
        ({"access_token": "old"}, 102),
        ({"access_token": "another"}, 103),
        ({"secret": md5("another")}, 104),
        ({"method": "video.sing"}, 3),
    ],
)
async def test_who_calls_is_checked(start: Callable[..., Any], changed: dict[str, str], code: int) -> None:
    talk = await start(expired_tokens=("old",))
    answer = await talk.ask(
        "POST", "/fb.do", data=talk.signed(**{"method": "users.getCurrentUser"} | changed)
    )
    assert answer.status == 200
    assert answer.headers["Invocation-Error"] == str(code)
    assert answer.json["error_code"] == code
    assert answer.json["error_data"] is None
    assert " : " in answer.json["error_msg"]


async def test_without_format_an_error_is_plain_text(talk: Talk) -> None:
    answer = await talk.call("video.sing", format="xml")
    assert answer.text == "3:METHOD : method does not exist"


@pytest.mark.parametrize(
    ("size", "detail"), [("16383", "FileToSmall"), ("9999999999999", "FileToLarge"), ("x", "")]
)
async def test_a_file_that_is_not_taken(talk: Talk, size: str, detail: str) -> None:
    answer = await talk.call("video.getUploadUrl", file_name="a.mp4", file_size=size)
    assert answer.json["error_code"] == 100
    assert detail in answer.json["error_msg"]
    assert talk.emulator.videos() == []


@pytest.mark.parametrize("as_text", [False, True])
async def test_no_float_holds_a_video_id(start: Callable[..., Any], *, as_text: bool) -> None:
    talk = await start(text_ids=as_text)
    for _ in range(5):
        given = (await talk.call("video.getUploadUrl", file_name="a.mp4", file_size="0")).json["video_id"]
        assert isinstance(given, str if as_text else int)
        assert int(float(given)) != int(given)


async def test_the_upload_url_is_escaped_and_names_its_end(talk: Talk) -> None:
    _, url = await talk.ticket()
    assert url.startswith(talk.emulator.url + "/upload.do?sig=")
    assert "%2F" in url
    assert "%2B" in url
    assert "&expires=" in url


async def test_update_wants_the_whole_file_and_is_counted(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    early = await talk.call("video.update", vid=video_id, title="early")
    assert early.json["error_code"] == 100
    await talk.post(url, 0, 100_000)
    for title in ("first", "second"):
        answer = await talk.call(
            "video.update", vid=video_id, title=title, description="d", tags="a,b", privacy="FRIENDS"
        )
        assert (answer.status, answer.text) == (200, "")
    account = talk.account(video_id)
    assert (account["title"], account["updates"], account["published"]) == ("second", 2, True)
    assert (account["description"], account["tags"], account["privacy"]) == ("d", "a,b", "FRIENDS")


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": "x" * 1001},
        {"description": "x" * 4001},
        {"tags": "x" * 1001},
        {"privacy": "ALL"},
        {"vid": "x"},
    ],
)
async def test_update_has_limits(talk: Talk, wrong: dict[str, str]) -> None:
    video_id, _ = await talk.whole()
    answer = await talk.call("video.update", **{"vid": video_id} | wrong)
    assert answer.json["error_code"] == 100
    assert not talk.account(video_id)["published"]


async def test_a_video_grows_ready_look_by_look(start: Callable[..., Any]) -> None:
    talk = await start(processing_looks=2)
    video_id, url = await talk.ticket()

    async def look() -> str:
        return str(
            (await talk.call("video.get", vids=video_id, fields="video.*")).json["videos"][0]["status"]
        )

    assert await look() == "UPLOADING"
    await talk.post(url, 0, 100_000)
    assert [await look() for _ in range(4)] == ["PROCESSING", "PROCESSING", "OK", "OK"]


async def test_a_video_may_end_otherwise(talk: Talk) -> None:
    video_id, _ = await talk.whole()
    talk.emulator.faults.set("final_status", status="CENSORED")
    for _ in range(2):
        answer = await talk.call("video.get", vids=video_id)
    assert answer.json["videos"][0]["status"] == "CENSORED"


async def test_a_video_may_be_told_of_otherwise_for_a_while(talk: Talk) -> None:
    video_id, _ = await talk.whole()
    talk.emulator.faults.set("video_status", times=2)
    answers = [await talk.call("video.get", vids=video_id) for _ in range(3)]
    told = [answer.json["videos"][0]["status"] for answer in answers]
    assert told == ["ON_MODERATION", "ON_MODERATION", "OK"]


async def test_a_deleted_video_is_gone_but_not_from_the_account(talk: Talk) -> None:
    video_id, url = await talk.whole()
    assert (await talk.call("video.delete", vid=video_id)).text == ""
    assert (await talk.call("video.delete", vid=video_id)).json["error_code"] == 300
    assert (await talk.call("video.update", vid=video_id)).json["error_code"] == 300
    assert (await talk.call("video.get", vids=video_id)).json == {"videos": []}
    assert (await talk.status(url)).status == 404
    assert talk.account(video_id)["deleted"]


async def test_calls_errors_and_being_online_are_counted(talk: Talk) -> None:
    await talk.call("users.getCurrentUser", __online="false")
    await talk.call("video.sing")
    summary = talk.emulator.summary()
    assert summary["calls"] == {"users.getCurrentUser": 1, "video.sing": 1}
    assert summary["online"] == {"false": 1, "absent": 1}
    assert summary["errors"] == {"3": 1}


async def test_an_api_error_is_what_it_is_told_to_be(talk: Talk) -> None:
    with talk.emulator.faults.active("api_error", code=8, method="video.getUploadUrl", times=1):
        failed = await talk.call("video.getUploadUrl", file_name="a", file_size="0")
        assert "video_id" in (await talk.call("video.getUploadUrl", file_name="a", file_size="0")).json
    assert failed.json["error_code"] == 8
    assert failed.json["error_msg"].startswith("FLOOD_BLOCKED : ")


@pytest.mark.parametrize(
    ("kind", "beginning"), [("html", "<html>"), ("empty", ""), ("truncated", '{"videos": [')]
)
async def test_garbage_does_nothing(talk: Talk, kind: str, beginning: str) -> None:
    with talk.emulator.faults.active("garbage", kind=kind, method="video.getUploadUrl"):
        answer = await talk.call("video.getUploadUrl", file_name="a", file_size="0")
    assert answer.status == 200
    assert answer.text.startswith(beginning)
    assert talk.emulator.videos() == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [("redirect", 302), ("error_500_before_storing", 500), ("error_503", 503)],
)
async def test_trouble_of_the_hosts_own_can_strike_the_api(talk: Talk, fault: str, status: int) -> None:
    with talk.emulator.faults.active(fault, method="api"):
        assert (await talk.call("video.getUploadUrl", file_name="a", file_size="0")).status == status
    assert talk.emulator.videos() == []


async def test_an_answer_can_be_lost_or_spoilt_after_the_work_was_done(talk: Talk) -> None:
    lost = talk.emulator.faults.active("lost_api_answer", method="video.getUploadUrl")
    with lost, pytest.raises(aiohttp.ClientConnectionError):
        await talk.ticket()
    with talk.emulator.faults.active("error_500_after_storing", method="video.getUploadUrl"):
        assert (await talk.call("video.getUploadUrl", file_name="a", file_size="0")).status == 500
    assert len(talk.emulator.videos()) == 2


async def test_what_one_user_has_no_other_may_see_or_change(start: Callable[..., Any]) -> None:
    talk = await start(others={"kids-token": "Kids"})
    mine, _ = await talk.whole()
    kids = {"access_token": "kids-token"}
    assert (await talk.call("users.getCurrentUser", **kids)).json["name"] == "Kids"
    assert (await talk.call("video.get", vids=mine, **kids)).json["videos"] == []
    for method in ("video.update", "video.delete"):
        assert (await talk.call(method, vid=mine, **kids)).json["error_code"] == 10
    answer = await talk.call("video.getUploadUrl", file_name="k.mp4", file_size="100000", **kids)
    theirs = str(answer.json["video_id"])
    assert (await talk.call("video.delete", vid=theirs)).json["error_code"] == 10
    assert [video["owner"] for video in talk.emulator.videos()] == ["", "Kids"]


async def test_one_token_ends_and_begins_again(start: Callable[..., Any]) -> None:
    talk = await start(others={"kids-token": "Kids"})
    talk.emulator.sessions.end("kids-token")
    answer = await talk.call("users.getCurrentUser", access_token="kids-token")
    assert answer.json["error_code"] == 102
    assert (await talk.call("users.getCurrentUser")).json["uid"] == "1"
    talk.emulator.sessions.begin("kids-token")
    assert (await talk.call("users.getCurrentUser", access_token="kids-token")).json["name"] == "Kids"
