from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.emulator.ranges import ContentRange, Spans

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-9/100", ContentRange(0, 10, 100)),
        ("BYTES 10-10/11", ContentRange(10, 11, 11)),
        ("bytes 90-/100", ContentRange(90, 100, 100)),
        ("0-9/100", ContentRange(0, 10, 100)),
        ("bytes 9-0/100", None),
        ("bytes 0-100/100", None),
        ("bytes 100-/100", None),
        ("bytes 0-9/*", None),
        ("bytes -9/100", None),
        ("bytes \u0660-9/100", None),
        ("", None),
    ],
)
def test_content_range(text: str, expected: ContentRange | None) -> None:
    assert ContentRange.parse(text) == expected


@given(spans)
def test_spans_are_the_set_of_their_bytes_in_normal_form(added: list[tuple[int, int]]) -> None:
    held, model = Spans(), set()
    for start, stop in added:
        held = held.add(start, stop)
        model |= set(range(start, stop))
    assert {byte for first, last in held.items for byte in range(first, last)} == model
    assert all(left[1] < right[0] for left, right in zip(held.items, held.items[1:], strict=False))
    assert held.size == len(model)
    assert held.prefix == next(byte for byte in range(62) if byte not in model)
    assert held.overlap(10, 30) == len(model & set(range(10, 30)))
    assert held.below(20).size == len(model & set(range(20)))


def test_a_listing_counts_last_bytes_as_the_wire_does() -> None:
    held = Spans().add(0, 10).add(20, 30)
    assert held.listing(100) == ["0-9/100", "20-29/100"]
    assert held.listing(None) == ["0-9", "20-29"]
