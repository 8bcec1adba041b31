"""What a folder says of its videos, and what was found out beside it about one file."""

from __future__ import annotations

import dataclasses
import enum
from typing import Final

from okdrop.errors import GaveUp
from okdrop.metadata.media import NO_MEDIA, Media
from okdrop.metadata.privacy import Privacy, SidecarPrivacy
from okdrop.metadata.said import NO_SIDECARS, Sidecars
from okdrop.metadata.sidecar_names import KINDS
from okdrop.metadata.templates import OF_CONTENTS, spoken_of


class BrokenSidecar(enum.StrEnum):
    """What becomes of a video one of whose sidecars cannot be understood."""

    HOLD = "hold"
    IGNORE = "ignore"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a watched folder says of its videos: templates, who may see them, which group they go to.

    Attributes:
        name_pattern: a regular expression over the name without its suffix; "" for none.
        sidecars: the kinds that are heeded, in order of precedence.
        sidecar_wait: seconds for which publishing waits for a sidecar.
        settle: seconds for which a sidecar has to be quiet where its writers cannot be seen.
        ffprobe: the program, "" for none.
    """

    title: str = "{{ stem }}"
    description: str = ""
    tags: tuple[str, ...] = ()
    privacy: Privacy = Privacy.PUBLIC
    group_id: str = ""
    name_pattern: str = ""
    sidecars: tuple[str, ...] = KINDS
    sidecar_wait: float = 0.0
    sidecar_privacy: SidecarPrivacy = SidecarPrivacy.TIGHTEN
    broken_sidecar: BrokenSidecar = BrokenSidecar.HOLD
    settle: float = 10.0
    ffprobe: str = ""

    @property
    def looks_inside(self) -> bool:
        """Whether a template speaks of what only the file's contents tell."""
        return any(spoken_of(source) & OF_CONTENTS for source in (self.title, self.description, *self.tags))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What was found out about a file beside its name and its folder.

    Attributes:
        remarks: what could not be found out, in words.
    """

    sidecars: Sidecars = NO_SIDECARS
    media: Media = NO_MEDIA
    remarks: tuple[str, ...] = ()


NOTHING_BESIDE: Final = Beside()


def require_sound(settings: Settings, beside: Beside) -> None:
    """Refuse to publish what a person said something of that cannot be understood, unless the folder lets it.

    Raises:
        GaveUp: (`sidecar_broken`) a sidecar has to be mended or taken away first.
    """
    problems = beside.sidecars.problems
    if not problems or settings.broken_sidecar is BrokenSidecar.IGNORE:
        return
    (name, reason), *more = problems
    others = f", and {len(more)} more in its sidecars" if more else ""
    raise GaveUp(
        f"the sidecar {name} cannot be used: {reason}{others}",
        code="sidecar_broken",
        hint="mend it, or take it away, then retry: no byte is sent again",
    )
