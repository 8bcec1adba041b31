"""The image beside a video on its way to OK. Whatever is wrong with it is never the video's trouble."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.errors import GaveUp, Trouble
from okdrop.inbox.beside import UnfitImageError, image_beside, read_image
from okdrop.inbox.own_thread import begun
from okdrop.pipeline.accounts import client_of
from okdrop.pipeline.belonging import folder_above, image_place_of
from okdrop.pipeline.throttle import throttled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from okdrop.drop import Upload
    from okdrop.inbox.beside import Image
    from okdrop.pipeline.parts import Parts
    from okdrop.protocol.photos import Photo

MAY_CHANGE_TRIES: Final = 5
"""How often an image that is not whole, or changes, is looked at before it counts as broken."""

_BLOCK: Final = 64 * 1024


async def bring(parts: Parts, row: Upload) -> Photo:
    """Bring the image beside a video to OK; its bytes go by the limits of its folder, as the video's did.

    Raises:
        GaveUp: there is none any more, or none that a cover may be.
        Trouble: it is not whole yet, or not seen while the file is moved; or the way to OK.
        UploadError: OK will not have it.
    """
    image = await begun(partial(_read, row), name="okdrop-image")
    blocks = throttled(_blocks(image.data), parts.throttles_of(row.drop))
    return await client_of(parts, row.account).upload_photo(
        size=len(image.data), file_name=events.shown(image.name), blocks=blocks
    )


def _read(row: Upload) -> Image:
    place = image_place_of(row)
    path = image_beside(place) if place is not None else None
    if path is None and row.chore is not None:
        # The file may be on its way to another folder, and be found a moment later.
        raise Trouble(
            "no image is seen beside the video just now", code="image_unfit", tries=MAY_CHANGE_TRIES
        )
    if path is None or place is None:
        raise GaveUp("the image beside the video is gone", code="image_unfit")
    name = events.shown(path.rpartition(b"/")[2])
    hint = "put another image in its place, then `okdrop update`"
    try:
        return read_image(path, folder_above(place, row))
    except UnfitImageError as error:
        words = f"the image {name} cannot be the cover: {error.reason}"
        if error.may_change:
            raise Trouble(words, code="image_unfit", hint=hint, tries=MAY_CHANGE_TRIES) from None
        raise GaveUp(words, code="image_unfit", hint=hint) from None


def seen(row: Upload) -> bytes | None:
    """The image beside a video as it is now, for the eye; None: there is none that a cover may be. Blocks."""
    place = image_place_of(row)
    path = image_beside(place) if place is not None else None
    if path is None or place is None:
        return None
    try:
        return read_image(path, folder_above(place, row)).data
    except UnfitImageError:
        return None


async def _blocks(data: bytes) -> AsyncGenerator[bytes | memoryview, None]:
    view = memoryview(data)
    for start in range(0, len(data), _BLOCK):
        yield view[start : start + _BLOCK]
