"""A wall clock that is wrong: the daemon's `time.time` and `datetime.now` are off by what a file says.

Python imports this before anything else, in processes that have this folder in PYTHONPATH. The package
under test is not touched, and neither is CLOCK_MONOTONIC. Without the file, or with an empty one, the clock
is right.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Any

_FILE = os.environ.get("CHAOS_CLOCK", "")
_true_time, _true_time_ns = time.time, time.time_ns
_TrueDatetime = dt.datetime


def _offset() -> int:
    """Whole seconds."""
    try:
        with open(_FILE, encoding="ascii") as file:
            return int(file.read() or 0)
    except (OSError, ValueError):
        return 0


class _Kind(type(_TrueDatetime)):  # type: ignore[misc]
    """Lets a moment that C code made pass for one of ours."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _TrueDatetime)


class _Datetime(_TrueDatetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
        return _TrueDatetime.fromtimestamp(time.time(), tz)


if _FILE:
    time.time = lambda: _true_time() + _offset()
    time.time_ns = lambda: _true_time_ns() + _offset() * 10**9
    dt.datetime = _Datetime  # type: ignore[misc]
