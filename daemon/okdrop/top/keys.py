"""The terminal that keys are typed at: each is heard at once and not echoed, as long as the block lasts."""

from __future__ import annotations

import codecs
import contextlib
import os
import termios
from typing import TYPE_CHECKING, Final

from okdrop.top.desk import Key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from okdrop.top.desk import Pressed

_SEQUENCES: Final = {
    "\x1b[A": Key.UP,
    "\x1bOA": Key.UP,
    "\x1b[B": Key.DOWN,
    "\x1bOB": Key.DOWN,
}
_CHARS: Final = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x7f": Key.BACKSPACE,
    "\b": Key.BACKSPACE,
    "\x1b": Key.ESCAPE,
}
_LARGEST_READ: Final = 1024
_FLAGS, _LOCAL, _SPECIAL = 0, 3, 6


@contextlib.contextmanager
def listening(descriptor: int) -> Iterator[None]:
    """Have a terminal give keys one by one; afterwards it is as it was.

    Ctrl-C and Ctrl-Z stay signals. Ctrl-S does not: it would stop the drawing, and the end with it.
    """
    before = termios.tcgetattr(descriptor)
    now = termios.tcgetattr(descriptor)
    now[_FLAGS] &= ~termios.IXON
    now[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
    now[_SPECIAL][termios.VMIN], now[_SPECIAL][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSADRAIN, now)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error, OSError):  # it hung up
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


class Typist:
    """Reads a terminal.

    Args:
        descriptor: of the terminal, to be read when there is something.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: Final = descriptor
        self._decoder: Final = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> list[Pressed] | None:
        """The keys that were pressed; None: the terminal is gone."""
        try:
            raw = os.read(self._descriptor, _LARGEST_READ)
        except OSError:
            return None
        return decoded(self._decoder.decode(raw)) if raw else None


def decoded(text: str) -> list[Pressed]:
    """The keys that a terminal sent at once; a sequence that nobody waits for is nothing."""
    keys: list[Pressed] = []
    at = 0
    while at < len(text):
        sequence = _sequence(text, at)
        if len(sequence) > 1:
            if sequence in _SEQUENCES:
                keys.append(_SEQUENCES[sequence])
        elif (char := text[at]) in _CHARS:
            keys.append(_CHARS[char])
        elif char.isprintable():
            keys.append(char)
        at += len(sequence)
    return keys


def _sequence(text: str, at: int) -> str:
    """An escape sequence from here (ECMA-48 5.4: `ESC [`, parameters, a final byte), or one character."""
    if text[at] != "\x1b" or text[at + 1 : at + 2] not in {"[", "O"}:
        return text[at]
    end = at + 2
    while end < len(text) and " " <= text[end] <= "?":
        end += 1
    return text[at : end + 1]
