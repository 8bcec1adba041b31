"""The ledger as it is shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from okdrop.drop import Drop, Failure, Revision, State, Ticket, Upload
from okdrop.ledger import HistoryRow
from okdrop.report import history_as_json, rfc3339, status_as_json, status_as_text, upload_as_json

AT = datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
SECRET = "SECRETSIGNATURE"
FIELDS = ["id", "path", "size", "state", "video_id", "received", "attempts", "failure", "updated_at"]


def upload(path: bytes = b"/srv/a.mp4", **facts: Any) -> Upload:
    revision = Revision(device=1, inode=2, size=200, mtime_ns=3)
    facts = {"state": State.QUEUED} | facts
    drop = Drop(path=path, revision=revision, folder="/srv")
    return Upload(id=7, drop=drop, version=1, created_at=AT, updated_at=AT, **facts)


def drawn(*rows: Upload, counts: dict[State, int] | None = None) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(status_as_text(counts or {}, rows))
    return capture.get()


def test_moments_are_utc() -> None:
    assert rfc3339(AT) == "2030-01-02T03:04:05.678Z"


def test_an_upload_has_the_fields_of_the_contract() -> None:
    url = f"https://vu.okcdn.ru/upload.do?sig={SECRET}"
    ticket = Ticket(video_id="67108864000000001", upload_url=url, issued_at=AT)
    failure = Failure(code="bad_file", message="OK refuses this file", hint="look at it")
    told = upload_as_json(upload(state=State.FAILED, ticket=ticket, failure=failure, received=50, attempts=2))
    assert list(told)[: len(FIELDS)] == FIELDS
    assert (told["id"], told["video_id"], told["size"]) == (7, "67108864000000001", 200)
    assert told["failure"] == {"code": "bad_file", "message": "OK refuses this file", "hint": "look at it"}
    assert told["updated_at"] == "2030-01-02T03:04:05.678Z"
    assert SECRET not in json.dumps(told)


def test_an_upload_without_ticket_or_failure() -> None:
    told = upload_as_json(upload())
    assert (told["video_id"], told["failure"], told["retry_at"]) == ("", None, None)
    waiting = upload_as_json(upload(retry_at=AT + timedelta(seconds=1)))
    assert waiting["retry_at"] == "2030-01-02T03:04:06.678Z"


def test_a_path_of_any_bytes_comes_through_json_and_back() -> None:
    told = json.loads(json.dumps(upload_as_json(upload(b"/srv/\xff\xd0\x96.mp4"))))
    assert told["path"] == "/srv/\udcffЖ.mp4"
    assert told["path"].encode("utf-8", "surrogateescape") == b"/srv/\xff\xd0\x96.mp4"


def test_every_state_is_counted() -> None:
    told = status_as_json({State.FAILED: 2}, [upload()])
    assert told["counts"] == {state.value: 2 if state is State.FAILED else 0 for state in State}
    assert [row["id"] for row in told["uploads"]] == [7]


def test_history() -> None:
    steps = [
        HistoryRow(upload_id=7, at=AT, from_state=None, to_state=State.QUEUED, version=1, note="settled"),
        HistoryRow(upload_id=7, at=AT, from_state=State.QUEUED, to_state=State.UPLOADING, version=2, note=""),
    ]
    first, second = history_as_json(steps)
    assert first == {"at": rfc3339(AT), "from": None, "to": "queued", "note": "settled"}
    assert (second["from"], second["to"]) == ("queued", "uploading")


def test_for_a_persons_eyes() -> None:
    text = drawn(upload(received=50, state=State.UPLOADING), counts={State.UPLOADING: 1})
    assert "/srv/a.mp4" in text
    assert "25 %" in text
    assert "1 uploading" in text


def test_a_failure_is_shown_with_its_reason() -> None:
    failure = Failure(code="bad_file", message="OK refuses this file")
    assert "bad_file: OK refuses this file" in drawn(upload(state=State.FAILED, failure=failure))


def test_a_name_is_never_taken_for_markup() -> None:
    assert "[red]x[/nonsense].mp4" in drawn(upload(b"[red]x[/nonsense].mp4"))


def test_nothing_to_show() -> None:
    assert "nothing was ever dropped" in drawn()


def test_what_is_held_is_counted_with_what_to_do() -> None:
    shown = drawn(upload(held=True), upload(), counts={State.QUEUED: 2})
    assert "1 held: okdrop go releases them" in shown
    assert "okdrop adopt" in shown
    assert "held:" not in drawn(upload())
    assert [upload_as_json(row)["held"] for row in (upload(held=True), upload())] == [True, False]
