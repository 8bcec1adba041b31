"""What a video is called on OK.ru: a folder's templates, filled in for one file and cut to OK's limits.

Two rules:

1. A template is text of the configuration; a file's name is only ever a *value* in it. A file called
   `{{ 7*7 }}.mp4` keeps that name.
2. What comes out fits OK's limits (protocol.md 2.2) counted in UTF-16 units, the conservative reading
   of "chars"; nothing is cut through the middle of what a reader sees as one character.

A template knows `stem`, `name`, `suffix` (with its dot), `folder` (the last part of the folder in which the
file lies), `path` (from the watched folder on), `size` (bytes), `modified` (aware) and `date` (its day).
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any, Final

from okdrop.metadata.targets import Facts, is_template, parted, target_below
from okdrop.metadata.templates import VARIABLES, BadTemplateError, check_template, fill
from okdrop.metadata.text import REPLACEMENT, cut, lines, one_line, utf16_length, visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = [
    "VARIABLES",
    "BadTemplateError",
    "Facts",
    "Metadata",
    "Privacy",
    "Settings",
    "check_template",
    "cut",
    "is_template",
    "parted",
    "render",
    "target_below",
    "utf16_length",
]

TITLE_LIMIT: Final = 1000
DESCRIPTION_LIMIT: Final = 4000
TAGS_LIMIT: Final = 1000
"""UTF-16 units; tags are counted with the commas between them (protocol.md 2.2)."""

_NAMELESS: Final = "video"


class Privacy(enum.StrEnum):
    """Who may see a video."""

    PUBLIC = "PUBLIC"
    FRIENDS = "FRIENDS"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a watched folder says of its videos: templates, who may see them, which group they go to."""

    title: str = "{{ stem }}"
    description: str = ""
    tags: tuple[str, ...] = ()
    privacy: Privacy = Privacy.PUBLIC
    group_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What video.update is told; within OK's limits, the title never empty.

    Attributes:
        notes: by field, what was done to a text beside filling in its template; for a person.
    """

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    privacy: Privacy = Privacy.PUBLIC
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False, repr=False)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace(REPLACEMENT, " ")


def _variables(path: bytes, folder: bytes | str, size: int, modified: datetime) -> dict[str, Any]:
    root = (folder if isinstance(folder, bytes) else folder.encode("utf-8", "surrogateescape")).rstrip(b"/")
    parent, _, raw_name = path.rpartition(b"/")
    inside = path.removeprefix(root + b"/") if folder else raw_name
    name = _decoded(raw_name)
    stem, dot, tail = name.rpartition(".")
    if not (stem.strip(".") and tail):
        stem, dot, tail = name, "", ""
    return {
        "stem": stem,
        "name": name,
        "suffix": dot + tail,
        "folder": _decoded(parent.rpartition(b"/")[2]),
        "path": _decoded(inside),
        "size": size,
        "modified": modified,
        "date": modified.date(),
    }


def _cut(field: str, text: str, limit: int, notes: dict[str, str]) -> str:
    kept = cut(text, limit)
    if kept != text:
        notes[field] = ", ".join(filter(None, (notes.get(field), f"cut to OK's {limit} characters")))
    return kept


def _title(wanted: str, stem: str, notes: dict[str, str]) -> str:
    """The title, or what takes its place where it would show a reader nothing."""
    if visible(wanted):
        return wanted
    notes["title"] = "the file's name, since nothing that can be read came out"
    return stem if visible(stem) else _NAMELESS


def _tags(rendered: list[str], notes: dict[str, str]) -> tuple[str, ...]:
    """Clean tags, without repetition, as many from the start as fit when joined by commas."""
    kept: dict[str, str] = {}
    room = TAGS_LIMIT + 1  # the first tag has no comma before it
    for text in rendered:
        tag = cut(one_line(text.replace(",", " ")), TAGS_LIMIT)
        if not visible(tag) or tag.casefold() in kept:
            continue
        room -= utf16_length(tag) + 1
        if room < 0:
            notes["tags"] = f"as many as OK's {TAGS_LIMIT} characters hold"
            break
        kept[tag.casefold()] = tag
    return tuple(kept.values())


def render(
    settings: Settings, path: bytes, folder: bytes | str, *, size: int, modified: datetime, title: str = ""
) -> Metadata:
    """Say what a file's video is called.

    Args:
        settings: the watched folder's templates, each once passed by `check_template`.
        path: the file's absolute path, as the kernel gives it.
        folder: the watched folder; empty for a file named on the command line.
        size: bytes.
        modified: when the file was last written, aware; its zone is the one templates show.
        title: a title given by a person, taken as it is and not as a template; empty: from the template.

    Raises:
        GaveUp: (`metadata_template`) a template fails for this very file.
    """
    variables = _variables(path, folder, size, modified)
    notes: dict[str, str] = {}
    wanted = one_line(title) or one_line(fill("title", settings.title, variables))
    description = lines(fill("description", settings.description, variables))
    return Metadata(
        title=_cut("title", _title(wanted, one_line(variables["stem"]), notes), TITLE_LIMIT, notes),
        description=_cut("description", description, DESCRIPTION_LIMIT, notes),
        tags=_tags([fill("tags", tag, variables) for tag in settings.tags], notes),
        privacy=settings.privacy,
        notes=notes,
    )
