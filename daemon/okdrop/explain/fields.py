"""Where each piece of a video's metadata comes from."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Final

from okdrop.errors import UploadError
from okdrop.explain.place import label
from okdrop.inbox.gathering import described, gather
from okdrop.inbox.sidecars import look
from okdrop.metadata import Origin, Settings, group_of, require_sound
from okdrop.words import lasting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.config import Config, Watch
    from okdrop.drop import Drop
    from okdrop.metadata import Metadata, Source

_NAMES: Final = ("title", "description", "tags", "privacy", "group_id")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A piece of the metadata: what OK would be told, and where that comes from."""

    name: str
    value: str | tuple[str, ...]
    source: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What there is to say of a file's metadata.

    Attributes:
        fields: every piece; none where a template fails.
        sidecars: the names of those that were read, fit to be shown.
        awaited: that one is waited for, in words.
        remarks: what was passed over, or could not be found out.
        against: what would fail the upload when it is about to be published.
    """

    fields: tuple[Field, ...] = ()
    sidecars: tuple[str, ...] = ()
    awaited: str = ""
    remarks: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


NOTHING_TOLD: Final = Told()


def told_of(drop: Drop, config: Config) -> Told:
    """Read everything that speaks of a file, as it would be read when it is about to be published.

    Args:
        drop: the file; the folder in it says whose templates hold, "" that those of no folder do.
        config: the configuration.
    """
    videos = config.videos
    settings = videos.get(drop.folder) or videos[""]
    told = NOTHING_TOLD
    try:
        folder = os.fsencode(drop.folder)
        seen = look(drop.path, settings.sidecars, folder)
        beside = gather(settings, drop.path, seen, folder=folder)
        problems = tuple(f"{name}: {reason}" for name, reason in beside.sidecars.problems)
        told = Told(
            sidecars=beside.sidecars.names,
            awaited=_awaited(settings) if not seen else "",
            remarks=(*problems, *beside.remarks),
        )
        made = described(settings, drop, beside)
        told = dataclasses.replace(
            told, fields=fields_of(made, drop, config.watch, settings), remarks=(*problems, *made.remarks)
        )
        require_sound(settings, beside)
    except UploadError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return dataclasses.replace(told, against=(f"publishing it would fail: {error.message}{hint}",))
    return told


def fields_of(made: Metadata, drop: Drop, watches: Sequence[Watch], settings: Settings) -> tuple[Field, ...]:
    """Every piece of a file's metadata with its source."""
    watch = next((watch for watch in watches if str(watch.path) == drop.folder), None)
    group = group_of(settings.group_id, drop.path, drop.folder)
    values = {name: getattr(made, name, group) for name in _NAMES}
    return tuple(
        Field(
            name=name,
            value=value if isinstance(value, tuple) else str(value),
            source="; ".join(
                filter(None, (_source(name, made.sources[name], settings, watch), made.notes.get(name)))
            ),
        )
        for name, value in values.items()
    )


def _awaited(settings: Settings) -> str:
    if not settings.sidecar_wait:
        return ""
    return f"none; publishing waits for one, for {lasting(settings.sidecar_wait)} from when the file is found"


def _source(name: str, source: Source, settings: Settings, watch: Watch | None) -> str:
    match source.origin:
        case Origin.GIVEN:
            return "--title of okdrop upload"
        case Origin.SIDECAR:
            return f"the sidecar {source.sidecar}"
        case Origin.NAME:
            return f"the file's name, by the group {name} of `name_pattern`{_of(watch)}"
        case Origin.TEMPLATE:
            return _template(name, settings, watch)


def _of(watch: Watch | None) -> str:
    return f" of {label(watch)}" if watch is not None else ""


def _template(name: str, settings: Settings, watch: Watch | None) -> str:
    said = getattr(settings, name)
    value = list(said) if isinstance(said, tuple) else str(said)
    key = f"`{name} = {json.dumps(value, ensure_ascii=False)}`"
    if watch is None:
        return f"{key}, the default of okdrop upload"
    if name in watch.model_fields_set:
        return f"{key}{_of(watch)}"
    return f"{key}, the default of [[watch]]"
