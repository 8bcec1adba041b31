"""Which uploads are in a worker's hands, and where the bytes of each are: asked by whoever shows it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from okdrop.protocol.picture import Picture
    from okdrop.protocol.ranges import ByteRange


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One upload under way, at a moment."""

    upload: int
    path: bytes
    host: str  #: where its bytes go; "" before there is a ticket
    picture: Picture
    on_line: Mapping[ByteRange, int]  #: bytes of each segment in flight that were put on the line


class Underway:
    """A register. What is in it looks only when it is asked."""

    def __init__(self) -> None:
        self._looks: Final[dict[int, Callable[[], Sending]]] = {}

    def enter(self, upload: int, look: Callable[[], Sending]) -> Callable[[], None]:
        """An upload is under way from here on; returns what takes it out."""
        self._looks[upload] = look
        return lambda: self._leave(upload, look)

    def now(self) -> list[Sending]:
        """All of them, in the order in which they were taken up."""
        return [look() for look in self._looks.values()]

    def _leave(self, upload: int, look: Callable[[], Sending]) -> None:
        if self._looks.get(upload) is look:
            del self._looks[upload]
