"""How far an upload has come, told a few times a second while its bytes leave; for the eye only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from okdrop.events import Emit

Request = TypeVar("Request")

TELL_EVERY: Final = 0.25
"""Seconds between two words about one upload, at least."""


class Counted(Protocol):
    """What counts an upload's bytes; a `Session` does."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""

    @property
    def received(self) -> int:
        """Bytes that OK holds, as far as is known."""

    @property
    def sent(self) -> int:
        """Bytes put on the line so far, those sent again too."""


class Meter(Generic[Request]):
    """Emits `UploadProgress` as bytes are put on the line, at most every `TELL_EVERY` seconds.

    Args:
        emit: who is told.
        monotonic: seconds, of a clock that never goes back.
        upload: the id in the ledger.
        counted: counts the bytes.
    """

    def __init__(self, emit: Emit, monotonic: Callable[[], float], *, upload: int, counted: Counted) -> None:
        self._emit: Final = emit
        self._monotonic: Final = monotonic
        self._upload: Final = upload
        self._counted: Final = counted
        self._out: Final[dict[Request, int]] = {}
        self._due = monotonic()

    @property
    def on_line(self) -> Mapping[Request, int]:
        """Of each request that has no answer yet, how many of its bytes were put on the line."""
        return self._out

    def handed(self, request: Request, count: int) -> None:
        """So many more bytes of a request (a segment, say) were put on the line."""
        self._out[request] = self._out.get(request, 0) + count
        if (now := self._monotonic()) < self._due:
            return
        self._due = now + TELL_EVERY
        counted = self._counted
        self._emit(
            events.UploadProgress(
                upload=self._upload,
                received=counted.received,
                on_line=sum(self._out.values()),
                sent=counted.sent,
                size=counted.size,
            )
        )

    def landed(self, request: Request) -> None:
        """A request came to its end: what OK got of it stands in the account from here on."""
        self._out.pop(request, None)
