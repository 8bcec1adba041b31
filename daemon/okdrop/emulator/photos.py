"""Images on OK's side, as far as they become covers: an upload URL, a form, a token (protocol.md 2.4).

The documents say nothing of formats and sizes. This stand-in takes what begins like a JPEG, PNG, GIF or WebP.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import urllib.parse
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from okdrop.emulator.api_error import ApiError
from okdrop.emulator.line import LineCut

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aiohttp import web

LARGEST: Final = 32 * 1024 * 1024
_FIELD: Final = "pic1"
_BEGINNINGS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF")


@dataclasses.dataclass(slots=True, kw_only=True)
class Photo:
    """One image: `sha256` is "" until it came."""

    id: str
    query: str
    token: str
    sha256: str = ""
    size: int = 0


class Photos:
    """The images of one data directory; what was acknowledged outlives the process.

    Args:
        data_dir: of the emulator.
        seed: what ids and tokens grow from.
    """

    def __init__(self, data_dir: Path, *, seed: int = 0) -> None:
        self._root = data_dir / "photos"
        self._photos: dict[str, Photo] = {}
        if self._root.is_dir():
            for path in sorted(self._root.glob("*.json")):
                photo = Photo(**json.loads(path.read_bytes()))
                self._photos[photo.id] = photo
        self._chance = random.Random(f"{seed}:photos:{len(self._photos)}")  # noqa: S311 - repeatable ids, no secret

    def create(self) -> Photo:
        """A new photo to be, with its URL."""
        letters = "".join(self._chance.choices("abcdefghijkmnpqrstuvwxyz23456789", k=40))
        photo_id, token = f"p{len(self._photos) + 1}={letters[:8]}", f"t/{letters[8:32]}=="
        fields = {"sig": letters[32:], "photoIds": photo_id}
        query = "&".join(f"{key}={urllib.parse.quote(value, safe='')}" for key, value in fields.items())
        photo = Photo(id=photo_id, query=query, token=token)
        self._photos[photo_id] = photo
        self._save(photo)
        return photo

    def all(self) -> list[Photo]:
        """Every photo there ever was, oldest first."""
        return list(self._photos.values())

    def _save(self, photo: Photo) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / f"{photo.id.partition('=')[0]}.json").write_text(json.dumps(dataclasses.asdict(photo)))

    def take(self, query: str, image: bytes) -> dict[str, Any]:
        """Keep the image of this URL; returns what the form is answered.

        Raises:
            ApiError: 104 for a URL that nobody was given, 500 for what is no image.
        """
        photo = next((one for one in self._photos.values() if one.query == query), None)
        if photo is None:
            raise ApiError(104, "signature")
        if not image.startswith(_BEGINNINGS):
            raise ApiError(500, "bad image")
        photo.sha256, photo.size = hashlib.sha256(image).hexdigest(), len(image)
        self._save(photo)
        return {"photos": {photo.id: {"token": photo.token}}}

    def cover(self, parameters: Mapping[str, str]) -> str | None:
        """The SHA-256 of the image that a call makes a cover; None where it names none.

        Raises:
            ApiError: 121 where id and token are not those of an image that came.
        """
        if "cover_photo_id" not in parameters:
            return None
        photo = self._photos.get(parameters["cover_photo_id"])
        token = parameters.get("cover_photo_upload_token", "")
        if photo is None or not photo.sha256 or photo.token != token:
            raise ApiError(121, "photo")
        return photo.sha256


async def image_of(request: web.Request) -> bytes:
    """The bytes of the form's image; empty where it has none.

    Raises:
        LineCut: the other side left.
    """
    try:
        reader = await request.multipart()
        async for part in reader:
            if isinstance(part, aiohttp.BodyPartReader) and part.name == _FIELD:
                return bytes(await part.read(decode=False))[:LARGEST]
    except (ConnectionError, ValueError) as error:
        raise LineCut from error
    return b""
