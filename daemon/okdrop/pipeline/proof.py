"""Leaf hashes of one upload, taken from the very bytes that leave, and counted as OK acknowledges them.

They are taken where the file is read, so they cost neither a visit to a thread nor a second reading.
What was sent in a segment that got no answer, or another one than "stored", does not count: it is torn, and
is read again when the file is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.leaves import Leaves, Passing

if TYPE_CHECKING:
    from okdrop.inbox.blocks import Note
    from okdrop.protocol.ranges import ByteRange


class Proof:
    """Collects the leaves of a file of `size` bytes; `known` are those that an earlier attempt collected."""

    def __init__(self, size: int, known: bytes = b"") -> None:
        self._size: Final = size
        self._leaves: Final = Leaves(size, known)
        self._passing: Final[dict[ByteRange, Passing]] = {}

    def begins(self, span: ByteRange) -> Note:
        """A segment begins; what is returned is given its bytes in order, from any thread."""
        passing = self._passing[span] = Passing(span.start, self._size)
        return passing.feed

    def landed(self, span: ByteRange, *, stored: bool) -> None:
        """The segment's answer came, or is not waited for any more."""
        passing = self._passing.pop(span, None)
        if passing is not None and stored:
            self._leaves.keep(passing.pieces)

    def forget(self) -> None:
        """Another ticket: what was acknowledged for the last one says nothing of this."""
        self._leaves.forget()

    @property
    def root(self) -> bytes | None:
        """Proves what OK holds; None while a leaf is torn."""
        return self._leaves.root()

    @property
    def has_changed(self) -> bool:
        """Whether there are leaves that the ledger does not have yet."""
        return self._leaves.has_changed

    def take_changed(self) -> dict[int, bytes]:
        """Those, for the ledger; see `okdrop.leaves.Leaves.take_changed`."""
        return self._leaves.take_changed()
