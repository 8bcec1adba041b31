"""What is wrong with a configuration, in a line each: where it was said, key, value, what would do."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any, Final

from okdrop.config.keys import KeyPath, dotted, known, nearest
from okdrop.config.section import MisfitError
from okdrop.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_LONGEST_VALUE: Final = 80
_MOST_LINES: Final = 20
_USER_IN_URL: Final = re.compile(r"//[^/\s]*@")

_TEXTS: Final = {
    "missing": "is required",
    "string_type": 'must be text, in "quotes"',
    "tuple_type": 'must be a list, like ["one", "two"]',
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "too_short": "must name at least one",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "string_unicode": "must be text that is whole Unicode",
}


_TWO_BRACKETS: Final = "write [[%s]], with two brackets: each %s has such a table of its own"
_TABLES: Final = {"watch": "folder", "hook": "hook", "webhook": "webhook", "notify": "receiver"}


@dataclasses.dataclass(slots=True)
class Origins:
    """Where each value was said: some in a variable or a secret's file, all others in `base`."""

    base: str
    special: dict[KeyPath, str] = dataclasses.field(default_factory=dict)

    def of(self, path: KeyPath) -> str:
        """Where the value at `path`, or the nearest one above it, was said."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.special:
                return self.special[path[:length]]
        return self.base


def complaint(lines: list[str]) -> ConfigurationError:
    """Make one error of several problems: a line each; of very many the first, and how many more."""
    told = [printable(line) for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        told.append(f"and {len(lines) - _MOST_LINES} more")
    return ConfigurationError("\n".join(told))


def translate(error: ValidationError, tree: dict[str, Any], origins: Origins) -> ConfigurationError:
    """Put what the model found into words."""
    details = error.errors(include_url=False, include_input=False)
    return complaint([_line(detail, tree, origins) for detail in details])


def _line(detail: ErrorDetails, tree: dict[str, Any], origins: Origins) -> str:
    cause = detail.get("ctx", {}).get("error")
    path: KeyPath = cause.key if isinstance(cause, MisfitError) else detail["loc"]
    if detail["type"] == "extra_forbidden":
        kind = "section" if len(path) == 1 and _is_table(tree[str(path[0])]) else "key"
        return f"{origins.of(path)}: {dotted(path)}: there is no such {kind}{nearest(path)}"
    if len(path) == 1 and path[0] in _TABLES and detail["type"] == "tuple_type":
        words = _TWO_BRACKETS % (path[0], _TABLES[str(path[0])])
        return f"{origins.of(path)}: {path[0]}: {words}"
    return f"{origins.of(path)}: {dotted(path)}{_shown(path, tree)}: {_text(detail)}"


def _is_table(value: object) -> bool:
    """Whether a value was said under a heading of its own, in one pair of brackets or two."""
    several = isinstance(value, list) and any(isinstance(one, dict) for one in value)
    return isinstance(value, dict) or several


def _text(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    if detail["type"] == "enum":
        return f"must be one of {context['expected']}".replace("'", '"')
    return _TEXTS.get(detail["type"], f"does not do ({detail['type']})")


def _shown(path: KeyPath, tree: dict[str, Any]) -> str:
    """` = VALUE` as it was said; nothing for a secret, for what was not said, and for whole tables."""
    key = known(path)
    value: Any = tree
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return ""
    if key is None or key.secret or isinstance(value, dict):
        return ""
    text = _USER_IN_URL.sub("//…@", json.dumps(value, ensure_ascii=False, default=str))
    return f" = {text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + '…'}"


def printable(text: str) -> str:
    """Write what a terminal would not show as text, or as one line, in escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
