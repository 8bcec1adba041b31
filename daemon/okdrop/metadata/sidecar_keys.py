"""From the tree of a sidecar, however it was written, to what it says of a video.

Several spellings mean one field: our own (`title`, `description`, `tags`, `privacy`, `date`), those of
YouTube's API and its uploaders (`snippet.title`, `privacyStatus`, `recordingDate`), and yt-dlp's
(`availability`, `upload_date`). A key that is there and null, or empty, says nothing. Keys at the top
are ours in any case of their letters: `"Privacy"` was meant.
"""

from __future__ import annotations

import math
from datetime import date, time
from typing import TYPE_CHECKING, Any, Final

from okdrop.metadata.privacy import Privacy, privacy_of, stricter
from okdrop.metadata.said import Fact, Said
from okdrop.metadata.text import one_line
from okdrop.metadata.values import LONGEST, MOST_TAGS, UnfitError, date_of, kind, tags_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_SPELLINGS: Final = {
    "title": ("title", "snippet.title"),
    "description": ("description", "snippet.description"),
    "tags": ("tags", "snippet.tags", "keywords"),
    "date": ("date", "recordingDate", "recordingDetails.recordingDate", "upload_date"),
}
_PRIVACY: Final = ("privacy", "privacyStatus", "status.privacyStatus", "availability")
_GROUP: Final = ("group_id", "gid")
_TOPS: Final = {
    spelling.partition(".")[0].casefold(): spelling.partition(".")[0]
    for spelling in (*(one for ways in _SPELLINGS.values() for one in ways), *_PRIVACY, *_GROUP)
}
_READ: Final[Mapping[str, Callable[[object], object]]] = {
    "title": text_of,
    "description": text_of,
    "tags": tags_of,
    "date": date_of,
}

MOST_FACTS: Final = 500
_LARGEST: Final = 10**18


def said_by(tree: Mapping[str, Any]) -> Said:
    """What a tree of keys says."""
    facts, words, tree = _facts(tree), [*_words_on_privacy(tree)], _folded(tree)
    problems: list[str] = []
    notes: dict[str, str] = {}
    fields: dict[str, Any] = {}
    for field in _SPELLINGS:
        fields[field] = _field(tree, field, problems)
    privacy = _privacy(words, notes, problems)
    fields = {name: value for name, value in fields.items() if value}
    ours: dict[str, Fact] = fields | ({} if privacy is None else {"privacy": privacy.value})
    return Said(
        **fields,
        privacy=privacy,
        facts=facts | ours,
        notes=notes,
        remarks=tuple(
            f"{key} is not heeded: the group is the folder's to choose"
            for key in _GROUP
            if _at(tree, key) not in (None, "")
        ),
        problems=tuple(problems),
    )


def _folded(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree with the keys at its top as we spell them; what is spelled so already goes before others."""
    folded = dict(tree)
    for key, value in tree.items():
        ours = _TOPS.get(key.casefold(), key)
        if folded.get(ours) in (None, "", [], {}):
            folded[ours] = value
    return folded


def _at(tree: object, spelling: str) -> object:
    found = tree
    for part in spelling.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _field(tree: Mapping[str, Any], field: str, problems: list[str]) -> object:
    """The field by the first spelling that says it; what cannot be understood is a problem."""
    for spelling in _SPELLINGS[field]:
        try:
            value = _READ[field](_at(tree, spelling))
        except UnfitError as error:
            problems.append(f"{spelling} {error}")
            return None
        if value.strip() if isinstance(value, str) else value:
            return value
    return None


def _words_on_privacy(tree: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """All that is said of it, in every spelling and case: none of it must be let go for another."""
    for spelling in _PRIVACY:
        top, _, inner = spelling.partition(".")
        for key, value in tree.items():
            if key.casefold() == top.casefold():
                yield (f"{key}.{inner}", _at(value, inner)) if inner else (key, value)


def _privacy(
    words: Iterable[tuple[str, object]], notes: dict[str, str], problems: list[str]
) -> Privacy | None:
    """The most private of all that is said; what nobody understands is not taken for "everybody"."""
    found: Privacy | None = None
    for spelling, word in words:
        if word is None or word == "":
            continue
        meant = privacy_of(word) if isinstance(word, str) else None
        if meant is None:
            told = f'"{one_line(word)[:40]}"' if isinstance(word, str) else kind(word)
            problems.append(f'{spelling} must be "PUBLIC" or "FRIENDS", and is {told}')
        elif isinstance(word, str) and word.strip().upper() != meant:
            notes["privacy"] = f'{spelling} "{one_line(word)}" is {meant} here, the nearest that OK has'
        found = stricter(found or Privacy.PUBLIC, meant or Privacy.FRIENDS)
    return found


def _facts(tree: Mapping[str, Any]) -> dict[str, Fact]:
    """What a template may be given: texts, numbers, lists of texts."""
    found: dict[str, Fact] = {}
    for key, value in _plain(tree):
        if len(found) >= MOST_FACTS:
            break
        found[key] = value
    return found


def _plain(tree: Mapping[str, Any]) -> Iterator[tuple[str, Fact]]:
    for key, value in tree.items():
        match value:
            case str():
                yield key, value[:LONGEST]
            case bool():
                yield key, value
            case int() if abs(value) <= _LARGEST:
                yield key, value
            case float() if math.isfinite(value):
                yield key, value
            case date() | time():
                yield key, value.isoformat()
            case list() if all(isinstance(each, str) for each in value[:MOST_TAGS]):
                yield key, tuple(each[:LONGEST] for each in value[:MOST_TAGS])
            case _:
                pass
