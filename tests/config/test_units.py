from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.config.units import parse_duration, parse_size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0.0),
        (10, 10.0),
        (0.25, 0.25),
        ("10", 10.0),
        ("1.5", 1.5),
        ("5s", 5.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("250ms", 0.25),
        ("1s250ms", 1.25),
        ("1d", 86400.0),
        (" 2M ", 120.0),
    ],
)
def test_durations(written: object, seconds: float) -> None:
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "s",
        "10x",
        "-5s",
        "5s10m",
        "1,5s",
        "٣s",
        True,
        None,
        [],
        float("nan"),
        float("inf"),
        -1,
        1e9,
        "400d",
    ],
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (0, 0),
        (4096, 4096),
        ("4096", 4096),
        ("64KiB", 65536),
        ("8MiB", 8 << 20),
        ("8 mib", 8 << 20),
        ("1GiB", 1 << 30),
        ("1.5GiB", 3 << 29),
        ("10MB", 10_000_000),
        ("3kB", 3000),
        ("7B", 7),
    ],
)
def test_sizes(written: object, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize(
    "written", ["", "MiB", "8M", "8 miles", "-1", -1, 1.5, True, None, "1e9", "9" * 5000]
)
def test_what_is_no_size(written: object) -> None:
    with pytest.raises(ValueError, match="must be bytes"):
        parse_size(written)


@given(st.text())
def test_any_text_is_a_value_or_a_complaint(text: str) -> None:
    for parse in (parse_duration, parse_size):
        with contextlib.suppress(ValueError):
            assert parse(text) >= 0


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_the_parts_of_a_duration_add_up(hours: int, minutes: int, seconds: int, millis: int) -> None:
    expected = hours * 3600 + minutes * 60 + seconds + millis / 1000
    assert parse_duration(f"{hours}h{minutes}m{seconds}s{millis}ms") == pytest.approx(expected)
