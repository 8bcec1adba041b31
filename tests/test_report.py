"""The ledger as it is shown."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from okdrop.documents import history_as_json, rfc3339, upload_as_json
from okdrop.drop import Chore, Drop, Failure, Revision, State, Ticket, Upload
from okdrop.ledger import HistoryRow, Orphans
from okdrop.publication import Closed, Cover, CoverState, Draft, Publication, Renew
from okdrop.report import (
    NO_ORPHANS,
    facts,
    status_as_json,
    status_as_lines,
    status_as_table,
    summary,
    upload_as_lines,
    upload_as_table,
)

AT = datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
SECRET = "SECRETSIGNATURE"
FIELDS = ["id", "path", "size", "state", "video_id", "received", "attempts", "failure", "updated_at"]


def upload(path: bytes = b"/srv/a.mp4", **facts: Any) -> Upload:
    revision = Revision(device=1, inode=2, size=200, mtime_ns=3)
    facts = {"state": State.QUEUED} | facts
    drop = Drop(path=path, revision=revision, folder="/srv")
    return Upload(id=7, drop=drop, version=1, created_at=AT, updated_at=AT, **facts)


TICKET = Ticket(
    video_id="67108864000000001", upload_url=f"https://vu.okcdn.ru/upload.do?sig={SECRET}", issued_at=AT
)


def drawn(*rows: Upload, counts: dict[State, int] | None = None, width: int = 200) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(status_as_table(counts or {}, rows))
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
    rows = [upload(), upload(b"/srv/\xff.mp4")]
    told = json.loads("".join(status_as_json({State.FAILED: 2}, rows, Orphans(waiting=3, given_up=1))))
    assert told["orphans"] == {"waiting": 3, "given_up": 1}
    assert told["counts"] == {state.value: 2 if state is State.FAILED else 0 for state in State}
    assert told["uploads"] == [upload_as_json(row) for row in rows]


def test_without_uploads_it_is_json_as_well() -> None:
    assert json.loads("".join(status_as_json({}, [], NO_ORPHANS)))["uploads"] == []


def test_history() -> None:
    steps = [
        HistoryRow(upload_id=7, at=AT, from_state=None, to_state=State.QUEUED, version=1, note="settled"),
        HistoryRow(upload_id=7, at=AT, from_state=State.QUEUED, to_state=State.UPLOADING, version=2, note=""),
    ]
    first, second = history_as_json(steps)
    assert first == {"at": rfc3339(AT), "from": None, "to": "queued", "note": "settled"}
    assert (second["from"], second["to"]) == ("queued", "uploading")


def test_a_terminal_gets_a_table() -> None:
    text = drawn(upload(received=50, state=State.UPLOADING), counts={State.UPLOADING: 1})
    assert "/srv/a.mp4" in text
    assert "25 %" in text
    assert "1 uploading" in text


def test_a_failure_is_shown_with_its_reason() -> None:
    failed = upload(state=State.FAILED, failure=Failure(code="bad_file", message="OK\nrefuses it"))
    assert "bad_file: OK\\nrefuses it" in drawn(failed)
    assert "bad_file: OK\\nrefuses it" in list(status_as_lines({State.FAILED: 1}, [failed]))[1]


@pytest.mark.parametrize("name", ["[red]x[/nonsense].mp4", ":smile:.mp4", "[link=x]y.mp4"])
def test_a_name_is_never_taken_for_markup(name: str) -> None:
    assert name in drawn(upload(name.encode()))


def test_nothing_to_show() -> None:
    assert "nothing was ever dropped" in drawn()
    assert list(status_as_lines({}, [])) == ["nothing was ever dropped"]


def test_a_narrow_table_folds_the_name_and_loses_nothing() -> None:
    name = "x" * 200 + ".mp4"
    lines = drawn(upload(f"/srv/{name}".encode(), ticket=TICKET), width=80).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "".join(line.split("│")[-2].strip() for line in lines if "│" in line) == f"/srv/{name}"
    assert any(TICKET.video_id in line for line in lines)


def test_in_a_pipe_an_upload_is_one_line_of_columns_whatever_its_name() -> None:
    path = b"/srv/tab\there\nand \xff" + b"x" * 200 + b".mp4"
    head, line, last = status_as_lines(
        {State.UPLOADING: 1}, [upload(path, state=State.UPLOADING, ticket=TICKET)]
    )
    assert head.split("\t") == ["id", "state", "held by OK", "size", "video", "file", "reason", "updated"]
    shown = "/srv/tab\\there\\nand \\xff" + "x" * 200 + ".mp4"
    assert line.split("\t") == [
        "7",
        "uploading",
        "0 %",
        "200",
        TICKET.video_id,
        shown,
        "",
        "2030-01-02T03:04:05.678Z",
    ]
    assert last == "1 uploading"
    assert list(status_as_lines({}, [upload()]))[1].split("\t")[4] == "-"  # an empty column is still one


def test_a_table_says_when_each_was_written_last() -> None:
    text = drawn(upload(state=State.SUPERSEDED, ticket=TICKET), width=80)
    assert "last, UTC" in text
    assert "01-02 03:04" in text


def test_what_ok_was_told_is_shown_where_it_is_known() -> None:
    known = upload(publication=Publication(words='["Ev\\nening", "", [], "FRIENDS", false]'))
    told = dict(facts(known))
    assert (told["upload"], told["title"], told["privacy"]) == ("7", "Ev\\nening", "FRIENDS")
    assert (upload_as_json(known)["title"], upload_as_json(known)["privacy"]) == ("Ev\nening", "FRIENDS")
    assert (upload_as_json(upload())["title"], upload_as_json(upload())["privacy"]) == (None, None)
    assert not {"title", "privacy"} & {*dict(facts(upload()))}


def test_a_step_that_changes_no_state_is_no_arrow() -> None:
    stays = dataclasses.replace(STEP, from_state=State.PUBLISHED, to_state=State.PUBLISHED)
    lines = [*upload_as_lines(upload(), [stays, STEP])]
    assert "  published  " in lines[-2]
    assert "→" not in lines[-2]
    assert "new → queued" in lines[-1]


def test_what_is_not_shown_is_counted() -> None:
    assert summary({State.PUBLISHED: 99, State.FAILED: 1}, 50) == (
        "99 published · 1 failed (the newest 50 of 100 are shown; --all shows all)"
    )
    assert summary({State.PUBLISHED: 99}, 99) == "99 published"


def test_what_is_left_at_ok_is_counted() -> None:
    assert summary({State.PUBLISHED: 9}, 9, orphans=Orphans(waiting=1, given_up=2)) == (
        "9 published · 1 empty entry at OK to be deleted · 2 empty entries at OK could not be deleted"
    )


STEP = HistoryRow(upload_id=7, at=AT, from_state=None, to_state=State.QUEUED, version=1, note="set\ntled")


def test_one_upload_is_told_in_full() -> None:
    failure = Failure(code="bad_file", message="OK refuses it", hint="look at it")
    row = upload(
        b"/srv/\n.mp4",
        state=State.FAILED,
        ticket=TICKET,
        tickets=2,
        received=50,
        bytes_sent=1250,
        attempts=3,
        failure=failure,
        retry_at=AT,
        last_trouble="http_503",
        duplicate_of=4,
    )
    *block, empty, step = upload_as_lines(row, [STEP])
    assert block == [
        "upload:      7",
        "path:        /srv/\\n.mp4",
        "state:       failed",
        "size:        200 bytes",
        "held by OK:  50 bytes, 25 %",
        "video:       67108864000000001, https://ok.ru/video/67108864000000001",
        "same as:     upload 4",
        "tickets:     2 of 5",
        "sent:        1,250 bytes, over all tickets",
        "attempts:    3",
        "next try:    2030-01-02T03:04:05.678Z, after http_503",
        "failure:     bad_file: OK refuses it",
        "hint:        look at it",
        "found:       2030-01-02T03:04:05.678Z",
        "last change: 2030-01-02T03:04:05.678Z",
    ]
    assert (empty, step) == ("", "2030-01-02T03:04:05.678Z  new → queued  set\\ntled")
    assert SECRET not in "".join(block)


def test_what_is_not_so_is_not_told() -> None:
    told = [name for name, _ in facts(upload())]
    assert not {"video", "same as", "title", "next try", "failure", "hint"} & {*told}


def test_a_terminal_shows_the_same_of_one_upload() -> None:
    console = Console(width=80)
    row = upload(b"/srv/[red]" + b"x" * 100, ticket=TICKET)
    with console.capture() as capture:
        console.print(upload_as_table(row, [STEP]))
    text = capture.get()
    assert "".join(text.split()).count("x" * 100) == 1
    for words in ("/srv/[red]", "67108864000000001", "new → queued", "set\\ntled"):
        assert words in text


def test_where_a_file_went_and_what_is_left_to_do() -> None:
    waiting = upload(
        state=State.PUBLISHED,
        chore=Chore.MOVE,
        moved_to=b"/kept/\xff.mp4",
        troubles=1,
        last_trouble="filing_denied",
    )
    told = upload_as_json(waiting)
    assert (told["chore"], told["moved_to"]) == ("move", "/kept/\udcff.mp4")
    assert "moves to /kept/\\xff.mp4" in drawn(waiting)
    assert "left to do: move the file, last hindered by filing_denied" in drawn(waiting)
    done = upload(state=State.PUBLISHED, moved_to=b"/kept/a.mp4")
    assert upload_as_json(done)["chore"] is None
    assert "moved to /kept/a.mp4" in drawn(done)
    assert "left to do" not in drawn(done)
    assert upload_as_json(upload())["moved_to"] is None


def test_what_is_held_is_counted_with_what_to_do() -> None:
    *_, last = status_as_lines({State.QUEUED: 70}, [upload(held=True)], held=60)
    assert last.endswith("60 held: okdrop go releases them, okdrop adopt PATH records them as published")
    (_, line, last) = status_as_lines({State.QUEUED: 1}, [upload()])
    assert "held" not in line
    assert last == "1 queued"
    assert "held" in drawn(upload(held=True))
    assert [upload_as_json(row)["held"] for row in (upload(held=True), upload())] == [True, False]


def test_what_was_replaced_says_by_what_and_no_old_failure() -> None:
    failure = Failure(code="bad_file", message="OK refuses it", hint="look at it")
    old = upload(state=State.SUPERSEDED, failure=failure)
    assert list(status_as_lines({}, [old], replaced={7: 9}.get))[1].split("\t")[-2] == "replaced by upload 9"
    assert list(status_as_lines({}, [old]))[1].split("\t")[-2] == "the file changed"
    told = dict(facts(old, 9))
    assert told["replaced by"] == "upload 9"
    assert not {"failure", "hint"} & {*told}
    assert "replaced by" not in dict(facts(old))
    assert "replaced by: upload 9" in list(upload_as_lines(old, [], 9))
    assert upload_as_json(old, 9)["replaced_by"] == 9
    assert upload_as_json(old)["replaced_by"] is None
    text = "".join(status_as_json({}, [old, upload()], Orphans(), replaced={7: 9}.get))
    assert [row["replaced_by"] for row in json.loads(text)["uploads"]] == [9, None]


@pytest.mark.parametrize("facts_of_it", [{"state": State.PUBLISHED}, {"state": State.DUPLICATE}])
def test_of_what_okdrop_did_not_send_no_share_is_told(facts_of_it: dict[str, Any]) -> None:
    row = upload(duplicate_of=4, **facts_of_it)
    assert list(status_as_lines({}, [row]))[1].split("\t")[2] == "-"
    assert "0 %" not in drawn(row)
    assert "held by OK" not in dict(facts(row))
    sent = upload(state=State.PUBLISHED, ticket=TICKET, received=200)
    assert list(status_as_lines({}, [sent]))[1].split("\t")[2] == "100 %"


def test_that_ok_is_processing_a_video_is_no_hindrance() -> None:
    row = upload(
        state=State.PUBLISHED,
        ticket=TICKET,
        chore=Chore.CONFIRM,
        troubles=2,
        last_trouble="video_processing",
        retry_at=AT,
    )
    told = dict(facts(row))
    assert told["left to do"] == "ask OK what became of the video, OK is processing it"
    assert told["asked again"] == rfc3339(AT)
    assert "next try" not in told
    away = dict(facts(row.with_(last_trouble="api_unreachable")))
    assert away["left to do"].endswith(", last hindered by api_unreachable")
    assert away["next try"].endswith(", after api_unreachable")


@pytest.mark.parametrize(
    ("state", "publication", "words"),
    [
        (
            State.FINALIZING,
            Publication(closed_by=Closed.WINDOW, opens_at=AT),
            "whole; published from 2030-01-02 03:04 UTC on (publish_window)",
        ),
        (State.FINALIZING, Publication(closed_by=Closed.WINDOW), "in its folder's hours (publish_window)"),
        (State.FINALIZING, Publication(closed_by=Closed.DAY), "on a day with room for it (posts_per_day)"),
        (State.PUBLISHED, Publication(draft=Draft.FRIENDS), "seen by friends alone, until okdrop release 7"),
        (
            State.PUBLISHED,
            Publication(draft=Draft.FRIENDS, public_at=AT),
            "seen by friends alone, public from 2030-01-02 03:04 UTC on",
        ),
        (State.PUBLISHED, Publication(draft=Draft.RELEASE), "released; OK is told that it is public"),
    ],
)
def test_when_and_for_whom_it_is_public_is_said_everywhere(
    state: State, publication: Publication, words: str
) -> None:
    row = upload(state=state, publication=publication, ticket=TICKET)
    assert words in drawn(row)
    assert any(words in line for line in status_as_lines({}, [row]))
    assert any(words in line for line in upload_as_lines(row, []))


def test_what_is_over_is_not_said() -> None:
    row = upload(state=State.PUBLISHED, ticket=TICKET, publication=Publication(closed_by=Closed.DAY))
    assert "posts_per_day" not in drawn(row)
    assert upload_as_json(row)["waits_to_publish"] == "posts_per_day"  # programs look at the state


@pytest.mark.parametrize("state", CoverState)
def test_how_far_a_cover_has_come_and_never_its_token(state: CoverState) -> None:
    cover = Cover(state=state, photo_id="p1", token=SECRET)
    publication = Publication(cover=cover, words=SECRET, renew=Renew.ASKED)
    row = upload(state=State.PUBLISHED, publication=publication)
    shown = dict(facts(row))
    assert shown["cover"] != ""
    assert shown["to tell OK"] == "what its metadata comes to now"
    document = upload_as_json(row)
    assert (document["cover"], document["to_be_updated"]) == (state.value, True)
    assert SECRET not in json.dumps(document) + repr(shown) + repr(row)
