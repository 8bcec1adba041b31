"""What OK says of many videos at once, so that a thousand of them do not take a thousand questions.

A chore asks about its own video, alone: whatever goes wrong is told of that one. Once it was answered,
whoever else is due is asked about in one more question, and finds OK's word when its turn comes. A question
about many that fails, or leaves one out, says nothing of anybody: each is asked about alone then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.drop import Chore
from okdrop.errors import UploadError
from okdrop.pipeline.accounts import client_of

if TYPE_CHECKING:
    from okdrop.pipeline.parts import Parts
    from okdrop.protocol.messages import VideoStatus

AT_ONCE: Final = 50
"""Videos in one question. OK documents no limit (protocol.md 2.3)."""

LOOKED_AT: Final = 4 * AT_ONCE
"""Rows that are read to find those that wait for OK's word: others have a file to move."""

FRESH: Final = 10.0
"""Seconds for which an answer waits for the turn of its upload."""

AFTER_REFUSAL: Final = 600.0
"""Seconds for which nobody is asked about together, once that was refused."""


class Questions:
    """Knows who is due, asks for many, and keeps what was heard.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._due: Final[dict[int, float]] = {}
        self._heard: Final[dict[int, tuple[float, VideoStatus]]] = {}
        self._asking = False
        self._not_before = 0.0

    def due(self, upload: int, delay: float) -> None:
        """This upload has its turn in `delay` seconds."""
        self._due[upload] = self._parts.monotonic() + delay

    def forget(self, upload: int) -> None:
        """This upload has its turn now, or none any more."""
        self._due.pop(upload, None)

    def heard(self, upload: int) -> VideoStatus | None:
        """What OK said of this upload's video just now, once; None: it has to be asked."""
        at, status = self._heard.pop(upload, (0.0, None))
        return status if self._parts.monotonic() - at <= FRESH else None

    async def ask_for_others(self, account: str = "") -> None:
        """Ask about those of an account whose turn it is, a few at once; raises nothing that OK answers."""
        now = self._parts.monotonic()
        due = [upload for upload, at in self._due.items() if at <= now and upload not in self._heard]
        if self._asking or len(due) < 2 or now < self._not_before:  # noqa: PLR2004 - one is no "others"
            return
        self._asking = True
        try:
            await self._ask(due[:LOOKED_AT], account)
        except UploadError:
            self._not_before = self._parts.monotonic() + AFTER_REFUSAL
        finally:
            self._asking = False

    async def _ask(self, due: list[int], account: str) -> None:
        rows = await self._parts.ledger.uploads(ids=due)
        videos = {
            row.ticket.video_id: row.id
            for row in rows
            if row.ticket is not None
            and row.account == account
            and row.chore in {Chore.CONFIRM, Chore.DELETE, Chore.PRUNE}
        }
        wanted = [*videos][:AT_ONCE]
        if not wanted:
            return
        answers = await client_of(self._parts, account).video_statuses(wanted)
        now = self._parts.monotonic()
        for number in [number for number, (at, _) in self._heard.items() if now - at > FRESH]:
            del self._heard[number]
        self._heard.update(
            {videos[video]: (now, status) for video, status in answers.items() if video in videos}
        )
