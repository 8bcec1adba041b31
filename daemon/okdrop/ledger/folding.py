"""How a text is looked for: what is kept of a row for that, and what is made of what somebody typed.

Letters are the same whether they are large or small, in one piece or with their accents apart (file systems
keep names both ways), and the Russian yo is a ye, as who writes Russian takes it. No database folds letters
so, and each folds others: what is compared is folded here, and the database looks for one run of characters
in another.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BETWEEN: Final = "\n"
"""Stands between a path and a title."""

_YE: Final = "\u0435"
_YO: Final = re.compile(f"{_YE}\u0308+")


def folded(text: str) -> str:
    """A text as it is compared (Unicode 3.13, canonical caseless matching)."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", _YO.sub(_YE, apart))


def sought_in(path: bytes, title: str) -> str:
    """What of a row may hold the text that somebody looks for; bytes that are no text hold none."""
    text = path.decode("utf-8", "replace")
    return folded(f"{text}{BETWEEN}{title}" if title else text)
