"""What an upload has to tell as it goes: to those who listen to events, and to the breakers of places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.errors import Trouble
from okdrop.pipeline.sessions import host_of, place_of

if TYPE_CHECKING:
    from okdrop.drop import Ticket
    from okdrop.errors import UploadError
    from okdrop.pipeline.parts import Parts
    from okdrop.protocol import messages as m
    from okdrop.protocol.ranges import ByteRange


class Tidings:
    """Tells of one upload.

    Args:
        parts: whom to tell.
        upload: its id.
    """

    def __init__(self, parts: Parts, upload: int) -> None:
        self._emit: Final = parts.emit
        self._breakers: Final = parts.breakers
        self._upload: Final = upload

    def ticket_issued(self, ticket: Ticket, *, number: int, account: str = "") -> None:
        """OK named a host to an account; `number`: of the tickets that this revision had."""
        self._breakers.named(place_of(ticket))
        self._emit(
            events.TicketIssued(
                upload=self._upload,
                video_id=ticket.video_id,
                host=host_of(ticket),
                number=number,
                account=account,
            )
        )

    def resumed(self, *, received: int, size: int) -> None:
        """An upload that an earlier attempt began goes on; both are bytes."""
        self._emit(events.UploadResumed(upload=self._upload, received=received, size=size))

    def mode_proven(self, ticket: Ticket, finding: m.Finding) -> None:
        """It was found how a host takes segments."""
        self._emit(
            events.ModeProven(
                upload=self._upload,
                host=host_of(ticket),
                mode=finding.mode or "unknown",
                reason=finding.reason,
            )
        )

    def probe_answered(self, place: str, error: UploadError | None) -> None:
        """A question was put to a place, and this stood in the way of an answer."""
        if isinstance(error, Trouble):
            self._breakers.failed(self._upload, place, error)
        else:
            self._breakers.answered(self._upload, place)

    def segment_answered(self, place: str, error: UploadError | None) -> None:
        """Bytes were sent to a place; "" where what came of it is not the place's doing."""
        if isinstance(error, Trouble) and place:
            self._breakers.failed(self._upload, place, error)
        elif place:
            self._breakers.succeeded(self._upload, place)

    def segment_stored(self, span: ByteRange, *, received: int, size: int, held: int = 0) -> None:
        """OK has a segment; `received`: bytes that it has of `size`; `held`: of the segment, before this."""
        self._emit(
            events.SegmentStored(
                upload=self._upload,
                start=span.start,
                stop=span.stop,
                received=received,
                size=size,
                held=held,
            )
        )
