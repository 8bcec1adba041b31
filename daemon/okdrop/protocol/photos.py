"""What OK answers of an image that is to become a cover (protocol.md 2.4).

    photosV2.getUploadUrl   → an upload URL, and the id of the photo to be
    POST, a form with pic1  → a token for that id
    video.update            ← id and token; that it takes them so is inferred from their names alone

Nothing here may ever keep a video from being published, so what cannot be read is trouble with an end to it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop.errors import Trouble
from okdrop.protocol import api_answers, verdicts
from okdrop.protocol.fields import passing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.protocol.api_answers import Json

FIELD: Final = "pic1"
"""The form's field of the first image."""

TRIES: Final = 5
"""How often an answer that nobody expects is met before the cover is given up."""

_LONGEST: Final = 2048
_SUCCESS: Final = 2  # hundreds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """An image that OK holds; the token is a secret."""

    photo_id: str
    token: str = dataclasses.field(repr=False)


def read_photo_url(value: Json) -> tuple[str, str]:
    """The upload URL and the photo's id out of photosV2.getUploadUrl's value.

    Raises:
        Trouble: they are not there.
    """
    if isinstance(value, dict):
        url, ids = value.get("upload_url"), value.get("photo_ids")
        first = ids[0] if isinstance(ids, list) and ids else None
        if isinstance(url, str) and url and (photo_id := _text(first)):
            return url, photo_id
    raise _unclear(verdicts.PHOTO_URL, "no upload URL and photo id in it")


def read_photo_answer(status: int, headers: Mapping[str, str], body: bytes, photo_id: str) -> Photo:
    """The photo, out of the answer to its form; `photo_id` is that of its URL.

    Raises:
        UploadError: the image was refused, or something else stands in the way.
    """
    try:
        value = api_answers.read_api_answer(verdicts.PHOTO_UPLOAD, status, headers, body)
    except Trouble as error:
        if status // 100 != _SUCCESS and not passing(status):
            error.tries = TRIES  # its URL is dead, say: a new one is asked for, not for ever
        raise
    found = value.get("photos", value) if isinstance(value, dict) else None
    entry = found.get(photo_id) if isinstance(found, dict) else None
    token = _text(entry.get("token") if isinstance(entry, dict) else entry)
    if not token:
        raise _unclear(verdicts.PHOTO_UPLOAD, "no token in it")
    return Photo(photo_id=photo_id, token=token)


def _text(value: Json) -> str:
    """An id or a token, as text; "" for what can be none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value)
    return text if len(text) <= _LONGEST and text.isprintable() else ""


def _unclear(method: str, what: str) -> Trouble:
    return Trouble(
        f"{method}: an answer that cannot be read: {what}", code="photo_unclear", long=True, tries=TRIES
    )
