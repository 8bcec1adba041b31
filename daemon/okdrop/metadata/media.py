"""What a file's own container says: its tags, how long it is, how large its picture; by ffprobe's answer."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any, Final

from okdrop.metadata.values import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_TAGS: Final = 200

_LONGEST: Final = 10 * 365 * 86400
"""Seconds: a duration beyond it is a broken header's."""

_WIDEST: Final = 1 << 20
"""Pixels: the same."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What is known of a file's contents; nothing is 0, or "".

    Attributes:
        duration: seconds.
        width: of its largest picture, in pixels.
        height: the same.
        tags: of the container, by their names in small letters.
    """

    duration: float = 0.0
    width: int = 0
    height: int = 0
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


NO_MEDIA: Final = Media()


def read_probe(raw: bytes) -> Media | None:
    """Read what `ffprobe -of json -show_format -show_streams` printed; None where that makes no sense."""
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(tree, dict):
        return None
    streams = tree.get("streams")
    pictures = [_size(each) for each in streams] if isinstance(streams, list) else []
    width, height = max(pictures, key=lambda size: size[0] * size[1], default=(0, 0))
    form = tree.get("format")
    about: dict[str, Any] = form if isinstance(form, dict) else {}
    return Media(duration=_seconds(about.get("duration")), width=width, height=height, tags=_tags(about))


def _size(stream: object) -> tuple[int, int]:
    if not isinstance(stream, dict):
        return 0, 0
    match stream.get("width"), stream.get("height"):
        case int(width), int(height) if 0 < width < _WIDEST and 0 < height < _WIDEST:
            return width, height
        case _:
            return 0, 0


def _seconds(text: object) -> float:
    try:
        seconds = float(text) if isinstance(text, (str, int, float)) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return seconds if math.isfinite(seconds) and 0 < seconds < _LONGEST else 0.0


def _tags(about: dict[str, Any]) -> dict[str, str]:
    tags = about.get("tags")
    if not isinstance(tags, dict):
        return {}
    texts = [(name.casefold(), text[:LONGEST]) for name, text in tags.items() if isinstance(text, str)]
    return dict(texts[:MOST_TAGS])
