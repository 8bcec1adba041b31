"""A model of an upload host in the simple mode, for the tests of `MultipartSession`: its truth is known.

Requests are values; the test decides how much of the file arrives, and when the answer comes back.
"""

from __future__ import annotations

import dataclasses

from okdrop.protocol.messages import (
    Account,
    Complete,
    FileAnswer,
    Held,
    NothingYet,
    ProbeAnswer,
    ServerTrouble,
    UrlDead,
    VideoStatus,
)
from okdrop.protocol.ranges import ByteRanges


@dataclasses.dataclass
class MultipartHost:
    """One ticket's side of the server."""

    size: int
    dies_when_whole: bool = False
    calls_half_a_file_an_error: bool = False  #: what was cut is no longer UPLOADING
    fresh_is_404: bool = True
    whole: bool = False
    half: bool = False
    segment: bool = False  #: it got one, in the other mode
    dead: bool = False

    @property
    def status(self) -> VideoStatus:
        if self.whole:
            return VideoStatus.PROCESSING
        spoilt = self.half and self.calls_half_a_file_an_error
        return VideoStatus.ERROR if spoilt else VideoStatus.UPLOADING

    def post(self, count: int) -> FileAnswer:
        """So many bytes of the file arrive; nobody hears the answer to a part of it."""
        if self.dead:
            return UrlDead(403)
        if count < self.size:
            self.half |= count > 0
            return ServerTrouble(500)
        self.whole = True
        self.dead = self.dies_when_whole
        return Complete()

    def get(self) -> ProbeAnswer:
        if self.dead:
            return UrlDead(403)
        if self.whole:
            return Held(Account(ByteRanges.prefix(self.size)))
        if self.segment:
            return Held(Account(ByteRanges.prefix(1)))
        return NothingYet() if self.fresh_is_404 else Held(Account(ByteRanges()))
