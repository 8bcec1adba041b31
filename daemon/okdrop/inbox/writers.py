"""Which process has a file open for writing, by the open files that the kernel shows in /proc.

A second witness beside the lease (`okdrop.inbox.lease`): it names the process, and it sees writers where no
lease can be had. It proves a writer and never the want of one: processes of other users are shown to root
alone (CAP_SYS_PTRACE), those of other machines and of containers around this one to nobody here, and a file
that is written through memory need not be open any more.

One walk through all processes serves any number of files, and is bounded. Of an open file first its name is
read, which asks no disk; only one that is called like a file in question is looked at, so that a walk does
not hang with somebody else's mount.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from okdrop.drop import Revision

FRESH: Final = 1.0
"""Seconds for which a walk's answer holds for the files that it looked for."""

SHARE: Final = 20.0
"""How many times as long as a walk took the next one is put off: on a busy machine it is seldom."""

MOST_FILES: Final = 200_000
"""Open files that one walk goes through; what further processes hold stays unknown."""

NOBODY: Final = ""

_ACCESS: Final = 0o3  # O_ACCMODE, which os does not have
_LONGEST_NAME: Final = 32

Identity: TypeAlias = tuple[int, int]
"""Which file it is (st_dev, st_ino)."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Walk:
    asked: frozenset[bytes]  #: names of files that were looked for
    found: Mapping[Identity, str]
    ended: float
    due: float


class OpenFiles:
    """Walks through /proc when it is time to, and remembers for a moment what came of it.

    Args:
        monotonic: seconds.
        proc: where the kernel shows its processes.
    """

    def __init__(self, monotonic: Callable[[], float], proc: bytes = b"/proc") -> None:
        self._monotonic: Final = monotonic
        self._proc: Final = proc
        self._lock: Final = threading.Lock()
        self._last = _Walk(frozenset(), {}, float("-inf"), float("-inf"))

    def writers(self, files: Mapping[bytes, Revision]) -> Mapping[bytes, str] | None:
        """Say who has these files open for writing; blocking, from any thread.

        Args:
            files: path → the file there.

        Returns:
            Of each file that a process was seen to write, that process in words. None: it is too early for
            another walk, and the last one did not look for all of these.
        """
        if not files:
            return {}
        with self._lock:
            names = frozenset(path.rpartition(b"/")[2] for path in files)
            now = self._monotonic()
            if now >= self._last.ended + FRESH or not names <= self._last.asked:
                if now < self._last.due:
                    return None
                self._last = self._walked(names, now)
            found = self._last.found
        seen = ((path, found.get((one.device, one.inode), NOBODY)) for path, one in files.items())
        return {path: who for path, who in seen if who}

    def _walked(self, names: frozenset[bytes], began: float) -> _Walk:
        found = dict(_found(self._proc, names, MOST_FILES))
        ended = self._monotonic()
        return _Walk(names, found, ended, ended + SHARE * (ended - began))


def _found(proc: bytes, names: Collection[bytes], at_most: int) -> Iterator[tuple[Identity, str]]:
    """Files of these names that somebody has open for writing, and who."""
    left = at_most
    own = b"%d" % os.getpid()
    for process in _listed(proc):
        if not process.isdigit() or process == own:
            continue
        place = proc + b"/" + process
        for number in _listed(place + b"/fd"):
            left -= 1
            if left < 0:
                return
            if (identity := _written(place, number, names)) is not None:
                yield identity, _called(place, process)


def _listed(folder: bytes) -> Iterable[bytes]:
    """The names in a folder of /proc; none where it may not be listed, or its process is gone."""
    try:
        return os.listdir(folder)
    except OSError:
        return ()


def _written(place: bytes, number: bytes, names: Collection[bytes]) -> Identity | None:
    """Which file it is that a process has open under this number, if it is in question and is written."""
    link = place + b"/fd/" + number
    with contextlib.suppress(OSError, ValueError):  # it was closed meanwhile
        name = os.readlink(link).rpartition(b"/")[2]
        if name not in names:
            return None
        if _flags(place + b"/fdinfo/" + number) & _ACCESS == os.O_RDONLY:
            return None
        status = os.stat(link)
        return status.st_dev, status.st_ino
    return None


def _flags(info: bytes) -> int:
    """With which flags a file was opened; proc(5) gives them in octal.

    Raises:
        OSError: it was closed meanwhile.
        ValueError: the kernel does not say.
    """
    with open(info, "rb") as file:
        for line in file:
            if line.startswith(b"flags:"):
                return int(line.split()[1], 8)
    raise ValueError


def _called(place: bytes, process: bytes) -> str:
    """A process in words: its name, which may be any text, and its number."""
    name = b""
    with contextlib.suppress(OSError), open(place + b"/comm", "rb") as file:
        name = file.read(_LONGEST_NAME).rstrip(b"\n")
    text = "".join(char if char.isprintable() else "?" for char in name.decode("utf-8", "replace"))
    return f"{text or 'a process'}, pid {process.decode('ascii')}"
