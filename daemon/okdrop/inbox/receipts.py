"""A receipt: what became of a video, as JSON beside it. It appears whole, and never in place of another file.

No link below the watched folder is followed to it (`inbox.beneath`): whoever may drop videos may put one in
the place of a sub-folder. Blocking, for a thread.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from okdrop.inbox import placing
from okdrop.inbox.beneath import LinkedError, folder_of
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


def write(video: bytes, document: Mapping[str, Any], folder: bytes = b"") -> Written:
    """Write the receipt of a video that lies at a path.

    Args:
        video: where it lies.
        document: what is said of it, its `id` and its `video_id` among it.
        folder: the watched folder, from which on no link is followed; empty: it lies in none.

    Raises:
        Trouble: not now (`filing_denied`, `filing_no_room`, `filing_failed`).
    """
    with translated():
        try:
            with folder_of(video, folder) as opened:
                return _write(b"/proc/self/fd/%d/" % opened, video, document)
        except (LinkedError, FileNotFoundError, NotADirectoryError):
            return Written.NO_VIDEO
        except OSError as error:  # which names no path that anybody knows
            raise OSError(error.errno, error.strerror, path_of(video)) from None


def _write(place: bytes, video: bytes, document: Mapping[str, Any]) -> Written:
    """Write it into an open folder, by a way to it that nobody can turn elsewhere."""
    name = video.rpartition(b"/")[2]
    if not os.path.lexists(place + name):
        return Written.NO_VIDEO
    target, partial = place + path_of(name), place + PARTIAL + str(document["id"]).encode()
    with contextlib.suppress(FileNotFoundError):  # of an earlier life
        os.unlink(partial)
    try:
        _fill(partial, document)
        placing.land(partial, target)
    except FileExistsError:
        is_there = is_ours(target, document["id"], document["video_id"])
        return Written.THERE if is_there else Written.FOREIGN
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


def is_ours(path: bytes, number: int, video_id: str, folder: bytes = b"") -> bool:
    """Whether a file is the receipt of that upload.

    Args:
        path: the file.
        number: the upload's id, which another ledger may have given as well.
        video_id: OK's, of its video; empty: it has none.
        folder: the watched folder, from which on no link is followed; empty: it lies in none.
    """
    try:
        with folder_of(path, folder) as opened:
            document = json.loads(_read(os.open(path.rpartition(b"/")[2], _READ, dir_fd=opened)))
    except (LinkedError, OSError, ValueError, RecursionError):
        return False
    return (
        isinstance(document, dict)
        and MARK in document
        and (document.get("id"), document.get("video_id")) == (number, video_id)
    )


def _read(descriptor: int) -> bytes:
    """What a file holds, and close it; nothing, where it is none."""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST)
    finally:
        os.close(descriptor)
