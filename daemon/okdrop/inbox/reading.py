"""How the bytes of files are read: as they come, or gently, so that a recorder beside is never held up.

Gently means two things. The threads that read are of the idle class (ioprio_set(2)): a disk whose scheduler
heeds that serves them when nobody else asks. And what was read is taken out of the kernel's cache again
(POSIX_FADV_DONTNEED), so that a file of many gigabytes does not push out what others have there, the recorder
before all.

The event loop reads nothing then, not even what the cache holds: RWF_NOWAIT waits for no disk, but has the
kernel read ahead all the same, and at the priority of the loop's own thread.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from concurrent.futures import Executor

READERS: Final = 8
"""Threads that read gently: each has one block under way."""

STEP: Final = 1024 * 1024
"""Bytes that are taken out of the cache at once."""

LARGEST_FOLIO: Final = 4 * 1024 * 1024
"""Bytes of a folio at most: the kernel keeps pages in such, and forgets none that is only partly meant."""

IDLE: Final = 3
"""The class of whoever is served when nobody else asks (IOPRIO_CLASS_IDLE)."""

_CLASS_SHIFT: Final = 13
_WHO_THREAD: Final = 1  # IOPRIO_WHO_PROCESS, which names a thread; 0 is the one that calls

_OWN_NUMBERS: Final = {
    "x86_64": (251, 252),
    "i386": (289, 290),
    "i686": (289, 290),
    "armv7l": (314, 315),
    "armv6l": (314, 315),
    "ppc64le": (273, 274),
    "s390x": (282, 283),
}
_NUMBERS: Final = (30, 31)
"""ioprio_set and ioprio_get where an architecture has no numbers of its own (aarch64 and riscv64, say)."""

_HEEDING: Final = frozenset({"bfq", "mq-deadline"})
"""Schedulers that serve the idle class last."""


class Blocks:
    """Counts blocks that were read beside the sending, so that it can be seen that reading goes on."""

    def __init__(self) -> None:
        self.count = 0  #: for the eye: of several threads one may be missed now and then


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files are read.

    `executor` has the threads that read; None: those that all share, and where the cache has it, the loop.
    """

    executor: Executor | None = None
    blocks: Blocks = dataclasses.field(default_factory=Blocks, compare=False)

    @property
    def is_gentle(self) -> bool:
        """Whether others come first."""
        return self.executor is not None


PLAIN: Final = Reading()


def gentle() -> Reading:
    """Read gently: in threads of the idle class, which begin as they are needed."""
    return Reading(
        executor=ThreadPoolExecutor(READERS, thread_name_prefix="gentle", initializer=yield_the_disk)
    )


def yield_the_disk() -> bool:
    """Have the calling thread be served by the disks when nobody else asks; whether the kernel agrees."""
    return _ask(0, _WHO_THREAD, 0, IDLE << _CLASS_SHIFT) == 0


def class_of_thread(number: int = 0) -> int:
    """The class in which a thread is served: 0 none of its own, 1 to 3; -1: it cannot be known.

    Args:
        number: the kernel's, of the thread; 0: the one that calls.
    """
    answer = _ask(1, _WHO_THREAD, number)
    return answer if answer < 0 else answer >> _CLASS_SHIFT


def can_yield() -> bool:
    """Whether the kernel lets a thread of ours be served last; asked in one that ends with it."""
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(yield_the_disk()))
    asking.start()
    asking.join()
    return answers == [True]


def _ask(which: int, *arguments: int) -> int:
    """Call ioprio_set (0) or ioprio_get (1), which the C library has no function for; -1: refused."""
    try:
        import ctypes  # noqa: PLC0415 - for this alone; it may be refused memory that can be executed

        call = ctypes.CDLL(None, use_errno=True).syscall
    except (ImportError, OSError, MemoryError, AttributeError):
        return -1
    number = _OWN_NUMBERS.get(platform.machine(), _NUMBERS)[which]
    return int(call(*map(ctypes.c_long, (number, *arguments))))


def scheduler_of(device: int) -> str:
    """The scheduler of the disk with this number (st_dev); "" where there is none, or it is not known."""
    place = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for queue in (place / "queue", place / ".." / "queue"):  # a partition's is its disk's
        with contextlib.suppress(OSError):
            choices = (queue / "scheduler").read_text().split()
            return next((one[1:-1] for one in choices if one.startswith("[")), "")
    return ""


def heeds_classes(scheduler: str) -> bool:
    """Whether a scheduler serves the idle class last."""
    return scheduler in _HEEDING


class Behind:
    """Takes out of the kernel's cache what was read, as far as reading has come.

    What has not been written to the disk yet stays, and so does what others have mapped. Bytes that are
    wanted once more are read from the disk once more.

    Args:
        start: where reading begins, in bytes.
    """

    def __init__(self, start: int) -> None:
        self._start: Final = start
        self._done = start

    def passed(self, descriptor: int, at: int) -> None:
        """Reading came to `at`."""
        if at - self._done >= STEP:
            self.end(descriptor, at)

    def end(self, descriptor: int, at: int) -> None:
        """Reading came to `at`, and goes no further for now."""
        begin = max(self._start, self._done - LARGEST_FOLIO)
        if at > begin:
            forget(descriptor, begin, at - begin)
            self._done = at


def forget(descriptor: int, begin: int = 0, length: int = 0) -> None:
    """Have the kernel take a part of a file out of its cache; 0 for `length`: all to its end."""
    with contextlib.suppress(OSError):
        os.posix_fadvise(descriptor, begin, length, os.POSIX_FADV_DONTNEED)
