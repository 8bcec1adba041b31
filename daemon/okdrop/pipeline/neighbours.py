"""Looks after what lies beside videos that were published lately: other words there are told to OK.

Only for `update_within` after publishing, and a bounded number of files in each round, in the order in which
they were posted: however many videos there are, a round costs the same. A difference has to be there in two
looks, the same both times, so that nothing is told of a text that is half written. What lies there no more
makes nothing anew: its disk may be away, or somebody tidied up. Nor does what may belong to another file of
the same name (`pipeline.belonging`).

A change of the configuration is no change beside a file: it renames nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop.drop import State
from okdrop.inbox.beside import Beside
from okdrop.inbox.own_thread import begun
from okdrop.ledger import StaleVersion
from okdrop.pipeline.belonging import look_beside_of
from okdrop.publication import Renew

if TYPE_CHECKING:
    from datetime import datetime

    from okdrop.drop import Upload
    from okdrop.pipeline.parts import Parts

ROUND_EVERY: Final = 30.0
"""Seconds between rounds; also how long a difference has to last."""

IN_A_ROUND: Final = 500
"""Files whose neighbours are looked at in a round."""


class Neighbours:
    """Finds published videos beside which something changed.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._longest: Final = parts.posting.update_within
        self._after: datetime | None = None  # the last one of the round before, if there were more
        self._seen: Final[dict[int, bytes]] = {}  # what was different at the last look

    async def run(self) -> None:
        """Look, round after round; ends when cancelled, at once where no folder wants it."""
        while self._longest:
            await asyncio.sleep(ROUND_EVERY)
            if not await self._parts.brake.wait_until_free():
                return
            await self.round()

    async def round(self) -> None:
        """Look at some, and have OK told of those whose neighbours changed and settled."""
        oldest = self._parts.now() - timedelta(seconds=self._longest)
        after = max(self._after or oldest, oldest)
        rows = await self._parts.ledger.lately_posted(after=after, at_most=IN_A_ROUND)
        self._after = rows[-1].publication.posted_at if len(rows) == IN_A_ROUND else None
        watched = [row for row in rows if self._is_watched(row)]
        looks = await begun(lambda: [look_beside_of(row) for row in watched], name="okdrop-neighbours")
        for row, beside in zip(watched, looks, strict=True):
            if self._has_settled(row, beside):
                await self._renew(row)

    def _is_watched(self, row: Upload) -> bool:
        publication, within = row.publication, self._parts.posting_of(row.drop).update_within
        if row.state is not State.PUBLISHED or row.ticket is None or publication.beside is None:
            return False
        at = publication.posted_at
        recent = at is not None and self._parts.now() - at <= timedelta(seconds=within)
        return recent and publication.renew is None

    def _has_settled(self, row: Upload, beside: Beside) -> bool:
        """Whether what lies there is new, and was so at the last look already."""
        before = Beside.of(row.publication.beside or b"")
        if not beside.has_new_texts(before) and not beside.has_new_images(before):
            self._seen.pop(row.id, None)
            return False
        if self._seen.get(row.id) != bytes(beside):
            self._seen[row.id] = bytes(beside)
            return False
        del self._seen[row.id]
        return True

    async def _renew(self, row: Upload) -> None:
        publication = row.publication.with_(renew=Renew.BESIDE).due(self._parts.now())
        with contextlib.suppress(StaleVersion):  # the next round sees it again
            await self._parts.ledger.write(
                row.with_(publication=publication), note="what lies beside the file changed"
            )
