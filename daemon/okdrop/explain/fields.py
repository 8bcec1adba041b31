"""Where each piece of a video's metadata comes from."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Final

from okdrop.inbox.revision import moment
from okdrop.metadata import Settings, group_of, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.config import Watch
    from okdrop.drop import Drop

_NAMES: Final = ("title", "description", "tags", "privacy", "group_id")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A piece of the metadata: what OK would be told, and where that comes from."""

    name: str
    value: str | tuple[str, ...]
    source: str


def fields_of(drop: Drop, watches: Sequence[Watch]) -> tuple[Field, ...]:
    """Every piece of a file's metadata with its source.

    Args:
        drop: the file; the folder in it says whose templates hold, "" that those of no folder do.
        watches: the watched folders.

    Raises:
        GaveUp: (`metadata_template`) a template fails for this very file.
    """
    index = next((number for number, watch in enumerate(watches) if str(watch.path) == drop.folder), None)
    watch = watches[index] if index is not None else None
    settings = watch.metadata if watch is not None else Settings()
    made = render(
        settings,
        drop.path,
        drop.folder,
        size=drop.revision.size,
        modified=moment(drop.revision.mtime_ns),
        title=drop.title,
    )
    group = group_of(settings.group_id, drop.path, drop.folder)
    values = {name: getattr(made, name, group) for name in _NAMES}
    return tuple(
        Field(
            name=name,
            value=value if isinstance(value, tuple) else str(value),
            source="; ".join(
                filter(None, (_source(name, settings, watch, index, drop), made.notes.get(name)))
            ),
        )
        for name, value in values.items()
    )


def _source(name: str, settings: Settings, watch: Watch | None, index: int | None, drop: Drop) -> str:
    if name == "title" and drop.title:
        return "--title of okdrop upload"
    said = getattr(settings, name)
    value = list(said) if isinstance(said, tuple) else str(said)
    key = f"`{name} = {json.dumps(value, ensure_ascii=False)}`"
    if watch is None:
        return f"{key}, the default of okdrop upload"
    if name in watch.model_fields_set:
        return f"{key} of [[watch]] {index}"
    return f"{key}, the default of [[watch]]"
