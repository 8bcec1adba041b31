"""From the ledger's row to the session that goes on with it, and what must be back in the row in time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from okdrop.drop import State
from okdrop.pipeline.breakers import CALL
from okdrop.protocol.messages import Restored
from okdrop.protocol.multipart import MultipartSession
from okdrop.protocol.session import Session

if TYPE_CHECKING:
    from okdrop.drop import Ticket, Upload
    from okdrop.protocol.plan import Plan
    from okdrop.protocol.tickets import TicketSession


def session_of(row: Upload, plan: Plan) -> TicketSession:
    """The session that the plan wants, on the row's ticket if it has one.

    The plan may have changed since that ticket was issued: either session takes up safely what the other
    one left.
    """
    size, restored = row.drop.revision.size, _restored(row)
    if plan.in_one:
        return MultipartSession(size, tickets=row.tickets, sent=row.bytes_sent, restored=restored)
    return Session(size, plan, tickets=row.tickets, sent=row.bytes_sent, restored=restored)


def _restored(row: Upload) -> Restored | None:
    if row.ticket is None:
        return None
    return Restored(mode=row.mode, taken=row.received > 0, offered_all=row.offered_all, strikes=row.strikes)


def vital(row: Upload) -> tuple[object, ...]:
    """What has to be in the ledger before anything leaves."""
    return row.ticket, row.tickets, row.mode, row.offered_all


def places_of(row: Upload) -> tuple[str, ...]:
    """The places that have to be well for this upload to go on (`pipeline.breakers`)."""
    if row.ticket is None or row.state is State.FINALIZING:
        return CALL
    return (place_of(row.ticket),)


def place_of(ticket: Ticket) -> str:
    """The upload host with its port, if the URL names one: two ports are two hosts."""
    try:
        url = urlsplit(ticket.upload_url)
        return (url.hostname or "") + (f":{url.port}" if url.port is not None else "")
    except ValueError:  # no URL at all: the client refuses it in words
        return ""


def host_of(ticket: Ticket) -> str:
    """The upload host's name: all of an upload URL that may be shown."""
    try:
        return urlsplit(ticket.upload_url).hostname or ""
    except ValueError:  # no URL at all: the client refuses it in words
        return ""
