"""Standard output and standard error of a command: what cannot be written is an error in words, or nothing.

An answer that cannot be written (its disk is full) ends a command like any other trouble; a reader that has
read enough (`okdrop status | head -1`) ends it without a word. Standard error is for the eye: where it cannot
be written, the exit code has to do; and a run does not wait for whoever reads it (`observe.spool`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any, Final, TextIO, cast

from okdrop.errors import OkdropError
from okdrop.observe.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

READER_GONE: Final = 128 + signal.SIGPIPE
"""The exit code where nobody reads on: what a shell says of any program that SIGPIPE ended."""


IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes of an answer that are kept in memory."""

PIECES: Final = 500
"""Pieces of an answer that are put together before they are kept."""

BLOCK: Final = 64 * 1024
"""Characters that are written at once."""


class AnswerError(OkdropError):
    """The answer cannot be written."""

    code = "answer"


class ReaderGone(AnswerError):
    """Whoever read the answer has read enough."""


class Answer:
    """Standard output, whose refusals are errors in words.

    Args:
        stream: where it goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream

    def write(self, text: str) -> int:
        """Write text; raises AnswerError, ReaderGone."""
        with self._refusals():
            return self._stream.write(text)

    def flush(self) -> None:
        """Write what waits in the buffer; raises AnswerError, ReaderGone."""
        with self._refusals():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            _forget(self._stream)
            raise ReaderGone("nobody reads the answer") from None
        except OSError as error:
            _forget(self._stream)
            raise AnswerError(f"the answer cannot be written: {error.strerror}") from None


class Notes:
    """Standard error, whose refusals cost nothing: it may be written again later.

    Args:
        stream: where it goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream

    def write(self, text: str) -> int:
        """Write text, if that can be."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what waits in the buffer, if that can be."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def settle(self) -> None:
        """Leave nothing in the buffer that would change the exit code at the very end."""
        try:
            self._stream.flush()
        except OSError:
            _forget(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def prepare() -> None:
    """Have both outputs be there, and take every text that is written to them."""
    if not isinstance(sys.stdout, Answer):
        sys.stdout = cast("TextIO", Answer(_usable(sys.stdout)))
    if not isinstance(sys.stderr, Notes):
        sys.stderr = cast("TextIO", Notes(_usable(sys.stderr)))


def never_wait() -> None:
    """From now on, nothing waits until standard error is read; `settle` ends that."""
    if not isinstance(sys.stderr, Spool):
        sys.stderr = cast("TextIO", Spool(sys.stderr))


def complain(text: str) -> None:
    """Write one line, or several, to standard error."""
    for line in text.split("\n"):
        print(f"okdrop: {line}", file=sys.stderr)


def gathered(pieces: Iterable[str]) -> IO[str]:
    """Take an answer to its end before anybody reads it: whoever does may do so page by page, for hours.

    What is long is kept in a temporary file, and not in memory.

    Raises:
        AnswerError: there is no room for it.
    """
    with contextlib.ExitStack() as stack:
        try:
            answer = stack.enter_context(
                tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="")
            )
            some = iter(pieces)
            while text := "".join(itertools.islice(some, PIECES)):
                answer.write(text)
            answer.seek(0)
        except OSError as error:
            raise AnswerError(
                f"the answer cannot be kept until it is read: {error.strerror}",
                hint="let TMPDIR name a folder with room",
            ) from None
        stack.pop_all()
        return answer


def tell(answer: IO[str]) -> None:
    """Write what was gathered to standard output."""
    with answer:
        while text := answer.read(BLOCK):
            sys.stdout.write(text)


def settle() -> None:
    """Call it at the end, once standard error is done with."""
    if isinstance(sys.stderr, Spool):
        sys.stderr = sys.stderr.close()
    if isinstance(sys.stderr, Notes):
        sys.stderr.settle()


def _usable(stream: TextIO | None) -> TextIO:
    if stream is None:  # closed by whoever started us; the next file that is opened must not take its place
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - for the life of the process
    if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
        reconfigure(errors="backslashreplace")  # a poor locale must not cost the whole answer
    return stream


def _forget(stream: TextIO) -> None:
    """Let what waits in a buffer go nowhere: at the end of the process it would fail once more, aloud."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
