"""What is said of a daemon, a host and an upload, on a screen and in plain lines alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.drop import State
from okdrop.observe.standing import amount, duration
from okdrop.words import limit_text, video_page

if TYPE_CHECKING:
    from datetime import datetime

    from okdrop.top.model import Host, Moving, Row, Status

_LEAST: Final = 1000  #: bytes a second


def counts(status: Status) -> str:
    """How many uploads are in each state, those without any left out."""
    words = [f"{status.counts[state]:,} {state}" for state in State if status.counts.get(state, 0)]
    if status.held:
        words.append(f"{status.held:,} held: okdrop go releases them")
    return ", ".join(words) or "nothing was ever dropped"


def pace(rate: float) -> str:
    """Bytes a second; below a thousand, an average that fades is all there is."""
    return f"{amount(rate)}/s" if rate >= _LEAST else "-"


def limit(status: Status) -> str:
    """What is sent at most."""
    words = "no limit" if status.limit is None else f"at most {limit_text(status.limit)}"
    return f"{words}, set by hand" if status.limit_by_hand else words


def host(one: Host) -> str:
    """How one host is sent to."""
    uploads = "1 upload" if one.uploads == 1 else f"{one.uploads} uploads"
    connections = "1 connection" if one.connections == 1 else f"{one.connections} connections"
    segment = amount(one.segment_size)
    words = f"{pace(one.goodput)}, {connections} ({one.in_flight} busy), segments of {segment}"
    return f"{one.name}: {words}, {uploads}"


def queued(row: Row, now: datetime) -> str:
    """For what an upload in the queue waits, and its size."""
    if row.held:
        return f"{amount(row.size)}, held: okdrop go releases it"
    if row.waits_for is not None:
        return f"{amount(row.size)}, waits for the end of upload {row.waits_for}"
    if row.retry_at is not None and row.retry_at > now:
        return f"{amount(row.size)}, next try in {duration((row.retry_at - now).total_seconds())}"
    return amount(row.size)


def published(row: Row) -> str:
    """Where a published video is seen."""
    return f"{amount(row.size)}, {video_page(row.video_id)}" if row.video_id else amount(row.size)


def moving(one: Moving) -> str:
    """How far an upload is, and what is being done about it."""
    standing = one.standing
    words = f"{one.words}, {standing.percent} % of {amount(standing.size)}"
    return words if one.left is None else f"{words}, {amount(one.speed)}/s, {duration(one.left)} left"
