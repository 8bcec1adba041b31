"""Kodi's sidecar, an XML file, as a tree of keys.

Nothing in it is fetched or expanded: a document type, which alone could declare an entity, ends the reading.
Other files are called `.nfo`, too (the notes of a release, a bare address): what is not Kodi's says nothing.
"""

from __future__ import annotations

import codecs
from typing import Any, Final
from xml.parsers import expat

ROOTS: Final = frozenset({"movie", "episodedetails", "musicvideo", "tvshow", "video"})

DEEPEST: Final = 50
"""Elements within each other, at most."""

_KEYS: Final = {"title": ("title",), "description": ("plot", "outline"), "date": ("aired", "premiered")}
_TAGS: Final = ("tag", "genre")
_OTHERWISE: Final = frozenset(
    {"availability", "status", "snippet", "group_id", "gid", "keywords", "privacystatus"}
)


class NotKodiError(ValueError):
    """The file is something else that is called so."""


class BadNfoError(ValueError):
    """It is meant for Kodi, and cannot be read; the text says why."""


class _DoneError(Exception):
    """The first element is at its end; what follows, often an address, is not read."""


def read_nfo(raw: bytes) -> dict[str, Any]:
    """Read the keys of a file for Kodi.

    Raises:
        NotKodiError: it is none.
        BadNfoError: it cannot be read.
    """
    begin = raw[:64].lstrip()
    if not begin.startswith((b"<", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotKodiError("it is not Kodi's, and passed over")
    reader = _Reader()
    try:
        reader.parser.Parse(raw, True)
    except _DoneError:
        pass
    except expat.ExpatError as error:
        raise BadNfoError(f"it is no XML: line {error.lineno}: {expat.ErrorString(error.code)}") from None
    except (LookupError, ValueError) as error:
        if isinstance(error, (BadNfoError, NotKodiError)):
            raise
        raise BadNfoError("it is in an encoding that is not known here") from None
    return reader.tree()


class _Reader:
    """Collects the texts of what lies directly in the first element."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._pieces: list[str] = []
        self._found: dict[str, list[str]] = {}
        parser = self.parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def _doctype(self, *_about: object) -> None:
        raise BadNfoError("it declares a document type, and that is not read")

    def _start(self, name: str, _attributes: object) -> None:
        if not self._path and name not in ROOTS:
            raise NotKodiError("it is not Kodi's, and passed over")
        if len(self._path) >= DEEPEST:
            raise BadNfoError(f"it has elements within each other, more than {DEEPEST} deep")
        self._path.append(name)
        self._pieces.clear()

    def _end(self, name: str) -> None:
        if len(self._path) == 2:  # noqa: PLR2004  the first element, and one in it
            self._found.setdefault(name, []).append("".join(self._pieces).strip())
        self._pieces.clear()
        self._path.pop()
        if not self._path:
            raise _DoneError

    def _text(self, text: str) -> None:
        self._pieces.append(text)

    def tree(self) -> dict[str, Any]:
        """The keys, those of Kodi and ours."""
        texts = {name: [text for text in said if text] for name, said in self._found.items()}
        plain: dict[str, Any] = {
            name: said[0] if len(said) == 1 else said for name, said in texts.items() if said
        }
        for key, names in _KEYS.items():
            plain[key] = next((said[0] for name in names if (said := texts.get(name))), None)
        plain["tags"] = [text for name in _TAGS for text in texts.get(name, ())]
        # Kodi means something else by these, if anything.
        return {name: value for name, value in plain.items() if name.casefold() not in _OTHERWISE}
