"""How what is missing is cut: the laws of a segment and of the canary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from okdrop.protocol.plan import CANARY_SIZE, CONNECTIONS, SEGMENT_SIZE, SMALLEST_SEGMENT, Plan
from okdrop.protocol.ranges import ByteRange, ByteRanges

KIB = 1024
PLANS = st.builds(Plan, segment_size=st.integers(1, 1024 * KIB), connections=st.integers(1, 16))


@st.composite
def missing(draw: st.DrawFn) -> ByteRanges:
    edges = draw(st.lists(st.integers(0, 4096 * KIB), unique=True, max_size=10))
    edges = sorted(edges)[: len(edges) // 2 * 2]
    return ByteRanges.of(ByteRange(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True))


@given(PLANS, missing())
def test_a_segment_lies_within_what_is_missing_and_at_its_front(plan: Plan, gaps: ByteRanges) -> None:
    segment = plan.next_segment(gaps)
    if not gaps:
        assert segment is None
        return
    assert segment is not None
    assert gaps.contains(segment)
    assert segment.start == gaps.spans[0].start
    assert 0 < len(segment) <= plan.segment_size + plan.segment_size // 4


@given(PLANS, missing())
def test_what_a_segment_leaves_of_its_gap_is_worth_a_request(plan: Plan, gaps: ByteRanges) -> None:
    segment = plan.next_segment(gaps)
    if segment is not None:
        rest = gaps.spans[0].stop - segment.stop
        assert rest == 0 or rest >= plan.segment_size // 4


@given(PLANS, st.integers(1, 2048 * KIB))
def test_segments_cover_a_file_exactly_once(plan: Plan, size: int) -> None:
    if size // plan.segment_size > 2000:
        size = plan.segment_size * 2000
    left, sent = ByteRanges.prefix(size), 0
    while (segment := plan.next_segment(left)) is not None:
        sent += len(segment)
        left -= segment
    assert sent == size


@given(PLANS, missing(), st.integers(0, 4096 * KIB))
def test_near_the_end_a_segment_is_no_larger_than_a_share(plan: Plan, gaps: ByteRanges, share: int) -> None:
    segment = plan.next_segment(gaps, share=share)
    if segment is not None:
        smallest = min(plan.segment_size, max(CANARY_SIZE, plan.segment_size // 16))
        size = max(share + SMALLEST_SEGMENT, smallest)
        assert len(segment) <= size + size // 4


@given(st.integers(0, 64 * KIB * KIB), st.integers(1, 16))
def test_a_large_segment_ends_at_an_even_place(start: int, mib: int) -> None:
    segment = Plan(segment_size=mib * KIB * KIB).next_segment(ByteRanges.of([ByteRange(start, 1 << 40)]))
    assert segment is not None
    assert segment.stop % (KIB * KIB) == 0 or len(segment) == mib * KIB * KIB


@given(PLANS, missing())
def test_the_canary_is_a_small_one_behind_a_gap(plan: Plan, gaps: ByteRanges) -> None:
    canary = plan.canary(gaps)
    if canary is None:
        return
    assert plan.connections > 1
    assert gaps.contains(canary)
    assert canary.start >= gaps.spans[0].start + plan.segment_size
    assert 0 < len(canary) <= CANARY_SIZE


@given(PLANS, missing())
def test_a_canary_flies_wherever_it_can(plan: Plan, gaps: ByteRanges) -> None:
    behind = bool(gaps) and gaps.spans[-1].stop > gaps.spans[0].start + plan.segment_size
    assert (plan.canary(gaps) is not None) == (behind and plan.connections > 1)


@given(missing(), st.integers(1, 1024 * KIB))
def test_one_connection_needs_no_canary(gaps: ByteRanges, size: int) -> None:
    assert Plan(segment_size=size, connections=1).canary(gaps) is None


def test_the_defaults_are_those_of_the_servers_own_family() -> None:
    assert Plan() == Plan(segment_size=2 * KIB * KIB, connections=4)
    assert (SEGMENT_SIZE, CONNECTIONS, CANARY_SIZE) == (2 * KIB * KIB, 4, 256 * KIB)


def test_examples() -> None:
    plan = Plan(segment_size=100)
    assert plan.next_segment(ByteRanges.prefix(124)) == ByteRange(0, 124)
    assert plan.next_segment(ByteRanges.prefix(125)) == ByteRange(0, 100)
    assert plan.canary(ByteRanges.prefix(150)) == ByteRange(100, 150)
    assert plan.canary(ByteRanges.prefix(100)) is None
    two = ByteRanges.of([ByteRange(0, 50), ByteRange(80, 160)])
    assert plan.canary(two) == ByteRange(100, 160)
