"""What OK is told of a video, and what stands in the ledger of it.

What it is called is found out by `pipeline.describing`, at publishing, and again afterwards. A fingerprint of
that stands in the row for good, so that OK is not told the same twice; its words only as long as
they have to be told again: a release must not rename a video because a template was changed meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from okdrop.inbox.beside import look_beside
from okdrop.metadata import Metadata, Privacy

if TYPE_CHECKING:
    from okdrop.drop import Upload
    from okdrop.pipeline.parts import Parts

_FINGERPRINT: Final = 16  # bytes


def words_of(metadata: Metadata) -> str:
    """Metadata as text, to be kept."""
    return json.dumps(
        [metadata.title, metadata.description, metadata.tags, metadata.privacy], ensure_ascii=True
    )


def recalled(words: str) -> Metadata:
    """Metadata that was kept."""
    title, description, tags, privacy = json.loads(words)
    return Metadata(title=title, description=description, tags=tuple(tags), privacy=Privacy(privacy))


def fingerprint_of(metadata: Metadata) -> bytes:
    """What tells metadata from any other."""
    return hashlib.blake2b(words_of(metadata).encode(), digest_size=_FINGERPRINT).digest()


def as_told(metadata: Metadata, *, draft: bool) -> dict[str, Any]:
    """What video.update is told of it; a draft is for friends, whatever it will be."""
    return {
        "title": metadata.title,
        "description": metadata.description,
        "tags": metadata.tags,
        "privacy": Privacy.FRIENDS if draft else metadata.privacy,
    }


def places_of(row: Upload) -> tuple[bytes, ...]:
    """Beside which paths something may lie that belongs to a file: it may stay there when that is moved."""
    return (row.drop.path,) if row.moved_to is None else (row.drop.path, row.moved_to)


async def beside_of(parts: Parts, row: Upload, *, always: bool = False) -> bytes | None:
    """A fingerprint of what lies beside a file, where that matters later, or `always`; else None."""
    if not always and not parts.posting_of(row.drop).update_within:
        return None
    return bytes(await asyncio.to_thread(look_beside, *places_of(row)))
