"""Durations, sizes and moments as people write them: "1h30m", "250ms", "8MiB", "2027-01-31"."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

_NUMBER: Final = r"\d{1,15}(?:\.\d{1,9})?"
_DURATION: Final = re.compile(
    "".join(rf"(?:({_NUMBER}){unit})?" for unit in ("d", "h", "m(?!s)", "s", "ms")), re.ASCII
)
_DURATION_UNITS: Final = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_SECONDS: Final = re.compile(_NUMBER, re.ASCII)
_LONGEST: Final = 366 * 86400.0

_MOMENT: Final = 'must be a day or a time like "2027-01-31" or "2027-01-31T12:00:00Z"'

_SIZE: Final = re.compile(rf"({_NUMBER})([kmgt]i?b|b)?", re.ASCII | re.IGNORECASE)
_SIZE_UNITS: Final = {
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
    "tib": 1024**4,
}


def parse_duration(value: object) -> float:
    """Read a duration: a number is seconds, text is one too or like "1h30m".

    Returns:
        Seconds, at least 0 and at most a leap year.

    Raises:
        ValueError: it is neither, in words.
    """
    seconds = math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str):
        seconds = _duration_of_text("".join(value.split()).lower())
    if not math.isfinite(seconds):
        raise ValueError('must be seconds, or a duration like "250ms", "10s", "5m" or "1h30m"')
    if not 0 <= seconds <= _LONGEST:
        raise ValueError("must lie between 0 and 366 days")
    return seconds


def _duration_of_text(text: str) -> float:
    if _SECONDS.fullmatch(text):
        return float(text)
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return math.nan
    parts = zip(match.groups(), _DURATION_UNITS, strict=True)
    return sum(float(number) * unit for number, unit in parts if number is not None)


def parse_size(value: object) -> int:
    """Read a size: a number is bytes, text is one too or like "8MiB" (1024) or "10MB" (1000).

    Returns:
        Bytes, at least 0.

    Raises:
        ValueError: it is neither, in words.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch("".join(value.split())) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be bytes, or a size like "64KiB", "8MiB" or "10MB"')
    number, unit = match.groups()
    return int(Decimal(number) * _SIZE_UNITS[(unit or "b").lower()])


def parse_moment(value: object) -> datetime:
    """Read a moment: an aware time, a naive one or a text of UTC, or a day, which is its beginning there.

    Raises:
        ValueError: it is none, in words.
    """
    try:
        if isinstance(value, date):
            value = value.isoformat()  # TOML has days and times of its own
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(_MOMENT) from None
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
