"""What sidecars say of a video: of one, and of all that belong to it together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from okdrop.metadata.privacy import Privacy, stricter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

Fact: TypeAlias = "str | int | float | bool | tuple[str, ...] | date"
"""What a template may be given of a sidecar."""

_FIELDS: Final = ("title", "description", "tags", "privacy", "date")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one sidecar says. An empty text, or none at all, says nothing.

    Attributes:
        facts: everything in it that a template may use, by its own name.
        notes: by field, how its word was understood where that is not plain.
        remarks: what of it was passed over, with nothing lost that could be meant for us.
        problems: what in it cannot be understood, though it was meant.
    """

    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    privacy: Privacy | None = None
    date: date | None = None
    facts: Mapping[str, Fact] = dataclasses.field(default_factory=dict)
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sidecars:
    """What all sidecars of a video say together.

    Attributes:
        names: those that were read, fit to be shown, in order of precedence.
        said: each field by the first that says it; who may see it by the most private word of all.
        by: field → the sidecar that says it.
        problems: (sidecar, what cannot be understood in it).
    """

    names: tuple[str, ...] = ()
    said: Said = Said()
    by: Mapping[str, str] = dataclasses.field(default_factory=dict)
    problems: tuple[tuple[str, str], ...] = ()


NO_SIDECARS: Final = Sidecars()


def merged(read: Iterable[tuple[str, Said]]) -> Sidecars:
    """Put together what the sidecars of a video say.

    Args:
        read: each one's name, fit to be shown, and what it says; by precedence.
    """
    told = [*read]
    by: dict[str, str] = {}
    values: dict[str, Any] = {}
    notes: dict[str, str] = {}
    facts: dict[str, Fact] = {}
    for name, said in told:
        facts = {**said.facts, **facts}
        for field in _FIELDS:
            value = getattr(said, field)
            if value and (field not in by or (field == "privacy" and _is_stricter(value, values[field]))):
                by[field], values[field] = name, value
                notes.pop(field, None)
                notes.update({field: said.notes[field]} if field in said.notes else {})
    whole = Said(
        **values,
        facts=facts,
        notes=notes,
        remarks=tuple(f"{name}: {text}" for name, said in told for text in said.remarks),
    )
    return Sidecars(
        names=tuple(name for name, _ in told),
        said=whole,
        by=by,
        problems=tuple((name, text) for name, said in told for text in said.problems),
    )


def _is_stricter(one: Privacy, than: Privacy) -> bool:
    return one is not than and stricter(one, than) is one
