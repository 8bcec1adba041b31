"""An upload in a person's words: what `upload`, `explain` and `show` say of a row."""

from __future__ import annotations

import re
from typing import Final

from okdrop.drop import SIDECAR_AWAITED, SIDECAR_UNSETTLED, UNFINISHED, Failure, Halt, State, Upload
from okdrop.events import shown
from okdrop.publication import Closed, CoverState, Draft

OF_ANOTHER_FILE: Final = frozenset({"file_too_small", "bad_format", "dvd_menu"})
"""Codes of failures that no retry undoes: what helps is another file, which gets an upload of its own."""

AWAITS: Final = {
    SIDECAR_AWAITED: "publishing waits for a sidecar, for as long as its folder says (sidecar_wait)",
    SIDECAR_UNSETTLED: "publishing waits until its sidecar is finished",
}
"""What publishing waits for where nothing is wrong."""

_RETRY: Final = re.compile(r"`?(?:\bokdrop )?\bretry\b(?: ID\b)?`?")
"""How a hint speaks of handing an upload back."""

_RATES: Final = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "GB": 10**9, "MB": 10**6, "kB": 10**3}

_SPANS: Final = ((86400, "d"), (3600, "h"), (60, "min"))

OK_SAYS: Final = {
    "video_uploading": "OK is still taking it in",
    "video_processing": "OK is processing it",
    "video_on_moderation": "OK's moderation looks at it",
    "video_unavailable": "OK says that it is not available",
    "video_limited_access": "OK says that access to it is limited",
    "video_missing": "OK says that there is no such video",
    "video_unknown": "OK says of it what okdrop does not know",
}
"""What keeps the question about a published video open, by its code; nothing is wrong with most of it."""


def hindered(code: str) -> str:
    """What kept a chore from being done: OK's word about the video where it is one, else the code."""
    return OK_SAYS.get(code, f"last hindered by {code}")


def printable(text: str) -> str:
    """A text from elsewhere on one line: what a terminal would not show as text is escaped."""
    return shown(text.encode("utf-8", "backslashreplace"))


def limit_text(rate: int) -> str:
    """A limit in bytes a second, as the configuration would have it: `2MiB/s`, `20MB/s`."""
    texts = [
        f"{rate / size:.2f}".rstrip("0").rstrip(".") + f"{unit}/s"
        for unit, size in _RATES.items()
        if rate >= size and not 100 * rate % size
    ]
    return min(texts, key=len, default=f"{rate:,} bytes a second")


def lasting(seconds: float) -> str:
    """A span of time as a person would say it: `10 min`, `1 h 30 min`, `0.5 s`."""
    parts = []
    for length, unit in _SPANS:
        whole, seconds = divmod(seconds, length)
        if whole:
            parts.append(f"{whole:.0f} {unit}")
    if seconds or not parts:
        parts.append(f"{seconds:g} s")
    return " ".join(parts)


def video_page(video_id: str) -> str:
    """The address at which a video is seen."""
    return f"https://ok.ru/video/{video_id}"


def held(row: Upload) -> int:
    """How much of it OK holds, in percent, rounded down."""
    size = row.drop.revision.size
    return 100 * row.received // size if size else 0


def standing(row: Upload) -> str:
    """Where an upload stands, and what can be done about it where that is up to a person."""
    if row.state in UNFINISHED:
        waits = f", {waiting(row)}" if row.waits_for is not None else ""
        if words := not_yet(row):
            return f"{row.state}: {words}"
        awaits = f", {text}" if (text := awaiting(row)) else ""
        return f"{row.state}, {held(row)} % held by OK{waits}{awaits}"
    match row.state:
        case State.PUBLISHED:
            friends = f"; {draft(row)}" if draft(row) else ""
            return f"published{video(row)}{friends}"
        case State.FAILED if row.failure is not None:
            then = "; ".join(filter(None, (row.failure.message, *_what_to_do(row, row.failure))))
            return f"failed: {row.failure.code}: {then}"
        case State.CANCELLED:
            return f"cancelled; okdrop retry {row.id} hands it back"
        case State.DUPLICATE:
            return f"published already: the same bytes as upload {row.duplicate_of}"
        case State.SUPERSEDED:
            return "superseded: the file changed, and a newer upload took over"
        case _:
            return row.state.value


def _what_to_do(row: Upload, failure: Failure) -> tuple[str, ...]:
    """The hint, and the command that hands it back, once: a hint may speak of it already, without its id."""
    if failure.code in OF_ANOTHER_FILE:
        return (failure.hint,)
    again = f"okdrop retry {row.id}"
    said, times = _RETRY.subn(again, failure.hint, count=1)
    return (said,) if times else (failure.hint, f"then: {again}")


def halted(halt: Halt, *, several: bool = False) -> str:
    """Why all of an account waits, since when, and what to do; `several`: there are others."""
    whose = (
        f" of the account {halt.account}" if halt.account else " of the account of [ok]" if several else ""
    )
    hint = f"; {halt.hint}" if halt.hint else ""
    since = f"{halt.since:%Y-%m-%d %H:%M:%S} UTC"
    return printable(f"everything{whose} waits since {since}: {halt.message} ({halt.code}){hint}")


def not_yet(row: Upload) -> str:
    """Why it is not published though OK holds all of it; "" where nothing of the kind keeps it."""
    publication = row.publication
    if row.state is not State.FINALIZING or publication.closed_by is None:
        return ""
    if publication.closed_by is Closed.DAY:
        return "whole; it is published on a day with room for it (posts_per_day)"
    if publication.opens_at is None:
        return "whole; it is published in its folder's hours (publish_window)"
    return f"whole; published from {publication.opens_at:%Y-%m-%d %H:%M} UTC on (publish_window)"


def draft(row: Upload) -> str:
    """Who sees a published video that is not public yet, and until when; "" where it is."""
    publication = row.publication
    if row.state is not State.PUBLISHED or publication.draft is None:
        return ""
    if publication.draft is Draft.RELEASE:
        return "released; OK is told that it is public"
    if publication.public_at is None:
        return f"seen by friends alone, until okdrop release {row.id}"
    return f"seen by friends alone, public from {publication.public_at:%Y-%m-%d %H:%M} UTC on"


def cover(row: Upload) -> str:
    """How far its cover has come, where that is worth a word."""
    state = row.publication.cover
    words = {
        CoverState.DUE: "to be sent",
        CoverState.HELD: "sent, to be set",
        CoverState.SET: "set",
        CoverState.REFUSED: "not taken, see the history; okdrop update tries it again",
    }
    return words[state.state] if state is not None else ""


def waiting(row: Upload) -> str:
    """For whom an upload waits, where it does."""
    return f"waits for the end of upload {row.waits_for}, which may be of the same bytes"


def awaiting(row: Upload) -> str:
    """What publishing waits for though nothing is wrong; "" where it does not."""
    return AWAITS.get(row.last_trouble, "") if row.state is State.FINALIZING else ""


def video(row: Upload) -> str:
    """Its video's id and page, as they follow a word; empty before there is one."""
    if row.ticket is None:
        return ""
    return f", video {row.ticket.video_id}, {video_page(row.ticket.video_id)}"
