"""How much of the line uploads may take, and when.

One rate (`20MiB/s`), or a timetable in the manner of rclone's: entries `[DAYS-]HH:MM,RATE` or `DAYS,RATE`
between blanks, where `DAYS` is a weekday or a span of them (`Sat-Sun`) and `RATE` may be `off` for no limit.
An entry holds from its minute until the next one. A day that is named has only the entries that name it; all
other days have those that name none. What held at the end of a day goes on into the next.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final, Self

from okdrop.config.units import parse_size

if TYPE_CHECKING:
    from datetime import datetime

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = "|".join(_DAYS)
_ENTRY: Final = re.compile(
    rf"(?:({_DAY})(?:-({_DAY}))?(?:(?=,)|-(?=\d)))?(?:([01]?\d|2[0-3]):([0-5]\d))?,(\S+)", re.ASCII
)
_MINUTES_OF_DAY: Final = 24 * 60
_LEAST: Final = 1024  #: bytes a second; less is a unit that was forgotten
_FORM: Final = 'must be a rate like "20MiB/s", or a timetable like "08:00,2MiB/s 23:00,off Sat-Sun,off"'


@dataclasses.dataclass(frozen=True, slots=True)
class Bandwidth:
    """A limit on what all uploads together send; make one with `parse`.

    `points` are (minute of the week from Monday 00:00, bytes per second or None for no limit), in order of
    time, no two at one minute; none at all: never a limit.
    """

    text: str = ""
    points: tuple[tuple[int, int | None], ...] = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a rate or a timetable; empty or `off`: no limit.

        Raises:
            ValueError: it is neither, in words.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(_FORM)  # noqa: TRY004  a ValueError is what the configuration's reader collects
        text = " ".join(value.split())
        if "," in text:
            return cls(text, _timetable(text.lower().split()))
        rate = _rate(text) if text else None
        return cls(text, () if rate is None else ((0, rate),))

    def rate_at(self, moment: datetime) -> int | None:
        """Bytes per second that hold at this local time; None: no limit."""
        if not self.points:
            return None
        minute = moment.weekday() * _MINUTES_OF_DAY + moment.hour * 60 + moment.minute
        # Before the first point of the week holds what the last one of the week before set.
        past = [rate for at, rate in self.points if at <= minute]
        return past[-1] if past else self.points[-1][1]

    def __str__(self) -> str:
        return self.text


def _rate(text: str) -> int | None:
    if text.lower() == "off":
        return None
    size = text[: -len("/s")] if text.lower().endswith("/s") else text
    try:
        rate = parse_size(size)
    except ValueError:
        raise ValueError(_FORM) from None
    if rate == 0:
        raise ValueError('must not be 0; "off" means no limit')
    if rate < _LEAST:
        meant = f"{size.strip()}MiB/s" if size.strip().isdecimal() else "20MiB/s"
        raise ValueError(
            f'must be at least 1KiB/s, and is {rate} bytes a second: write the unit, like "{meant}"'
        )
    return rate


def _timetable(entries: list[str]) -> tuple[tuple[int, int | None], ...]:
    everyday: dict[int, int | None] = {}
    named: dict[int, dict[int, int | None]] = {}
    for entry in entries:
        days, minute, rate = _entry(entry)
        for table in [named.setdefault(day, {}) for day in days] or [everyday]:
            if minute in table:
                raise ValueError("names one moment twice")
            table[minute] = rate
    return tuple(
        (day * _MINUTES_OF_DAY + minute, rate)
        for day in range(len(_DAYS))
        for minute, rate in sorted(named.get(day, everyday).items())
    )


def _entry(text: str) -> tuple[list[int], int, int | None]:
    """One entry: weekdays (none: every day that is not named), minute of the day, rate."""
    match = _ENTRY.fullmatch(text)
    if match is None or text.startswith(","):
        raise ValueError(_FORM)
    first, last, hour, minute, rate = match.groups()
    days: list[int] = []
    if first:
        start = _DAYS.index(first)
        length = (_DAYS.index(last or first) - start) % len(_DAYS) + 1
        days = [(start + offset) % len(_DAYS) for offset in range(length)]
    return days, int(hour or 0) * 60 + int(minute or 0), _rate(rate)
