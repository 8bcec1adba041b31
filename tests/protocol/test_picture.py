"""Where bytes are, for the eye: each kind as it is, and no more of it than can be shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from okdrop.drop import Mode
from okdrop.protocol import messages as m
from okdrop.protocol.multipart import MultipartSession
from okdrop.protocol.picture import MOST, largest
from okdrop.protocol.plan import Plan
from okdrop.protocol.ranges import ByteRange, ByteRanges
from okdrop.protocol.session import Session

SPANS = st.builds(
    lambda start, length: ByteRange(start, start + length), st.integers(0, 5000), st.integers(1, 9)
)


def begun(size: int) -> Session:
    session = Session(size, Plan(segment_size=100, connections=2))
    session.next_steps()
    session.ticket_issued(Mode.PARALLEL)
    return session


def test_what_is_on_its_way_is_in_flight_and_then_held() -> None:
    session = begun(300)
    first, second = session.next_steps()
    assert isinstance(first, m.SendSegment)
    assert isinstance(second, m.SendSegment)
    picture = session.picture
    assert picture.in_flight == (first.span, second.span)
    assert (picture.received, picture.doubtful, picture.again) == (0, ByteRanges(), ByteRanges())
    session.segment_answered(first.span, m.Stored(None))
    assert session.picture.held == ByteRanges((first.span,))
    assert session.picture.in_flight == (second.span,)


def test_what_was_lost_is_doubtful_and_what_leaves_again_is_told_so() -> None:
    session = begun(300)
    first, second = session.next_steps()
    assert isinstance(first, m.SendSegment)
    assert isinstance(second, m.SendSegment)
    session.segment_answered(first.span, m.NoAnswer("cut", sent=True))
    assert session.picture.doubtful == ByteRanges((first.span,))
    session.segment_answered(second.span, m.Stored(None))
    assert m.Probe() in session.next_steps()
    session.probe_answered(m.Held(m.Account(ByteRanges((second.span,)))))
    session.next_steps()
    assert session.picture.doubtful == ByteRanges()
    assert session.picture.again == ByteRanges((first.span,))


def test_a_file_of_one_request_is_in_flight_as_a_whole() -> None:
    session = MultipartSession(300)
    session.next_steps()
    session.ticket_issued(None)
    assert session.picture.in_flight == ()
    session.next_steps()
    assert session.picture.in_flight == (ByteRange(0, 300),)
    session.last_bytes_leave()
    session.segment_answered(ByteRange(0, 300), m.Complete(None))
    assert (session.picture.in_flight, session.picture.received) == ((), 300)


@given(st.lists(SPANS), st.integers(1, 8))
def test_the_largest_are_kept_in_their_order(spans: list[ByteRange], at_most: int) -> None:
    ranges = ByteRanges.of(spans)
    kept = largest(ranges, at_most)
    assert list(kept) == sorted(kept)
    assert {*kept} <= {*ranges}
    assert len(kept) == min(at_most, len(ranges.spans))
    left_out = {*ranges} - {*kept}
    assert not left_out or max(map(len, left_out)) <= min(map(len, kept))


def test_as_many_as_a_strip_can_show_are_named() -> None:
    crumbs = ByteRanges.of(ByteRange(start, start + 1) for start in range(0, 4 * MOST, 2))
    assert len(largest(crumbs)) == MOST
