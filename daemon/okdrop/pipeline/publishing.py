"""What a row notes as it is published: the intent, that it came to nothing, or what came of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from okdrop.inbox.beside import image_beside
from okdrop.inbox.own_thread import begun
from okdrop.pipeline.accounts import now_by_ok
from okdrop.pipeline.belonging import image_place_of
from okdrop.pipeline.telling import fingerprint_of, words_of
from okdrop.publication import Cover, CoverState, Draft, Publication

if TYPE_CHECKING:
    from datetime import datetime

    from okdrop.drop import Upload
    from okdrop.metadata import Metadata
    from okdrop.pipeline.parts import Parts


def intended(row: Upload, metadata: Metadata, now: datetime, *, is_draft: bool) -> Upload:
    """A video.update is about to leave, and counts as a post from here on.

    What it tells is kept, and whether it is a draft: a repetition tells the very same, and shows the video
    to nobody else.
    """
    publication = row.publication.with_(
        posted_at=now,
        closed_by=None,
        opens_at=None,
        words=words_of(metadata),
        draft=Draft.FRIENDS if is_draft else None,
    )
    return row.with_(publish_offered=True, publication=publication)


def retracted(row: Upload, posted_before: datetime | None) -> Upload:
    """It surely took no effect: nothing was posted but what had been before."""
    publication = row.publication.with_(posted_at=posted_before, draft=None)
    return row.with_(publish_offered=False, publication=publication)


async def published(parts: Parts, row: Upload, metadata: Metadata, beside: bytes | None) -> Publication:
    """What OK was told, and what it is still to be told."""
    posting, now = parts.posting_of(row.drop), parts.now()
    is_draft = row.publication.draft is not None
    has_image = posting.cover and await begun(partial(_image_of, row), name="okdrop-image") is not None
    return Publication(
        posted_at=row.publication.posted_at,
        draft=Draft.FRIENDS if is_draft else None,
        public_at=posting.public_at(now_by_ok(parts)) if is_draft else None,
        cover=Cover(state=CoverState.DUE) if has_image else None,
        told=fingerprint_of(metadata),
        beside=beside,
        words=words_of(metadata),
    ).due(now)


def _image_of(row: Upload) -> bytes | None:
    path = image_place_of(row)
    return None if path is None else image_beside(path)
