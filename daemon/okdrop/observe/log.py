"""The log: one line on standard error for each event, as JSON or for a person's eyes.

An event's `name` is the line's `event`, its fields are the line's fields. Events hold no secret, so the
log cannot.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

import structlog

if TYPE_CHECKING:
    from okdrop.events import Emit, Event


def log_to(stream: TextIO, *, json: bool, level: str) -> Emit:
    """A listener that writes each event of at least `level` (debug, info, warning, error) as a line."""
    renderer: Any = (
        structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )

    def listen(event: Event) -> None:
        logger.log(logging.getLevelNamesMapping()[event.level.upper()], event.name, **_fields(event))

    return listen


def standard_log(*, log_format: str, level: str) -> Emit:
    """The process's log, on standard error; "auto" means console on a terminal, JSON elsewhere."""
    json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    return log_to(sys.stderr, json=json, level=level)


def _fields(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
