"""Has the C library give back what is large, once it is free.

The tables of a daemon that knows a hundred thousand files grow by being made anew, twice as large. A block
of a size that was freed before glibc takes from its heap, where it stays once it is free, under whatever lies
above it: some dozens of megabytes by the end (mallopt(3), the dynamic threshold of M_MMAP_THRESHOLD).
"""

from __future__ import annotations

import ctypes
from typing import Final

LARGE: Final = 1024 * 1024
"""Bytes. Blocks of a file on their way are smaller: to map each of them would cost more than it saves."""

_M_MMAP_THRESHOLD: Final = -3


def give_back_what_is_large() -> None:
    """From now on, a block of `LARGE` bytes and more goes back to the kernel once it is free.

    For a process that lives long. A C library without mallopt(3) is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)
