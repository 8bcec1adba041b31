import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.protocol.ranges import ByteRange, ByteRanges, MalformedRangesError

TOTAL = 60
spans = st.tuples(st.integers(0, TOTAL - 1), st.integers(1, TOTAL)).map(
    lambda pair: ByteRange(pair[0], min(TOTAL, pair[0] + pair[1]))
)
sets = st.lists(spans, max_size=8).map(ByteRanges.of)


def ints(ranges: ByteRanges) -> set[int]:
    """The model: a set of byte indexes."""
    return {index for span in ranges for index in range(span.start, span.stop)}


@given(st.lists(spans, max_size=8))
def test_of_keeps_every_byte_and_is_in_normal_form(parts: list[ByteRange]) -> None:
    ranges = ByteRanges.of(parts)
    assert ints(ranges) == {index for span in parts for index in range(span.start, span.stop)}
    assert all(left.stop < right.start for left, right in zip(ranges.spans, ranges.spans[1:], strict=False))


@given(sets.filter(bool))
def test_parse_undoes_format(ranges: ByteRanges) -> None:
    assert ByteRanges.parse(ranges.format(TOTAL)) == (ranges, TOTAL)


@given(sets, sets)
def test_the_algebra_is_that_of_sets(one: ByteRanges, other: ByteRanges) -> None:
    assert ints(one | other) == ints(one) | ints(other)
    assert ints(one & other) == ints(one) & ints(other)
    assert ints(one - other) == ints(one) - ints(other)
    assert one.contains(other) == (ints(one) >= ints(other))
    assert one.size == len(ints(one))
    assert ints(one.missing(TOTAL)) == set(range(TOTAL)) - ints(one)
    assert (one == other) == (ints(one) == ints(other))


@given(sets, spans)
def test_a_single_span_serves_as_a_set(ranges: ByteRanges, span: ByteRange) -> None:
    alone = ByteRanges.of([span])
    assert ranges | span == ranges | alone
    assert ranges - span == ranges - alone
    assert ranges.contains(span) == ranges.contains(alone)


@pytest.mark.parametrize(
    ("text", "expected", "total"),
    [
        ("0-9/100", [(0, 10)], 100),
        ("bytes 0-9/100", [(0, 10)], 100),
        ("bytes=0-9", [(0, 10)], None),
        ("0-9/100,20-29/100", [(0, 10), (20, 30)], 100),
        ("0-9/100\n20-29/100\r\n", [(0, 10), (20, 30)], 100),
        ("bytes 0-9/100, bytes 10-19/100", [(0, 20)], 100),
        ("0-9/*", [(0, 10)], None),
    ],
)
def test_the_forms_seen_on_the_wire_parse(
    text: str, expected: list[tuple[int, int]], total: int | None
) -> None:
    assert ByteRanges.parse(text) == (ByteRanges.of(ByteRange(*pair) for pair in expected), total)


@pytest.mark.parametrize(
    "text", ["", " , ", "9-0/100", "0-9/5", "0-9/100,20-29/200", "0-", "-5", "a-b", "0-9x", "0-9/1e3", "٣-٤"]
)
def test_malformed_text_is_named_so(text: str) -> None:
    with pytest.raises(MalformedRangesError):
        ByteRanges.parse(text)


@given(st.text() | st.text(alphabet="0123456789-/,* \nbytes="))
def test_any_text_parses_or_is_malformed(text: str) -> None:
    try:
        ranges, total = ByteRanges.parse(text)
    except MalformedRangesError:
        return
    assert ranges
    assert total is None or ranges.spans[-1].stop <= total


def test_thirty_thousand_islands_do_not_hang() -> None:
    islands = ByteRanges(tuple(ByteRange(start, start + 1) for start in range(0, 60_000, 2)))
    text = islands.format(60_000)
    begun = time.process_time()
    parsed, _ = ByteRanges.parse(text)
    gaps = parsed.missing(60_000)
    assert gaps.size == 30_000
    assert not parsed & gaps
    assert (parsed | gaps) == ByteRanges.prefix(60_000)
    assert time.process_time() - begun < 5
