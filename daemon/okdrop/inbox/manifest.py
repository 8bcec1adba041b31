r"""A manifest: a file that lists which files are finished, perhaps with their size or checksum.

A line for each file, in one of these forms; blank lines and those that begin with "#" are passed over:

    3b5d…  clip.mp4             as sha256sum and md5sum write it, also with "*" before the name
    SHA256 (clip.mp4) = 3b5d…   as they write it with --tag
    clip.mp4                    a name alone
    clip.mp4<TAB>12345          a name and its size in bytes

Names are those of files in the manifest's folder and below it, with "/" between the parts. In the first two
forms a line that begins with "\" has "\n", "\r" and "\\" in its name for a line break, a carriage return and
"\" itself.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHMS: Final = {64: "sha256", 32: "md5"}
"""Digits of a checksum → whose it is."""

_SUM: Final = re.compile(rb"([0-9A-Fa-f]{64}|[0-9A-Fa-f]{32}) [ *](.+)", re.DOTALL)
_TAGGED: Final = re.compile(rb"(?:SHA256|MD5) \((.+)\) = ([0-9A-Fa-f]{64}|[0-9A-Fa-f]{32})", re.DOTALL)
_SIZED: Final = re.compile(rb"(.+)\t *(\d{1,19})", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\([\\nr])")
_ESCAPED: Final = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a manifest says of a file: its size in bytes, its checksum; each if it says anything of it."""

    size: int | None = None
    algorithm: str = ""  #: as hashlib calls it; "": there is no checksum
    checksum: str = ""  #: in lower hexadecimal digits


NO_PROMISE: Final = Promise()


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What was read from a manifest: name → what is said of that file."""

    promises: Mapping[bytes, Promise]
    last: bytes = b""  #: the name in a last line that has no end yet, and may be a part of what it is to be


def parse(text: bytes) -> Manifest:
    """Read a manifest; any bytes are one. What is said of a name last holds."""
    *whole, rest = text.split(b"\n")
    promises = dict(filter(None, map(_line, whole)))
    unended = _line(rest)
    if unended is None:
        return Manifest(promises)
    name, promise = unended
    return Manifest({name: promise, **promises}, last=b"" if name in promises else name)


def _line(line: bytes) -> tuple[bytes, Promise] | None:
    line = line.removesuffix(b"\r")
    if not line.strip() or line.startswith(b"#"):
        return None
    escaped, plain = line.startswith(b"\\"), line.removeprefix(b"\\")
    if (match := _SUM.fullmatch(plain)) is not None:
        return _name(match[2], escaped=escaped), _checked(match[1])
    if (match := _TAGGED.fullmatch(plain)) is not None:
        return _name(match[1], escaped=escaped), _checked(match[2])
    if (match := _SIZED.fullmatch(line)) is not None:
        return _name(match[1]), Promise(size=int(match[2]))
    return _name(line), NO_PROMISE


def _checked(digits: bytes) -> Promise:
    return Promise(algorithm=_ALGORITHMS[len(digits)], checksum=digits.decode("ascii").lower())


def _name(raw: bytes, *, escaped: bool = False) -> bytes:
    if escaped:
        raw = _ESCAPE.sub(lambda match: _ESCAPED[match[1]], raw)
    while raw.startswith(b"./"):
        raw = raw[2:].lstrip(b"/")
    return raw
