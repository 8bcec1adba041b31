"""Running a command that somebody else wrote: it may hang, fork, fail, or write without an end.

It runs without a shell, in a session of its own, with an environment that holds what it needs and none of
ours. What it is told lies in a file that has no name, so nobody waits for it to read; what it writes is read
and dropped but for the end. When its time is over, or when it ended and left others behind, its whole process
group is ended. Blocking, for a thread.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import errno
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

KEPT: Final = 4096
"""Bytes of its output that are kept: the last ones."""

TRY_AGAIN: Final = os.EX_TEMPFAIL
"""The exit code by which a command asks to be run again later (sysexits.h)."""

GRACE: Final = 3.0
"""Seconds that it gets to end by itself once it was asked to."""

_LOOK_EVERY: Final = 0.05
"""Seconds between two looks whether it ended: one whose child has its output says so no other way."""

_BLOCK: Final = 64 * 1024
_AT_THE_END: Final = 64
"""Blocks that are still read once it ended: whoever holds its output may write on for ever."""

_PASSING: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
_WORN: Final = ("HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a command.

    Attributes:
        code: what it exited with; the number of the signal that ended it, below zero; None: it never ran.
        said: what came of it, for a person.
        output: the last of what it wrote, as text; what is not UTF-8, or no text, is escaped.
        well: it ran to its end, and says that all is well.
        again: it is to be run again later.
        stopped: we were asked to stop, and ended it.
        overdue: its time was over, and we ended it.
    """

    code: int | None
    said: str
    output: str = ""
    well: bool = False
    again: bool = False
    stopped: bool = False
    overdue: bool = False


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """What of our environment a command gets: where programs are, who we are, language and time."""
    worn = {name: environ[name] for name in _WORN if name in environ}
    language = {name: value for name, value in environ.items() if name.startswith("LC_")}
    return {"PATH": _PATH, **language, **worn}


def run(
    command: Sequence[str],
    *,
    environment: Mapping[bytes, bytes],
    document: bytes,
    timeout: float,
    stop: threading.Event,
) -> Ran:
    """Run a command to its end.

    Args:
        command: the program's absolute path, and its arguments.
        environment: all that it gets.
        document: what it may read on standard input.
        timeout: seconds until it is ended.
        stop: set: it is ended, and is to be run again in our next life.
    """
    try:
        reading, writing = os.pipe()
        with _closing(reading):
            os.set_blocking(reading, False)
            with _closing(writing), _file_of(document) as told:
                process = subprocess.Popen(  # noqa: S603 - the operator's own command, without a shell
                    command,
                    stdin=told,
                    stdout=writing,
                    stderr=writing,
                    env=environment,
                    cwd="/",
                    start_new_session=True,
                )
            return _Running(process, reading, timeout, stop).to_its_end()
    except (OSError, ValueError) as error:
        return _not_begun(error)


class _Running:
    """A command under way."""

    def __init__(
        self, process: subprocess.Popen[bytes], output: int, timeout: float, stop: threading.Event
    ) -> None:
        self._process: Final = process
        self._output: Final = output
        self._timeout: Final = timeout
        self._stop: Final = stop
        self._tail: Final = collections.deque[bytes]()
        self._held = 0
        self._is_open = True
        self._poll: Final = select.poll()
        self._poll.register(output, select.POLLIN)

    def to_its_end(self) -> Ran:
        """Follow it; nothing of it is left when this returns."""
        try:
            ended = self._follow(self._timeout)
            asked = self._stop.is_set()
            if not ended:
                self._signal(signal.SIGTERM)
                self._follow(GRACE, heed_stop=False)
        finally:
            # Before it is waited for: so long its number is nobody else's, and so is that of its group.
            self._signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        self._read(_AT_THE_END)
        return self._came_of_it(ended=ended, asked=asked)

    def _follow(self, seconds: float, *, heed_stop: bool = True) -> bool:
        """Read what it writes until it ends, or its time does; returns whether it ended."""
        until = time.monotonic() + seconds
        while not self._has_ended():
            left = until - time.monotonic()
            if left <= 0 or (heed_stop and self._stop.is_set()):
                return False
            self._wait(min(left, _LOOK_EVERY))
        return True

    def _has_ended(self) -> bool:
        """Whether it ended; it is not reaped, so its number stays its own."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, options) is not None

    def _wait(self, seconds: float) -> None:
        if not self._is_open:
            time.sleep(seconds)
            return
        if self._poll.poll(seconds * 1000):
            self._read(1)

    def _read(self, blocks: int) -> None:
        for _ in range(blocks):
            try:
                block = os.read(self._output, _BLOCK) if self._is_open else b""
            except BlockingIOError:
                return
            if not block:
                self._is_open = False
                return
            self._keep(block[-KEPT:])

    def _keep(self, block: bytes) -> None:
        self._tail.append(block)
        self._held += len(block)
        while self._held - len(self._tail[0]) >= KEPT:
            self._held -= len(self._tail.popleft())

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _came_of_it(self, *, ended: bool, asked: bool) -> Ran:
        code, output = self._process.returncode, _as_text(b"".join(self._tail)[-KEPT:])
        if not ended and asked:
            return Ran(code=code, said="ended with okdrop; it runs again", output=output, stopped=True)
        if not ended:
            said = f"took longer than {self._timeout:g} s, and was ended"
            return Ran(code=code, said=said, output=output, overdue=True)
        if code is not None and code < 0:
            return Ran(code=code, said=f"was ended by signal {-code}", output=output)
        again = code == TRY_AGAIN
        return Ran(code=code, said=f"exit code {code}", output=output, well=code == 0, again=again)


def _not_begun(error: OSError | ValueError) -> Ran:
    said = error.strerror if isinstance(error, OSError) and error.strerror else "no possible command"
    again = isinstance(error, OSError) and error.errno in _PASSING
    return Ran(code=None, said=f"cannot be run: {said}", again=again)


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _file_of(document: bytes) -> Iterator[int]:
    """A file without a name that holds a document, open at its beginning."""
    descriptor = os.memfd_create("okdrop-hook", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "rb+", buffering=0) as file:
        file.write(document)
        file.seek(0)
        yield descriptor


def _as_text(raw: bytes) -> str:
    """Text whose lines stay; what no terminal shows as text is escaped."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    ).strip("\n")
