"""Environment variables over the file: `OKDROP_SECTION__KEY`, and `OKDROP_WATCH` for the folders.

(pydantic-settings is not used: it reads the process's environment rather than one it is given, does not say
which variable a value came from, lets unknown ones pass, and costs more memory than all of this package.)
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from typing import TYPE_CHECKING, Any, Final

from okdrop.config.keys import SECRET_KEYS, Key, keys
from okdrop.config.problems import complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.config.problems import Origins

CONFIG_VARIABLE: Final = "OKDROP_CONFIG"
_WATCH_VARIABLE: Final = "OKDROP_WATCH"
_PREFIX: Final = "OKDROP_"

# Kubernetes gives every container such variables for each service of its namespace; one may be called okdrop.
_FOREIGN: Final = re.compile(r"OKDROP_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)")


@functools.cache
def _variables() -> dict[str, Key]:
    """Every variable but the one for the folders."""
    return {f"{_PREFIX}{'__'.join(path).upper()}": key for path, key in keys().items() if path[0] != "watch"}


def overlay(tree: dict[str, Any], environ: Mapping[str, str], origins: Origins) -> None:
    """Write what the environment says over the tree, and into `origins` where it was said.

    An empty variable for a secret says nothing, so that a compose file may pass on one that is not set.

    Raises:
        ConfigurationError: a variable is unknown or cannot be read.
    """
    lines: list[str] = []
    for name in sorted(name for name in environ if name.startswith(_PREFIX)):
        if name == CONFIG_VARIABLE or _FOREIGN.fullmatch(name):
            continue
        try:
            _apply(name, environ[name], tree, origins)
        except ValueError as error:
            lines.append(f"environment variable {name}: {error}")
    if lines:
        raise complaint(lines)


def _apply(name: str, text: str, tree: dict[str, Any], origins: Origins) -> None:
    if name == _WATCH_VARIABLE:
        tree["watch"] = _json_list(text)
        origins.special["watch",] = f"environment variable {name}"
        return
    key = _variables().get(name)
    if key is None:
        raise ValueError(f"there is no such key{_nearest(name)}")
    if key.path in SECRET_KEYS and not text:
        return
    section, field = key.path
    table = tree.setdefault(section, {})
    if isinstance(table, dict):  # else the model will complain about the file's value
        table[field] = _list(text) if key.list else text
        origins.special[key.path] = f"environment variable {name}"


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
    near = difflib.get_close_matches(name, [*_variables(), _WATCH_VARIABLE, CONFIG_VARIABLE], n=1)
    return f"; did you mean {near[0]}?" if near else ""
