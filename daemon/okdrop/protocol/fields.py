"""HTTP header fields, read the same way for the API and for the upload URL (RFC 9110, 5 and 10.2.3)."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT: Final = 86_400.0
"""Seconds: a Retry-After beyond a day is cut to a day."""

_SERVER_ERRORS: Final = 500
_PASSING: Final = frozenset({408, 425, 429})  # request timeout, too early, too many requests
_SECONDS: Final = re.compile(r"\d{1,12}", re.ASCII)


def field(headers: Mapping[str, str], name: str) -> str | None:
    """The value of a field whatever the case of its name; several are joined by a comma (RFC 9110, 5.3)."""
    wanted = name.lower()
    values = [value.strip() for key, value in headers.items() if key.lower() == wanted]
    return ", ".join(value for value in values if value) if values else None


def passing(status: int) -> bool:
    """Whether the status alone says that the same request may succeed later (RFC 9110, 15.6; RFC 6585, 4)."""
    return status >= _SERVER_ERRORS or status in _PASSING


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After, between 0 and `LONGEST_WAIT`; None where it says nothing usable.

    A date is measured from the answer's own Date field: the other side's clock against itself, so that
    ours plays no part.
    """
    value = field(headers, "Retry-After")
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return min(float(value), LONGEST_WAIT)
    until, sent_at = _date(value), date_of(headers)
    if until is None or sent_at is None:
        return None
    return min(max((until - sent_at).total_seconds(), 0.0), LONGEST_WAIT)


def date_of(headers: Mapping[str, str]) -> dt.datetime | None:
    """The answer's own Date, aware; None where it has none that can be read (RFC 9110, 6.6.1)."""
    return _date(field(headers, "Date") or "")


def _date(text: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    # "-0000" makes a naive time of it (RFC 5322, 3.3); HTTP knows GMT alone.
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
