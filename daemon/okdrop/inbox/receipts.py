"""A receipt: what became of a video, as JSON beside it. It appears whole, and never in place of another file.

Blocking, for a thread.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
from typing import TYPE_CHECKING, Any, Final

from okdrop.inbox import placing
from okdrop.inbox.filing import translated
from okdrop.names import LONGEST_NAME, RECEIPT, cut_name

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTIAL: Final = b".okdrop-receipt-"
"""What the hidden name begins with under which it grows; no suffix follows, so it is no video's name."""

MARK: Final = "okdrop_receipt"
"""The key by which a receipt is known to be one; its value is the version of its form."""

_LARGEST: Final = 256 * 1024
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Written(enum.Enum):
    """What came of writing one."""

    WRITTEN = "written"
    THERE = "there"  #: an earlier life wrote it
    FOREIGN = "foreign"  #: somebody else's file has its name
    NO_VIDEO = "no video"  #: the video lies there no more


def path_of(video: bytes) -> bytes:
    """What the receipt of a video is called, wherever that lies."""
    folder, slash, name = video.rpartition(b"/")
    ending = RECEIPT.encode()
    return folder + slash + cut_name(name, LONGEST_NAME - len(ending)) + ending


def write(video: bytes, document: Mapping[str, Any]) -> Written:
    """Write the receipt of a video that lies at a path; `document` holds its `id`.

    Raises:
        Trouble: not now (`filing_denied`, `filing_no_room`, `filing_failed`).
    """
    with translated():
        if not os.path.lexists(video):
            return Written.NO_VIDEO
        target = path_of(video)
        partial = os.path.join(os.path.dirname(target), PARTIAL + str(document["id"]).encode())
        with contextlib.suppress(FileNotFoundError):  # of an earlier life
            os.unlink(partial)
        try:
            _fill(partial, document)
            placing.land(partial, target)
        except FileExistsError:
            return Written.THERE if is_ours(target, document["id"]) else Written.FOREIGN
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
        return Written.WRITTEN


def _fill(partial: bytes, document: Mapping[str, Any]) -> None:
    text = json.dumps({MARK: 1, **document}, indent=2) + "\n"
    with os.fdopen(os.open(partial, _CREATE, 0o644), "wb") as file:
        file.write(text.encode("ascii"))
        file.flush()
        os.fsync(file.fileno())


def is_ours(path: bytes, number: int) -> bool:
    """Whether a file is the receipt of that upload."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            document = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and MARK in document and document.get("id") == number
