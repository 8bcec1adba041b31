"""Which group a video goes to: a number, or a template that gives one for each file.

A ticket is for one group, and a file that is renamed is followed where its group stays the same. So such a
template knows only where the file lies: what its path says, and neither its size nor its time.
"""

from __future__ import annotations

import re
from typing import Final

import jinja2.meta

from okdrop.errors import GaveUp
from okdrop.metadata.templates import BadTemplateError, check_template, fill, parsed
from okdrop.metadata.text import REPLACEMENT, one_line

_KNOWN: Final = frozenset({"parts", "folder", "path"})
_GROUP: Final = re.compile(r"\d{1,20}", re.ASCII)


def parts_of(path: bytes, folder: bytes | str) -> tuple[str, ...]:
    """The names of the folders from the watched one down to a file, as a template gets them.

    Args:
        path: the file's absolute path.
        folder: the watched folder; empty for a file that was named on the command line, which has none.
    """
    root = folder if isinstance(folder, bytes) else folder.encode("utf-8", "surrogateescape")
    above = root.rstrip(b"/") + b"/"
    if not folder or not path.startswith(above):
        return ()
    *parts, _ = path.removeprefix(above).split(b"/")
    return tuple(map(decoded, parts))


def decoded(raw: bytes) -> str:
    """A file's name, or a folder's, as a template gets it; what is no UTF-8 is a space."""
    return raw.decode("utf-8", "replace").replace(REPLACEMENT, " ")


def check_group(source: str) -> str:
    """Return the template of a group if it is one, and speaks of nothing but where the file lies.

    Raises:
        BadTemplateError: with what is wrong, in words.
    """
    check_template(source)
    if unknown := sorted(jinja2.meta.find_undeclared_variables(parsed(source)) - _KNOWN):
        known = ", ".join(sorted(_KNOWN))
        raise BadTemplateError(f"speaks of {unknown[0]}; a group is known by {known} alone")
    return source


def group_of(template: str, path: bytes, folder: bytes | str) -> str:
    """The group that a file's video goes to; "" for the account itself.

    Args:
        template: a group's number, "", or a template that was passed by `check_group`.
        path: the file's absolute path.
        folder: the watched folder; empty for a file that was named on the command line.

    Raises:
        GaveUp: (`metadata_template`, `metadata_group`) it gives no group for this very file.
    """
    if "{" not in template:
        return template
    *above, name = path.split(b"/")
    parts = parts_of(path, folder)
    variables = {
        "parts": parts,
        "folder": decoded(above[-1]) if above else "",
        "path": "/".join((*parts, decoded(name))),
    }
    group = one_line(fill("group_id", template, variables))
    if group and not _GROUP.fullmatch(group):
        raise GaveUp(
            f'the template of group_id gives "{group[:100]}", which is no group\'s number',
            code="metadata_group",
            hint="move the file to the folder it is meant for, or mend `group_id`; then: okdrop retry",
        )
    return group
