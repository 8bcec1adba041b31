from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.config import Bandwidth

MIB = 1024 * 1024
WEEK = {"mon": 2, "tue": 3, "wed": 4, "thu": 5, "fri": 6, "sat": 7, "sun": 8}  # days of March 2026


def rate(text: str, day: str, clock: str) -> int | None:
    moment = datetime.fromisoformat(f"2026-03-{WEEK[day]:02}T{clock}:00+03:00")
    return Bandwidth.parse(text).rate_at(moment)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("off", None),
        ("20MiB/s", 20 * MIB),
        ("20 MiB/s", 20 * MIB),
        ("500kB/S", 500_000),
        ("1KiB/s", 1024),
        ("1024", 1024),
    ],
)
def test_a_rate_holds_always(text: str, expected: int | None) -> None:
    assert {rate(text, day, "12:00") for day in WEEK} == {expected}


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        ("mon", "00:00", None),  # what held on Sunday goes on
        ("mon", "07:59", None),
        ("mon", "08:00", 2 * MIB),
        ("mon", "22:59", 2 * MIB),
        ("mon", "23:00", None),
        ("tue", "00:30", None),
        ("fri", "12:00", 2 * MIB),
        ("sat", "12:00", None),  # a day that is named has its own entries only
        ("sun", "12:00", None),
    ],
)
def test_a_timetable(day: str, clock: str, expected: int | None) -> None:
    assert rate("08:00,2MiB/s 23:00,off Sat-Sun,off", day, clock) == expected


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        ("sat", "09:59", 5000),
        ("sat", "10:00", 7000),
        ("sun", "23:00", 7000),
        ("mon", "00:00", 7000),
        ("mon", "8:00".zfill(5), 5000),
        ("fri", "23:59", 5000),
    ],
)
def test_days_with_a_time_and_spans_over_the_weekend(day: str, clock: str, expected: int) -> None:
    assert rate("sat-10:00,7kB sun-sun-10:00,7kB mon-fri-8:00,5000B", day, clock) == expected


def test_a_span_of_days_may_go_over_sunday() -> None:
    found = [rate("Sat-Mon,9000 00:00,2000", day, "12:00") for day in WEEK]
    assert found == [9000, 2000, 2000, 2000, 2000, 9000, 9000]


def test_it_is_written_as_it_was_said() -> None:
    assert str(Bandwidth.parse("08:00,2MiB/s  23:00,off")) == "08:00,2MiB/s 23:00,off"


@pytest.mark.parametrize(
    "text",
    [
        "fast",
        "0",
        "0MiB/s",
        "-1MiB/s",
        "20Mbit/s",
        ",2MiB",
        "08:00,",
        "24:00,1MiB",
        "08:60,1MiB",
        "someday,1MiB",
        "sat08:00,1MiB",
        "-08:00,1MiB",
        "20",
        "1023B/s",
        "1kB/s",
        "08:00,20",
        "08:00,1MiB 08:00,2MiB",
        "sat,1MiB fri-sun,2MiB",
        5,
        None,
    ],
)
def test_what_is_no_limit(text: object) -> None:
    with pytest.raises(ValueError, match=r"must|names"):
        Bandwidth.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("20", 'is 20 bytes a second: write the unit, like "20MiB/s"'),
        ("5/s", 'is 5 bytes a second: write the unit, like "5MiB/s"'),
        ("08:00,300 23:00,off", 'is 300 bytes a second: write the unit, like "300MiB/s"'),
        ("100B/s", 'is 100 bytes a second: write the unit, like "20MiB/s"'),
    ],
)
def test_a_forgotten_unit_is_told_and_the_one_that_was_meant_is_proposed(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="must be at least 1KiB/s") as caught:
        Bandwidth.parse(text)
    assert str(caught.value).endswith(words)


@given(st.text(alphabet="satmonfri-:,0123456789 offMiB/s", max_size=40))
def test_any_text_is_a_limit_or_a_complaint(text: str) -> None:
    try:
        limit = Bandwidth.parse(text)
    except ValueError:
        return
    assert list(limit.points) == sorted(limit.points, key=lambda point: point[0])
    assert Bandwidth.parse(str(limit)) == limit
