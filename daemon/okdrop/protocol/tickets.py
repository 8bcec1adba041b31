"""What every upload session has in common: tickets, one after the other, a bounded number of them.

A session lives on one ticket at a time. One that is of no more use is closed: by asking whether the video
is there after all (`AskVideo`), by a new ticket, or by giving up; in any case only once all that is out has
landed. How the bytes of a ticket are sent, and what is believed of them, is the session's own
(`session`: in segments, renewable; `multipart`: in one request).
"""

from __future__ import annotations

import abc
import dataclasses
from typing import TYPE_CHECKING, ClassVar, Final

from okdrop.drop import NO_STRIKES, TICKETS_PER_REVISION
from okdrop.errors import TicketDead
from okdrop.protocol import messages as m
from okdrop.protocol.ranges import ByteRanges

if TYPE_CHECKING:
    from okdrop.drop import Mode
    from okdrop.errors import UploadError
    from okdrop.protocol.picture import Picture
    from okdrop.protocol.plan import Plan
    from okdrop.protocol.ranges import ByteRange

RESEND_ALLOWANCE: Final = 16 * 1024 * 1024
"""Bytes that may be sent again over the sizes of all tickets together: a bad host must not eat a line."""


class TicketSession(abc.ABC):
    """One revision of one file on its way to OK, as a pipeline sees it.

    Args:
        size: of the file, in bytes; at least 1.
        tickets: how many tickets this revision has used so far.
        sent: bytes already put on the line for it.
    """

    hint: ClassVar = "okdrop retry starts it afresh"
    """What a person can do once it gave up."""

    def __init__(self, size: int, *, tickets: int, sent: int) -> None:
        self.size: Final = size
        self.tickets = tickets
        self.sent = sent
        self.mode: Mode | None = None
        self._finding: m.Finding | None = None
        self._reset()

    def _reset(self) -> None:
        """Begin a ticket's life; nothing of the one before counts."""
        self._has_ticket = False
        self._asked = False  # an API step is out
        self._closing: m.AskVideo | TicketDead | m.GiveUp | None = None  # what comes once all has landed
        self._there = False  # video.get said that the bytes are there
        self._ended = False
        self.strikes = NO_STRIKES  #: of this ticket's host

    def _strike(self, **kinds: int) -> None:
        """Count one more disappointment (1), or forget those of a kind (0)."""
        counts = {kind: one and getattr(self.strikes, kind) + one for kind, one in kinds.items()}
        self.strikes = dataclasses.replace(self.strikes, **counts)

    # --- what a shell may look at --------------------------------------------------------------------

    @property
    def held(self) -> ByteRanges:
        """What the server holds, as far as is known; nothing is known of parts of a single request."""
        return ByteRanges()

    @property
    def received(self) -> int:
        """Bytes the server holds, as far as is known; for the eye."""
        return self.held.size

    @property
    def is_told(self) -> bool:
        """Whether `received` goes by the server's word; else it was resumed, and nothing was heard since."""
        return True

    @property
    @abc.abstractmethod
    def offered_all(self) -> bool:
        """Whether every byte was handed to the line on this ticket: the ledger keeps it for a restart."""

    @property
    def asks_about_video(self) -> bool:
        """Whether OK is asked next what became of the video: the upload host has no part in that."""
        return isinstance(self._closing, m.AskVideo)

    @property
    def is_with_ok(self) -> bool:
        """Whether it goes on by what OK says, or said, and not by what the upload host does."""
        return self._asked or self._there or self.asks_about_video

    @property
    def has_lost_ticket(self) -> bool:
        """Whether the ticket is of no more use, and nothing is left to ask about it."""
        return isinstance(self._closing, TicketDead)

    @property
    def gives_up_next(self) -> bool:
        """Whether the ticket that is of no more use was the last one."""
        return self.has_lost_ticket and self.tickets >= TICKETS_PER_REVISION

    @property
    @abc.abstractmethod
    def picture(self) -> Picture:
        """Where its bytes are; for the eye."""

    @property
    @abc.abstractmethod
    def ends_soon(self) -> bool:
        """Whether little is left to be handed to the line: whoever comes next may be made ready."""

    def take_finding(self) -> m.Finding | None:
        """What was learned about the host since the last call."""
        finding, self._finding = self._finding, None
        return finding

    # --- steps ---------------------------------------------------------------------------------------

    @abc.abstractmethod
    def next_steps(self) -> list[m.Step]:
        """Everything that may be begun now, beside what is out already; each step is handed out once."""

    def replan(self, plan: Plan) -> None:  # noqa: B027  a session of one request has nothing to plan
        """From the next step on, cut by this plan."""

    def _close(self) -> list[m.Step]:
        closing, self._closing = self._closing, None
        if isinstance(closing, m.AskVideo):
            self._asked = True
            return [closing]
        if isinstance(closing, m.GiveUp):
            self._ended = True
            return [closing]
        self._reset()
        return self._ask_for_ticket(f"the last: {closing}")

    def _ask_for_ticket(self, why: str) -> list[m.Step]:
        if self.tickets >= TICKETS_PER_REVISION:
            self._ended = True
            used_up = f"{self.tickets} upload URLs were used up; {why}"
            return [m.GiveUp("ticket_expired", used_up, self.hint)]
        self._asked = True
        return [m.RequestTicket()]

    # --- answers of the API --------------------------------------------------------------------------

    @abc.abstractmethod
    def ticket_issued(self, prior: Mode | None) -> None:
        """A new ticket is here (and in the ledger). `prior`: what is remembered of its host."""

    @abc.abstractmethod
    def video_is(self, status: m.VideoStatus) -> TicketDead | None:
        """What video.get says of the ticket's video; returns why the ticket is of no more use, if it is."""

    def ticket_aged(self) -> None:
        """Nothing was sent on the ticket, and it lay for so long that another one is asked for.

        It does not count among those that this revision may use up: it is no fault of the file's or of OK's.
        """
        if self._closing is None:
            self.tickets -= 1
            self._closing = TicketDead("it lay unused for too long")

    def not_answered(self) -> None:
        """m.RequestTicket or m.AskVideo brought no answer: it will be handed out again."""
        self._asked = False
        if self._has_ticket:
            self._closing = m.AskVideo()

    # --- answers of the upload URL -------------------------------------------------------------------

    @abc.abstractmethod
    def segment_answered(self, span: ByteRange, answer: m.SegmentAnswer) -> UploadError | None:
        """What came of a request that carried the bytes of `span`.

        Returns:
            None when it made progress; else what stands in the way, for the backoff and the log.
        """

    @abc.abstractmethod
    def probe_answered(self, answer: m.ProbeAnswer) -> UploadError | None:
        """What came of a probe; returns as `segment_answered` does."""

    def last_bytes_leave(self) -> None:  # noqa: B027  a session of segments knows it by what it handed out
        """The last bytes of the file are about to leave: from here on the server may have all of it."""

    def put_on_line(self, count: int) -> None:
        """So many more bytes of the file left; too many for this file end the session."""
        self.sent += count
        if self.sent > TICKETS_PER_REVISION * self.size + RESEND_ALLOWANCE and self._closing is None:
            why = f"{self.sent} bytes were sent for a file of {self.size}: the host keeps too few of them"
            self._closing = m.GiveUp("resend_limit", why, self.hint)
