"""Reading one sidecar: its bytes, by its kind, to what it says. Whatever the bytes are, nothing is raised."""

from __future__ import annotations

import codecs
import dataclasses
import json
import tomllib
from typing import TYPE_CHECKING, Any, Final

from okdrop.metadata.nfo import BadNfoError, NotKodiError, read_nfo
from okdrop.metadata.privacy import Privacy, privacy_of
from okdrop.metadata.said import Said
from okdrop.metadata.sidecar_keys import said_by
from okdrop.metadata.text import one_line
from okdrop.metadata.values import LONGEST, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST: Final[Mapping[str, int]] = {
    "json": 2 * 1024 * 1024,
    "info.json": 2 * 1024 * 1024,
    "toml": 64 * 1024,
    "nfo": 1024 * 1024,
    "txt": 1024 * 1024,
}
"""Bytes of a sidecar of each kind, at most. yt-dlp's name every subtitle in every language; a person writes
less, and the reader of TOML is slow."""

MOST_CONTAINERS: Final = 20_000
"""Lists and tables in a JSON file, at most: each takes much more room in memory than its two bytes."""

MOST_DOTS: Final = 500
"""Dots in a line of TOML, at most: the time for a key grows with the square of its parts."""

_DEEP: Final = "it is nested too deeply"


class _BrokenError(ValueError):
    """It cannot be read at all; the text says why."""


def read_sidecar(kind_of_it: str, raw: bytes) -> Said:
    """Say what a sidecar says.

    Args:
        kind_of_it: one of `sidecar_names.KINDS`.
        raw: its bytes, all of them.
    """
    try:
        return _READERS[kind_of_it](raw)
    except (_BrokenError, BadNfoError) as error:
        return Said(problems=(str(error),))
    except NotKodiError as error:
        return Said(remarks=(str(error),))
    except Exception as error:  # noqa: BLE001
        # Anybody's bytes go through readers that are not ours: whatever they trip over, it is its fault.
        return Said(problems=(f"it cannot be understood: {one_line(str(error))[:200]}",))


def _decoded(raw: bytes) -> str:
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise _BrokenError("it is not UTF-8 (nor UTF-16 with its mark at the begin)") from None
    if "\0" in text:
        raise _BrokenError("it is no text")
    return text


def _json(raw: bytes) -> Said:
    text = _decoded(raw)
    if text.count("[") + text.count("{") > MOST_CONTAINERS:
        raise _BrokenError(f"it has more than {MOST_CONTAINERS} lists and tables")
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")  # of the place, which stands before
        raise _BrokenError(f"it is no JSON: line {error.lineno}, column {error.colno}: {what}") from None
    except ValueError:
        raise _BrokenError("it is no JSON: a number is too long") from None
    except RecursionError:
        raise _BrokenError(_DEEP) from None
    return said_by(_table(tree))


def _toml(raw: bytes) -> Said:
    text = _decoded(raw)
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise _BrokenError(f"it has a line with more than {MOST_DOTS} dots")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _BrokenError(f"it is no TOML: {one_line(str(error))[:200]}") from None
    except ValueError:
        raise _BrokenError("it is no TOML: a number or a time that cannot be") from None
    except RecursionError:
        raise _BrokenError(_DEEP) from None
    return said_by(tree)


def _nfo(raw: bytes) -> Said:
    """Kodi has no such key as `privacy`: one that makes the video more private was meant for us."""
    tree = read_nfo(raw)
    said = {key: tree.pop(key) for key in [*tree] if key.casefold() == "privacy"}
    words = [word for value in said.values() for word in (value if isinstance(value, list) else [value])]
    private = [word for word in words if privacy_of(word) is Privacy.FRIENDS]
    understood = said_by(tree | ({"privacy": private[0]} if private else {}))
    if private or not words:
        return understood
    remark = "privacy is heeded in a .nfo only where it says FRIENDS"
    return dataclasses.replace(understood, remarks=(*understood.remarks, remark))


def _txt(raw: bytes) -> Said:
    text = _decoded(raw).strip()[:LONGEST]
    return Said(description=text, facts={"description": text} if text else {})


def _table(tree: Any) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise _BrokenError(f"it must hold a table of keys, and holds {kind(tree)}")
    return tree


_READERS: Final[Mapping[str, Callable[[bytes], Said]]] = {
    "json": _json,
    "info.json": _json,
    "toml": _toml,
    "nfo": _nfo,
    "txt": _txt,
}
