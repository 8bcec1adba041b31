"""From the ledger's row to the session that goes on with it, and what must be back in the row in time.

A ticket is the one thing that cannot be asked for twice: each answer makes an entry at OK (protocol.md
7.26). Where the answer was not seen, or not written down, nobody knows the entry's id; that is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from okdrop import events
from okdrop.drop import State
from okdrop.errors import Trouble
from okdrop.pipeline.accounts import call_of, client_of
from okdrop.protocol.messages import Restored
from okdrop.protocol.multipart import MultipartSession
from okdrop.protocol.session import Session

if TYPE_CHECKING:
    from okdrop.drop import Ticket, Upload
    from okdrop.pipeline.parts import Parts
    from okdrop.protocol.plan import Plan
    from okdrop.protocol.tickets import TicketSession


DIED_ASKING: Final = "an earlier run ended while it asked for a ticket; OK may hold an empty entry of it"


def may_have_died_asking(row: Upload) -> bool:
    """Whether the last who had this upload in hand ended without a word, between asking and writing it down.

    Who stops before there is a ticket says so: the row is queued again then, or has its next try.
    """
    return row.state is State.UPLOADING and row.ticket is None and row.retry_at is None


async def ticket_for(parts: Parts, row: Upload, group_id: str) -> Ticket:
    """Ask OK for a ticket.

    Raises:
        UploadError: by OK's answer, or for want of one.
    """
    try:
        return await client_of(parts, row.account).request_ticket(
            file_name=parts.file_name(row.drop),
            size=row.drop.revision.size,
            group_id=group_id,
        )
    except Trouble as trouble:
        if trouble.maybe_done:
            parts.emit(events.TicketLost(upload=row.id, reason=trouble.message))
        raise


def session_of(row: Upload, plan: Plan) -> TicketSession:
    """The session that the plan wants, on the row's ticket if it has one.

    The plan may have changed since that ticket was issued: either session takes up safely what the other
    one left.
    """
    size, restored = row.drop.revision.size, _restored(row)
    if plan.in_one:
        return MultipartSession(size, tickets=row.tickets, sent=row.bytes_sent, restored=restored)
    wary = restored is None and row.strikes.canaries > 0
    return Session(size, plan, tickets=row.tickets, sent=row.bytes_sent, restored=restored, wary=wary)


def _restored(row: Upload) -> Restored | None:
    if row.ticket is None:
        return None
    return Restored(mode=row.mode, taken=row.received > 0, offered_all=row.offered_all, strikes=row.strikes)


def vital(row: Upload) -> tuple[object, ...]:
    """What has to be in the ledger before anything leaves."""
    return row.ticket, row.tickets, row.mode, row.offered_all


def places_of(parts: Parts, row: Upload) -> tuple[str, ...]:
    """The places that have to be well for this upload to go on (`pipeline.breakers`)."""
    if row.ticket is None or row.state is State.FINALIZING:
        return call_of(parts, row.account)
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
