"""What a person wants taken from a watched folder and what left, beside the names: paths, sizes, ages.

A file that is left is no failure: it is passed over, as if it were not there, until it or the rules change.
What was taken once is not given up because the rules are others now.

Sizes are bytes, both ends included. Ages are seconds, by the file's modification time and the clock of this
machine. Whether a file is finished is never judged by those, since clocks are wrong at times; but whoever
asks for an age means just that. From when a time of the future counts, the caller says
(`okdrop.inbox.future`).
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Final

from okdrop.rules.patterns import BadPatternError, Patterns, check_pattern

__all__ = ["EVERYTHING", "BadPatternError", "Done", "Left", "Patterns", "Rule", "Rules", "check_pattern"]

NONE: Final = Patterns()
"""No pattern: it matches nothing."""

_NANOSECONDS: Final = 1e9


class Done(enum.StrEnum):
    """What has to say that a file is done, beside quiet, before it is taken."""

    QUIET = ""  #: nothing
    MARKER = "marker"
    MANIFEST = "manifest"


class Rule(enum.StrEnum):
    """By which key of its folder a file is left."""

    TAKE = "take"
    LEAVE = "leave"
    MIN_SIZE = "min_size"
    MAX_SIZE = "max_size"
    MIN_AGE = "min_age"
    MAX_AGE = "max_age"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """That a file, or a folder with all that is in it, is left: by which rule, and why in words."""

    rule: Rule
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one folder.

    Attributes:
        take: what is taken, of all that lies there; without any pattern, everything.
        leave: what is left all the same.
        min_size: bytes; what has fewer is left.
        max_size: bytes; what has more is left. None: nothing is too large.
        min_age: seconds; what is younger is left, for now.
        max_age: seconds; what is older is left. None: nothing is too old.
    """

    take: Patterns = NONE
    leave: Patterns = NONE
    min_size: int = 0
    max_size: int | None = None
    min_age: float = 0.0
    max_age: float | None = None

    def left_by_path(self, path: str) -> Left | None:
        """Why a path is left, whatever lies there; None: its name is no reason.

        Args:
            path: from the watched folder on, as `os.fsdecode` gives it; a folder's ends in "/".
        """
        if self.leave and (pattern := self.leave.matching(path)) is not None:
            return Left(rule=Rule.LEAVE, reason=f"the pattern {_quoted(pattern)} of `leave` matches it")
        is_folder = path.endswith("/")  # what lies in it may be taken still
        if self.take and not is_folder and self.take.matching(path) is None:
            return Left(rule=Rule.TAKE, reason="no pattern of `take` matches it")
        return None

    @property
    def asks_age(self) -> bool:
        """Whether any rule goes by how old a file is."""
        return self.min_age > 0 or self.max_age is not None

    @property
    def once_found(self) -> Rules:
        """The same for a file that was found in time: it grows too old for nothing it is waited for."""
        return dataclasses.replace(self, max_age=None)

    @property
    def by_path(self) -> Rules:
        """Those of these rules alone that go by what a file is called, and where it lies."""
        return Rules(take=self.take, leave=self.leave)

    def left_by_facts(self, *, size: int, mtime_ns: int, now: float) -> Left | None:
        """Why a file is left, whatever it is called; None: neither its size nor its age is a reason.

        Args:
            size: bytes.
            mtime_ns: when it was modified, since the epoch; what is later than `now` has age 0.
            now: seconds since the epoch.
        """
        if size < self.min_size:
            return Left(rule=Rule.MIN_SIZE, reason=f"it has {size} bytes, less than {self.min_size}")
        if self.max_size is not None and size > self.max_size:
            return Left(rule=Rule.MAX_SIZE, reason=f"it has {size} bytes, more than {self.max_size}")
        age = max(0.0, now - mtime_ns / _NANOSECONDS)
        if age < self.min_age:
            return Left(rule=Rule.MIN_AGE, reason=f"it is {age:.0f} s old, younger than {self.min_age:g} s")
        if self.max_age is not None and age > self.max_age:
            return Left(rule=Rule.MAX_AGE, reason=f"it is {age:.0f} s old, older than {self.max_age:g} s")
        return None


EVERYTHING: Final = Rules()
"""Nothing is left."""


def _quoted(pattern: str) -> str:
    return f'"{pattern}"'
