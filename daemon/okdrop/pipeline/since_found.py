"""How long ago a file was found, whatever becomes of the wall clock meanwhile.

The ledger says when it was, by the wall clock, which may be set: by a jump forward a wait would be over that
hardly began. So the wall clock is asked once for each upload, when this run takes it up, how long ago it was
found; from then on time is what this process measured itself. A restart begins no wait anew. What was found
in the future, as it seems then, was found just now.

A clock that was wrong when a file was found and is put right before the next start cannot be told from a file
that was found long ago.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from okdrop.drop import Upload
    from okdrop.pipeline.parts import Parts


class SinceFound:
    """Counts the time since files were found; what is taken up before there is one of these, from then on.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._is_asked: Final = any(settings.sidecar_wait > 0 for settings in parts.folders.values())
        self._start: Final = self._present()
        self._begun: Final[dict[int, tuple[datetime, float]]] = {}

    def begun(self, upload: int) -> None:
        """This run takes an upload up, now."""
        if self._is_asked:
            self._begun[upload] = self._present()

    def forget(self, upload: int) -> None:
        """An upload came to its end."""
        self._begun.pop(upload, None)

    def seconds(self, row: Upload) -> float:
        """Seconds since the file of an upload was found; at least those of this run since it took it up."""
        wall, monotonic = self._begun.get(row.id, self._start)
        before = max(0.0, (wall - row.created_at).total_seconds())
        return before + self._parts.monotonic() - monotonic

    def _present(self) -> tuple[datetime, float]:
        return self._parts.now(), self._parts.monotonic()
