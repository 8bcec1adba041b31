"""Who may see a video, and what the words of others for that mean on OK."""

from __future__ import annotations

import enum
from typing import Final


class Privacy(enum.StrEnum):
    """Who may see a video."""

    PUBLIC = "PUBLIC"
    FRIENDS = "FRIENDS"


class SidecarPrivacy(enum.StrEnum):
    """What a sidecar may say of who sees its video."""

    TIGHTEN = "tighten"  #: only more private than its folder
    ANY = "any"


_WORDS: Final = {
    "public": Privacy.PUBLIC,
    "friends": Privacy.FRIENDS,
    "private": Privacy.FRIENDS,
    "unlisted": Privacy.FRIENDS,
    "needs_auth": Privacy.FRIENDS,
    "premium_only": Privacy.FRIENDS,
    "subscriber_only": Privacy.FRIENDS,
}
"""YouTube's words and those of yt-dlp's `availability`; what OK has none for is the more private of two."""


def privacy_of(word: str) -> Privacy | None:
    """What a word, in any case, means on OK; None: nobody knows."""
    return _WORDS.get(word.strip().casefold())


def stricter(one: Privacy, other: Privacy) -> Privacy:
    """The more private of the two."""
    return Privacy.FRIENDS if Privacy.FRIENDS in {one, other} else Privacy.PUBLIC
