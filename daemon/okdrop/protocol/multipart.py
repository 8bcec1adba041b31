"""The simple upload session: the whole file in one request, which cannot be resumed (protocol.md 1.2).

Two rules:

1. What was cut before its last bytes left cannot be whole on the other side, whatever is said of it: its
   ticket is dropped, unasked, and half a file is never published.
2. Once the last bytes left, nobody knows until somebody answers: `AskVideo` comes before anything else.
   Any status but UPLOADING means that the bytes are there.

Theory of operation. It is driven as `session.Session` is, with the same steps and answers; its one segment
is the file. A 200 that says success, to a file whose last bytes left, ends it with `Publish`. After a cut
there is a new ticket, a bounded number of times. An answer that says "not now" (5xx, 429), and a connection
that never opened, leave the ticket as it was: the file is sent to it again, but only after a probe, which
is cheap where the file is not, said that the URL holds nothing. So an outage uses up no ticket.

What the ledger keeps of a ticket tells a later process where it stands:

    mode None                     nothing of the file is there, as far as is known: a probe, then send
    mode MULTIPART, not offered   begun, and cut by whatever ended that process: rule 1
    every byte offered            rule 2

A ticket that was begun in segments is taken up by the same rules, and never sent to: one URL is not used
both ways (protocol.md 7.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from okdrop.drop import Mode
from okdrop.errors import Doubt, LocalProtocolError, TicketDead
from okdrop.protocol import messages as m
from okdrop.protocol.picture import Picture
from okdrop.protocol.ranges import ByteRange, ByteRanges
from okdrop.protocol.retry import trouble_of
from okdrop.protocol.tickets import TicketSession

if TYPE_CHECKING:
    from okdrop.errors import UploadError

LARGEST: Final = 2_000_000_000
"""Bytes: the guide's "2 GB" in the careful reading (protocol.md 1.2)."""

LITTLE_LEFT: Final = 8 * 1024 * 1024
"""Bytes of a file that are left to be handed to the line once it ends soon."""

UNCLEAR_PROBES: Final = 3
"""Probes in a row that nobody could read before the ticket is given up."""


class MultipartSession(TicketSession):
    """One revision of one file on its way to OK, in one request.

    Args:
        size: of the file, in bytes; at least 1. Over `LARGEST` it gives up at once.
        tickets: how many tickets this revision has used so far.
        sent: bytes already put on the line for it.
        restored: a ticket to go on with; None: ask for one.
    """

    hint: ClassVar = (
        "what is sent in one request cannot be resumed: okdrop retry starts it afresh; "
        'upload.mode = "renewable" goes on where it was cut'
    )

    def __init__(
        self, size: int, *, tickets: int = 0, sent: int = 0, restored: m.Restored | None = None
    ) -> None:
        super().__init__(size, tickets=tickets, sent=sent)
        if restored is not None:
            self._take_up(restored)

    def _take_up(self, restored: m.Restored) -> None:
        self._has_ticket = True
        self.mode = restored.mode
        self.strikes = restored.strikes
        self._offered = restored.offered_all
        self._why = "an earlier try had no answer"
        if restored.offered_all:
            self._closing = m.AskVideo()
        elif restored.mode is None and self.size <= LARGEST:
            self._unsure = True
        else:
            self._closing = TicketDead("an earlier try was cut")

    def _reset(self) -> None:
        super()._reset()
        self.mode = None
        self._offered = False  # the last bytes left
        self._out = False  # the file, or a probe, is under way
        self._sent_before = self.sent  # what was put on the line before this try
        self._unsure = False  # ask what is held before anything is sent
        self._not_now = False  # the server answered, and took nothing: the ticket may be good still
        self._why = ""  # the last trouble, for the reason to give up by

    # --- what a shell may look at --------------------------------------------------------------------

    @property
    def received(self) -> int:
        """All or nothing, in bytes."""
        return self.size if self._there else 0

    @property
    def picture(self) -> Picture:
        """All of it is held, or in flight, or neither."""
        whole = ByteRange(0, self.size)
        return Picture(
            size=self.size,
            sent=self.sent,
            mode=self.mode,
            held=ByteRanges((whole,)) if self._there else ByteRanges(),
            in_flight=(whole,) if self._out and self.mode is Mode.MULTIPART else (),
            again=ByteRanges((whole,)) if self.tickets > 1 else ByteRanges(),
        )

    @property
    def offered_all(self) -> bool:
        """Whether the last bytes left on this ticket."""
        return self._offered

    @property
    def ends_soon(self) -> bool:
        """Whether the file is under way, and little of it is left to leave."""
        left = self.size - (self.sent - self._sent_before)
        return self.mode is Mode.MULTIPART and self._out and left <= LITTLE_LEFT

    # --- steps ---------------------------------------------------------------------------------------

    def next_steps(self) -> list[m.Step]:
        """The next step, if nothing is out."""
        if self._ended or self._asked or self._out:
            return []
        if self._there:
            self._ended = True
            return [m.Publish()]
        if self._closing is not None:
            return self._close()
        if not self._has_ticket:
            return self._ask_for_ticket("OK forgot each video")
        self._out = True
        if self._unsure:
            return [m.Probe()]
        self.mode = Mode.MULTIPART
        self._sent_before = self.sent
        return [m.SendFile(ByteRange(0, self.size))]

    def _ask_for_ticket(self, why: str) -> list[m.Step]:
        if self.size <= LARGEST:
            return super()._ask_for_ticket(why)
        self._ended = True
        too_large = f"the file has {self.size} bytes; one request takes {LARGEST} at most"
        return [m.GiveUp("file_too_large", too_large, 'set upload.mode = "renewable", then okdrop retry')]

    # --- answers of the API --------------------------------------------------------------------------

    def ticket_issued(self, prior: Mode | None) -> None:
        """A new ticket is here; how its host takes segments plays no part."""
        del prior
        if not self._asked or self._has_ticket:
            raise LocalProtocolError("no ticket was asked for")
        self._asked = False
        self._has_ticket = True
        self.tickets += 1

    def video_is(self, status: m.VideoStatus) -> TicketDead | None:
        """video.get's word, once the last bytes left."""
        self._asked = False
        if status not in {m.VideoStatus.UPLOADING, m.VideoStatus.MISSING}:
            self._there = True
        elif status is m.VideoStatus.UPLOADING and self._not_now:
            self._nothing_is_there()
        else:
            has_not = "has not got the file" if status is m.VideoStatus.UPLOADING else "knows no such video"
            self._closing = dead = TicketDead(f"{self._why}, and OK {has_not}")
            return dead
        return None

    # --- answers of the upload URL -------------------------------------------------------------------

    def last_bytes_leave(self) -> None:
        """From here on the server may have all of it."""
        self._offered = True

    def segment_answered(self, span: ByteRange, answer: m.SegmentAnswer) -> UploadError | None:
        """What came of the file."""
        if not self._out or len(span) != self.size:
            raise LocalProtocolError("no such file was sent")
        self._out = False
        match answer:
            case m.Complete() if self._offered:
                self._there = True
                return None
            case m.NoAnswer() | m.ServerTrouble():
                return self._troubled(answer)
            case m.UrlDead(status, reason) | m.Refused(status, reason):
                words = f"the upload URL answers HTTP {status} {reason}".strip()
                return self._died(TicketDead(words, code=f"http_{status}"))
            case _:
                return self._died(TicketDead("the answer is none that a whole file gets"))

    def _troubled(self, answer: m.NoAnswer | m.ServerTrouble) -> UploadError:
        why = trouble_of(answer)
        self._why = why.message
        self._not_now = isinstance(answer, m.ServerTrouble) or not answer.sent
        if self._offered:
            self._close_with(m.AskVideo())
        elif self._not_now:
            self._nothing_is_there()
        else:
            self._close_with(TicketDead(f"{self._why} before the whole file was sent"))
        return why

    def _died(self, dead: TicketDead) -> TicketDead:
        self._why = dead.message
        self._not_now = False
        self._close_with(m.AskVideo() if self._offered else dead)
        return dead

    def _close_with(self, closing: m.AskVideo | TicketDead) -> None:
        """Unless it gave up already."""
        if self._closing is None:
            self._closing = closing

    def _nothing_is_there(self) -> None:
        """The ticket is as it was before, if a probe agrees."""
        self.mode = None
        self._offered = self._not_now = False
        self._unsure = True

    def probe_answered(self, answer: m.ProbeAnswer) -> UploadError | None:
        """What the URL holds: anything but nothing costs the ticket."""
        self._out = False
        match answer:
            case m.Held(account) if account.held:
                return self._died(TicketDead("the upload URL holds something else", code="account_misfit"))
            case m.NothingYet() | m.Held():
                self._unsure = False
                self._strike(unclear=0)
                return None
            case m.ServerTrouble() | m.NoAnswer():
                why = trouble_of(answer)
                self._why = why.message
                return why
            case m.Unclear(status, reason) if self.strikes.unclear + 1 < UNCLEAR_PROBES:
                self._strike(unclear=1)
                words = f"the account cannot be read: HTTP {status} {reason}".strip()
                return Doubt(words, code="account_unclear")
            case m.UrlDead(status, reason) | m.Refused(status, reason) | m.Unclear(status, reason):
                words = f"the upload URL answers HTTP {status} {reason}".strip()
                return self._died(TicketDead(words, code=f"http_{status}"))
            case m.WrongTotal(total):
                words = f"the upload URL holds a file of {total} bytes"
                return self._died(TicketDead(words, code="account_misfit"))
