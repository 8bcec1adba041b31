"""A model of OK's upload host for the session's tests: what it holds is known, and so is every answer.

It is a model, not a server: requests are values, and the test decides when each is stored and when its
answer comes back. It is written from protocol.md, as the session is, but from the other side.
"""

from __future__ import annotations

import dataclasses

from okdrop.drop import Mode
from okdrop.protocol.messages import (
    Account,
    Complete,
    Form,
    Held,
    NothingYet,
    ProbeAnswer,
    RangeRefused,
    SegmentAnswer,
    Stored,
    UrlDead,
    VideoStatus,
)
from okdrop.protocol.ranges import ByteRange, ByteRanges


@dataclasses.dataclass
class UploadHost:
    """One ticket's side of the server."""

    size: int
    mode: Mode
    form: Form = Form.RANGES
    accounts_on_201: bool = True
    dies_when_whole: bool = False
    equates_200_and_201: bool = False
    fresh_is_404: bool = True
    held: ByteRanges = dataclasses.field(default_factory=ByteRanges)
    dead: bool = False

    @property
    def whole(self) -> bool:
        return self.held.size == self.size

    @property
    def hides_islands(self) -> bool:
        """Whether it takes segments behind a gap, but its account cannot name them."""
        return self.mode is Mode.PARALLEL and self.form is not Form.RANGES

    @property
    def status(self) -> VideoStatus:
        return VideoStatus.PROCESSING if self.whole else VideoStatus.UPLOADING

    def account(self) -> Account:
        if self.form is Form.RANGES:
            return Account(self.held)
        first = self.held.spans[0] if self.held else None
        count = first.stop if first is not None and first.start == 0 else 0
        return Account(ByteRanges.prefix(count), self.form)

    def post(self, span: ByteRange) -> SegmentAnswer:
        """Store a segment as far as the mode allows, and answer."""
        if self.dead:
            return UrlDead(403)
        if self.mode is Mode.SEQUENTIAL and span.start != self.held.size:
            return RangeRefused(Account(ByteRanges.prefix(self.held.size), Form.LAST_BYTE))
        self.held |= span
        account = self.account() if self.accounts_on_201 else None
        if self.whole:
            self.dead = self.dies_when_whole
            return Complete(account)
        return Complete(None) if self.equates_200_and_201 else Stored(account)

    def get(self) -> ProbeAnswer:
        """The status."""
        if self.dead:
            return UrlDead(403)
        if not self.held and self.fresh_is_404:
            return NothingYet()
        return Held(self.account())
