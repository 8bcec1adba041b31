"""Standard error that nobody has to wait for: a thread of its own writes what is put in a bounded queue.

A log's reader may stall: a pipe that nobody empties, a terminal that is held by Ctrl-S, a disk that hangs.
Whoever writes to a spool goes on all the same. When the queue is full, lines are lost; they are counted, and
where they would have stood one line says how many they were. It is the same with lines that could not be
written (a full disk), once there is room again.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import select
import threading
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT: Final = 1024 * 1024
"""Characters that wait at most: some thousand lines."""

LAST_WORDS: Final = 2.0
"""Seconds for which the end of the process waits for the reader."""


@dataclasses.dataclass(slots=True)
class _Lost:
    """Lines that found no room, in the place where they would have stood."""

    lines: int = 0


def in_words(lines: int) -> str:
    """The line that stands for lines which were lost."""
    return f"okdrop: {lines} lines of the log were lost here: nobody read on, or they could not be written\n"


class Spool:
    """A text stream that never waits; what is written to it stays in order.

    Args:
        stream: where the lines go in the end; by its descriptor, if it has one.
        limit: characters that wait at most.
    """

    def __init__(self, stream: TextIO, *, limit: int = LIMIT) -> None:
        self.lost_line: Callable[[int], str] = in_words  #: tells of so many lines; it ends in a line break
        self._stream: Final = stream
        self._limit: Final = limit
        self._waiting: Final[collections.deque[str | _Lost]] = collections.deque()
        self._size = 0
        self._begun = ""  # a line that has no end yet
        self._full: _Lost | None = None
        self._closing = False
        self._changed: Final = threading.Condition()
        self._thread: Final = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Put text into the queue: each line as a whole."""
        with self._changed:
            lines, end, self._begun = (self._begun + text).rpartition("\n")
            self._put(lines + end)
        return len(text)

    def flush(self) -> None:
        """Put the beginning of a line into the queue."""
        with self._changed:
            begun, self._begun = self._begun, ""
            self._put(begun)

    def close(self, *, within: float = LAST_WORDS) -> TextIO:
        """Wait `within` seconds at most until all is written; returns the stream, which is whose it was."""
        self.flush()
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(within)
        return self._stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _put(self, text: str) -> None:
        if not text:
            return
        if self._full is None and self._waiting and self._size + len(text) > self._limit:
            self._full = _Lost()
            self._waiting.append(self._full)
        if self._full is not None:
            self._full.lines += _lines(text)
            return
        self._size += len(text)
        self._waiting.append(text)
        self._changed.notify()

    # --- in the thread ----------------------------------------------------------------------------------

    def _work(self) -> None:
        out, lost = _writer(self._stream), 0
        while (item := self._next()) is not None:
            text = item if isinstance(item, str) else ""
            lost += 0 if isinstance(item, str) else item.lines
            if lost and out(self.lost_line(lost)):
                lost = 0
            if text and (lost or not out(text)):
                lost += _lines(text)

    def _next(self) -> str | _Lost | None:
        """What is to be written next; None at the end."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            if not self._waiting:
                return None
            item = self._waiting.popleft()
            if isinstance(item, str):
                self._size -= len(item)
            if self._size <= self._limit // 2:
                self._full = None  # not before: else each line would be followed by a loss
            return item


def _lines(text: str) -> int:
    return max(1, text.count("\n"))


def _writer(stream: TextIO) -> Callable[[str], bool]:
    """What writes text to a stream; it returns whether that went well."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return _ByStream(stream)
    return _ByDescriptor(descriptor, stream.encoding or "utf-8")


class _ByStream:
    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream

    def __call__(self, text: str) -> bool:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
            return True
        return False


class _ByDescriptor:
    """Not by the stream: a thread that hangs in its buffer would keep the interpreter from ending."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor: Final = descriptor
        self._encoding: Final = encoding
        self._is_torn = False  # the last line ends in its middle

    def __call__(self, text: str) -> bool:
        raw = text.encode(self._encoding, "backslashreplace")
        left = memoryview(b"\n" + raw if self._is_torn else raw)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # whoever shares it made it so
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll()
            except OSError:
                self._is_torn = self._is_torn or 0 < len(left) < len(raw)
                return False
            else:
                self._is_torn = False
        return True
