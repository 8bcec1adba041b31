"""Keeps our capabilities from the programs that we start: a hook, ffprobe.

What the service manager grants us (AmbientCapabilities=CAP_LEASE) is passed on to every program that is
started, but for what is cleared from the ambient set (capabilities(7)). What this process may do itself does
not depend on that set any more once it runs.
"""

from __future__ import annotations

import ctypes
from typing import Final

_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4


def keep_capabilities() -> None:
    """Pass no capability on from here; of this thread, and of those that it starts from now on.

    A kernel that knows no ambient set passes none on. A program started by root is root's all the same.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_CAP_AMBIENT, *map(ctypes.c_ulong, (_PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)))
