"""Patterns of paths, in the form of a `.gitignore`; case is folded on both sides.

As with git, the last pattern that matches decides, "!" before a pattern takes back what earlier ones said,
and a folder that is matched is matched with all that is in it: nothing in it can be had back. How a pattern
reads is the library's (`pathspec`); that each folder is asked by itself, from the top down, is ours, as git
does it. Its expressions are matched by RE2, in time linear in the name: a name may be anybody's, and over one
that was chosen for it Python's own engine thinks for minutes about a pattern with some stars.

Paths are text as `os.fsdecode` gives it, so that names of any bytes can be asked about.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Final

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_SURROGATES: Final = range(0xD800, 0xE000)
_PRIVATE: Final = 0x10F800
_AS_TEXT: Final = {code: _PRIVATE + code - _SURROGATES.start for code in _SURROGATES}
"""What stands for bytes that are no text, which `os.fsdecode` gives as surrogates and RE2 does not take: the
last characters there are, which mean nothing to anybody."""


class BadPatternError(ValueError):
    """The pattern cannot be used, whatever the path."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Pattern:
    expression: Any
    matches: bool  #: "!" takes back instead
    folders_only: bool

    def is_about(self, path: str, *, folder: bool) -> bool:
        """Whether it speaks of what lies at this very path, and not of a folder above."""
        if self.folders_only and not folder:
            return False
        found = self.expression.search(path)
        return found is not None and found.lastindex is None  # its one group is a folder's end, so one above


class Patterns:
    """Some patterns, in their order.

    Args:
        lines: each once passed by `check_pattern`.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines: Final = tuple(lines)
        self._latest_first: Final = [(line, _read(line)) for line in reversed(self.lines)]

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Patterns) and self.lines == other.lines

    def __hash__(self) -> int:
        return hash(self.lines)

    def __repr__(self) -> str:
        return f"Patterns({self.lines!r})"

    def matching(self, path: str) -> str | None:
        """The pattern by which a path is matched; None: it is not.

        Args:
            path: without "/" at its begin; a folder's ends in "/".
        """
        whole = path if path.isascii() else path.translate(_AS_TEXT)
        end = whole.find("/")
        while end >= 0:
            if (line := self._matching_itself(whole[:end], folder=True)) is not None:
                return line
            end = whole.find("/", end + 1)
        return None if whole.endswith("/") else self._matching_itself(whole, folder=False)

    def _matching_itself(self, path: str, *, folder: bool) -> str | None:
        for line, pattern in self._latest_first:
            if pattern.is_about(path, folder=folder):
                return line if pattern.matches else None
        return None


def check_pattern(line: str) -> str:
    """Return the pattern if it can match anything.

    Raises:
        BadPatternError: with what is wrong, in words.
    """
    if "\n" in line or "\0" in line:
        raise BadPatternError("must be one line")
    try:
        _read(line)
    except ValueError:
        raise BadPatternError(
            'is no pattern that matches anything; name files or folders as in a .gitignore, like "raw/" or'
            ' "*.mp4", and write "\\#" for a name that begins with "#"'
        ) from None
    return line


@functools.lru_cache(maxsize=1024)
def _read(line: str) -> _Pattern:
    """The library's expression of a pattern, made to take no notice of case.

    Raises:
        ValueError: it is none, or can match nothing.
    """
    import re2  # noqa: PLC0415 - only where a folder has a pattern

    own = line.rstrip("/")
    expression, matches = GitIgnoreSpecPattern.pattern_to_regex(own)
    if expression is None or matches is None:
        raise ValueError(line)
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True  # a name may hold a line break
    options.log_errors = False  # it would write to standard error
    try:
        compiled = re2.compile(expression.translate(_AS_TEXT), options)
    except re2.error:
        raise ValueError(line) from None
    return _Pattern(compiled, matches, folders_only=own != line)
