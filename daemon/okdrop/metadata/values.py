"""Values of a sidecar as fields of a video: a text, tags, a day; or why they are none."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

LONGEST: Final = 64 * 1024
"""Characters that are kept of any text: much more than OK takes, and little to work on."""

MOST_TAGS: Final = 1000

_DAYS: Final = (
    re.compile(r"(?P<y>\d{4})([-._/]?)(?P<m>\d\d)\2(?P<d>\d\d)(?:[T ].*)?", re.ASCII | re.DOTALL),
    re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})", re.ASCII),
)


class UnfitError(ValueError):
    """A value is not what it should be; the text follows the name of its field."""


def text_of(value: object) -> str:
    """A text; numbers are their digits, and nothing at all is "".

    Raises:
        UnfitError: it is something else.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UnfitError(f"must be a text, and is {kind(value)}")
    try:
        return str(value)[:LONGEST]
    except ValueError:  # more digits than Python writes out; TOML has such, in hexadecimal
        raise UnfitError("is too long a number") from None


def tags_of(value: object) -> tuple[str, ...]:
    """A list of texts, or one text with commas between.

    Raises:
        UnfitError: it is something else.
    """
    if isinstance(value, str):
        value = re.split(r"[,;\n]", value[:LONGEST])
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise UnfitError(f"must be a list of texts, or one text with commas between, and is {kind(value)}")
    try:
        return tuple(filter(str.strip, (text_of(each) for each in value[:MOST_TAGS])))
    except UnfitError as error:
        raise UnfitError(
            f"must be a list of texts, and one of them {str(error).rpartition(', and ')[2]}"
        ) from None


def date_of(value: object) -> date | None:
    """A day: YYYY-MM-DD, also without or with other signs between, or DD.MM.YYYY; a time after it is let go.

    Raises:
        UnfitError: no calendar has it.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = text_of(value).strip()
    if not text:
        return None
    for form in _DAYS:
        if match := form.fullmatch(text):
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                break
    raise UnfitError("must be a day like 2026-11-27")


def kind(value: object) -> str:
    """What a value is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "something else"
