"""The chain: which of all that speak of a video is heard for each field, and what comes out."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any, Final

from okdrop.metadata.facts import Facts, facts_of
from okdrop.metadata.privacy import Privacy, SidecarPrivacy, stricter
from okdrop.metadata.settings import NOTHING_BESIDE, Beside, Settings
from okdrop.metadata.templates import SIDECAR, fill, spoken_of
from okdrop.metadata.text import cut, lines, one_line, utf16_length, visible
from okdrop.metadata.values import tags_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

TITLE_LIMIT: Final = 1000
DESCRIPTION_LIMIT: Final = 4000
TAGS_LIMIT: Final = 1000
"""UTF-16 units; tags are counted with the commas between them (protocol.md 2.2)."""

_NAMELESS: Final = "video"
_DEFAULTS: Final = Settings()


class Origin(enum.StrEnum):
    """Where a field may come from."""

    GIVEN = "given"  #: by a person, with the command
    SIDECAR = "sidecar"
    TEMPLATE = "template"  #: of the folder, or the default
    NAME = "name"  #: a group of `name_pattern`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a field comes from; `sidecar` is the name of the one that says it."""

    origin: Origin
    sidecar: str = ""


_TEMPLATE: Final = Source(origin=Origin.TEMPLATE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What video.update is told; within OK's limits, the title never empty.

    Attributes:
        notes: by field, what was done to a text beside filling in its template; for a person.
        sources: where each field comes from, and the group.
        remarks: what was passed over, or could not be found out; for a person.
    """

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    privacy: Privacy = Privacy.PUBLIC
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    sources: Mapping[str, Source] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    remarks: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)


def render(
    settings: Settings,
    path: bytes,
    folder: bytes | str,
    *,
    size: int,
    modified: datetime,
    title: str = "",
    beside: Beside = NOTHING_BESIDE,
) -> Metadata:
    """Say what a file's video is called.

    Args:
        settings: the watched folder's templates, each once passed by `check_template`.
        path: the file's absolute path, as the kernel gives it.
        folder: the watched folder; empty for a file named on the command line.
        size: bytes.
        modified: when the file was last written, aware; its zone is the one templates show.
        title: a title given by a person, taken as it is and not as a template; empty: from elsewhere.
        beside: what its sidecars and its contents say.

    Raises:
        GaveUp: (`metadata_template`) a template fails for this very file.
    """
    facts = facts_of(settings, path, folder, size=size, modified=modified, beside=beside)
    return _Chain(settings, facts, beside, title).metadata()


class _Chain:
    """One file's way through the chain."""

    def __init__(self, settings: Settings, facts: Facts, beside: Beside, title: str) -> None:
        self._settings = settings
        self._facts = facts
        self._sidecars = beside.sidecars
        self._given = title
        self._notes: dict[str, str] = {}
        self._sources: dict[str, Source] = {"group_id": _TEMPLATE}

    def metadata(self) -> Metadata:
        title, description, tags, privacy = self._title(), self._description(), self._tags(), self._privacy()
        for field, note in self._sidecars.said.notes.items():
            if self._sources[field].origin is Origin.SIDECAR:
                self._note(field, note)
        return Metadata(
            title=self._cut("title", title, TITLE_LIMIT),
            description=self._cut("description", description, DESCRIPTION_LIMIT),
            tags=self._fitting(tags),
            privacy=privacy,
            notes=self._notes,
            sources=self._sources,
            remarks=self._facts.remarks,
        )

    def _title(self) -> str:
        """The title, or what takes its place where it would show a reader nothing."""
        if given := one_line(self._given):
            self._sources["title"] = Source(origin=Origin.GIVEN)
            wanted = given
        else:
            wanted = self._text("title", one_line)
        if visible(wanted):
            return wanted
        self._note("title", "the file's name, since nothing that can be read came out")
        stem = one_line(self._facts.stem)
        return stem if visible(stem) else _NAMELESS

    def _description(self) -> str:
        return self._text("description", lines)

    def _text(self, field: str, cleaned: Callable[[str], str]) -> str:
        source: str = getattr(self._settings, field)
        if (said := self._said(field, source)) and visible(text := cleaned(said)):
            return text
        named = cleaned(self._facts.named.get(field, ""))
        if source == getattr(_DEFAULTS, field) and visible(named):
            self._sources[field] = Source(origin=Origin.NAME)
            return named
        self._sources[field] = _TEMPLATE
        return cleaned(fill(field, source, self._facts.variables))

    def _tags(self) -> tuple[str, ...]:
        sources = self._settings.tags
        said: tuple[str, ...] | None = self._said("tags", *sources)
        if said:
            return said
        if not sources and (named := tags_of(self._facts.named.get("tags"))):
            self._sources["tags"] = Source(origin=Origin.NAME)
            return named
        self._sources["tags"] = _TEMPLATE
        return tuple(fill("tags", source, self._facts.variables) for source in sources)

    def _said(self, field: str, *templates: str) -> Any:
        """What a sidecar says of a field, unless the folder's own templates have heard it already."""
        if any(SIDECAR in spoken_of(source) for source in templates):
            return None
        said = getattr(self._sidecars.said, field)
        if said:
            self._sources[field] = Source(origin=Origin.SIDECAR, sidecar=self._sidecars.by[field])
        return said

    def _privacy(self) -> Privacy:
        """Who may see it: no sidecar makes a video more public than its folder does, unless it may."""
        own, said = self._settings.privacy, self._sidecars.said.privacy
        self._sources["privacy"] = _TEMPLATE
        if said is None:
            return own
        by = self._sidecars.by["privacy"]
        if self._settings.sidecar_privacy is SidecarPrivacy.ANY or stricter(own, said) is said:
            self._sources["privacy"] = Source(origin=Origin.SIDECAR, sidecar=by)
            return said
        self._note("privacy", f"{by} says {said}, and may only make it more private (`sidecar_privacy`)")
        return own

    def _cut(self, field: str, text: str, limit: int) -> str:
        kept = cut(text, limit)
        if kept != text:
            self._note(field, f"cut to OK's {limit} characters")
        return kept

    def _fitting(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Clean tags, without repetition, as many from the start as fit when joined by commas."""
        kept: dict[str, str] = {}
        room = TAGS_LIMIT + 1  # the first tag has no comma before it
        for text in texts:
            tag = cut(one_line(text.replace(",", " ")), TAGS_LIMIT)
            if not visible(tag) or tag.casefold() in kept:
                continue
            room -= utf16_length(tag) + 1
            if room < 0:
                self._note("tags", f"as many as OK's {TAGS_LIMIT} characters hold")
                break
            kept[tag.casefold()] = tag
        return tuple(kept.values())

    def _note(self, field: str, text: str) -> None:
        self._notes[field] = ", ".join(filter(None, (self._notes.get(field), text)))
