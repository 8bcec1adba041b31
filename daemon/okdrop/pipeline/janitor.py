"""Deletes what abandoned tickets left on OK's side: video ids that will never get their bytes.

Best effort: an orphan costs nobody anything, so trouble here is noted and never stops an upload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop import events
from okdrop.errors import UploadError

if TYPE_CHECKING:
    from okdrop.pipeline.parts import Parts


async def sweep(parts: Parts) -> None:
    """Try once to delete each orphan."""
    for video_id in await parts.ledger.orphans():
        try:
            await parts.client.delete(video_id)
        except UploadError:
            await parts.ledger.orphan_failed(video_id)
        else:
            await parts.ledger.orphan_deleted(video_id)
            parts.emit(events.OrphanDeleted(video_id=video_id))
