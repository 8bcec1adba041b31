"""Where a published file moves to, where that is a template: of its whole path, or of its folder.

    /archive/{{ published.year }}/{{ stem }}-{{ video_id }}{{ suffix }}
    └ fixed ┘└ the template below it, filled in and cut into parts at each "/" ┘

The fixed folder comes before the first variable. Whatever is filled in, the target lies below it: a part that
is empty, or a dot, falls away, and one of more dots is no way up. What ends in "/" is a folder, in which the
file keeps its name.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final

import jinja2

from okdrop.metadata.templates import OF_FILE, BadTemplateError, check_template, fill, spoken_of
from okdrop.names import cut_name

if TYPE_CHECKING:
    from datetime import datetime

TARGET_VARIABLES: Final = OF_FILE | {"published", "id", "video_id"}
"""What the template of a target may speak of."""

_NAMING: Final = frozenset({"name", "suffix", "path"})
_BEGINS: Final = re.compile(r"\{[{%#]")
_STATEMENTS: Final = re.compile(r"\{%.*?%\}", re.DOTALL)
_MARKS: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def is_template(text: str) -> bool:
    """Whether a text has anything to be filled in."""
    return _BEGINS.search(text) is not None


def parted(text: str) -> tuple[str, str]:
    """The fixed folder of a template, and the template of what lies below it.

    Raises:
        BadTemplateError: in words.
    """
    text = text.strip()
    begins = _BEGINS.search(text)
    slash = text.rfind("/", 0, begins.start() if begins else len(text))
    folder, below = text[: max(slash, 0)], text[slash + 1 :]
    if not folder.strip("/"):
        raise BadTemplateError('must begin with a folder that is always the same, like "/archive/{{ name }}"')
    check_template(below, known=TARGET_VARIABLES)
    _check_last(below)
    return folder, below


def _check_last(below: str) -> None:
    """A name that is the same for all, or has no suffix, is meant as a folder."""
    slash = _MARKS.sub(lambda mark: "x" * len(mark[0]), below).rfind("/")
    last = below[slash + 1 :]
    if not last:
        return
    try:
        speaks_of = spoken_of(_STATEMENTS.sub("", last))
    except jinja2.TemplateSyntaxError:  # a "/" stands within braces of its own
        speaks_of = frozenset()
    if not speaks_of & _NAMING:
        raise BadTemplateError(
            'must end in "/", so that files keep their names, or in a name with {{ suffix }} or {{ name }}'
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a published file.

    Attributes:
        path: where it was found, absolute.
        folder: the watched folder; empty for a file named on the command line.
        size: bytes.
        modified: when it was last written, aware; its zone is the one that templates show.
        published: when its video was, aware; so is its zone.
        number: of the upload.
        video_id: its video's, "" where it has none.
    """

    path: bytes
    folder: bytes
    size: int
    modified: datetime
    published: datetime
    number: int
    video_id: str


def target_below(template: str, facts: Facts) -> bytes:
    """Where a file moves to, below the fixed folder of its template.

    Raises:
        GaveUp: (`metadata_template`) the template fails for this very file.
    """
    name = _text(facts.path.rpartition(b"/")[2])
    text = fill("move_to", template, _variables(facts, name)).strip("\r\n")
    parts = [_safe(part) for part in text.split("/") if part.strip() not in {"", "."}]
    if not parts or text.rstrip(" ").endswith("/"):
        parts.append(_safe(name))
    return b"/".join(cut_name(_bytes(part)) for part in parts)


def _variables(facts: Facts, name: str) -> dict[str, Any]:
    stem, dot, tail = name.rpartition(".")
    if not (stem.strip(".") and tail):
        stem, dot, tail = name, "", ""
    root, parent = facts.folder.rstrip(b"/"), facts.path.rpartition(b"/")[0]
    inside = facts.path.removeprefix(root + b"/") if facts.folder else facts.path.rpartition(b"/")[2]
    return {
        "stem": stem,
        "name": name,
        "suffix": dot + tail,
        "folder": _text(parent.rpartition(b"/")[2]),
        "path": _text(inside),
        "parts": tuple(map(_text, inside.split(b"/")[:-1])),
        "size": facts.size,
        "modified": facts.modified,
        "date": facts.modified.date(),
        "published": facts.published,
        "id": facts.number,
        "video_id": facts.video_id,
    }


def _safe(part: str) -> str:
    """A name that leads nowhere else: no way up, no byte that ends a path."""
    return part.replace("\0", "_") if part.strip(".") else "_" * len(part)


def _text(raw: bytes) -> str:
    """A name of any bytes as text, from which the very same bytes come back."""
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character that a filter cut off
        return text.encode("utf-8", "replace")
