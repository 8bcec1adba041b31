"""Which names are videos, and which are passed over: the one place that judges a name.

A scan, the configuration and `okdrop explain` ask here, so that they cannot disagree. A name is one part of
a path, as text; case is folded on both sides.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

ANY: Final = "*"
"""The suffix that every file has."""

PROBE: Final = ".okdrop-probe-"
"""How the names of files begin that okdrop itself lays into a folder to learn something of it, and takes away
again at once: they are passed over by every okdrop, whatever its patterns."""


RECEIPT: Final = ".okdrop.json"
"""What the name of a receipt ends in, after that of its video: it is ours, and no video."""

LONGEST_NAME: Final = 255
"""Bytes in one name, at most (NAME_MAX of Linux)."""


class Names:
    """The names that a watched folder takes.

    Args:
        suffixes: what a video's name ends in, with or without the dot; `ANY` takes every name.
        ignore: shell patterns (`fnmatch`); a file or folder with such a name is passed over, with all that
            is in it.
    """

    def __init__(self, suffixes: Collection[str], ignore: Sequence[str]) -> None:
        self._any = ANY in suffixes
        self._suffixes = tuple(f".{suffix.removeprefix('.')}".casefold() for suffix in suffixes)
        self._patterns = tuple(ignore)
        self._ignored = _compiled(ignore) if ignore else None

    def is_video(self, name: str) -> bool:
        """Whether a file of this name has a video's suffix."""
        # A dot that begins a name begins no suffix: ".mp4" is a hidden file without one.
        if name.endswith(RECEIPT):
            return False
        return self._any or (name.casefold().endswith(self._suffixes) and name.rfind(".") > 0)

    def ignores(self, name: str) -> bool:
        """Whether a file or folder of this name is passed over."""
        if name.startswith(PROBE):
            return True
        return self._ignored is not None and self._ignored.match(name.casefold()) is not None

    def takes(self, name: str) -> bool:
        """Whether a file of this name is taken, as far as its own name goes."""
        return self.is_video(name) and not self.ignores(name)

    def ignoring(self, name: str) -> str | None:
        """The first pattern that passes this name over; None where none does."""
        if not self.ignores(name):
            return None
        matching = (one for one in self._patterns if _compiled([one]).match(name.casefold()))
        return next(matching, f"{PROBE}*")


def cut_name(name: bytes, most: int = LONGEST_NAME) -> bytes:
    """A name of so many bytes at most: its suffix stays, and no character of UTF-8 is cut in two."""
    if len(name) <= most:
        return name
    dot = name.rfind(b".")
    stem, suffix = (name[:dot], name[dot:]) if dot > 0 else (name, b"")
    if len(suffix) >= most:  # no suffix then, but a name with a dot far ahead
        stem, suffix = name, b""
    return cut_bytes(stem, most - len(suffix)) + suffix


def cut_bytes(name: bytes, most: int) -> bytes:
    """The first bytes of a name, without half a character at the end where it is UTF-8."""
    if len(name) <= most:
        return name
    cut = name[:most]
    while cut and name[len(cut)] & 0xC0 == 0x80:  # noqa: PLR2004 - a continuation byte of UTF-8: not before a start
        cut = cut[:-1]
    return cut or name[:most]


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern.casefold()) for pattern in patterns))
