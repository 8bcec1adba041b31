r"""Variables from a file, in the form that `EnvironmentFile=` of systemd.exec(5) reads.

A line is `NAME=value`. Lines that are empty, begin with `#` or `;`, or have no `=` say nothing. Whitespace
around a value goes, unless it is quoted. Outside of quotes a backslash takes the next character as it is,
and joins two lines at the end of one; between "…" it does so for `"`, `\`, `` ` `` and `$` alone; between
'…' it is a backslash. Nothing is expanded, and a `#` within a value begins no comment: a secret may hold
either.

(python-dotenv is not used: there `$` expands, ` #` begins a comment, and `export` is a word.)
"""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPACE: Final = " \t\r"
_ESCAPED_IN_DOUBLE: Final = '"\\`$'


class UnfinishedError(ValueError):
    """The text ends within quotes: it is half-written, or a quote is missing."""


def parse(text: str) -> dict[str, str]:
    """The variables of a file; of two lines with one name the later counts.

    Raises:
        UnfinishedError: a quote is never closed.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        end = _line_end(text, at)
        name, equals, _ = text[at:end].partition("=")
        if name.lstrip(_SPACE)[:1] in {"#", ";"} or not equals:
            at = end + 1
            continue
        value, at = _value(text, at + len(name) + 1)
        if _NAME.fullmatch(name := name.strip(_SPACE)):
            found[name] = value
    return found


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _value(text: str, at: int) -> tuple[str, int]:
    """The value that begins at `at`, and where the next line does."""
    parts: list[str] = []
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if at >= len(text) or text[at] == "\n":
            return "".join(parts), at + 1
        if text[at] in "\"'":
            quoted, at = _quoted(text, at)
            parts.append(quoted)
            continue
        # Once a bare character was met, quotes are characters like any other.
        bare, at = _bare(text, at)
        return "".join([*parts, bare]), at


def _quoted(text: str, at: int) -> tuple[str, int]:
    quote, at = text[at], at + 1
    taken: list[str] = []
    while at < len(text) and text[at] != quote:
        if quote == '"' and text[at] == "\\":
            after = text[at + 1 : at + 2]
            if after != "\n":
                taken.append(after if after in _ESCAPED_IN_DOUBLE else "\\" + after)
            at += 2
        else:
            taken.append(text[at])
            at += 1
    if at >= len(text):
        raise UnfinishedError("a quote is never closed")
    return "".join(taken), at + 1


def _bare(text: str, at: int) -> tuple[str, int]:
    taken: list[str] = []
    kept = 0  # how much of it stays when whitespace at the end goes
    while at < len(text) and text[at] != "\n":
        escaped = text[at] == "\\"
        at += escaped
        if escaped and text[at : at + 1] in {"\n", ""}:
            at += 1
            continue
        taken.append(text[at])
        if escaped or text[at] not in _SPACE:
            kept = len(taken)
        at += 1
    return "".join(taken[:kept]), at + 1
