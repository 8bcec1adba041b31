from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from okdrop.drop import TICKETS_PER_REVISION, Mode
from okdrop.errors import LocalProtocolError
from okdrop.protocol.messages import (
    Account,
    AskVideo,
    Complete,
    FileAnswer,
    Form,
    GiveUp,
    Held,
    NoAnswer,
    NothingYet,
    Probe,
    ProbeAnswer,
    Publish,
    Refused,
    RequestTicket,
    Restored,
    SendFile,
    ServerTrouble,
    Stored,
    Unclear,
    UrlDead,
    VideoStatus,
    WrongTotal,
)
from okdrop.protocol.multipart import LARGEST, LITTLE_LEFT, UNCLEAR_PROBES, MultipartSession
from okdrop.protocol.plan import Plan
from okdrop.protocol.ranges import ByteRange, ByteRanges
from okdrop.protocol.session import Session
from okdrop.protocol.tickets import RESEND_ALLOWANCE

if TYPE_CHECKING:
    from okdrop.errors import UploadError

SIZE = 100
WHOLE = ByteRange(0, SIZE)
SEND = [SendFile(WHOLE)]
CUT = NoAnswer("the connection was cut")
UNSENT = NoAnswer("the host cannot be reached", sent=False)


def fresh(**arguments: int) -> MultipartSession:
    """A session whose first ticket was just issued."""
    session = MultipartSession(SIZE, **arguments)
    assert session.next_steps() == [RequestTicket()]
    session.ticket_issued(Mode.PARALLEL)
    return session


def restored(mode: Mode | None, *, offered_all: bool = False, size: int = SIZE) -> MultipartSession:
    return MultipartSession(size, tickets=1, restored=Restored(mode=mode, offered_all=offered_all))


def answered(session: MultipartSession, answer: FileAnswer, *, offered: bool) -> UploadError | None:
    """Send the file, its last bytes too or not, and let the answer come."""
    assert session.next_steps() == SEND
    session.put_on_line(SIZE if offered else SIZE // 2)
    if offered:
        session.last_bytes_leave()
    return session.segment_answered(WHOLE, answer)


def test_a_file_goes_at_once_and_whole() -> None:
    session = fresh()
    assert session.next_steps() == SEND
    assert session.next_steps() == [], "one request, and nothing beside it"
    assert (session.mode, session.offered_all, session.received) == (Mode.MULTIPART, False, 0)
    session.last_bytes_leave()
    assert session.offered_all
    assert session.segment_answered(WHOLE, Complete()) is None
    assert (session.received, session.tickets) == (SIZE, 1)
    assert session.next_steps() == [Publish()]
    assert session.next_steps() == []


def test_what_was_cut_half_way_gets_a_new_ticket_whatever_is_said_of_it() -> None:
    session = fresh()
    why = answered(session, CUT, offered=False)
    assert why is not None
    assert why.code == "no_answer"
    assert session.next_steps() == [RequestTicket()]
    assert (session.offered_all, session.received, session.mode) == (False, 0, None)


@pytest.mark.parametrize("answer", [CUT, ServerTrouble(500), UrlDead(404), Refused(200, "an error object")])
@pytest.mark.parametrize("status", sorted(set(VideoStatus) - {VideoStatus.UPLOADING, VideoStatus.MISSING}))
def test_once_the_last_bytes_left_the_video_is_asked_for_first(
    answer: FileAnswer, status: VideoStatus
) -> None:
    session = fresh()
    assert answered(session, answer, offered=True) is not None
    assert session.next_steps() == [AskVideo()]
    assert session.next_steps() == []
    session.video_is(status)
    assert session.received == SIZE
    assert session.next_steps() == [Publish()]


@pytest.mark.parametrize("status", [VideoStatus.UPLOADING, VideoStatus.MISSING])
def test_a_lost_answer_to_a_file_that_is_not_there_costs_the_ticket(status: VideoStatus) -> None:
    session = fresh()
    answered(session, CUT, offered=True)
    assert session.next_steps() == [AskVideo()]
    session.video_is(status)
    assert session.next_steps() == [RequestTicket()]


def test_a_video_that_nobody_tells_of_is_asked_for_again() -> None:
    session = fresh()
    answered(session, CUT, offered=True)
    for _ in range(9):
        assert session.next_steps() == [AskVideo()]
        session.not_answered()
    assert session.tickets == 1


@pytest.mark.parametrize("answer", [ServerTrouble(503), UNSENT])
def test_a_host_that_takes_nothing_now_keeps_its_ticket_and_is_probed_first(answer: FileAnswer) -> None:
    session = fresh()
    for _ in range(9):
        assert answered(session, answer, offered=False) is not None
        assert (session.mode, session.offered_all) == (None, False), "as an untouched one, for the ledger"
        assert session.next_steps() == [Probe()]
        assert session.next_steps() == []
        why = session.probe_answered(ServerTrouble(503, retry_after=7.0))
        assert why is not None
        assert session.next_steps() == [Probe()], "no byte goes to a host that does not even answer"
        assert session.probe_answered(NothingYet()) is None
    assert session.tickets == 1


def test_trouble_with_a_whole_file_asks_for_the_video_then_probes() -> None:
    session = fresh()
    answered(session, ServerTrouble(500), offered=True)
    assert session.next_steps() == [AskVideo()]
    session.video_is(VideoStatus.UPLOADING)
    assert session.next_steps() == [Probe()]
    assert session.probe_answered(Held(Account(ByteRanges()))) is None
    assert session.next_steps() == SEND
    assert not session.offered_all, "the second try has not offered its last bytes"


def test_trouble_with_a_video_that_is_gone_costs_the_ticket() -> None:
    session = fresh()
    answered(session, ServerTrouble(500), offered=True)
    session.next_steps()
    session.video_is(VideoStatus.MISSING)
    assert session.next_steps() == [RequestTicket()]


@pytest.mark.parametrize(
    "answer",
    [
        Held(Account(ByteRanges.prefix(5))),
        Held(Account(ByteRanges.prefix(SIZE), Form.COUNT)),
        WrongTotal(7),
        UrlDead(403),
        Refused(405),
    ],
)
def test_a_url_that_holds_anything_is_not_sent_to(answer: ProbeAnswer) -> None:
    session = restored(None)
    assert session.next_steps() == [Probe()]
    assert session.probe_answered(answer) is not None
    assert session.next_steps() == [RequestTicket()]


def test_an_account_that_nobody_can_read_costs_the_ticket_in_the_end() -> None:
    session = restored(None)
    for _ in range(UNCLEAR_PROBES):
        assert session.next_steps() == [Probe()]
        assert session.probe_answered(Unclear(200, "what")) is not None
    assert session.next_steps() == [RequestTicket()]


@pytest.mark.parametrize("answer", [UrlDead(403, "expired"), Refused(413), Stored(), Complete()])
def test_another_answer_before_the_last_bytes_left_costs_the_ticket(answer: FileAnswer) -> None:
    session = fresh()
    assert answered(session, answer, offered=False) is not None
    assert session.next_steps() == [RequestTicket()]


def test_five_tickets_are_the_end_and_it_says_why() -> None:
    session = fresh()
    for number in range(TICKETS_PER_REVISION):
        assert session.tickets == number + 1
        answered(session, CUT, offered=False)
        steps = session.next_steps()
        if steps == [RequestTicket()]:
            session.ticket_issued(None)
    (end,) = steps
    assert isinstance(end, GiveUp)
    assert end.code == "ticket_expired"
    assert "the connection was cut before the whole file was sent" in end.message
    assert 'upload.mode = "renewable"' in end.hint
    assert session.next_steps() == []


def test_host_that_keeps_nothing_does_not_eat_the_line() -> None:
    session = fresh()
    assert session.next_steps() == SEND
    session.put_on_line(5 * SIZE + RESEND_ALLOWANCE + 1)
    session.segment_answered(WHOLE, ServerTrouble(503))
    (end,) = session.next_steps()
    assert isinstance(end, GiveUp)
    assert end.code == "resend_limit"
    assert end.hint


def test_a_file_that_is_there_is_published_though_too_much_was_sent() -> None:
    session = fresh()
    assert session.next_steps() == SEND
    session.put_on_line(5 * SIZE + RESEND_ALLOWANCE + 1)
    session.last_bytes_leave()
    assert session.segment_answered(WHOLE, Complete()) is None
    assert session.next_steps() == [Publish()]


def test_a_file_that_is_too_large_fails_at_once_in_words() -> None:
    assert MultipartSession(LARGEST).next_steps() == [RequestTicket()]
    (end,) = MultipartSession(LARGEST + 1).next_steps()
    assert isinstance(end, GiveUp)
    assert end.code == "file_too_large"
    assert str(LARGEST) in end.message
    assert "renewable" in end.hint


@pytest.mark.parametrize("mode", [None, *Mode])
def test_a_file_that_is_too_large_may_be_there_already(mode: Mode | None) -> None:
    session = restored(mode, offered_all=True, size=LARGEST + 1)
    assert session.next_steps() == [AskVideo()]
    session.video_is(VideoStatus.OK)
    assert session.next_steps() == [Publish()]
    (end,) = restored(mode, size=LARGEST + 1).next_steps()
    assert isinstance(end, GiveUp)


# --- what an earlier process left, in either mode ---------------------------------------------------------


@pytest.mark.parametrize("mode", [None, *Mode])
def test_after_a_restart_a_file_that_was_offered_whole_is_asked_for(mode: Mode | None) -> None:
    session = restored(mode, offered_all=True)
    assert session.next_steps() == [AskVideo()]
    session.video_is(VideoStatus.UPLOADING)
    assert session.next_steps() == [RequestTicket()]


@pytest.mark.parametrize("mode", Mode)
def test_after_a_restart_what_was_begun_is_never_sent_to_again(mode: Mode) -> None:
    assert restored(mode).next_steps() == [RequestTicket()]


def test_after_a_restart_an_untouched_ticket_is_probed_and_used() -> None:
    session = restored(None)
    assert session.next_steps() == [Probe()]
    session.probe_answered(NothingYet())
    assert session.next_steps() == SEND
    assert session.tickets == 1


def test_a_renewable_session_never_sends_to_what_was_begun_in_one_request() -> None:
    plan = Plan(segment_size=10, connections=2)
    cut = Session(SIZE, plan, tickets=1, restored=Restored(mode=Mode.MULTIPART))
    assert cut.next_steps() == [RequestTicket()]
    cut.ticket_issued(None)
    assert cut.mode is None
    offered = Restored(mode=Mode.MULTIPART, offered_all=True)
    for status, then in [(VideoStatus.PROCESSING, Publish()), (VideoStatus.UPLOADING, RequestTicket())]:
        session = Session(SIZE, plan, tickets=1, restored=offered)
        assert session.next_steps() == [AskVideo()]
        assert session.mode is Mode.MULTIPART, "the ledger must not forget it before the ticket"
        session.video_is(status)
        assert session.next_steps() == [then]


# --- rules that a shell must keep ---------------------------------------------------------------------------


def test_a_ticket_that_nobody_asked_for_is_a_bug_of_ours() -> None:
    with pytest.raises(LocalProtocolError):
        MultipartSession(SIZE).ticket_issued(None)


@pytest.mark.parametrize("span", [WHOLE, ByteRange(0, SIZE - 1)])
def test_an_answer_to_what_was_not_sent_is_a_bug_of_ours(span: ByteRange) -> None:
    session = fresh()
    if span != WHOLE:
        session.next_steps()
    with pytest.raises(LocalProtocolError):
        session.segment_answered(span, Complete())


def test_a_file_ends_soon_once_little_of_it_is_left_to_leave() -> None:
    size = LITTLE_LEFT + SIZE
    session = MultipartSession(size)
    assert session.next_steps() == [RequestTicket()]
    session.ticket_issued(None)
    assert not session.ends_soon
    assert session.next_steps() == [SendFile(ByteRange(0, size))]
    assert not session.ends_soon
    session.put_on_line(SIZE)
    assert session.ends_soon
    session.segment_answered(ByteRange(0, size), ServerTrouble(503, None, "busy"))
    assert not session.ends_soon  # it begins anew


def test_a_ticket_that_lay_unused_for_too_long_is_changed_for_another_and_does_not_count() -> None:
    session = fresh()
    for _ in range(2 * TICKETS_PER_REVISION):
        session.ticket_aged()
        assert session.next_steps() == [RequestTicket()]
        session.ticket_issued(None)
        assert session.tickets == 1
    assert session.next_steps() == SEND
