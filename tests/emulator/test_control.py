from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.talk import SIZE, content

if TYPE_CHECKING:
    from emulator.talk import Talk


async def test_the_account_is_the_same_over_http(talk: Talk) -> None:
    video_id, _ = await talk.whole()
    accounts = (await talk.ask("GET", "/emulator/videos")).json
    assert accounts == talk.emulator.videos()
    assert (await talk.ask("GET", f"/emulator/videos/{video_id}")).json == accounts[0]
    assert accounts[0]["requests"][0]["content_range"] == f"bytes 0-{SIZE - 1}/{SIZE}"
    assert (await talk.ask("GET", "/emulator/videos/1")).status == 404


async def test_the_summary_counts(talk: Talk) -> None:
    await talk.whole()
    await talk.ticket()
    summary = (await talk.ask("GET", "/emulator/summary")).json
    assert summary["states"] == {"PROCESSING": 1, "UPLOADING": 1}
    assert summary["calls"] == {"video.getUploadUrl": 2}
    assert (summary["received"], summary["max_in_flight"], summary["published"]) == (SIZE, 1, 0)


async def test_another_process_switches_faults(talk: Talk) -> None:
    faults = "/emulator/faults"
    put = await talk.ask("PUT", faults, json=[{"name": "error_503", "times": 1}, "slow:rate=9"])
    assert [fault["name"] for fault in put.json["active"]] == ["error_503", "slow"]
    assert "cut_after_bytes" in put.json["known"]
    await talk.ask("POST", faults, json={"name": "latency", "seconds": 0})
    _, url = await talk.ticket()
    assert (await talk.status(url)).status == 503
    active = (await talk.ask("DELETE", faults + "?name=slow")).json["active"]
    assert [(fault["name"], fault["fired"]) for fault in active] == [("error_503", 1), ("latency", 2)]
    assert (await talk.ask("DELETE", faults)).json["active"] == []


@pytest.mark.parametrize(
    "wrong", ['[{"name": "cut"}]', '["cut"]', "{", "7", '[{"name": "slow", "rate": null}]']
)
async def test_a_wrong_fault_changes_nothing(talk: Talk, wrong: str) -> None:
    talk.emulator.faults.set("slow")
    answer = await talk.ask("PUT", "/emulator/faults", data=wrong)
    assert answer.status == 400
    assert answer.text
    assert [fault["name"] for fault in talk.emulator.faults.plain()] == ["slow"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.mp4", "video/mp4"), ("a.html", "application/octet-stream"), ("", "application/octet-stream")],
)
async def test_the_content_plays_by_range_and_runs_nowhere(talk: Talk, name: str, kind: str) -> None:
    video_id, _ = await talk.whole(name=name)
    address = f"{talk.emulator.url}/emulator/videos/{video_id}/content"
    async with talk.session.get(address, headers={"Range": "bytes=10-19"}) as response:
        assert (response.status, await response.read()) == (206, content()[10:20])
        assert response.headers["Content-Type"] == kind
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_there_is_no_content_of_half_a_video(talk: Talk) -> None:
    video_id, _ = await talk.ticket()
    assert (await talk.ask("GET", f"/emulator/videos/{video_id}/content")).status == 404
