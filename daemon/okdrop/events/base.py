"""What an event is, and how it gets to whoever listens."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar, TypeAlias


def shown(path: bytes) -> str:
    """A path for human eyes: control characters and bytes that are not UTF-8 are escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened."""

    name: ClassVar[str] = "event"
    level: ClassVar[str] = "info"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadEvent(Event):
    """Something that happened to one upload."""

    upload: int  #: the id in the ledger


Emit: TypeAlias = Callable[[Event], None]
"""How a part tells what happened."""


class Audience:
    """Everybody who listens: itself what a part is given to tell with."""

    def __init__(self, *listeners: Emit) -> None:
        self._listeners = [*listeners]

    def add(self, listener: Emit) -> None:
        """Let one more listen, after the others."""
        self._listeners.append(listener)

    def __call__(self, event: Event) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            listener(event)
