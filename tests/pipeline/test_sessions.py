"""From a row to a session: the configuration chooses, the row's own past is heeded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from okdrop.drop import Drop, Mode, Revision, State, Ticket, Upload
from okdrop.pipeline.sessions import host_of, may_have_died_asking, session_of, vital
from okdrop.protocol.messages import AskVideo, Probe, RequestTicket, Step
from okdrop.protocol.multipart import MultipartSession
from okdrop.protocol.plan import Plan
from okdrop.protocol.session import Session

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICKET = Ticket(video_id="7", upload_url="https://vu.okcdn.ru/upload.do?sig=x", issued_at=NOW)
ROW = Upload(
    id=1,
    drop=Drop(path=b"/a.mp4", revision=Revision(device=1, inode=2, size=50_000, mtime_ns=3), folder=""),
    state=State.UPLOADING,
    version=1,
    tickets=3,
    bytes_sent=70_000,
    created_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize(("in_one", "kind"), [(False, Session), (True, MultipartSession)])
def test_the_plan_chooses_and_the_row_is_counted_on(in_one: bool, kind: type) -> None:  # noqa: FBT001  a parameter
    session = session_of(ROW, Plan(in_one=in_one))
    assert type(session) is kind
    assert (session.size, session.tickets, session.sent) == (50_000, 3, 70_000)
    assert session.next_steps() == [RequestTicket()]


@pytest.mark.parametrize(
    ("in_one", "mode", "offered_all", "first"),
    [
        (True, None, False, Probe()),
        (True, Mode.MULTIPART, False, RequestTicket()),
        (True, Mode.PARALLEL, False, RequestTicket()),
        (True, Mode.PARALLEL, True, AskVideo()),
        (False, Mode.MULTIPART, False, RequestTicket()),
        (False, Mode.MULTIPART, True, AskVideo()),
        (False, Mode.PARALLEL, False, Probe()),
    ],
)
def test_a_ticket_is_taken_up_by_either(
    in_one: bool,  # noqa: FBT001  a parameter
    mode: Mode | None,
    offered_all: bool,  # noqa: FBT001  a parameter
    first: Step,
) -> None:
    row = ROW.with_(ticket=TICKET, mode=mode, offered_all=offered_all)
    assert session_of(row, Plan(in_one=in_one)).next_steps() == [first]


def test_what_is_vital() -> None:
    for changes in ({"ticket": TICKET}, {"tickets": 4}, {"mode": Mode.MULTIPART}, {"offered_all": True}):
        assert vital(ROW.with_(**changes)) != vital(ROW)
    assert vital(ROW.with_(received=1, bytes_sent=1, attempts=9)) == vital(ROW)


@pytest.mark.parametrize(
    ("url", "host"), [(TICKET.upload_url, "vu.okcdn.ru"), ("http://[", ""), ("no URL", "")]
)
def test_a_host_is_all_of_a_url_that_is_shown(url: str, host: str) -> None:
    assert host_of(Ticket(video_id="7", upload_url=url, issued_at=NOW)) == host


@pytest.mark.parametrize(
    ("row", "maybe"),
    [
        (ROW, True),
        (ROW.with_(ticket=TICKET), False),
        (ROW.with_(retry_at=NOW), False),  # somebody put it off, and said so
        (ROW.with_(state=State.QUEUED), False),
        (ROW.with_(state=State.FAILED), False),
    ],
)
def test_only_who_died_leaves_an_upload_without_a_ticket_and_without_a_word(
    row: Upload, *, maybe: bool
) -> None:
    assert may_have_died_asking(row) is maybe
