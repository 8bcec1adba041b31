"""A line of the log for a person's eyes: sizes and durations as the configuration writes them.

What says nothing goes. Programs read the exact values, in JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_SIZES: Final = frozenset({"size", "received", "bytes_sent", "start", "stop"})
_DURATIONS: Final = frozenset({"seconds", "delay", "timeout"})
_OWN: Final = frozenset({"event", "level", "timestamp", "traceback"})
_UNITS: Final = ("kB", "MB", "GB", "TB")
_LARGEST: Final = 999.5
_MINUTE: Final = 60
_HOUR: Final = 3600


class _AsShown(str):
    """A text that was made for the eye already: the renderer may quote it, and must not escape it again."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.isprintable():
            return super().__repr__()
        quote = '"' if "'" in self else "'"
        return f"{quote}{self!s}{quote}"


def readable(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put a line's values into words; empty ones, and counts of nothing, go."""
    for name, value in [*line.items()]:
        if name in _SIZES:
            line[name] = size_in_words(value)
        elif name in _DURATIONS:
            line[name] = duration_in_words(value)
        elif value == "" or (name == "folded" and not value):
            del line[name]
        elif type(value) is str and name not in _OWN:
            line[name] = _AsShown(value)
    traceback = line.pop("traceback", None)
    if traceback is not None:
        line["exception"] = traceback  # the renderer puts it below the line
    return line


def size_in_words(count: int) -> str:
    """Bytes with a decimal unit, three figures: `25.2MB`."""
    if count < 1000:  # noqa: PLR2004 - the unit
        return f"{count}B"
    value = float(count)
    for unit in _UNITS:
        value /= 1000
        if value < _LARGEST or unit == _UNITS[-1]:
            break
    return f"{value:.3g}{unit}"


def duration_in_words(seconds: float) -> str:
    """Seconds as a clock has them: `0.35s`, `12s`, `4m10s`, `26h3m`."""
    if seconds < 10:  # noqa: PLR2004 - what is short is told more exactly
        return f"{seconds:.2g}s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE}s"
    return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE}m"
