"""Who may have how many segments out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.pipeline.pacing import BUDGET, REMEMBERED, Pacing
from okdrop.protocol import messages as m
from okdrop.protocol.pace import FIRST_LEVEL, MIB
from okdrop.protocol.plan import Plan
from okdrop.protocol.ranges import ByteRange

PLAN = Plan(segment_size=3 * MIB, connections=5)
HOST, OTHER = "vu1.example", "vu2.example"


class Line:
    """A pacing, and a clock to move."""

    def __init__(self, *, connections: bool = True, segment_size: bool = True) -> None:
        self.now = 0.0
        self.told = 0
        self.pacing = Pacing(lambda: self.now, connections=connections, segment_size=segment_size)
        self.pacing.listen(self._hear)

    def _hear(self) -> None:
        self.told += 1

    def plan(self, upload: int, host: str = HOST, *, is_proven: bool = True) -> Plan:
        return self.pacing.plan(PLAN, upload, host, is_proven=is_proven)

    def storing(self, upload: int, segments: int, *, rate: float = 4 * MIB, host: str = HOST) -> None:
        """So many segments, as many at once as there may be, each at its own rate."""
        while segments > 0:
            together = min(self.plan(upload, host).connections, segments)
            spans = [ByteRange(number * MIB, (number + 1) * MIB) for number in range(together)]
            for span in spans:
                self.pacing.began(upload, host, span)
            self.now += MIB / rate
            for span in spans:
                self.pacing.ended(upload, host, span, m.Stored())
            segments -= together


def test_what_is_configured_stands() -> None:
    line = Line(connections=False, segment_size=False)
    line.storing(1, 100)
    assert line.plan(1) == PLAN
    assert Line().pacing.plan(Plan(in_one=True), 1, HOST, is_proven=True) == Plan(in_one=True)


def test_each_is_found_for_itself() -> None:
    only_size, only_number = Line(connections=False), Line(segment_size=False)
    only_size.storing(1, 100)
    only_number.storing(1, 100)
    assert only_size.plan(1).connections == PLAN.connections
    assert only_size.plan(1).segment_size != PLAN.segment_size
    assert only_number.plan(1) == Plan(segment_size=PLAN.segment_size, connections=BUDGET)


def test_a_host_of_which_nothing_is_known_is_asked_with_more_than_one() -> None:
    line = Line()
    for _ in range(5):
        line.pacing.began(1, HOST, ByteRange(0, MIB))
        line.pacing.ended(1, HOST, ByteRange(0, MIB), m.NoAnswer("no answer in time", timed_out=True))
    assert line.plan(1).connections == 1
    assert line.plan(1, is_proven=False).connections == FIRST_LEVEL, "or there would be no canary"


def test_two_uploads_share_and_one_uses_what_the_other_leaves() -> None:
    line = Line()
    line.storing(1, 300)
    assert line.plan(1).connections == BUDGET
    assert line.plan(2).connections == BUDGET, "the first has nothing out"
    for number in range(BUDGET):
        line.pacing.began(1, HOST, ByteRange(number, number + 1))
    assert line.plan(2).connections == BUDGET // 2
    for number in range(3):
        line.pacing.began(2, HOST, ByteRange(number, number + 1))
    assert line.plan(1).connections == BUDGET - 3


def test_another_hosts_segments_count_against_the_budget() -> None:
    line = Line()
    line.storing(1, 300)
    for number in range(BUDGET - 2):
        line.pacing.began(2, OTHER, ByteRange(number, number + 1))
    assert line.plan(1).connections == 2


def test_the_others_are_told_when_there_is_more_for_them() -> None:
    line = Line()
    line.plan(1)
    line.storing(2, 100)
    told = line.told
    assert told > 0, "more connections paid"
    line.pacing.left(2)
    assert line.told == told + 1


@pytest.mark.parametrize(
    ("answer", "halves"),
    [
        (m.ServerTrouble(429), True),
        (m.ServerTrouble(503), True),
        (m.NoAnswer("stalled", timed_out=True), True),
        (m.ServerTrouble(500), False),
        (m.NoAnswer("the connection was cut"), False),
        (None, False),
    ],
)
def test_what_tells_of_load(answer: m.SegmentAnswer | None, *, halves: bool) -> None:
    line = Line()
    line.storing(1, 300)
    line.pacing.began(1, HOST, ByteRange(0, 1))
    line.pacing.ended(1, HOST, ByteRange(0, 1), answer)
    assert line.plan(1).connections == (BUDGET // 2 if halves else BUDGET)


def test_a_host_is_remembered_for_the_next_upload_but_not_every_host_for_ever() -> None:
    line = Line()
    line.storing(1, 300)
    line.pacing.left(1)
    for number in range(REMEMBERED - 1):
        line.plan(2, f"vu{number}.elsewhere")
    assert line.plan(3).connections == BUDGET
    for number in range(2 * REMEMBERED):
        line.plan(2, f"vu{number}.beyond")
    line.pacing.left(3)
    for number in range(2 * REMEMBERED):
        line.plan(2, f"vu{number}.far")
    assert line.plan(3).connections == FIRST_LEVEL


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from([HOST, OTHER]), st.booleans()), max_size=150))
def test_every_upload_may_have_one_and_all_together_no_more_than_the_budget(
    moves: list[tuple[int, str, bool]],
) -> None:
    line, out = Line(), list[tuple[int, str, ByteRange]]()
    number = 0
    for upload, host, lands in moves:
        line.now += 0.1
        if lands and out:
            line.pacing.ended(*out.pop(0), m.Stored())
        mine = sum(one == upload for one, _, _ in out)
        may = line.plan(upload, host).connections
        assert may >= 1
        if mine < may:
            number += 1
            out.append((upload, host, ByteRange(number, number + 1)))
            line.pacing.began(*out[-1])
        assert len(out) <= BUDGET + 5, "one for each upload stands above it"


def test_a_number_that_is_settled_is_news_once() -> None:
    line = Line()
    assert line.pacing.take_news() == {}
    line.storing(1, 300)
    assert line.pacing.changed.is_set()
    assert line.pacing.take_news() == {HOST: BUDGET}
    assert line.pacing.take_news() == {}


def test_load_is_news_at_once() -> None:
    line = Line()
    line.pacing.began(1, HOST, ByteRange(0, 1))
    line.pacing.ended(1, HOST, ByteRange(0, 1), m.ServerTrouble(503))
    assert line.pacing.take_news() == {HOST: FIRST_LEVEL // 2}


def test_what_is_configured_is_no_news_and_is_not_overruled_by_what_was() -> None:
    line = Line(connections=False)
    line.pacing.recall(HOST, 12, seconds=60)
    line.storing(1, 300)
    assert line.pacing.take_news() == {}
    assert line.plan(1).connections == PLAN.connections


def test_the_next_run_begins_with_what_paid_last_for_as_long_as_that_is_good() -> None:
    line = Line()
    line.pacing.recall(HOST, 12, seconds=60)
    line.pacing.recall(OTHER, 12, seconds=60)
    assert line.plan(1).connections == 12
    assert line.plan(1, is_proven=False).connections == FIRST_LEVEL, "its mode is another matter"
    line.now += 60
    assert line.plan(2, OTHER).connections == FIRST_LEVEL
