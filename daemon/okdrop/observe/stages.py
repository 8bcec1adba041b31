"""How long uploads spend in each stage of their way, as far as this process saw it begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Histogram

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Callable

UPLOADS: Final = 10_000
"""Uploads of which it is remembered when a stage began; the oldest such word is forgotten first."""

_BUCKETS: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)

BEGINS: Final[dict[type[events.Event], str]] = {
    events.FileSettled: "waiting",  # until a worker takes it up
    events.UploadStarted: "sending",  # until OK holds every byte, waits for trouble to pass included
    events.UploadWhole: "publishing",  # until OK accepted video.update
    events.UploadPublished: "processing",  # until OK says that it has the video
}
"""Event → the stage that begins with it; the one before ends."""

_ENDS: Final = (
    events.VideoConfirmed,
    events.VideoRefused,
    events.VideoUnconfirmed,
    events.UploadFailed,
    events.UploadCancelled,
    events.UploadSuperseded,
    events.UploadDuplicate,
)


class Stages:
    """A listener to events.

    Args:
        registry: where the histogram belongs.
        monotonic: seconds.
    """

    def __init__(self, registry: CollectorRegistry, monotonic: Callable[[], float]) -> None:
        self._monotonic: Final = monotonic
        self._began: Final[dict[int, tuple[str, float]]] = {}
        self._seconds: Final = Histogram(
            "okdrop_stage_seconds",
            "How long uploads spent in a stage",
            ["stage"],
            buckets=_BUCKETS,
            registry=registry,
        )
        for stage in BEGINS.values():
            self._seconds.labels(stage)

    def hear(self, event: events.Event) -> None:
        """Take the time of an upload's stages."""
        upload = getattr(event, "upload", None)
        if upload is None:
            return
        if (stage := BEGINS.get(type(event))) is not None:
            self._begin(upload, stage)
        elif isinstance(event, _ENDS):
            self._end(upload, counts=isinstance(event, events.VideoConfirmed))

    def _begin(self, upload: int, stage: str) -> None:
        if self._began.get(upload, ("", 0.0))[0] == stage:
            return  # taken up again: it began before
        self._end(upload, counts=True)
        if len(self._began) >= UPLOADS:
            del self._began[next(iter(self._began))]
        self._began[upload] = stage, self._monotonic()

    def _end(self, upload: int, *, counts: bool) -> None:
        if (began := self._began.pop(upload, None)) is not None and counts:
            stage, since = began
            self._seconds.labels(stage).observe(max(0.0, self._monotonic() - since))
