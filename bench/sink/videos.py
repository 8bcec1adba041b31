"""What the sink knows of its videos: which bytes came, how often, and when. Times are `time.monotonic()`."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any, Final

from okdrop.emulator.ranges import Spans


@dataclasses.dataclass(slots=True, kw_only=True)
class Video:
    """One upload as the server saw it."""

    id: int
    name: str
    size: int
    asked_at: float  #: video.getUploadUrl came
    began_at: float = 0.0  #: the first segment's head came
    whole_at: float = 0.0  #: 200 was said
    published_at: float = 0.0  #: video.update was answered
    held: Spans = dataclasses.field(default_factory=Spans)
    received: int = 0  #: bytes of bodies
    resent: int = 0  #: bytes of them that were held when their request began
    segments: int = 0
    probes: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every byte came."""
        return self.size > 0 and self.held.prefix >= self.size

    def account(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return fields | {"held": self.held.size}


class Videos:
    """All videos. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._changed: Final = threading.Condition()
        self._all: Final[dict[int, Video]] = {}
        self._calls: Final[dict[str, int]] = {}
        self._published = 0

    def create(self, name: str, size: int) -> Video:
        """A new one; its size may be unknown (0)."""
        with self._changed:
            number = len(self._all) + 1
            video = Video(id=number, name=name, size=size, asked_at=time.monotonic())
            self._all[number] = video
            self._changed.notify_all()
            return video

    def get(self, number: str) -> Video | None:
        """The one of this id."""
        return self._all.get(int(number)) if number.isascii() and number.isdecimal() else None

    def begin(self, video: Video, start: int, stop: int) -> int:
        """A segment's head came; returns how many of its bytes are held already."""
        with self._changed:
            video.began_at = video.began_at or time.monotonic()
            video.segments += 1
            video.in_flight += 1
            video.most_in_flight = max(video.most_in_flight, video.in_flight)
            self._changed.notify_all()
            return video.held.overlap(start, stop)

    def end(self, video: Video, start: int, stop: int, held_before: int) -> None:
        """So many bytes of a segment came: all, or those before the cut."""
        with self._changed:
            video.in_flight -= 1
            video.received += stop - start
            video.resent += min(held_before, stop - start)
            video.held = video.held.add(start, stop)
            if video.is_whole and not video.whole_at:
                video.whole_at = time.monotonic()
                self._changed.notify_all()

    def publish(self, video: Video) -> None:
        """video.update was called."""
        with self._changed:
            self._published += not video.published_at
            video.published_at = video.published_at or time.monotonic()
            self._changed.notify_all()

    def called(self, method: str) -> None:
        """Count a call of the API."""
        with self._changed:
            self._calls[method] = self._calls.get(method, 0) + 1

    def wait(self, what: str, count: int, seconds: float) -> bool:
        """Wait until so many videos were `asked` for, have `began`, are `whole` or `published`."""

        def enough() -> bool:
            match what:
                case "published":
                    return self._published >= count
                case "asked":
                    return len(self._all) >= count
                case _:
                    return sum(bool(getattr(video, f"{what}_at")) for video in self._all.values()) >= count

        with self._changed:
            return self._changed.wait_for(enough, seconds)

    def accounts(self, *, after: int) -> list[dict[str, Any]]:
        """The videos behind the first `after`, oldest first."""
        with self._changed:
            return [video.account() for number, video in self._all.items() if number > after]

    def summary(self) -> dict[str, Any]:
        """The whole in numbers."""
        with self._changed:
            return {"videos": len(self._all), "published": self._published, "calls": dict(self._calls)}
