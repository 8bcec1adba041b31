"""What OK is told of a video, and what stands in the ledger of it.

What it is called is found out by `pipeline.describing`, at publishing, and again afterwards. A fingerprint of
that stands in the row for good, so that OK is not told the same twice; its words only where they may have to
be told again: neither a release nor another cover renames a video because a template was changed meanwhile.

What a text beside a file put before friends alone stays so until a text says otherwise: that the text is
gone, or says nothing of it any more, makes nothing public. That is a mark at the end of the fingerprint.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from okdrop.inbox.own_thread import begun
from okdrop.metadata import Metadata, Origin, Privacy, Source
from okdrop.pipeline.belonging import look_beside_of

if TYPE_CHECKING:
    from okdrop.drop import Upload
    from okdrop.pipeline.parts import Parts

_FINGERPRINT: Final = 16  # bytes

_FOR_FRIENDS: Final = b"f"  # by its folder
_FOR_FRIENDS_BY_TEXT: Final = b"t"

STAYS_WITH_FRIENDS: Final = "it stays with friends, since no text beside it says otherwise"
"""What is said where a text had put a video before friends alone, and is gone."""

STAYS_UNASKED: Final = "it stays with friends until okdrop update says otherwise"
"""What is said where other words beside a published video would show it to more people."""


def words_of(metadata: Metadata) -> str:
    """Metadata as text, to be kept, and whether it was a text that said who may see the video."""
    return json.dumps([*_fields(metadata), _is_by_text(metadata)], ensure_ascii=True)


def recalled(words: str) -> Metadata:
    """Metadata that was kept."""
    title, description, tags, privacy, by_text = json.loads(words)
    return Metadata(
        title=title,
        description=description,
        tags=tuple(tags),
        privacy=Privacy(privacy),
        sources={"privacy": Source(origin=Origin.SIDECAR)} if by_text else {},
    )


def floor_of(words: str) -> str:
    """What is kept of words that failed: a person hands them back mended, and shows them to nobody else."""
    if not words or recalled(words).privacy is not Privacy.FRIENDS:
        return ""
    return words_of(for_friends(Metadata(title="", description="", tags=(), privacy=Privacy.PUBLIC)))


def _fields(metadata: Metadata) -> list[Any]:
    return [metadata.title, metadata.description, metadata.tags, metadata.privacy]


def fingerprint_of(metadata: Metadata) -> bytes:
    """What tells metadata from any other; and, at its end, who put the video before friends alone."""
    fields = json.dumps(_fields(metadata), ensure_ascii=True)
    made = hashlib.blake2b(fields.encode(), digest_size=_FINGERPRINT).digest()
    if metadata.privacy is not Privacy.FRIENDS:
        return made
    return made + (_FOR_FRIENDS_BY_TEXT if _is_by_text(metadata) else _FOR_FRIENDS)


def is_as_told(metadata: Metadata, told: bytes | None) -> bool:
    """Whether OK was told this, by the fingerprint that was kept."""
    return told is not None and told[:_FINGERPRINT] == fingerprint_of(metadata)[:_FINGERPRINT]


def was_for_friends(told: bytes | None) -> bool:
    """Whether that put a video before friends for good, not as a draft."""
    return told is not None and told[_FINGERPRINT:] in {_FOR_FRIENDS, _FOR_FRIENDS_BY_TEXT}


def no_more_public(metadata: Metadata, told: bytes | None) -> Metadata:
    """The metadata, for friends where a text had said so to OK and none says otherwise."""
    was_by_text = told is not None and told[_FINGERPRINT:] == _FOR_FRIENDS_BY_TEXT
    return for_friends(metadata) if was_by_text and not _is_by_text(metadata) else metadata


def no_more_public_than(metadata: Metadata, kept: Metadata) -> Metadata:
    """The metadata, for friends where a text had said so before it was published and none says otherwise."""
    was_by_text = kept.privacy is Privacy.FRIENDS and _is_by_text(kept)
    return for_friends(metadata) if was_by_text and not _is_by_text(metadata) else metadata


def for_friends(metadata: Metadata) -> Metadata:
    """The metadata, for friends as a text had said, which is told."""
    if metadata.privacy is Privacy.FRIENDS:
        return metadata
    sources = {**metadata.sources, "privacy": Source(origin=Origin.SIDECAR)}
    remarks = (*metadata.remarks, STAYS_WITH_FRIENDS)
    return dataclasses.replace(metadata, privacy=Privacy.FRIENDS, sources=sources, remarks=remarks)


def _is_by_text(metadata: Metadata) -> bool:
    source = metadata.sources.get("privacy")
    return source is not None and source.origin is Origin.SIDECAR


def as_told(metadata: Metadata, *, draft: bool) -> dict[str, Any]:
    """What video.update is told of it; a draft is for friends, whatever it will be."""
    return {
        "title": metadata.title,
        "description": metadata.description,
        "tags": metadata.tags,
        "privacy": Privacy.FRIENDS if draft else metadata.privacy,
    }


async def beside_of(parts: Parts, row: Upload, *, always: bool = False) -> bytes | None:
    """A fingerprint of what lies beside a file, where that matters later, or `always`; else None."""
    if not always and not parts.posting_of(row.drop).update_within:
        return None
    return bytes(await begun(partial(look_beside_of, row), name="okdrop-beside"))
