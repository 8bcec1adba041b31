"""Environment variables over the file: `OKDROP_SECTION__KEY`, and `OKDROP_WATCH` for the folders.

Those of an account are `OKDROP_ACCOUNT__NAME__KEY`.

`OKDROP_ENVIRONMENT_FILE` names a file of such variables. They win over those of the process, which cannot
change any more once it runs: what stands in the file was written later.

(pydantic-settings is not used: it reads the process's environment rather than one it is given, does not say
which variable a value came from, lets unknown ones pass, and costs more memory than all of this package.)
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from okdrop.config import environment_file
from okdrop.config.account import is_name
from okdrop.config.keys import SECRET_KEYS, Key, KeyPath, keys
from okdrop.config.model import SECRET_OF, TABLES
from okdrop.config.problems import complaint
from okdrop.steps import FACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.config.problems import Origins

CONFIG_VARIABLE: Final = "OKDROP_CONFIG"
FILE_VARIABLE: Final = "OKDROP_ENVIRONMENT_FILE"
_WATCH_VARIABLE: Final = "OKDROP_WATCH"
_TABLE_VARIABLES: Final = {f"OKDROP_{section.upper()}": section for section in TABLES}
"""Each table that there may be several of is a JSON array."""

_SECRET_OF: Final = re.compile(
    "|".join(
        f"OKDROP_(?P<{section}>{section.upper()})__(?P<name_of_{section}>[A-Z0-9_]+)__{key.upper()}"
        for section, key in SECRET_OF.items()
    )
)
_PREFIX: Final = "OKDROP_"

# Kubernetes gives every container such variables for each service of its namespace; one may be called okdrop.
_FOREIGN: Final = re.compile(r"OKDROP_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)")


_OF_ACCOUNT: Final = re.compile(r"OKDROP_ACCOUNT__(?P<name>[A-Z0-9]+(?:_[A-Z0-9]+)*)__(?P<key>[A-Z_]+)")
_OF_HOOKS: Final = frozenset(f"OKDROP_{fact.upper()}" for fact in FACTS)
"""A hook has them, and may call okdrop."""


@functools.cache
def _variables() -> dict[str, Key]:
    """Every variable but those of accounts and those for tables that there may be several of."""
    several = {"account", *TABLES}
    return {
        f"{_PREFIX}{'__'.join(path).upper()}": key for path, key in keys().items() if path[0] not in several
    }


def _key_of(variable: str) -> tuple[KeyPath, Key] | None:
    """Where in the tree a variable has its place, and the key there; None where there is no such key."""
    if (found := _OF_ACCOUNT.fullmatch(variable)) is not None:
        name, key = found["name"].lower(), keys().get(("account", found["key"].lower()))
        return (("account", name, key.path[1]), key) if key is not None and is_name(name) else None
    key = _variables().get(variable)
    return (key.path, key) if key is not None else None


@dataclasses.dataclass(frozen=True, slots=True)
class Environment:
    """The variables that count, and where each was said."""

    variables: Mapping[str, str]
    file: Path | None = None  #: the environment file, if one is named and there
    from_file: frozenset[str] = frozenset()  #: the names it gave

    def where(self, name: str) -> str:
        """Where a variable was said, for a person."""
        said = f"environment variable {name}"
        return f"{self.file}: {said}" if name in self.from_file else said


def complete(environ: Mapping[str, str]) -> Environment:
    """The process's variables, and over them those of the environment file, if one is named.

    As in a unit file, a `-` before the file's name lets it be missing. Only `OKDROP_` variables are taken.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    named = environ.get(FILE_VARIABLE, "")
    file = Path(named.removeprefix("-"))
    if not named or (named.startswith("-") and not file.exists()):
        return Environment(environ)
    said = f"environment variable {FILE_VARIABLE}: {file}"
    if not file.is_absolute():
        raise complaint([f"{said}: the file must be named by an absolute path"])
    try:
        found = environment_file.parse(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        hint = 'see that it is there, or put a "-" before its name'
        if isinstance(error, PermissionError):
            hint = "let this user read it, or run the command as okdrop's user"
        raise complaint([f"{said}: the file cannot be read: {error.strerror}; {hint}"]) from None
    except UnicodeDecodeError:
        raise complaint([f"{said}: the file is not UTF-8"]) from None
    except environment_file.UnfinishedError as error:
        raise complaint([f"{said}: {error}"]) from None
    ours = {name: value for name, value in found.items() if name.startswith(_PREFIX)}
    for name in [name for name, value in ours.items() if not value and _is_secret(name)]:
        del ours[name]  # it says nothing, and hides nothing
    return Environment({**environ, **ours}, file, frozenset(ours))


def overlay(tree: dict[str, Any], environment: Environment, origins: Origins) -> None:
    """Write what the environment says over the tree, and into `origins` where it was said.

    An empty variable for a secret says nothing, so that a compose file may pass on one that is not set.

    Raises:
        ConfigurationError: a variable is unknown or cannot be read.
    """
    lines: list[str] = []
    for name in sorted(name for name in environment.variables if name.startswith(_PREFIX)):
        if name in {CONFIG_VARIABLE, FILE_VARIABLE, *_OF_HOOKS} or _FOREIGN.fullmatch(name):
            continue
        try:
            _apply(name, environment, tree, origins)
        except ValueError as error:
            lines.append(f"{environment.where(name)}: {error}")
    if lines:
        raise complaint(lines)


def _apply(name: str, environment: Environment, tree: dict[str, Any], origins: Origins) -> None:
    text = environment.variables[name]
    if (several := _TABLE_VARIABLES.get(name)) is not None:
        tree[several] = _json_list(text)
        origins.special[several,] = environment.where(name)
        return
    if (of := _SECRET_OF.fullmatch(name)) is not None:
        section = next(one for one in SECRET_OF if of[one])
        _apply_secret(section, of[f"name_of_{section}"].lower(), name, environment, tree, origins)
        return
    if (found := _key_of(name)) is None:
        raise ValueError(f"there is no such key{_nearest(name)}")
    path, key = found
    if not text and _is_secret(name):
        return
    *above, field = path
    table: Any = tree
    for part in above:
        table = table.setdefault(part, {}) if isinstance(table, dict) else None
    if isinstance(table, dict):  # else the model will complain about the file's value
        table[field] = _list(text) if key.list else text
        origins.special[path] = environment.where(name)


def _apply_secret(
    section: str, which: str, name: str, environment: Environment, tree: dict[str, Any], origins: Origins
) -> None:
    """Write the secret of a table into it."""
    text, tables, key = environment.variables[name], tree.get(section, []), SECRET_OF[section]
    for index, table in enumerate(tables if isinstance(tables, list) else []):
        if isinstance(table, dict) and table.get("name") == which:
            if text:
                table[key] = text
                origins.special[section, index, key] = environment.where(name)
            return
    raise ValueError(f"there is no [[{section}]] with the name {which!r}")


def _is_secret(name: str) -> bool:
    if _SECRET_OF.fullmatch(name):
        return True
    found = _key_of(name)
    return found is not None and found[1].path in SECRET_KEYS


def _list(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        return _json_list(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _json_list(text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        at = (
            f" (at character {error.pos + 1}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise ValueError(f"must be a JSON array{at}") from None
    if not isinstance(value, list):
        raise ValueError("must be a JSON array")  # noqa: TRY004  collected with the other ValueErrors
    return value


def _nearest(name: str) -> str:
    if name.startswith(f"{_WATCH_VARIABLE}_"):
        return f"; the folders are one JSON array in {_WATCH_VARIABLE}"
    if name.startswith(f"{_PREFIX}ACCOUNT_"):
        return (
            f"; a key of an account is {_PREFIX}ACCOUNT__NAME__KEY, like {_PREFIX}ACCOUNT__KIDS__ACCESS_TOKEN"
        )
    near = difflib.get_close_matches(
        name, [*_variables(), *_TABLE_VARIABLES, CONFIG_VARIABLE, FILE_VARIABLE], n=1
    )
    return f"; did you mean {near[0]}?" if near else ""
