"""What a template may speak of, for one file."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from okdrop.metadata.group import decoded, parts_of
from okdrop.metadata.name_pattern import groups, read_name
from okdrop.metadata.templates import SIDECAR, Lenient
from okdrop.metadata.values import UnfitError, date_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from okdrop.metadata.settings import Beside, Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a file.

    Attributes:
        variables: everything that a template may speak of.
        named: what the groups of `name_pattern` hold; "" for what the name does not have.
        remarks: what could not be found out, in words.
    """

    variables: Mapping[str, Any]
    named: Mapping[str, str]
    remarks: tuple[str, ...]

    @property
    def stem(self) -> str:
        """The file's name without its suffix."""
        return str(self.variables["stem"])


def facts_of(
    settings: Settings, path: bytes, folder: bytes | str, *, size: int, modified: datetime, beside: Beside
) -> Facts:
    """Gather what is known; for the arguments see `chain.render`."""
    variables = _of_file(path, folder, size, modified)
    remarks: list[str] = []
    named = _of_name(settings.name_pattern, variables["stem"], remarks)
    day = beside.sidecars.said.date or _day(named, remarks) or variables["date"]
    media = beside.media
    variables |= {
        **named,
        "date": day,
        "media": Lenient(media.tags),
        "duration": media.duration,
        "width": media.width,
        "height": media.height,
        SIDECAR: Lenient(beside.sidecars.said.facts),
    }
    said = beside.sidecars.said.remarks
    return Facts(variables=variables, named=named, remarks=(*remarks, *said, *beside.remarks))


def _of_file(path: bytes, folder: bytes | str, size: int, modified: datetime) -> dict[str, Any]:
    root = (folder if isinstance(folder, bytes) else folder.encode("utf-8", "surrogateescape")).rstrip(b"/")
    parent, _, raw_name = path.rpartition(b"/")
    inside = path.removeprefix(root + b"/") if folder else raw_name
    name = decoded(raw_name)
    stem, dot, tail = name.rpartition(".")
    if not (stem.strip(".") and tail):
        stem, dot, tail = name, "", ""
    return {
        "stem": stem,
        "name": name,
        "suffix": dot + tail,
        "folder": decoded(parent.rpartition(b"/")[2]),
        "path": decoded(inside),
        "parts": parts_of(path, folder),
        "size": size,
        "modified": modified,
        "date": modified.date(),
    }


def _of_name(pattern: str, stem: str, remarks: list[str]) -> dict[str, str]:
    if not pattern:
        return {}
    if (named := read_name(pattern, stem)) is not None:
        return named
    remarks.append("the file's name does not fit `name_pattern` of its folder")
    return dict.fromkeys(groups(pattern), "")


def _day(named: Mapping[str, str], remarks: list[str]) -> date | None:
    try:
        return date_of(named.get("date"))
    except UnfitError:
        remarks.append("the date in the file's name is no day like 2026-11-27: that of the file is taken")
        return None
