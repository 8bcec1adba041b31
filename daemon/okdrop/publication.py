"""What OK was told of a video, when it was posted, and what it is still to be told.

Three rules:

1. `posted_at` is written before a video.update leaves that may post the video, and taken back where it surely
   did not: so a count of it never misses a post, whenever the process dies.
2. What OK is still to be told is owed from the moment that the ledger says so until it says that it was told.
   The call sets fields, so that repeating it comes to the same (protocol.md 7.19).
3. `tell_at` is when to tell it; it is null where nothing is owed, or where a person has to say so first.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from datetime import datetime


class Closed(enum.StrEnum):
    """What keeps a whole video from being published now; the words are the keys of the configuration."""

    WINDOW = "publish_window"  #: its folder publishes at other hours
    DAY = "posts_per_day"  #: what may be posted today was posted


class Draft(enum.StrEnum):
    """How far a video has come that friends see first."""

    FRIENDS = "friends"  #: they see it; it waits for a person, or for its time
    RELEASE = "release"  #: a person released it: OK is to be told


class Renew(enum.StrEnum):
    """Why OK is to be told the metadata as it comes to now."""

    ASKED = "asked"  #: a person wants it
    BESIDE = "beside"  #: what lies beside the file changed


class CoverState(enum.StrEnum):
    """How far the image has come that lies beside a video."""

    DUE = "due"  #: OK is to get it
    HELD = "held"  #: OK holds it, and is to be told that it is the cover
    SET = "set"  #: it is the cover
    REFUSED = "refused"  #: it will not be: the history says why


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The image that is, or is to be, a video's cover.

    `photo_id` and `token` are OK's for an image that it holds; the token is a secret (protocol.md 2.4).
    """

    state: CoverState
    photo_id: str = ""
    token: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What there is to know of one video's being public. Times are aware and in UTC."""

    closed_by: Closed | None = None  #: why it is not published yet, though OK holds every byte
    opens_at: datetime | None = None  #: and until when, where that is known
    posted_at: datetime | None = None  #: when a video.update left, last, that posted it or may have
    draft: Draft | None = None
    public_at: datetime | None = None  #: when a draft is made public by itself
    renew: Renew | None = None  #: OK is to be told the metadata as it comes to now
    cover: Cover | None = None
    tell_at: datetime | None = None
    told: bytes | None = None  #: fingerprint of the metadata that OK was told last
    beside: bytes | None = None  #: fingerprint of what lay beside the file then
    #: That metadata, as it may be told again; before it is published, what the last update offered.
    words: str = dataclasses.field(default="", repr=False)

    @property
    def title(self) -> str:
        """The title that OK was told, or is about to be, as far as it is kept; else ""."""
        return _kept(self.words)[0]

    @property
    def privacy(self) -> str:
        """For whom, as far as that is kept, draft or not: `PUBLIC` or `FRIENDS`; else ""."""
        return _kept(self.words)[1]

    @property
    def wants_cover(self) -> bool:
        """Whether OK is still to get or to be told a cover."""
        return self.cover is not None and self.cover.state in {CoverState.DUE, CoverState.HELD}

    @property
    def is_owed(self) -> bool:
        """Whether OK is to be told something, and no time has to come first."""
        return self.draft is Draft.RELEASE or self.renew is not None or self.wants_cover

    @property
    def may_be_told_again(self) -> bool:
        """Whether OK may have to be told once more what it was told: for a release, or another cover."""
        return self.draft is not None or self.is_owed or self.beside is not None

    def is_released(self, now: datetime) -> bool:
        """Whether friends were first for long enough, by a person's word or by the time."""
        if self.draft is Draft.FRIENDS:
            return self.public_at is not None and self.public_at <= now
        return self.draft is Draft.RELEASE

    def with_(self, **changes: Any) -> Self:
        """Return this with changes."""
        return dataclasses.replace(self, **changes)

    def due(self, now: datetime) -> Self:
        """Return this with its time to be told: now where something is owed, else when a draft is public."""
        at = now if self.is_owed else self.public_at if self.draft is not None else None
        return self.with_(tell_at=at, words=self.words if self.may_be_told_again else "")

    def nothing_owed(self) -> Self:
        """Return this with nothing left to tell: the video is gone, or not ours to change any more."""
        return self.with_(draft=None, public_at=None, renew=None, cover=None, tell_at=None, words="")


def _kept(words: str) -> tuple[str, str]:
    """Title and privacy, as `okdrop.pipeline.telling` keeps them; "" where it kept none."""
    try:
        title, _description, _tags, privacy, _by_text = json.loads(words)
    except ValueError:  # no words, or other ones than ours
        return "", ""
    return str(title), str(privacy) if title else ""


UNPUBLISHED: Final = Publication()
