"""What a file's name says: a folder's regular expression over it, with named groups.

The expression is the configuration's, the name may be anybody's. So it is RE2 that matches: it takes time
linear in the name, whatever the expression, where an expression like `(a+)+b` lets Python's own engine think
for years about a name that somebody chose. It has no look-around and no back-references; that is the price.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from okdrop.metadata.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection

FIELDS: Final = ("title", "description", "tags", "date")
"""Groups of these names are fields of the video, beside being variables."""

LONGEST: Final = 1000
"""Characters of an expression, at most."""


class BadPatternError(ValueError):
    """The expression cannot be used, whatever the name."""


def check_name_pattern(source: str, taken: Collection[str]) -> str:
    """Return the expression if it is one, with named groups that are free to be variables.

    Args:
        source: the expression; "" is none, and well.
        taken: names that mean something else in a template.

    Raises:
        BadPatternError: with what is wrong, in words.
    """
    if not source:
        return source
    if len(source) > LONGEST:
        raise BadPatternError(f"must have at most {LONGEST} characters")
    names = groups(source)
    if not names:
        raise BadPatternError("must have a named group, like (?P<title>.+)")
    if wrong := sorted(name for name in names if name in taken or not name.isascii()):
        raise BadPatternError(f"may not call a group {wrong[0]}, which means something else; choose another")
    return source


def groups(source: str) -> frozenset[str]:
    """The names of its groups.

    Raises:
        BadPatternError: it is no expression.
    """
    return frozenset(_compiled(source).groupindex) if source else frozenset()


def read_name(source: str, stem: str) -> dict[str, str] | None:
    """What the groups hold in a name without its suffix, "" for one without a part in it.

    Returns:
        None where the whole name does not fit.
    """
    match = _compiled(source).fullmatch(stem)
    return None if match is None else {name: text or "" for name, text in match.groupdict().items()}


@functools.lru_cache(maxsize=64)
def _compiled(source: str) -> Any:
    import re2  # noqa: PLC0415  only where a folder has an expression

    options = re2.Options()
    options.log_errors = False  # it would write to standard error
    try:
        return re2.compile(source, options)
    except (re2.error, UnicodeEncodeError) as error:
        [*_, reason] = error.args or ("it is none",)
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise BadPatternError(
            f"is no regular expression: {one_line(text)[:200]} (RE2's syntax, without look-around)"
        ) from None
