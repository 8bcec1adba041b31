"""Where the emulator keeps its videos: `videos/<id>/data`, a sparse file, and `video.json` beside it.

What was acknowledged outlives the process, also a killed one: bytes are handed to the kernel as they
come, and a record is replaced whole (written beside, then renamed), never half.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import random
import urllib.parse
from typing import TYPE_CHECKING, Final

from okdrop.emulator.options import EmulatorError
from okdrop.emulator.videos import Stage, Ticket, Video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIRST_ID: Final = 67_108_864_000_000_001
"""Odd and far above 2**53: no float holds it, nor any of the odd ids that follow."""

_HASH_BLOCK: Final = 1 << 20


class Store:
    """The videos of one data directory.

    Args:
        data_dir: made if it lacks.
        seed: what ids and signatures grow from.

    Raises:
        EmulatorError: the directory cannot be used, or another emulator uses it.
    """

    def __init__(self, data_dir: Path, *, seed: int = 0) -> None:
        self._root = data_dir / "videos"
        self._videos: dict[int, Video] = {}
        self._by_query: dict[str, Video] = {}
        self._lock = _locked(data_dir)
        try:
            self._load()
        except (OSError, ValueError, KeyError, TypeError) as error:
            os.close(self._lock)
            raise EmulatorError(f"cannot read {self._root}: {error}; move it away or name another") from error
        self._chance = random.Random(f"{seed}:{len(self._videos)}")  # noqa: S311 - repeatable ids, no secret

    def close(self) -> None:
        """Let another emulator have the directory."""
        os.close(self._lock)

    def _load(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._root.glob("*/video.json"), key=lambda path: int(path.parent.name)):
            self._adopt(Video.from_record(json.loads(path.read_bytes())))

    def _adopt(self, video: Video) -> None:
        self._videos[video.id] = video
        self._by_query[video.ticket.query] = video

    def all(self) -> list[Video]:
        """Every video there ever was, deleted ones too, oldest first."""
        return list(self._videos.values())

    def get(self, video_id: str) -> Video | None:
        """The video of this id, unless it was deleted."""
        video = self._videos.get(int(video_id)) if video_id.isdecimal() and video_id.isascii() else None
        return None if video is None or video.stage is Stage.DELETED else video

    def by_query(self, query: str) -> Video | None:
        """The video whose upload URL has exactly this query."""
        return self._by_query.get(query)

    def create(
        self, *, name: str, size: int, request: dict[str, str], expires_at: float, owner: str = ""
    ) -> Video:
        """A new video with its ticket."""
        video_id = max(self._videos, default=_FIRST_ID - 2) + 2 * self._chance.randint(1, 5000)
        fields = {
            "sig": self._signature(),
            "expires": str(int(expires_at * 1000)),
            "clientType": "46",
            "id": str(video_id),
            "userId": "1",
            "appId": "1",
        }
        query = "&".join(f"{key}={urllib.parse.quote(value, safe='')}" for key, value in fields.items())
        ticket = Ticket(query=query, expires_at=expires_at)
        video = Video(id=video_id, name=name, declared_size=size, request=request, ticket=ticket, owner=owner)
        (self._root / str(video_id)).mkdir()
        self.path(video).touch()
        self.save(video)
        self._adopt(video)
        return video

    def _signature(self) -> str:
        """Text that must be escaped in a URL (`/`, `+`, `=`), so that whoever re-quotes it is found out."""
        letters = "".join(self._chance.choices("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", k=24))
        return f"{letters[:8]}/{letters[8:16]}+{letters[16:]}="

    def path(self, video: Video) -> Path:
        """Where its bytes are."""
        return self._root / str(video.id) / "data"

    def save(self, video: Video) -> None:
        """Write its record, whole or not at all."""
        target = self._root / str(video.id) / "video.json"
        beside = target.with_suffix(".new")
        beside.write_text(json.dumps(video.record()))
        beside.replace(target)

    @contextlib.contextmanager
    def writing(self, video: Video) -> Iterator[int]:
        """A descriptor of its bytes, for os.pwrite."""
        descriptor = os.open(self.path(video), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def resize(self, video: Video, size: int) -> None:
        """Cut off what an earlier, longer try left behind."""
        os.truncate(self.path(video), size)

    def delete(self, video: Video) -> None:
        """Forget its bytes; the record stays for the account, as deleted."""
        video.stage = Stage.DELETED
        self.path(video).unlink(missing_ok=True)
        self.save(video)

    def digest(self, video: Video) -> str:
        """SHA-256 of a whole video, in hexadecimal; "" of any other. Reads the file once."""
        if not video.is_whole or video.stage is Stage.DELETED:
            return ""
        if not video.digest:
            summary = hashlib.sha256()
            with self.path(video).open("rb") as data:
                while block := data.read(_HASH_BLOCK):
                    summary.update(block)
            video.digest = summary.hexdigest()
        return video.digest


def _locked(data_dir: Path) -> int:
    """A lock on the directory that dies with the process."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (FileExistsError, NotADirectoryError):
        raise EmulatorError(f"{data_dir} leads to a file; name a folder") from None
    except OSError as error:
        raise EmulatorError(f"cannot use {data_dir}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise EmulatorError(f"{data_dir} is in use by another emulator; name another directory") from None
    return descriptor
