"""What we believe the server holds of one upload, and how an account changes it.

Two rules:

1. The server's word counts from the moment the question *left*: an account may be as old as that.
   What the server holds is its latest account, and what it acknowledged since that probe was sent.
2. A span whose answer was lost is *doubtful*: neither held nor missing. Only an account asked for after
   the loss settles it; one that was on its way already does not.

Spans in flight are neither held nor missing, so that nothing is handed out twice.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from okdrop.errors import LocalProtocolError
from okdrop.protocol.messages import Account, Form
from okdrop.protocol.picture import Picture
from okdrop.protocol.ranges import ByteRange, ByteRanges

if TYPE_CHECKING:
    from okdrop.drop import Mode

NOTHING: Final = ByteRanges()


class Fit(enum.Enum):
    """How an account agrees with what we know."""

    FITS = "fits"
    LACKS = "lacks bytes that were acknowledged before it was asked for"
    EXCEEDS = "names bytes that were never sent"


class Belief:
    """The bytes of one ticket: held, in flight, doubtful, missing.

    Args:
        size: of the file, in bytes.
        offers_known: False for a ticket of an earlier process, where nobody remembers what was sent.
    """

    def __init__(self, size: int, *, offers_known: bool = True) -> None:
        self.size: Final = size
        self.held = NOTHING
        self.doubtful = NOTHING
        self.offered = NOTHING
        self.again = NOTHING  # handed out more than once; for the eye
        self.probing = False
        self.losses = 0  # segments lost in a row, none stored between
        self.confirmed_whole = False  # an account, not only acknowledgements, named every byte
        self._offers_known = offers_known
        self._in_flight: set[ByteRange] = set()
        self._held_when_probed = NOTHING
        self._acknowledged_since = NOTHING
        self._lost_since = NOTHING

    @property
    def in_flight(self) -> int:
        """How many segments are out."""
        return len(self._in_flight)

    @property
    def idle(self) -> bool:
        """Whether nothing is out."""
        return not self._in_flight and not self.probing

    @property
    def missing(self) -> ByteRanges:
        """What may be handed out: not held, not in flight, not doubtful."""
        return ByteRanges.prefix(self.size) - (self.held | self.doubtful | ByteRanges.of(self._in_flight))

    @property
    def whole(self) -> bool:
        """Whether every byte is held."""
        return self.held.size == self.size

    @property
    def offered_all(self) -> bool:
        """Whether every byte is held or was handed to the line at least once."""
        return (self.held | self.offered).size == self.size

    def picture(self, *, sent: int, mode: Mode | None) -> Picture:
        """Where the bytes are. `sent`: put on the line so far; `mode`: how they go there."""
        return Picture(
            size=self.size,
            sent=sent,
            mode=mode,
            held=self.held,
            in_flight=tuple(sorted(self._in_flight)),
            doubtful=self.doubtful,
            again=self.again,
        )

    def hand_out(self, span: ByteRange) -> None:
        """A segment leaves.

        Raises:
            LocalProtocolError: some of it is not missing.
        """
        if not self.missing.contains(span):
            raise LocalProtocolError(f"{span.start}:{span.stop} is not missing")
        self._in_flight.add(span)
        self.again |= ByteRanges((span,)) & self.offered
        self.offered |= span

    def acknowledged(self, span: ByteRange) -> None:
        """The server said that it stored this segment."""
        self._land(span)
        self.losses = 0
        self.held |= span
        self._acknowledged_since |= span

    def lost(self, span: ByteRange) -> None:
        """A segment ended without a word on whether it was stored."""
        self.losses += 1
        self._doubt(span)

    def unproven(self, span: ByteRange) -> None:
        """A segment got a word that proves nothing: only an account tells whether it was stored."""
        self._doubt(span)

    def returned(self, span: ByteRange) -> None:
        """A segment surely was not stored: it never left, or was refused as it stands."""
        self._land(span)

    def probe_sent(self) -> None:
        """The question leaves."""
        self.probing = True
        self._held_when_probed = self.held
        self._acknowledged_since = NOTHING
        self._lost_since = NOTHING

    def probe_lost(self) -> None:
        """The question brought no account."""
        self.probing = False

    def told(self, account: Account) -> Fit:
        """Take the account that the last probe brought; one that does not fit changes nothing."""
        self.probing = False
        said = self._read(account)
        if not said.contains(self._held_when_probed):
            return Fit.LACKS
        if self._offers_known and not self.offered.contains(said):
            return Fit.EXCEEDS
        self.held = said | self._acknowledged_since
        self.doubtful = self._lost_since - self.held
        self.confirmed_whole = said.size == self.size
        return Fit.FITS

    def vouches(self, account: Account, span: ByteRange) -> bool:
        """Whether an account that came with an acknowledgement speaks of that segment as held."""
        if account.form is Form.COUNT:
            return account.held.size >= span.last
        return account.held.contains(span)

    def vouches_whole(self, account: Account) -> bool:
        """Whether an account that came with a 200 speaks of the whole file as held."""
        return account.held.size >= self.size - (account.form is Form.COUNT)

    def _read(self, account: Account) -> ByteRanges:
        """A bare integer may be a count or the last byte's index: an acknowledgement tells which."""
        count = account.held.size
        if account.form is Form.COUNT and 0 < count < self.size:
            next_byte = ByteRange(count, count + 1)
            if self._held_when_probed.contains(next_byte):
                return account.held | next_byte
        return account.held

    def _doubt(self, span: ByteRange) -> None:
        self._land(span)
        lost = ByteRanges((span,)) - self.held
        self.doubtful |= lost
        self._lost_since |= lost

    def _land(self, span: ByteRange) -> None:
        if span not in self._in_flight:
            raise LocalProtocolError(f"{span.start}:{span.stop} is not in flight")
        self._in_flight.remove(span)
