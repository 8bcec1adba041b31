"""A file that a person names: where it is, and in words why it cannot be taken, as far as a look tells."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from okdrop.drop import too_small
from okdrop.events import shown
from okdrop.inbox.revision import revision_at

_KINDS: Final = (
    (stat.S_ISDIR, "is a folder; name the files in it"),
    (stat.S_ISFIFO, "is a pipe; only a regular file can be read again after a cut"),
    (stat.S_ISSOCK, "is a socket, no regular file"),
    (stat.S_ISCHR, "is a device, no regular file"),
    (stat.S_ISBLK, "is a device, no regular file"),
)


def place(path: str | bytes) -> bytes:
    """The absolute path of what a person named; its last part is not followed if it is a link.

    `..` is gone through as the kernel does, so that it means the same place to everyone.
    """
    named = Path(os.fsdecode(path)).absolute()
    if named.name in {"", ".."}:
        return os.fsencode(os.path.realpath(named))
    parent = os.path.realpath(named.parent) if ".." in named.parent.parts else str(named.parent)
    return os.fsencode(f"/{parent.lstrip('/')}/{named.name}").replace(b"//", b"/")


def refusal(path: bytes) -> str | None:
    """Why the file at an absolute path cannot be sent, in words that follow its name; None: it can."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "is not there"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if stat.S_ISLNK(status.st_mode):
        target = os.path.realpath(path)
        there = revision_at(target) is not None
        leads = f"name the file itself: {shown(target)}" if there else "it leads to no file"
        return f"is a symbolic link, and those are not followed; {leads}"
    for is_kind, words in _KINDS:
        if is_kind(status.st_mode):
            return words
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        return "cannot be read: this user may not; mend its permissions, or ask as the user who may"
    failure = too_small(status.st_size)
    return f"cannot be sent: {failure.message}" if failure is not None else None


def is_link(path: bytes) -> bool:
    """Whether there is a symbolic link at a path; not where that cannot be looked at."""
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        return False
