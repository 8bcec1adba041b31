"""Text that OK can take: one line or several, without what no reader sees, cut to a length."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZERO_WIDTH_JOINER: Final = "\u200d"
# Embeddings, overrides and isolates turn the text around them too; the replacement character says nothing.
_UNWANTED: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANK_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zs", "Zl", "Zp"})
REPLACEMENT: Final = "\ufffd"


def _characters(text: str) -> str:
    """Take out what no title should hold: control characters, broken ones, direction overrides."""
    wanted = _UNWANTED.sub("", text.replace(REPLACEMENT, " "))
    spaced = "".join(" " if unicodedata.category(char) in _BLANK_CATEGORIES else char for char in wanted)
    # File names of a Mac arrive decomposed; composed they are shorter and are found by a search.
    return unicodedata.normalize("NFC", spaced)


def one_line(text: str) -> str:
    """Make one trimmed line: every run of blanks, line breaks and control characters is one space."""
    return " ".join(_characters(text).split())


def lines(text: str) -> str:
    """Keep the lines, each without control characters and blanks at its end."""
    return "\n".join(_characters(line).rstrip() for line in text.splitlines()).strip()


def visible(text: str) -> bool:
    """Whether a reader sees anything: marks and format characters alone show nothing."""
    return any(
        category[0] not in "ZM" and category not in {"Cc", "Cf", "Cs"}
        for category in map(unicodedata.category, text)
    )


def utf16_length(text: str) -> int:
    """How many UTF-16 units the text takes."""
    return len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, limit: int) -> str:
    """Cut to at most `limit` UTF-16 units, between what a reader sees as characters (best effort).

    A single such character that is longer than the limit is cut between code points.
    """
    if utf16_length(text) <= limit:
        return text
    kept = _prefix(_clusters(text), limit) or _prefix(text, limit)
    return kept.rstrip()


def _prefix(parts: Iterator[str] | str, limit: int) -> str:
    """As many whole parts from the start as fit into `limit` UTF-16 units."""
    kept: list[str] = []
    room = limit
    for part in parts:
        room -= utf16_length(part)
        if room < 0:
            break
        kept.append(part)
    return "".join(kept)


def _clusters(text: str) -> Iterator[str]:
    """Split into grapheme clusters, as far as the standard library's tables go (cf. UAX #29)."""
    start = 0
    for at in range(1, len(text)):
        if not _joined(text, start, at):
            yield text[start:at]
            start = at
    yield text[start:]


def _joined(text: str, start: int, at: int) -> bool:
    """Whether the character at `at` belongs to the cluster that begins at `start`."""
    before, char = text[at - 1], text[at]
    if _regional(before) and _regional(char):
        return at - start == 1  # a flag is two of them, and no more
    return (
        _ZERO_WIDTH_JOINER in (before, char)
        or unicodedata.category(char)[0] == "M"  # combining marks, variation selectors
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= char <= "\U000e007f"  # tags, as in the flags of countries within countries
    )


def _regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
