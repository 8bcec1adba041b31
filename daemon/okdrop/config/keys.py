"""The names of all keys, found in the model: what may be set, which are secret, which hold lists."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import typing
from typing import Any, Final, TypeAlias

from pydantic import SecretStr

from okdrop.config.account import Account
from okdrop.config.model import SECRET_FILES, SECRETS, TABLES, Config

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands in the tree: `("watch", 0, "settle")`."""

SECRET_KEYS: Final = frozenset({*SECRET_FILES, *(("account", name) for name in SECRETS)})

_NAMED: Final = TABLES | {"account": Account}
"""Sections of which there are several tables, numbered or named."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is known of a key before it has a value."""

    path: tuple[str, str]  #: section and name; folders without their number, accounts without their name
    secret: bool
    list: bool


@functools.cache
def keys() -> dict[tuple[str, str], Key]:
    """Every key of the tree, by section and name."""
    found: dict[tuple[str, str], Key] = {}
    for section, above in Config.model_fields.items():
        model: Any = _NAMED.get(section, above.annotation)
        for name, field in model.model_fields.items():
            found[section, name] = Key(
                path=(section, name),
                secret=field.annotation is SecretStr,
                list=typing.get_origin(field.annotation) is tuple,
            )
    return found


def dotted(path: KeyPath) -> str:
    """How a key is named to a person: `watch[0].settle`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def known(path: KeyPath) -> Key | None:
    """The key at (or above) a place in the tree, if there is such a key."""
    names = [part for part in path if isinstance(part, str)]
    if names[:1] == ["account"]:
        del names[1:2]
    return keys().get((names[0], names[1])) if len(names) > 1 else None


def nearest(path: KeyPath) -> str:
    """A question that names the key, or the section, which was probably meant; empty if none is near."""
    *above, last = path
    sections = list(Config.model_fields)
    if not above:
        near = difflib.get_close_matches(str(last), sections, n=1) or _elsewhere(str(last))
        return f"; did you mean {near[0]}?" if near else f"; sections are {', '.join(sections)}"
    siblings = [name for section, name in keys() if section == above[0]]
    near = difflib.get_close_matches(str(last), siblings, n=1)
    near = [dotted((*above, name)) for name in near] or _elsewhere(str(last))
    return f"; did you mean {near[0]}?" if near else ""


def _elsewhere(name: str) -> list[str]:
    return [dotted(path) for path in keys() if path[1] == name][:1]
