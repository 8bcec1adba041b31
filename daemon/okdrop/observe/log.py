"""The log: one line on standard error for each event, as JSON or for a person's eyes.

Of which level they are written changes while it runs: `LogLevelSet` says so, and is heard as all others are.

An event's `name` is the line's `event`, its fields are the line's fields. Events hold no secret, so the
log cannot.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from okdrop.events import LogLevelSet, LogLost
from okdrop.observe.quiet import Quiet
from okdrop.observe.readable import readable
from okdrop.observe.spool import Spool

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from okdrop.events import Emit, Event

_FIRST: Final = ("timestamp", "level", "event")
_LEVELS: Final = {
    name.lower(): number for name, number in logging.getLevelNamesMapping().items() if name != "NOTSET"
}


def log_to(stream: TextIO, *, json: bool, level: str) -> Emit:
    """A listener that writes each event of at least `level` (debug, info, warning, error) as a line.

    From a `LogLevelSet` on, which is written in any case, those of at least its level.
    """
    least = _LEVELS[level]
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=_for_programs() if json else _for_eyes(colors=stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=True,
    )

    def listen(event: Event) -> None:
        nonlocal least
        if isinstance(event, LogLevelSet):
            least = _LEVELS[event.least]
        elif _LEVELS[event.level] < least:
            return
        # A log that cannot be written (its disk is full, its reader is gone) must not end the uploads.
        with contextlib.suppress(OSError):
            logger.log(_LEVELS[event.level], event.name, **_fields(event))

    return listen


def standard_log(*, log_format: str, level: str) -> Emit:
    """The process's log, on standard error; "auto" means console on a terminal, JSON elsewhere."""
    json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    if isinstance(sys.stderr, Spool):
        sys.stderr.lost_line = functools.partial(_lost_line, json=json)
    return Quiet(log_to(sys.stderr, json=json, level=level), monotonic=time.monotonic)


def _lost_line(lines: int, *, json: bool) -> str:
    line = io.StringIO()
    log_to(line, json=json, level="debug")(LogLost(lines=lines))
    return line.getvalue()


def _for_programs() -> list[Any]:
    """Exact values; the same three names first in every line."""
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _in_order,
        structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False),
    ]


def _for_eyes(*, colors: bool) -> list[Any]:
    """Readable values, local time to the second."""
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
        readable,
        structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=24),
    ]


def _in_order(_logger: object, _method: str, line: MutableMapping[str, Any]) -> dict[str, Any]:
    first = {name: line[name] for name in _FIRST}
    return first | {name: value for name, value in line.items() if name not in first}


def _fields(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
