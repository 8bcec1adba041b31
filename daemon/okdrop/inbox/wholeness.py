"""What a file's own structure says of whether it is whole; reads a few short pieces of it, and blocks."""

from __future__ import annotations

import os
import stat
from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop import containers
from okdrop.containers import Standing, Structure
from okdrop.inbox.revision import revision_of
from okdrop.inbox.source import FLAGS

if TYPE_CHECKING:
    from okdrop.drop import Revision

UNSEEN: Final = Structure(container="", standing=Standing.UNKNOWN, reason="it cannot be read now")


def structure_at(path: bytes, expected: Revision) -> Structure:
    """Judge the file at a path by its structure, if it is the expected revision.

    Whatever stands in the way of reading it is not told here: its upload meets that, too, and knows what to
    do about it.
    """
    try:
        descriptor = os.open(path, FLAGS)
    except OSError:
        return UNSEEN
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or revision_of(status) != expected:
            return UNSEEN
        return containers.examine(status.st_size, partial(_read, descriptor))
    except OSError:
        return UNSEEN
    finally:
        os.close(descriptor)


def _read(descriptor: int, at: int, count: int) -> bytes:
    return os.pread(descriptor, count, at)
