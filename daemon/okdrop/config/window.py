"""When what is whole may be published: hours of the week, by the local clock.

    18:00-23:00                          every day
    18:00-23:00 Sat-Sun 10:00-23:00      other hours at the weekend
    Mon-Fri 22:00-02:00                  over midnight, on nights that begin on these days

Spans of hours between blanks; a weekday, or a span of them, says for which days the hours after it are. As in
a timetable of the bandwidth, a day that is named has only the hours that name it, all other days have those
that name none. A span that ends before it begins goes on over midnight and belongs to the day it begins on.

The local clock may jump (daylight saving time): an hour that is left out is in no window, one that comes
twice is in it twice. Only the zone's own rules are asked, never a clock.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from datetime import tzinfo

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = "|".join(_DAYS)
_NAMED: Final = re.compile(rf"({_DAY})(?:-({_DAY}))?", re.ASCII)
_TIME: Final = r"(\d{1,2}):([0-5]\d)"
_SPAN: Final = re.compile(rf"{_TIME}-{_TIME}", re.ASCII)
_DAY_LONG: Final = 24 * 60
_WEEK_LONG: Final = len(_DAYS) * _DAY_LONG
_FORM: Final = 'must be hours like "18:00-23:00", or with days like "18:00-23:00 Sat-Sun 10:00-23:00"'

_MINUTE: Final = timedelta(minutes=1)
_EXACT: Final = timedelta(microseconds=1)


@dataclasses.dataclass(frozen=True, slots=True)
class PublishWindow:
    """The hours of a week in which videos are published; make one with `parse`.

    `spans` are half-open, in minutes of the week from Monday 00:00, in order, apart from each other and
    within the week; none at all: at any time.
    """

    text: str = ""
    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read hours; empty: at any time.

        Raises:
            ValueError: they are none, in words.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(_FORM)  # noqa: TRY004  a ValueError is what the configuration's reader collects
        text = " ".join(value.split())
        return cls(text, _spans(text.lower().split()) if text else ())

    def is_open_at(self, moment: datetime) -> bool:
        """Whether this moment, as its own zone's clock shows it, lies in the window."""
        return not self.spans or any(start <= _minute(moment) < stop for start, stop in self.spans)

    def outside(self) -> Self:
        """The hours that are not in this window; of one that is always open, none (which is as much)."""
        edges = [0, *(minute for span in self.spans for minute in span), _WEEK_LONG]
        between = zip(edges[::2], edges[1::2], strict=True)
        return type(self)(spans=tuple((start, stop) for start, stop in between if start < stop))

    def next_opening(self, moment: datetime, zone: tzinfo | None = None) -> datetime:
        """The first moment, from this one on, that lies in the window.

        Args:
            moment: aware.
            zone: by whose clock; None: this machine's.

        Returns:
            `moment` itself where it lies in the window, else a later one; in UTC.
        """
        at = moment.astimezone(UTC)
        while not self.is_open_at(local := at.astimezone(zone)):
            opening = at + self._until_opening(local)
            # So it is, as long as the clock does not jump meanwhile; where it does, look again from there.
            at = _first_jump(at, opening, zone) or opening
        return at

    def _until_opening(self, local: datetime) -> timedelta:
        """How long until a clock that goes on as it does now shows an hour of the window."""
        minute = _minute(local)
        waits = min((start - minute) % _WEEK_LONG for start, _ in self.spans)
        begun = timedelta(seconds=local.second, microseconds=local.microsecond)
        return waits * _MINUTE - begun

    def __str__(self) -> str:
        return self.text


ALWAYS: Final = PublishWindow()


def day_of(moment: datetime, zone: tzinfo | None = None) -> tuple[datetime, datetime]:
    """The first moment of a moment's day by the local clock, and the first of the next day; in UTC.

    Args:
        moment: aware.
        zone: by whose clock; None: this machine's.
    """
    midnight = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    return _instant(midnight, zone), _instant(midnight + timedelta(days=1), zone)


def _instant(wall: datetime, zone: tzinfo | None) -> datetime:
    """The moment at which the local clock shows this; where it jumps over it, the one right after."""
    aware = wall.replace(tzinfo=zone) if zone is not None else wall.astimezone()
    return aware.astimezone(UTC)


def _first_jump(start: datetime, stop: datetime, zone: tzinfo | None) -> datetime | None:
    """The moment, after `start` and up to `stop`, from which the local clock is another; None: no such."""

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(zone).utcoffset()

    if offset(start) == offset(stop):
        return None
    before, after = start, stop
    while after - before > _EXACT:
        middle = before + (after - before) / 2
        if offset(middle) == offset(start):
            before = middle
        else:
            after = middle
    return after


def _minute(moment: datetime) -> int:
    return moment.weekday() * _DAY_LONG + moment.hour * 60 + moment.minute


def _spans(words: list[str]) -> tuple[tuple[int, int], ...]:
    everyday: list[tuple[int, int]] = []
    named: dict[int, list[tuple[int, int]]] = {}
    days: list[int] = []
    is_used = True
    for word in words:
        if (match := _NAMED.fullmatch(word)) is not None:
            days, is_used = _days(*match.groups()), False
            continue
        is_used = True
        for hours in [named.setdefault(day, []) for day in days] or [everyday]:
            hours.append(_hours(word))
    if not is_used:
        raise ValueError(f"names days without hours; {_FORM}")
    of_week = [
        (day * _DAY_LONG + start, day * _DAY_LONG + stop)
        for day in range(len(_DAYS))
        for start, stop in named.get(day, everyday)
    ]
    return _joined([part for span in of_week for part in _within_week(*span)])


def _days(first: str, last: str | None) -> list[int]:
    start = _DAYS.index(first)
    length = (_DAYS.index(last or first) - start) % len(_DAYS) + 1
    return [(start + offset) % len(_DAYS) for offset in range(length)]


def _hours(word: str) -> tuple[int, int]:
    """Minutes of the day on which they begin; they may end on the next."""
    match = _SPAN.fullmatch(word)
    if match is None:
        raise ValueError(_FORM)
    hours = [int(number) for number in match.groups()]
    start, stop = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start >= _DAY_LONG or stop > _DAY_LONG:
        raise ValueError(f"names a time that no clock shows; {_FORM}")
    if start == stop:
        raise ValueError(
            'begins and ends at the same time; write "00:00-24:00" for all day, or leave it empty'
        )
    return start, stop if stop > start else stop + _DAY_LONG


def _within_week(start: int, stop: int) -> list[tuple[int, int]]:
    """A span of Sunday night goes on on Monday, where the week begins anew."""
    if stop <= _WEEK_LONG:
        return [(start, stop)]
    return [(start, _WEEK_LONG), (0, stop - _WEEK_LONG)]


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], stop)
        else:
            joined.append((start, stop))
    return tuple(joined)
