"""Patterns of paths, in the form of a `.gitignore`; case is folded on both sides.

As with git, the last pattern that matches decides, "!" before a pattern takes back what earlier ones said,
and a folder that is matched is matched with all that is in it: nothing in it can be had back. The syntax is
the library's (`pathspec`); that folders are asked first, from the top down, is ours, since git does so.

Paths are text as `os.fsdecode` gives it, so that names of any bytes can be asked about.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE_BREAK: Final = str.maketrans({"\n": "\ud800"})
"""A name may hold a line break, which expressions treat as an end; this stands for it, and for nothing else:
no bytes of a name decode to it."""


class BadPatternError(ValueError):
    """The pattern cannot be used, whatever the path."""


class Patterns:
    """Some patterns, in their order.

    Args:
        lines: each once passed by `check_pattern`.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines: Final = tuple(lines)
        self._spec: Final = GitIgnoreSpec.from_lines(self.lines, _folded, backend="simple")

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
        whole = path.translate(_LINE_BREAK)
        end = whole.find("/")
        while end >= 0:
            if (pattern := self._matching_itself(whole[: end + 1])) is not None:
                return pattern
            end = whole.find("/", end + 1)
        return None if whole.endswith("/") else self._matching_itself(whole)

    def _matching_itself(self, path: str) -> str | None:
        said = self._spec.check_file(path)
        return self.lines[said.index] if said.include and said.index is not None else None


def check_pattern(line: str) -> str:
    """Return the pattern if it can match anything.

    Raises:
        BadPatternError: with what is wrong, in words.
    """
    if "\n" in line or "\0" in line:
        raise BadPatternError("must be one line")
    try:
        pattern = _folded(line)
    except (ValueError, re.error):
        raise BadPatternError('is no pattern as in a .gitignore: see its brackets and its "\\"') from None
    if pattern.include is None:
        raise BadPatternError(
            'matches nothing; name files or folders as in a .gitignore, like "raw/" or "*.mp4",'
            ' and write "\\#" for a name that begins with "#"'
        )
    if not line.lstrip().removeprefix("!").strip("/ "):
        raise BadPatternError('matches nothing; name files or folders as in a .gitignore, like "raw/"')
    return line


@functools.lru_cache(maxsize=1024)
def _folded(line: str) -> GitIgnoreSpecPattern:
    """The library's expression of a pattern, made to take no notice of case."""
    expression, include = GitIgnoreSpecPattern.pattern_to_regex(line)
    if expression is None:
        return GitIgnoreSpecPattern(None)
    return GitIgnoreSpecPattern(re.compile(expression, re.IGNORECASE), include)
