"""What ffprobe says of a file: a child with a time limit, whose words are bounded.

The file may be anybody's, and so may its name. The path is absolute, and `file:` before it keeps any of it
from being a protocol of ffmpeg's. Only files may be opened, and only by readers of video containers, since a
playlist or a script, whatever it is called, would have other files and other machines asked.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

from okdrop.metadata.media import read_probe

if TYPE_CHECKING:
    import threading

    from okdrop.metadata.media import Media

WITHIN: Final = 10.0
"""Seconds that it may take: it reads a header, and at worst the end of the file."""

MOST: Final = 1024 * 1024
"""Bytes of its answer."""

_GLANCE: Final = 0.1
"""Seconds between looks whether nobody waits for it any more."""

_NOTHING: Final = "ffprobe makes nothing of the file"

_READERS: Final = (
    *(
        "asf",
        "avi",
        "flv",
        "h264",
        "hevc",
        "live_flv",
        "m4v",
        "matroska",
        "mov",
        "mpeg",
        "mpegts",
        "mpegvideo",
    ),
    *("mxf", "ogg", "rm", "webm"),
)

_ARGUMENTS: Final = (
    *("-v", "quiet", "-protocol_whitelist", "file", "-format_whitelist", ",".join(_READERS)),
    *("-of", "json", "-show_entries", "format=duration:format_tags:stream=width,height", "-i"),
)


class NoProbeError(Exception):
    """Nothing was found out; the text says why, for a person."""


def probe(
    program: str, path: bytes, *, within: float = WITHIN, unwanted: threading.Event | None = None
) -> Media:
    """Ask ffprobe about a file; blocks.

    Args:
        program: its name, looked for in PATH, or its path.
        path: absolute.
        within: seconds.
        unwanted: set when nobody waits for the answer any more.

    Raises:
        NoProbeError: it is not there, it failed, it took too long, or said too much.
    """
    found = shutil.which(program)
    if found is None:
        raise NoProbeError(f"{program} is not installed: what the file's contents say is not known")
    answer = _run([os.fsencode(found), *map(os.fsencode, _ARGUMENTS), b"file:" + path], within, unwanted)
    media = read_probe(answer)
    if media is None:
        raise NoProbeError(_NOTHING)
    return media


def _run(command: list[bytes], within: float, unwanted: threading.Event | None) -> bytes:
    try:
        child = subprocess.Popen(  # noqa: S603  no shell; every part of the command is ours, or one path
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise NoProbeError(f"ffprobe cannot be started: {error.strerror}") from None
    try:
        answer = _answer(child, time.monotonic() + within, unwanted)
        code = child.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        raise NoProbeError("ffprobe does not end") from None
    finally:
        _end(child)
    if code != 0:
        raise NoProbeError(_NOTHING)
    return answer


def _answer(child: subprocess.Popen[bytes], deadline: float, unwanted: threading.Event | None) -> bytes:
    """All it says, until it closes its output."""
    if child.stdout is None:
        return b""
    pieces: list[bytes] = []
    length = 0
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if unwanted is not None and unwanted.is_set():
                raise NoProbeError("nobody waits for it any more")
            if not selector.select(min(left, _GLANCE)):
                continue
            piece = os.read(child.stdout.fileno(), 64 * 1024)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            length += len(piece)
            if length > MOST:
                raise NoProbeError(f"ffprobe says more than {MOST:,} bytes")
    raise NoProbeError("ffprobe gives no answer in time")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave nothing of it behind, nor of what it started; one that the kernel holds is not waited for."""
    if child.returncode is None:  # else its number may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    if child.stdout is not None:
        child.stdout.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=1.0)
