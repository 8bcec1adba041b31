"""What lies beside a video and bears its name: texts about it, and the image that may become its cover.

    a.mp4    a.json, a.mp4.json, …    a.mp4.jpg  a.jpg  a-poster.jpg (or jpeg, png, webp)

Everything here blocks, and looks at a fixed number of names: never at a whole folder. A link is not followed,
a pipe is not waited for: whoever may drop a file must not make us read another one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

from okdrop.inbox.beneath import LinkedError, folder_of
from okdrop.inbox.revision import revision_at, revision_of
from okdrop.inbox.source import FLAGS
from okdrop.metadata.sidecar_names import belonging

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from okdrop.drop import Revision

LARGEST_IMAGE: Final = 10 * 1024 * 1024
"""Bytes; OK documents no limit for covers."""

IMAGES: Final = ("jpg", "jpeg", "png", "webp")
"""The suffixes of what may be a cover."""

POSTER: Final = b"-poster"
"""What may stand between a video's stem and the suffix of its image."""

_PART: Final = 8  # bytes of each half of a fingerprint
_ENDS_WITHIN: Final = 64 * 1024

NOTHING: Final = bytes(_PART)
"""The half of a fingerprint where nothing lies."""


class UnfitImageError(Exception):
    """It cannot be a cover; the text says why. `may_change`: it may be on its way still."""

    def __init__(self, reason: str, *, may_change: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_change = may_change


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that was read whole."""

    name: bytes
    data: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Beside:
    """A fingerprint of what lies beside a video, in two halves."""

    texts: bytes
    images: bytes

    @classmethod
    def of(cls, fingerprint: bytes) -> Beside:
        """Read one that was kept."""
        return cls(fingerprint[:_PART], fingerprint[_PART:])

    def __bytes__(self) -> bytes:
        return self.texts + self.images

    @property
    def has_images(self) -> bool:
        """Whether an image lies there."""
        return self.images not in {NOTHING, b""}

    def with_what_is_gone(self, before: Beside) -> Beside:
        """This, and the halves of which nothing lies there any more as they were: they may come back."""
        texts = before.texts or NOTHING if self.texts == NOTHING else self.texts
        return Beside(texts, before.images or NOTHING if self.images == NOTHING else self.images)

    def has_new_texts(self, before: Beside) -> bool:
        """Whether texts lie there, and others than before: that they are gone makes nothing anew."""
        return self.texts not in {NOTHING, before.texts}

    def has_new_images(self, before: Beside) -> bool:
        """Whether images lie there, and others than before."""
        return self.images not in {NOTHING, before.images}


def look_beside(*places: bytes) -> Beside:
    """What lies beside a video now, whether that still lies there or not.

    Args:
        places: its paths: where it was found, and where it was moved to. What went along with it counts
            as what it was.
    """
    return Beside(
        _fingerprint(places, [_texts(path) for path in places]),
        _fingerprint(places, [_images(path) for path in places]),
    )


def image_beside(path: bytes) -> bytes | None:
    """The image that lies beside the video of this path; None: none does."""
    return next((image for image in _images(path) if revision_at(image) is not None), None)


def read_image(path: bytes, folder: bytes = b"") -> Image:
    """Read an image, and judge by its bytes what it is.

    Args:
        path: absolute.
        folder: the watched folder; no link below it is followed. Empty: there is none.

    Raises:
        UnfitImageError: it is none that a cover may be, or cannot be read.
    """
    try:
        with folder_of(path, folder) as opened:
            descriptor = os.open(path.rpartition(b"/")[2], FLAGS, dir_fd=opened)
    except LinkedError as error:
        raise UnfitImageError(str(error)) from None
    except OSError as error:
        raise UnfitImageError(f"it cannot be read: {os.strerror(error.errno or 0)}") from None
    try:
        data = _whole(descriptor)
    except OSError as error:
        raise UnfitImageError(
            f"it cannot be read: {os.strerror(error.errno or 0)}", may_change=True
        ) from None
    finally:
        os.close(descriptor)
    _judge(data)
    return Image(name=path.rpartition(b"/")[2], data=data)


def _texts(path: bytes) -> Iterator[bytes]:
    # Of every kind, heeded or not: another configuration is no change of what lies here.
    return (name for name, _ in belonging(path))


def _images(path: bytes) -> Iterator[bytes]:
    stem = _stem(path)
    suffixes = [b"." + form.encode() for suffix in IMAGES for form in (suffix, suffix.upper())]
    return (base + suffix for base in (path, stem, stem + POSTER) for suffix in suffixes)


def _stem(path: bytes) -> bytes:
    folder, slash, name = path.rpartition(b"/")
    stem, _, _ = name.rpartition(b".")
    return folder + slash + (stem or name)


def _fingerprint(places: Iterable[bytes], names: Iterable[Iterable[bytes]]) -> bytes:
    found: dict[bytes, Revision] = {}
    for path, ours in zip(places, names, strict=True):
        stem = len(_stem(path))
        for name in ours:
            if name != path and (revision := revision_at(name)) is not None:
                # Not by its whole name: a video that is renamed with what lies beside it is the same.
                found.setdefault(name[stem:], revision)
    made = hashlib.blake2b(digest_size=_PART)
    for ending, revision in sorted(found.items()):
        made.update(b"%b\0%d\0%d\0" % (ending, revision.size, revision.mtime_ns))
    return made.digest() if found else NOTHING


def _whole(descriptor: int) -> bytes:
    before = _regular(descriptor)
    if before.size > LARGEST_IMAGE:
        raise UnfitImageError(f"it has {before.size} bytes, and a cover may have {LARGEST_IMAGE}")
    data = b""
    while len(data) < before.size and (block := os.pread(descriptor, before.size - len(data), len(data))):
        data += block
    if _regular(descriptor) != before or len(data) != before.size:
        raise UnfitImageError("it changes while it is read", may_change=True)
    return data


def _regular(descriptor: int) -> Revision:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UnfitImageError("it is no file")
    return revision_of(status)


def _judge(data: bytes) -> None:
    """By its beginning and its end, whatever its name says."""
    if data.startswith(b"\xff\xd8\xff"):
        is_whole = b"\xff\xd9" in data[-_ENDS_WITHIN:]
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        is_whole = b"IEND" in data[-_ENDS_WITHIN:]
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        is_whole = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    else:
        # One that is being copied in may be empty as yet, or have room made for it in zeros.
        raise UnfitImageError("it is no JPEG, PNG or WebP by its bytes", may_change=not data.strip(b"\0"))
    if not is_whole:
        raise UnfitImageError("it is not whole", may_change=True)
