"""The session, told as transcripts: what it asks for, what it is told, what it asks for next."""

from __future__ import annotations

import pytest

from okdrop.drop import TICKETS_PER_REVISION, Mode, Strikes
from okdrop.errors import Doubt, LocalProtocolError, TicketDead, Trouble
from okdrop.protocol import messages as m
from okdrop.protocol.plan import CANARY_SIZE, Plan
from okdrop.protocol.ranges import ByteRange, ByteRanges
from okdrop.protocol.session import Session
from okdrop.protocol.tickets import RESEND_ALLOWANCE

KIB = 1024
SEGMENT = 1024 * KIB
SIZE = 5 * SEGMENT
PLAN = Plan(segment_size=SEGMENT, connections=4)
THREE = Plan(segment_size=CANARY_SIZE, connections=3)  # as small as segments get at the end
CANARY = ByteRange(SEGMENT, SEGMENT + CANARY_SIZE)


def held(*spans: tuple[int, int]) -> m.Account:
    return m.Account(ByteRanges.of(ByteRange(*span) for span in spans))


def span(step: m.Step) -> ByteRange:
    assert isinstance(step, m.SendSegment)
    return step.span


def fresh(prior: Mode | None = None, *, size: int = SIZE, plan: Plan = PLAN) -> Session:
    session = Session(size, plan)
    assert session.next_steps() == [m.RequestTicket()]
    session.ticket_issued(prior)
    return session


def resumed(**facts: object) -> Session:
    return Session(SIZE, PLAN, tickets=1, restored=m.Restored(**facts))  # type: ignore[arg-type]  # a test's shorthand


def proven_parallel() -> tuple[Session, list[ByteRange]]:
    session = fresh()
    session.next_steps()
    session.segment_answered(CANARY, m.Stored(held((CANARY.start, CANARY.stop))))
    return session, [span(step) for step in session.next_steps()]


def test_canary_goes_alone_behind_a_gap() -> None:
    session = fresh()
    assert session.next_steps() == [m.SendSegment(CANARY)]
    assert session.next_steps() == []


def test_canary_accounted_for_exactly_proves_parallel() -> None:
    session, spans = proven_parallel()
    assert session.mode is Mode.PARALLEL
    assert len(spans) == 4
    assert spans[0] == ByteRange(0, SEGMENT)
    finding = session.take_finding()
    assert finding is not None
    assert finding.mode is Mode.PARALLEL
    assert session.take_finding() is None


def test_what_came_in_late_is_known_to_be_held_while_it_is_sent_again() -> None:
    session, (first, second, *_) = proven_parallel()
    session.segment_answered(first, m.NoAnswer("cut", sent=True))
    assert m.Probe() in session.next_steps()
    session.probe_answered(m.Held(held((CANARY.start, CANARY.stop))))  # it is still on its way
    session.segment_answered(second, m.NoAnswer("cut", sent=True))
    probe, again = session.next_steps()
    assert probe == m.Probe()
    assert first.start <= span(again).start < span(again).stop <= first.stop
    assert not session.held & ByteRanges((span(again),))
    session.probe_answered(m.Held(held((first.start, first.stop), (CANARY.start, CANARY.stop))))
    assert session.held.contains(span(again))
    assert session.received == session.held.size == SEGMENT + CANARY_SIZE


def test_canary_without_account_is_asked_about_before_anything_else_leaves() -> None:
    session = fresh()
    session.next_steps()
    assert session.segment_answered(CANARY, m.Stored()) is None
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.Held(held((CANARY.start, CANARY.stop))))
    assert session.mode is Mode.PARALLEL


@pytest.mark.parametrize("answer", [m.RangeRefused(), m.RangeRefused(held()), m.Refused(412), m.Refused(415)])
def test_canary_refused_means_sequential_and_loses_nothing(answer: m.SegmentAnswer) -> None:
    session = fresh()
    session.next_steps()
    assert session.segment_answered(CANARY, answer) is None
    assert session.mode is Mode.SEQUENTIAL
    assert session.next_steps() == [m.SendSegment(ByteRange(0, SEGMENT))]
    assert session.tickets == 1


def test_canary_stored_elsewhere_abandons_the_ticket() -> None:
    session = fresh()
    session.next_steps()
    session.segment_answered(CANARY, m.Stored(held((0, CANARY_SIZE))))
    session.next_steps()
    session.probe_answered(m.Held(held((0, CANARY_SIZE))))
    assert session.next_steps() == [m.RequestTicket()]
    session.ticket_issued(None)
    assert session.next_steps() == [m.SendSegment(ByteRange(0, SEGMENT))]
    finding = session.take_finding()
    assert finding is not None
    assert finding.mode is Mode.SEQUENTIAL


@pytest.mark.parametrize("answer", [m.NoAnswer("cut"), m.ServerTrouble(500), m.ServerTrouble(503, "", 7.0)])
def test_canary_in_trouble_is_no_verdict(answer: m.NoAnswer | m.ServerTrouble) -> None:
    session = fresh()
    session.next_steps()
    error = session.segment_answered(CANARY, answer)
    assert isinstance(error, Trouble)
    assert error.retry_after == getattr(answer, "retry_after", None)
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.NothingYet())
    assert session.take_finding() is None
    assert session.next_steps() == [m.SendSegment(CANARY)]


def test_canary_in_trouble_for_ever_ends_in_sequential_without_a_verdict() -> None:
    session = fresh()
    for _ in range(3):
        assert session.next_steps() == [m.SendSegment(CANARY)]
        session.segment_answered(CANARY, m.ServerTrouble(500))
        session.next_steps()
        session.probe_answered(m.NothingYet())
    [step] = session.next_steps()
    assert span(step).start == 0
    assert session.take_finding() is None


def test_canary_of_which_nothing_can_be_told_is_not_tried_on_the_next_ticket() -> None:
    session = fresh()
    session.next_steps()
    session.segment_answered(CANARY, m.Stored())
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.NothingYet())
    assert session.next_steps() == [m.RequestTicket()]
    session.ticket_issued(None)
    assert session.next_steps() == [m.SendSegment(ByteRange(0, SEGMENT))]


def test_lost_segments_are_sent_in_smaller_ones_until_one_is_stored() -> None:
    session = fresh(Mode.SEQUENTIAL)
    sizes: list[int] = []
    for _ in range(6):
        [step] = session.next_steps()
        sizes.append(len(span(step)))
        session.segment_answered(span(step), m.ServerTrouble(500))
        session.next_steps()
        session.probe_answered(m.NothingYet())
    assert sizes == [SEGMENT, 512 * KIB, 256 * KIB, 128 * KIB, 64 * KIB, 64 * KIB]
    [step] = session.next_steps()
    session.segment_answered(span(step), m.Stored())
    assert session.next_steps() == [m.SendSegment(ByteRange(64 * KIB, SEGMENT))], "to the next even end"


def test_canary_whose_url_dies_is_not_tried_on_the_next_ticket() -> None:
    session = fresh()
    session.next_steps()
    assert isinstance(session.segment_answered(CANARY, m.UrlDead(404)), TicketDead)
    assert session.next_steps() == [m.RequestTicket()]
    session.ticket_issued(None)
    assert session.next_steps() == [m.SendSegment(ByteRange(0, SEGMENT))]


def test_small_file_needs_no_canary() -> None:
    session = fresh(size=SEGMENT)
    assert session.next_steps() == [m.SendSegment(ByteRange(0, SEGMENT))]
    session.segment_answered(ByteRange(0, SEGMENT), m.Complete())
    assert session.next_steps() == [m.Publish()]
    assert session.next_steps() == []


def test_prior_parallel_sends_several_at_once_and_is_revoked_by_a_refusal() -> None:
    session = fresh(Mode.PARALLEL)
    spans = [span(step) for step in session.next_steps()]
    assert len(spans) == 4
    assert isinstance(session.segment_answered(spans[1], m.RangeRefused()), Doubt)
    finding = session.take_finding()
    assert finding is not None
    assert finding.mode is None
    assert session.mode is Mode.SEQUENTIAL


def test_sequential_sends_one_at_a_time() -> None:
    session = fresh(Mode.SEQUENTIAL)
    for start in range(0, SIZE, SEGMENT):
        steps = session.next_steps()
        assert steps == [m.SendSegment(ByteRange(start, start + SEGMENT))]
        assert session.next_steps() == []
        last = start + SEGMENT == SIZE
        session.segment_answered(span(steps[0]), m.Complete() if last else m.Stored())
    assert session.next_steps() == [m.Publish()]


def test_refused_range_with_last_known_byte_goes_on_from_there() -> None:
    session = fresh(Mode.SEQUENTIAL)
    [first] = session.next_steps()
    session.segment_answered(span(first), m.NoAnswer("cut"))
    session.next_steps()
    session.probe_answered(m.Held(held((0, 1000))))
    [second] = session.next_steps()
    assert span(second).start == 1000
    session.segment_answered(
        span(second), m.RangeRefused(m.Account(ByteRanges.prefix(5000), m.Form.LAST_BYTE))
    )
    [third] = session.next_steps()
    assert span(third).start == 5000


def test_refused_range_settles_no_doubt_about_others() -> None:
    """Its account may be older than a segment whose answer was lost meanwhile."""
    session = fresh(Mode.PARALLEL)
    spans = [span(step) for step in session.next_steps()]
    for lost in (spans[0], *spans[2:]):
        session.segment_answered(lost, m.NoAnswer("cut"))
    session.segment_answered(spans[1], m.RangeRefused(m.Account(ByteRanges(), m.Form.LAST_BYTE)))
    assert session.next_steps() == [m.Probe()]


def test_refused_range_without_a_word_costs_a_probe() -> None:
    session = fresh(Mode.SEQUENTIAL)
    [first] = session.next_steps()
    session.segment_answered(span(first), m.RangeRefused())
    assert session.next_steps() == [m.Probe()]


def test_refused_again_and_again_gives_the_ticket_up() -> None:
    session = fresh(Mode.SEQUENTIAL)
    for _ in range(4):
        [step] = session.next_steps()
        session.segment_answered(span(step), m.RangeRefused())
        steps = session.next_steps()
        if steps == [m.Probe()]:
            session.probe_answered(m.NothingYet())
    assert steps == [m.RequestTicket()]


def test_lost_answer_costs_a_probe_not_a_segment() -> None:
    session, spans = proven_parallel()
    session.segment_answered(spans[0], m.NoAnswer("cut"))
    steps = session.next_steps()
    assert m.Probe() in steps
    assert all(span(step) != spans[0] for step in steps if step != m.Probe())
    session.probe_answered(m.Held(held((0, SEGMENT), (CANARY.start, CANARY.stop))))
    assert all(span(step).start >= SEGMENT for step in session.next_steps())


def test_span_lost_after_the_probe_left_needs_another_probe() -> None:
    session, spans = proven_parallel()
    session.segment_answered(spans[0], m.NoAnswer("cut"))
    assert m.Probe() in session.next_steps()
    session.segment_answered(spans[1], m.NoAnswer("cut"))
    session.probe_answered(m.Held(held((0, SEGMENT), (CANARY.start, CANARY.stop))))
    assert m.Probe() in session.next_steps()


def test_stale_account_takes_nothing_back_that_was_acknowledged_since() -> None:
    session, spans = proven_parallel()
    session.segment_answered(spans[0], m.NoAnswer("cut"))
    session.next_steps()
    session.segment_answered(spans[1], m.Stored())
    session.probe_answered(m.Held(held((CANARY.start, CANARY.stop))))
    assert session.received == CANARY_SIZE + len(spans[1])


def test_account_that_lacks_acknowledged_bytes_is_asked_for_once_more_then_drops_the_ticket() -> None:
    session, spans = proven_parallel()
    session.segment_answered(spans[0], m.Stored())
    session.segment_answered(spans[1], m.NoAnswer("cut"))
    out = spans[2:] + [span(step) for step in session.next_steps() if step != m.Probe()]
    assert isinstance(session.probe_answered(m.Held(held((0, 10)))), Doubt)
    for one in out:
        assert session.next_steps() == [], "segments are still out"
        session.segment_answered(one, m.Stored())
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.Held(held((0, 10))))
    assert session.next_steps() == [m.RequestTicket()]


def test_account_that_names_bytes_never_sent_is_not_believed() -> None:
    session = fresh(Mode.SEQUENTIAL)
    [step] = session.next_steps()
    session.segment_answered(span(step), m.NoAnswer("cut"))
    session.next_steps()
    assert isinstance(session.probe_answered(m.Held(held((0, 2 * SEGMENT)))), Doubt)
    assert session.received == 0
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.Held(held((0, 2 * SEGMENT))))
    assert session.next_steps() == [m.RequestTicket()]


def test_new_ticket_waits_until_every_segment_of_the_old_one_landed() -> None:
    session, spans = proven_parallel()
    session.segment_answered(spans[0], m.UrlDead(403))
    for out in spans[1:]:
        assert session.next_steps() == []
        session.segment_answered(out, m.UrlDead(403))
    assert session.next_steps() == [m.RequestTicket()]


def test_account_of_another_file_is_not_believed() -> None:
    session = fresh(Mode.SEQUENTIAL)
    [step] = session.next_steps()
    session.segment_answered(span(step), m.WrongTotal(7))
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.WrongTotal(7))
    assert session.next_steps() == [m.RequestTicket()]


def test_200_while_bytes_are_missing_is_asked_about() -> None:
    session = fresh(Mode.SEQUENTIAL)
    [step] = session.next_steps()
    session.segment_answered(span(step), m.Complete())
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.Held(held((0, SEGMENT))))
    assert session.next_steps() == [m.SendSegment(ByteRange(SEGMENT, 2 * SEGMENT))]


def test_200_too_early_proves_nothing_of_its_own_segment_either() -> None:
    session, spans = proven_parallel()
    assert session.segment_answered(spans[1], m.Complete()) is None
    probe, further = session.next_steps()
    assert probe == m.Probe()
    session.segment_answered(span(further), m.NoAnswer("refused", sent=False))
    for other in (spans[0], *spans[2:]):
        session.segment_answered(other, m.Stored())
    stored = sorted([CANARY, spans[0], *spans[2:]], key=lambda one: one.start)
    session.probe_answered(m.Held(held(*((one.start, one.stop) for one in stored))))
    assert spans[1].start in [span(step).start for step in session.next_steps()]


def test_200_counts_only_until_something_is_handed_out_again() -> None:
    session = fresh(Mode.PARALLEL, size=3 * CANARY_SIZE, plan=THREE)
    first, second, last = (span(step) for step in session.next_steps())
    session.segment_answered(last, m.Complete())
    session.segment_answered(first, m.NoAnswer("refused", sent=False))
    assert session.next_steps() == [m.SendSegment(first)]
    session.segment_answered(first, m.Stored())
    session.segment_answered(second, m.Stored())
    assert session.next_steps() == [m.Probe()]


def test_200_on_a_middle_segment_waits_for_the_others() -> None:
    session = fresh(Mode.PARALLEL, size=3 * CANARY_SIZE, plan=THREE)
    spans = [span(step) for step in session.next_steps()]
    session.segment_answered(spans[1], m.Complete())
    assert session.next_steps() == []
    session.segment_answered(spans[0], m.Stored())
    session.segment_answered(spans[2], m.Stored())
    assert session.next_steps() == [m.Publish()]


def test_all_acknowledged_without_a_200_is_asked_about() -> None:
    session = fresh(size=SEGMENT)
    [step] = session.next_steps()
    session.segment_answered(span(step), m.Stored())
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.Held(held((0, SEGMENT))))
    assert session.next_steps() == [m.Publish()]


@pytest.mark.parametrize(
    ("status", "then"),
    [
        (m.VideoStatus.PROCESSING, m.Publish()),
        (m.VideoStatus.OK, m.Publish()),
        (m.VideoStatus.ON_MODERATION, m.Publish()),
        (m.VideoStatus.UNKNOWN, m.Publish()),
        (m.VideoStatus.UPLOADING, m.RequestTicket()),
        (m.VideoStatus.MISSING, m.RequestTicket()),
    ],
)
@pytest.mark.parametrize("code", [400, 403, 404, 410])
def test_url_that_dies_once_all_was_offered_asks_for_the_video_first(
    status: m.VideoStatus, then: m.Step, code: int
) -> None:
    session = fresh(size=SEGMENT)
    [step] = session.next_steps()
    session.segment_answered(span(step), m.NoAnswer("cut"))
    assert session.next_steps() == [m.Probe()]
    session.probe_answered(m.UrlDead(code))
    assert session.next_steps() == [m.AskVideo()]
    session.video_is(status)
    assert session.next_steps() == [then]


def test_nothing_yet_after_all_was_offered_keeps_the_ticket_while_ok_waits_for_bytes() -> None:
    session = fresh(size=SEGMENT)
    [step] = session.next_steps()
    session.segment_answered(span(step), m.NoAnswer("cut"))
    session.next_steps()
    session.probe_answered(m.NothingYet())
    assert session.next_steps() == [m.AskVideo()]
    session.video_is(m.VideoStatus.UPLOADING)
    [again] = session.next_steps()
    assert span(again).start == 0


def test_api_step_without_an_answer_is_asked_again() -> None:
    session = Session(SIZE, PLAN)
    assert session.next_steps() == [m.RequestTicket()]
    session.not_answered()
    assert session.next_steps() == [m.RequestTicket()]


def test_five_tickets_are_the_end() -> None:
    session = Session(SIZE, PLAN)
    for _ in range(5):
        assert session.next_steps() == [m.RequestTicket()]
        session.ticket_issued(Mode.SEQUENTIAL)
        [step] = session.next_steps()
        session.segment_answered(span(step), m.UrlDead(410, "expired"))
    [end] = session.next_steps()
    assert isinstance(end, m.GiveUp)
    assert end.code == "ticket_expired"
    assert "410" in end.message


def test_a_ticket_that_lay_unused_for_too_long_is_changed_for_another_and_does_not_count() -> None:
    session = fresh()
    for _ in range(2 * TICKETS_PER_REVISION):
        session.ticket_aged()
        assert session.next_steps() == [m.RequestTicket()]
        session.ticket_issued(None)
        assert session.tickets == 1
    assert session.offered_all is False
    assert session.next_steps()


def test_an_upload_ends_soon_once_all_that_is_missing_is_out() -> None:
    session = fresh(Mode.SEQUENTIAL, size=2 * SEGMENT)
    assert not session.ends_soon
    (first,) = session.next_steps()
    assert not session.ends_soon
    session.segment_answered(span(first), m.Stored(None))
    (last,) = session.next_steps()
    assert session.ends_soon
    session.segment_answered(span(last), m.NoAnswer("the connection was cut"))
    session.next_steps()
    session.probe_answered(m.Held(held((0, span(first).stop))))
    assert not session.ends_soon  # what was lost is missing again


def test_resumption_asks_first() -> None:
    session = resumed(mode=Mode.SEQUENTIAL, taken=True)
    assert session.next_steps() == [m.Probe()]
    assert session.next_steps() == []
    session.probe_answered(m.Held(held((0, 3 * SEGMENT))))
    assert session.next_steps() == [m.SendSegment(ByteRange(3 * SEGMENT, 4 * SEGMENT))]


def test_resumption_sees_islands_as_proof_of_parallel() -> None:
    session = resumed()
    session.next_steps()
    session.probe_answered(m.Held(held((0, 10), (SEGMENT, 2 * SEGMENT))))
    assert session.mode is Mode.PARALLEL
    assert [span(step).start for step in session.next_steps()] == [10, 2 * SEGMENT, 3 * SEGMENT, 4 * SEGMENT]


@pytest.mark.parametrize(("taken", "then"), [(True, m.RequestTicket()), (False, m.SendSegment(CANARY))])
def test_resumption_404_is_death_only_after_bytes_were_taken(*, taken: bool, then: m.Step) -> None:
    session = resumed(taken=taken)
    session.next_steps()
    session.probe_answered(m.NothingYet())
    assert session.next_steps() == [then]


def test_resumption_remembers_that_all_was_offered() -> None:
    session = resumed(taken=True, offered_all=True)
    session.next_steps()
    session.probe_answered(m.UrlDead(403))
    assert session.next_steps() == [m.AskVideo()]


def test_bare_integer_is_read_low_unless_an_acknowledgement_tells_better() -> None:
    session = fresh(Mode.SEQUENTIAL)
    [step] = session.next_steps()
    index_of_last = m.Account(ByteRanges.prefix(SEGMENT - 1), m.Form.COUNT)
    assert session.segment_answered(span(step), m.Stored(index_of_last)) is None
    assert session.received == SEGMENT
    again = resumed(mode=Mode.SEQUENTIAL, taken=True)
    again.next_steps()
    again.probe_answered(m.Held(index_of_last))
    assert span(again.next_steps()[0]).start == SEGMENT - 1


def test_account_nobody_can_read_is_asked_for_a_few_times_only() -> None:
    session = resumed(taken=True)
    for _ in range(3):
        assert session.next_steps() == [m.Probe()]
        assert isinstance(session.probe_answered(m.Unclear(200)), Doubt)
    assert session.next_steps() == [m.RequestTicket()]


def test_bounds_hold_over_restarts() -> None:
    """Each try may be made by a session of its own: the worker takes up another upload meanwhile."""
    strikes = Strikes()
    for _ in range(3):
        session = resumed(taken=True, strikes=strikes)
        assert session.next_steps() == [m.Probe()]
        session.probe_answered(m.Unclear(412))
        strikes = session.strikes
    assert session.next_steps() == [m.RequestTicket()]
    assert session.strikes == Strikes()


def test_a_canary_in_trouble_for_ever_ends_over_restarts_too() -> None:
    strikes = Strikes()
    for _ in range(3):
        session = resumed(strikes=strikes)
        session.next_steps()
        session.probe_answered(m.NothingYet())
        assert session.next_steps() == [m.SendSegment(CANARY)]
        session.segment_answered(CANARY, m.ServerTrouble(500))
        strikes = session.strikes
    session = resumed(strikes=strikes)
    session.next_steps()
    session.probe_answered(m.NothingYet())
    [step] = session.next_steps()
    assert span(step).start == 0


def test_host_that_keeps_nothing_does_not_eat_the_line() -> None:
    session = fresh(Mode.SEQUENTIAL, size=SEGMENT)
    [step] = session.next_steps()
    session.put_on_line(5 * SEGMENT + RESEND_ALLOWANCE + 1)
    session.segment_answered(span(step), m.ServerTrouble(500))
    [end] = session.next_steps()
    assert isinstance(end, m.GiveUp)
    assert end.code == "resend_limit"


def test_segment_that_never_left_is_simply_missing() -> None:
    session = fresh(size=SEGMENT)
    [step] = session.next_steps()
    assert isinstance(session.segment_answered(span(step), m.NoAnswer("refused", sent=False)), Trouble)
    assert session.next_steps() == [step]


def test_stored_but_not_by_its_own_account_is_doubted() -> None:
    session, spans = proven_parallel()
    error = session.segment_answered(spans[0], m.Stored(held((CANARY.start, CANARY.stop))))
    assert isinstance(error, Doubt)
    assert m.Probe() in session.next_steps()


def test_misuse_is_our_own_bug() -> None:
    with pytest.raises(LocalProtocolError):
        Session(SIZE, PLAN).ticket_issued(None)
    with pytest.raises(LocalProtocolError):
        fresh().segment_answered(ByteRange(0, 10), m.Stored())


def test_near_the_end_every_connection_has_its_share() -> None:
    """Else three of them wait for the one that took the last whole segment."""
    large = Plan(segment_size=8 * KIB * KIB, connections=4)
    session = fresh(Mode.PARALLEL, size=64 * KIB * KIB, plan=large)
    out = [span(step) for step in session.next_steps()]
    assert [len(one) for one in out] == [8 * KIB * KIB] * 4
    sizes = []
    while out:
        first = out.pop(0)
        sizes.append(len(first))
        last = session.received + len(first) == 64 * KIB * KIB
        session.segment_answered(first, m.Complete() if last else m.Stored())
        out += [span(step) for step in session.next_steps() if isinstance(step, m.SendSegment)]
        assert len(out) == 4 or session._belief.missing.size == 0
    assert sum(sizes) == 64 * KIB * KIB
    assert max(sizes[-4:]) <= KIB * KIB
    assert len(sizes) < 32, "and few more requests are made for it"


def test_a_plan_may_change_between_two_steps() -> None:
    session = fresh(Mode.PARALLEL)
    out = [span(step) for step in session.next_steps()]
    assert len(out) == 4
    session.replan(Plan(segment_size=SEGMENT, connections=2))
    for landed in out[:2]:
        session.segment_answered(landed, m.Stored())
        assert session.next_steps() == [], "there are two more than there may be"
    session.segment_answered(out[2], m.Stored())
    assert len(session.next_steps()) == 1
