"""The upload session: from nothing to a file that OK holds whole, as a pure state machine.

Two rules:

1. It hands out steps (`next_steps`) and takes answers; a shell carries them out. It knows no clock, no
   socket, no file, so every order of events can be tried in a test.
2. After any doubt it asks: a segment without an answer costs a probe, never a second sending of bytes
   that the server may hold.

Theory of operation. A session lives on one *ticket* at a time. On a fresh ticket the host's mode is
unknown, and one small segment behind a gap, the *canary*, tells it: taken and accounted for exactly, the
host is parallel, and up to `connections` segments are out at once; refused, it is sequential, and one
segment is out at a time, each beginning where the server's account ends. `Belief` keeps what is held,
in flight, doubtful and missing. An account that cannot be true (it lacks what was acknowledged, or names
what was never sent) makes the session stop, let everything land, and ask once more; if it still does not
fit, the ticket is abandoned. An abandoned or expired ticket leads to a new one, a bounded number of times;
but where every byte was offered, `AskVideo` comes first, since a URL may die because the file is whole.
It ends with `Publish` or `GiveUp`.

Source: protocol.md 4 and 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.drop import Mode
from okdrop.errors import Doubt, LocalProtocolError, TicketDead
from okdrop.protocol import messages as m
from okdrop.protocol.belief import Belief, Fit
from okdrop.protocol.ranges import ByteRanges
from okdrop.protocol.retry import trouble_of
from okdrop.protocol.tickets import TicketSession

if TYPE_CHECKING:
    from okdrop.errors import Trouble, UploadError
    from okdrop.protocol.picture import Picture
    from okdrop.protocol.plan import Plan
    from okdrop.protocol.ranges import ByteRange

CANARY_TRIES: Final = 3
"""Canaries that met trouble before the ticket goes on one by one, without a verdict on the host."""

REFUSALS: Final = 4
"""Segments refused in a row, without one stored in between, before the ticket is given up."""

UNCLEAR_PROBES: Final = 3
"""Probes in a row that nobody could read before the ticket is given up."""


class Session(TicketSession):
    """One revision of one file on its way to OK, in segments.

    Args:
        size: of the file, in bytes; at least 1.
        plan: how to cut it.
        tickets: how many tickets this revision has used so far.
        sent: bytes already put on the line for it.
        restored: a ticket to go on with; None: ask for one.
        wary: a segment behind a gap may be what killed the last ticket: the next one gets none.
    """

    def __init__(
        self,
        size: int,
        plan: Plan,
        *,
        tickets: int = 0,
        sent: int = 0,
        restored: m.Restored | None = None,
        wary: bool = False,
    ) -> None:
        super().__init__(size, tickets=tickets, sent=sent)
        self._plan = plan
        self._sequential_next = wary
        if restored is not None:
            self._has_ticket = True
            self._belief = Belief(size, offers_known=False)
            self.mode = restored.mode
            self.strikes = restored.strikes
            self._taken = restored.taken
            self._was_offered = restored.offered_all
            self._unsure = True
            self._told = False
        if self.mode is Mode.MULTIPART:  # one URL is never used both ways (protocol.md 7.8)
            was = TicketDead("it was begun in one request")
            self._closing = m.AskVideo() if self._was_offered else was

    def _reset(self) -> None:
        super()._reset()
        self._belief = Belief(self.size)
        self._taken = False  # the server holds, or held, something of it
        self._was_offered = False  # an earlier process offered every byte
        self._unsure = False  # nothing is known: ask before anything is sent
        self._told = True  # nothing was held before, or an account came
        self._misfit = False  # the last account could not be true
        self._nothing_yet = False  # the URL says 404 although bytes were offered: dead, or still empty
        self._final = False  # a 200 came on a segment, and nothing was handed out since
        self._canary: ByteRange | None = None
        self._by_prior = False  # parallel is remembered, not proven on this ticket

    # --- what a shell may look at --------------------------------------------------------------------

    @property
    def held(self) -> ByteRanges:
        """What the server holds, as far as is known."""
        return self._belief.held

    @property
    def is_told(self) -> bool:
        """Whether `received` goes by the server's word; else it was resumed, and nothing was heard since."""
        return self._told

    @property
    def picture(self) -> Picture:
        """Where its bytes are."""
        return self._belief.picture(sent=self.sent, mode=self.mode)

    @property
    def taken(self) -> bool:
        """Whether the server acknowledged anything on this ticket."""
        return self._taken

    @property
    def offered_all(self) -> bool:
        """Whether every byte was handed to the line on this ticket: the ledger keeps it for a restart."""
        return self._was_offered or self._belief.offered_all

    @property
    def ends_soon(self) -> bool:
        """Whether all that is missing is out."""
        return not self._belief.missing

    # --- steps ---------------------------------------------------------------------------------------

    def next_steps(self) -> list[m.Step]:
        """Everything that may be begun now, beside what is out already; each step is handed out once."""
        if self._ended or self._asked:
            return []
        if self._is_whole():
            self._ended = True
            return [m.Publish()]
        if self._closing is not None:
            return self._close() if self._belief.idle else []
        if not self._has_ticket:
            return self._ask_for_ticket("OK forgot each video")
        steps: list[m.Step] = []
        if self._probe_is_due():
            self._belief.probe_sent()
            steps.append(m.Probe())
        steps.extend(self._hand_out())
        return steps

    def replan(self, plan: Plan) -> None:
        """From the next step on, cut by this plan; what is out stays out."""
        self._plan = plan

    def _is_whole(self) -> bool:
        belief = self._belief
        return self._there or (belief.whole and belief.idle and (self._final or belief.confirmed_whole))

    def _close(self) -> list[m.Step]:
        told_nothing = self.mode is None and self._canary is not None  # the canary, or it was what killed
        self._sequential_next |= told_nothing and isinstance(self._closing, TicketDead)
        return super()._close()

    def _probe_is_due(self) -> bool:
        belief = self._belief
        if belief.probing:
            return False
        if self._unsure or belief.doubtful:
            # An account that could not be true is asked for again only once everything has landed.
            return not (self._misfit and belief.in_flight)
        # All was acknowledged but no 200 came, or a 200 came while bytes are missing (protocol.md 7.1, 7.2).
        return belief.idle and belief.whole is not self._final

    def _hand_out(self) -> list[m.Step]:
        steps: list[m.Step] = []
        share = -(-self._belief.missing.size // self._plan.connections)  # of each connection, in bytes
        while not self._unsure and (span := self._next_span(share)) is not None:
            self._belief.hand_out(span)
            self._final = False
            steps.append(m.SendSegment(span))
        return steps

    def _next_span(self, share: int) -> ByteRange | None:
        belief = self._belief
        if self.mode is Mode.PARALLEL:
            is_free = belief.in_flight < self._plan.connections
            return self._plan.next_segment(belief.missing, belief.losses, share=share) if is_free else None
        if not belief.idle or belief.doubtful:
            return None
        if self.mode is None:
            self._canary = self._plan.canary(belief.missing)
            if self._canary is not None and self.strikes.canaries < CANARY_TRIES:
                return self._canary
            self._canary = None
            self.mode = Mode.SEQUENTIAL  # for this ticket; nothing is known of the host
        return self._plan.next_segment(belief.missing, belief.losses)

    # --- answers of the API --------------------------------------------------------------------------

    def ticket_issued(self, prior: Mode | None) -> None:
        """A new ticket is here (and in the ledger). `prior`: what is remembered of its host."""
        if not self._asked or self._has_ticket:
            raise LocalProtocolError("no ticket was asked for")
        self._asked = False
        self._has_ticket = True
        self.tickets += 1
        self.mode = Mode.SEQUENTIAL if self._sequential_next else prior
        self._by_prior = self.mode is Mode.PARALLEL

    def video_is(self, status: m.VideoStatus) -> TicketDead | None:
        """video.get's word after the URL died: anything but UPLOADING means that the bytes are there."""
        self._asked = False
        if status not in {m.VideoStatus.UPLOADING, m.VideoStatus.MISSING}:
            self._there = True
        elif status is m.VideoStatus.UPLOADING and self._nothing_yet:
            self._nothing_yet = False
            self._belief.probe_sent()
            self._account(m.Account(ByteRanges()))
        else:
            self._closing = dead = TicketDead(f"the upload URL is dead, the video {status.value.lower()}")
            return dead
        return None

    # --- answers to segments -------------------------------------------------------------------------

    def segment_answered(self, span: ByteRange, answer: m.SegmentAnswer) -> UploadError | None:
        """What came of a segment.

        Returns:
            None when it made progress; else what stands in the way, for the backoff and the log.
        """
        match answer:
            case m.Stored(account):
                return self._stored(span, account)
            case m.Complete(account):
                return self._complete(span, account)
            case m.RangeRefused(account):
                return self._refused(span, 416, account)
            case m.Refused(status):
                return self._refused(span, status, None)
            case m.UrlDead(status, reason):
                self._belief.lost(span)
                self._struck_canary(span)
                return self._url_died(status, reason)
            case m.WrongTotal(total):
                self._belief.lost(span)
                return self._misfits(f"is of a file of {total} bytes")
            case _:
                return self._troubled(span, answer)

    def _struck_canary(self, span: ByteRange) -> None:
        if self._is_canary(span):
            self._strike(canaries=1)

    def _is_canary(self, span: ByteRange) -> bool:
        return self.mode is None and span == self._canary

    def _stored(self, span: ByteRange, account: m.Account | None) -> UploadError | None:
        belief = self._belief
        if self._is_canary(span):
            belief.acknowledged(span)
            self._taken = True
            if account is None:
                self._unsure = True
                return None
            belief.probe_sent()
            return self._account(account)
        exact = account is not None and (account.form is m.Form.RANGES or self.mode is Mode.SEQUENTIAL)
        if account is not None and exact and not belief.vouches(account, span):
            belief.lost(span)
            return self._too_often(Doubt("stored, but not by its own account", code="not_accounted"))
        belief.acknowledged(span)
        self._taken = True
        self._strike(refusals=0)
        return None

    def _complete(self, span: ByteRange, account: m.Account | None) -> UploadError | None:
        """A 200 says that the file is whole: possible only if all else is held or on its way."""
        belief = self._belief
        if belief.missing or belief.doubtful:
            # Too early: some hosts say 200 for each segment, and some are wrong (protocol.md 7.2).
            belief.unproven(span)
            self._struck_canary(span)
            return None
        self._final = account is None or belief.vouches_whole(account)
        return self._stored(span, account)

    def _refused(self, span: ByteRange, status: int, account: m.Account | None) -> UploadError | None:
        belief = self._belief
        speaks_for_all = not belief.doubtful  # else it may be older than what the doubtful ones left behind
        if self._is_canary(span):
            belief.returned(span)
            self._learned(Mode.SEQUENTIAL, "refused a segment behind a gap")
            why = None
        else:
            belief.lost(span)
            why = self._too_often(Doubt(f"the segment was refused: HTTP {status}", code=f"http_{status}"))
            if self.mode is Mode.PARALLEL and (self._by_prior or self.strikes.refusals > 1):
                self._learned(None, "refused a segment of several")
        if account is not None and belief.idle and speaks_for_all:
            belief.probe_sent()
            return self._account(account) or why
        return why

    def _too_often(self, why: Doubt) -> Doubt:
        self._strike(refusals=1)
        if self.strikes.refusals >= REFUSALS and self._closing is None:
            self._closing = m.AskVideo() if self.offered_all else TicketDead(str(why))
        return why

    def _troubled(self, span: ByteRange, answer: m.ServerTrouble | m.NoAnswer) -> Trouble:
        if isinstance(answer, m.NoAnswer) and not answer.sent:
            self._belief.returned(span)
        else:
            self._belief.lost(span)
            self._struck_canary(span)
        return trouble_of(answer)

    def _url_died(self, status: int, reason: str) -> TicketDead:
        dead = TicketDead(f"the upload URL answers HTTP {status} {reason}".strip(), code=f"http_{status}")
        if self._closing is None:
            self._closing = m.AskVideo() if self.offered_all else dead
        return dead

    # --- answers to probes ---------------------------------------------------------------------------

    def probe_answered(self, answer: m.ProbeAnswer) -> UploadError | None:
        """What came of a probe; returns as `segment_answered` does."""
        if isinstance(answer, m.Held):
            return self._account(answer.account)
        if isinstance(answer, m.NothingYet) and not self._taken and not self.offered_all:
            return self._account(m.Account(ByteRanges()))
        self._belief.probe_lost()
        match answer:
            case m.NothingYet(reason):
                self._nothing_yet = not self._taken
                return self._url_died(404, reason)
            case m.UrlDead(status, reason):
                return self._url_died(status, reason)
            case m.WrongTotal(total):
                return self._misfits(f"is of a file of {total} bytes")
            case m.Unclear(status, reason) | m.Refused(status, reason):
                return self._not_understood(status, reason)
            case m.ServerTrouble() | m.NoAnswer():
                return trouble_of(answer)

    def _not_understood(self, status: int, reason: str) -> Doubt:
        self._strike(unclear=1)
        why = Doubt(f"the account cannot be read: HTTP {status} {reason}".strip(), code="account_unclear")
        if self.strikes.unclear >= UNCLEAR_PROBES and self._closing is None:
            self._closing = m.AskVideo() if self.offered_all else TicketDead(str(why))
        return why

    def _account(self, account: m.Account) -> UploadError | None:
        """Take the server's word, as far as it can be true."""
        self._strike(unclear=0)
        fit = self._belief.told(account)
        trying = self.mode is None and self._canary is not None
        if trying and fit is Fit.EXCEEDS:
            return self._canary_contradicted(fit)
        if fit is not Fit.FITS:
            return self._misfits(fit.value)
        held = self._belief.held
        self._misfit = self._unsure = self._final = False
        self._told = True
        self._taken |= bool(held)
        has_gap = held and held != ByteRanges.prefix(held.size)
        if self.mode is None and account.form is m.Form.RANGES and has_gap:
            self._learned(Mode.PARALLEL, "accounts for a segment behind a gap")
        return None

    def _misfits(self, why: str) -> Doubt:
        """An account that cannot be true: let everything land, ask once more, then drop the ticket."""
        if self._misfit and self._closing is None:
            if self.mode is None and self._canary is not None:
                return self._canary_contradicted(Fit.LACKS)
            self._closing = TicketDead(f"the account {why}")
            if self.mode is Mode.PARALLEL:
                self._learned(None, f"its account {why}")
        self._misfit = self._unsure = True
        return Doubt(f"the account {why}", code="account_misfit")

    def _canary_contradicted(self, fit: Fit) -> Doubt:
        self._learned(Mode.SEQUENTIAL, f"took a segment behind a gap, but its account {fit.value}")
        self._sequential_next = True
        self._closing = TicketDead(f"the account {fit.value}")
        return Doubt(f"the account {fit.value}", code="account_misfit")

    def _learned(self, mode: Mode | None, reason: str) -> None:
        """Keep a verdict on the host; a revoked one leaves this ticket sequential."""
        self.mode = mode or Mode.SEQUENTIAL
        self._by_prior = False
        self._canary = None
        self._finding = m.Finding(mode=mode, reason=reason)
