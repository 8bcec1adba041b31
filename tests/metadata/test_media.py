from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.metadata.media import Media, read_probe


def test_what_ffprobe_says() -> None:
    answer = {
        "streams": [
            {},
            {"width": 320, "height": 240},
            {"width": 1920, "height": 1080},
            {"width": "9", "height": 9},
        ],
        "format": {"duration": "12.5", "tags": {"Title": "T", "COMMENT": "C", "n": 5}},
    }
    assert read_probe(json.dumps(answer).encode()) == Media(
        duration=12.5, width=1920, height=1080, tags={"title": "T", "comment": "C"}
    )


@pytest.mark.parametrize("raw", [b"", b"[]", b"nonsense", b"[" * 100_000, b"\xff"])
def test_what_makes_no_sense_is_nothing(raw: bytes) -> None:
    assert read_probe(raw) is None


@pytest.mark.parametrize("duration", ["N/A", "nan", "inf", "-1", "1e300", [], None, True])
def test_a_duration_that_cannot_be_is_none(duration: object) -> None:
    media = read_probe(json.dumps({"format": {"duration": duration}}).encode())
    assert media is not None
    assert media.duration in {0.0, 1.0}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["streams", "format", "width", "height", "tags", "duration"]), inner
        )
    ),
    max_leaves=15,
)


@given(anything)
def test_any_answer_is_read_or_none(answer: object) -> None:
    media = read_probe(json.dumps(answer).encode())
    assert media is None or (media.width >= 0 and media.duration >= 0)
