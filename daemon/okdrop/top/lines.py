"""The pieces of a line on a screen, and how they are cut to its width, in cells: a wide character takes two.

Everything is `Text`, never markup: names and reasons come from elsewhere.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

Piece = tuple[str, str]
"""A text and its style."""

_GAP: Final = "  "
_HALF: Final = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """What is drawn with; plain ones where a terminal's encoding has no others."""

    full: str = "━"
    empty: str = "─"
    cut: str = "…"
    mark: str = "▸"


PLAIN: Final = Glyphs(full="#", empty="-", cut="~", mark=">")


def glyphs_for(encoding: str) -> Glyphs:
    """The glyphs that an encoding can write."""
    try:
        "━─…▸".encode(encoding)
    except (UnicodeError, LookupError):
        return PLAIN
    return Glyphs()


def cut(text: str, width: int, glyphs: Glyphs) -> str:
    """A text that takes at most `width` cells; the end of what is too long is left out."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + glyphs.cut if width > 0 else ""


def cut_in_the_middle(text: str, width: int, glyphs: Glyphs) -> str:
    """The same, but its beginning and its end stay: names often differ at the end."""
    if cell_len(text) <= width:
        return text
    if width < _HALF + 1:
        return cut(text, width, glyphs)
    tail = ""
    for char in reversed(text):
        if cell_len(char + tail) > (width - 1) // _HALF:
            break
        tail = char + tail
    return set_cell_size(text, width - 1 - cell_len(tail)).rstrip() + glyphs.cut + tail


def line(pieces: Iterable[Piece], width: int, glyphs: Glyphs) -> Text:
    """Pieces one after another, as far as there is room."""
    made = Text(no_wrap=True)
    for text, style in pieces:
        room = width - made.cell_len
        if room <= 0:
            break
        made.append(cut(text, room, glyphs), style)
    return made


def two_sides(left: Piece, right: Piece, width: int, glyphs: Glyphs) -> Text:
    """A name to the left, words to the right; the name keeps a half, and more where the words are short."""
    room = max(width - cell_len(right[0]) - len(_GAP), width // _HALF)
    name = cut_in_the_middle(left[0], room, glyphs)
    return line([(name, left[1]), (_GAP, ""), right], width, glyphs)


def bar(done: int, size: int, width: int, glyphs: Glyphs) -> list[Piece]:
    """How much of it is done; full only where all of it is."""
    full = width * min(max(done, 0), size) // size if size > 0 else 0
    return [(glyphs.full * full, "magenta"), (glyphs.empty * (width - full), "dim")]
