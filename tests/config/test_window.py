"""When videos are published: every moment lies in the window, or has a next opening."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okdrop.config.window import PublishWindow, day_of

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = tuple(
    map(
        ZoneInfo,
        (
            "UTC",
            "Europe/Berlin",  # an hour, at night
            "Europe/Moscow",  # none any more; another time of the zone for good in 2014
            "Australia/Lord_Howe",  # half an hour
            "America/Sao_Paulo",  # jumps at midnight, until 2019
            "Asia/Kathmandu",  # not whole hours from UTC
            "Pacific/Apia",  # left out a whole day in 2011
        ),
    )
)
MINUTES = st.integers(0, 24 * 60 - 1)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def hours(draw: st.DrawFn) -> str:
    start, stop = draw(st.tuples(MINUTES, MINUTES).filter(lambda both: both[0] != both[1]))
    return f"{clock(start)}-{clock(stop)}"


@st.composite
def windows(draw: st.DrawFn) -> str:
    words = draw(st.lists(hours(), max_size=2))
    for _ in range(draw(st.integers(0 if words else 1, 3))):
        first, last = draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))
        words += [
            draw(st.sampled_from([first, f"{first}-{last}"])),
            *draw(st.lists(hours(), min_size=1, max_size=2)),
        ]
    return " ".join(words)


MOMENTS = st.datetimes(datetime(2009, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside it
EVENING = PublishWindow.parse("18:00-23:00 Sat-Sun 10:00-23:00")


def local(*numbers: int, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime(*numbers, tzinfo=zone, fold=fold)  # type: ignore[arg-type, misc]


@given(windows(), MOMENTS, st.sampled_from(ZONES))
@example("02:30-02:45", datetime(2026, 3, 28, 20, tzinfo=UTC), BERLIN)
@example("Fri 00:00-24:00", datetime(2011, 12, 30, 9, tzinfo=UTC), ZoneInfo("Pacific/Apia"))
def test_every_moment_lies_in_the_window_or_has_a_next_opening(
    text: str, moment: datetime, zone: ZoneInfo
) -> None:
    window = PublishWindow.parse(text)
    opening = window.next_opening(moment, zone)
    assert opening >= moment
    assert (opening == moment) is window.is_open_at(moment.astimezone(zone))
    assert window.is_open_at(opening.astimezone(zone))
    assert opening - moment <= timedelta(days=15)  # a window of one night a week may be left out once
    if opening > moment:
        assert not window.is_open_at((opening - timedelta(microseconds=1)).astimezone(zone))


@given(windows(), MOMENTS, st.sampled_from(ZONES), st.data())
def test_there_is_no_earlier_opening(
    text: str, moment: datetime, zone: ZoneInfo, data: st.DataObject
) -> None:
    window = PublishWindow.parse(text)
    opening = window.next_opening(moment, zone)
    if opening > moment:
        span = opening - moment
        part = data.draw(st.floats(0, 1, exclude_max=True))
        between = min(moment + span * part, opening - timedelta(microseconds=1))
        assert not window.is_open_at(between.astimezone(zone))
        assert window.next_opening(between, zone) == opening


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        (local(2026, 11, 27, 12), local(2026, 11, 27, 18)),  # a Friday
        (local(2026, 11, 27, 18), local(2026, 11, 27, 18)),
        (local(2026, 11, 27, 22, 59, 59), local(2026, 11, 27, 22, 59, 59)),
        (local(2026, 11, 27, 23), local(2026, 11, 28, 10)),
        (local(2026, 11, 29, 23, 30), local(2026, 11, 30, 18)),
        (local(2026, 11, 27, 17, 59, 59), local(2026, 11, 27, 18)),
    ],
)
def test_hours_of_weekdays_and_of_the_weekend(moment: datetime, opening: datetime) -> None:
    assert EVENING.next_opening(moment, BERLIN) == opening


def test_hours_that_end_after_midnight_belong_to_the_day_they_begin_on() -> None:
    window = PublishWindow.parse("Sun 22:00-02:00")
    assert window.is_open_at(local(2026, 11, 29, 23))
    assert window.is_open_at(local(2026, 11, 30, 1, 59))
    assert not window.is_open_at(local(2026, 11, 29, 1))
    assert not window.is_open_at(local(2026, 11, 30, 2))


def test_an_hour_that_the_clock_leaves_out_is_in_no_window() -> None:
    window = PublishWindow.parse("02:30-02:45")
    assert window.next_opening(local(2026, 3, 28, 3), BERLIN) == local(2026, 3, 30, 2, 30)
    reaches_over = PublishWindow.parse("02:30-04:00")
    assert reaches_over.next_opening(local(2026, 3, 29, 1), BERLIN) == local(2026, 3, 29, 3)


def test_an_hour_that_comes_twice_is_in_it_twice() -> None:
    window = PublishWindow.parse("02:30-02:45")
    first, second = (local(2026, 10, 25, 2, 30, fold=fold).astimezone(UTC) for fold in (0, 1))
    assert window.next_opening(local(2026, 10, 25, 0), BERLIN) == first
    assert window.next_opening(local(2026, 10, 25, 2, 50), BERLIN) == second
    assert second - first == timedelta(hours=1)


def test_none_is_at_any_time() -> None:
    moment = local(2026, 11, 27, 3)
    for text in ("", "  ", "00:00-24:00"):
        assert PublishWindow.parse(text).next_opening(moment, BERLIN) == moment


def test_days_that_are_not_named_have_the_hours_that_name_none() -> None:
    working = PublishWindow.parse("Mon-Fri 09:00-17:00")
    assert working.next_opening(local(2026, 11, 28, 12), BERLIN) == local(2026, 11, 30, 9)


@given(st.lists(hours(), min_size=1, max_size=3), st.integers(0, 7 * 24 * 60 - 1))
def test_what_is_outside_is_all_that_is_not_in_it(spans: list[str], minute: int) -> None:
    window, moment = (
        PublishWindow.parse(" ".join(spans)),
        datetime(2025, 1, 6, tzinfo=UTC) + timedelta(minutes=minute),
    )
    outside = window.outside()
    assert not outside.spans or outside.is_open_at(moment) is not window.is_open_at(moment)
    assert bool(outside.spans) or window.is_open_at(moment)


def test_outside_of_all_week_is_nothing_and_of_nothing_all_week() -> None:
    assert PublishWindow.parse("00:00-24:00").outside().spans == ()
    assert PublishWindow().outside().spans == ((0, 7 * 24 * 60),)


def test_hours_that_touch_are_one() -> None:
    assert PublishWindow.parse("10:00-12:00 12:00-13:00 11:00-12:30").spans[0] == (600, 780)
    assert PublishWindow.parse("sat-mon 22:00-02:00").text == "sat-mon 22:00-02:00"


@pytest.mark.parametrize(
    "text",
    [
        *("18:00", "18-23", "24:00-25:00", "18:00-18:00", "10:00-24:01", "Sat", "18:00-23:00 Sat"),
        *(
            "off",
            "Sat-18:00-23:00",
            "Sam 10:00-11:00",
            "18:00,23:00",
            "-18:00",
            "18:00-23:00;",
            "18:60-19:00",
        ),
    ],
)
def test_what_is_no_window_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(ValueError, match=r"18:00-23:00|00:00-24:00"):
        PublishWindow.parse(text)


def test_what_is_no_text_is_no_window() -> None:
    with pytest.raises(ValueError, match="18:00-23:00"):
        PublishWindow.parse(18)


@given(st.text())
def test_any_text_is_a_window_or_told(text: str) -> None:
    try:
        window = PublishWindow.parse(text)
    except ValueError:
        return
    assert PublishWindow.parse(str(window)) == window


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_moment_lies_in_its_day(moment: datetime, zone: ZoneInfo) -> None:
    first, end = day_of(moment, zone)
    assert first <= moment < end
    assert first.astimezone(zone).date() == moment.astimezone(zone).date()
    assert (end - timedelta(microseconds=1)).astimezone(zone).date() == moment.astimezone(zone).date()
    assert timedelta(hours=22) < end - first < timedelta(hours=26)


def test_a_day_is_one_of_the_local_clock() -> None:
    first, end = day_of(local(2026, 3, 29, 12), BERLIN)
    assert end - first == timedelta(hours=23)
    assert first == local(2026, 3, 29)
