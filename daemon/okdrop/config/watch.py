"""The watched folders: which names are taken there, and what keeps two folders apart."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from okdrop import metadata
from okdrop.config.account import AccountName
from okdrop.config.bandwidth import Bandwidth
from okdrop.config.fields import (
    AbsolutePath,
    GroupId,
    Hours,
    Limit,
    Marker,
    NamePattern,
    OptionalPath,
    Pattern,
    PositiveSeconds,
    Seconds,
    Suffix,
    Template,
    whole,
)
from okdrop.config.section import MisfitError, Section
from okdrop.config.window import ALWAYS
from okdrop.metadata import KINDS, BrokenSidecar, Privacy, SidecarPrivacy
from okdrop.names import Names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SUFFIXES: Final = (
    *(
        "3g2",
        "3gp",
        "asf",
        "avi",
        "divx",
        "f4v",
        "flv",
        "m1v",
        "m2t",
        "m2ts",
        "m2v",
        "m4v",
        "mkv",
        "mov",
        "mp4",
    ),
    *(
        "mpe",
        "mpeg",
        "mpg",
        "mpv",
        "mts",
        "mxf",
        "ogm",
        "ogv",
        "qt",
        "rm",
        "rmvb",
        "ts",
        "vob",
        "webm",
        "wmv",
    ),
)
_IGNORE: Final = (
    *(".*", "._*", "~*", "*~", "*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", "*.crdownload"),
    *("*.download", "*.opdownload", "*.aria2", "*.!qB", "*.!ut", "@eaDir", "@tmp", "#recycle", "#snapshot"),
    *("$RECYCLE.BIN", "System Volume Information", "lost+found", "Thumbs.db", "desktop.ini"),
)


class After(enum.StrEnum):
    """What becomes of a file once its video is published."""

    KEEP = "keep"
    MOVE = "move"
    DELETE = "delete"


class Publish(enum.StrEnum):
    """Who sees a video at first."""

    AT_ONCE = "at once"  #: whoever may, by `privacy`
    FRIENDS_FIRST = "friends first"  #: friends, until it is released


class Existing(enum.StrEnum):
    """What becomes of the files that lay in a folder before the first start."""

    TAKE = "take"
    IGNORE = "ignore"


class Unfinished(enum.StrEnum):
    """What becomes of a file that is not whole by its own structure, and stays so."""

    HOLD = "hold"
    TAKE = "take"


class Intake(Section):
    """Which names are videos, which are none of our business, and how many at once are too many."""

    suffixes: tuple[Suffix, ...] = Field(default=_SUFFIXES, min_length=1)
    ignore: tuple[Pattern, ...] = _IGNORE
    surge: Annotated[int, BeforeValidator(whole(0, 999_999_999))] = 1000


class Watch(Section):
    """A watched folder. `suffixes` and `ignore` are those of `[intake]` unless the folder has its own."""

    path: AbsolutePath
    settle: Seconds = 10.0
    rescan: PositiveSeconds = 60.0
    unfinished: Unfinished = Unfinished.HOLD
    unfinished_after: Seconds = 600.0
    account: AccountName = ""
    group_id: GroupId = ""
    name_pattern: NamePattern = ""  # before the templates, which may speak of its groups
    title: Template = "{{ stem }}"
    description: Template = ""
    tags: tuple[Template, ...] = ()
    privacy: Privacy = Privacy.PUBLIC
    publish: Publish = Publish.AT_ONCE
    public_after: Seconds = 0.0
    publish_window: Hours = ALWAYS
    posts_per_day: Annotated[int, BeforeValidator(whole(0, 999_999))] = 0
    cover: bool = True
    update_within: Seconds = 7 * 86400.0
    sidecars: tuple[Literal["json", "toml", "info.json", "nfo", "txt"], ...] = KINDS
    sidecar_wait: Seconds = 0.0
    sidecar_privacy: SidecarPrivacy = SidecarPrivacy.TIGHTEN
    broken_sidecar: BrokenSidecar = BrokenSidecar.HOLD
    after: After = After.KEEP
    move_to: OptionalPath = None
    delete_after: Seconds = 0.0
    existing: Existing = Existing.TAKE
    bandwidth: Limit = Bandwidth()
    priority: Annotated[int, BeforeValidator(whole(-1000, 1000))] = 0
    suffixes: tuple[Suffix, ...] = Field(default=_SUFFIXES, min_length=1)
    ignore: tuple[Pattern, ...] = _IGNORE
    marker: Marker = ""

    @field_validator("marker")
    @classmethod
    def _no_video(cls, value: str, info: ValidationInfo) -> str:
        names = Names(info.data.get("suffixes", ()), info.data.get("ignore", ()))
        *above, name = value.split("/")
        if value and names.takes(name) and not any(map(names.ignores, above)):
            raise ValueError('is the name of a video; name a file that is none, like ".okdrop-here"')
        return value

    @field_validator("move_to")
    @classmethod
    def _where_to_move(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("after") is After.MOVE and value is None:
            raise ValueError('name the folder that published files move to, as `after` is "move"')
        return value

    @property
    def metadata(self) -> metadata.Settings:
        """What the folder says of its videos."""
        return metadata.Settings(
            title=self.title,
            description=self.description,
            tags=self.tags,
            privacy=self.privacy,
            group_id=self.group_id,
            name_pattern=self.name_pattern,
            sidecars=self.heeded_sidecars,
            sidecar_wait=self.sidecar_wait,
            sidecar_privacy=self.sidecar_privacy,
            broken_sidecar=self.broken_sidecar,
            settle=self.settle,
        )

    @property
    def heeded_sidecars(self) -> tuple[str, ...]:
        """The kinds of sidecars; what the folder takes as a video is none."""
        return tuple(kind for kind in self.sidecars if not self.names.is_video(f"x.{kind}"))

    @property
    def names(self) -> Names:
        """Which names are taken in this folder."""
        return Names(self.suffixes, self.ignore)


def check_places(watches: Sequence[Watch]) -> None:
    """Look, by name alone, whether folders or the places that files move to get in each other's way.

    Raises:
        MisfitError: they do.
    """
    for index, watch in enumerate(watches):
        _check_apart(index, watch.path, watches[:index])
        if watch.move_to is not None:
            _check_out_of_sight(index, watch.move_to, watches)


def _check_apart(index: int, path: Path, others: Sequence[Watch]) -> None:
    for number, other in enumerate(others):
        if path == other.path:
            text = f"is watch[{number}].path already; a folder is watched once"
        elif path.is_relative_to(other.path):
            text = (
                f"lies in watch[{number}].path; a watched folder holds all that is below it, so name only one"
            )
        elif other.path.is_relative_to(path):
            text = (
                f"holds watch[{number}].path; a watched folder holds all that is below it, so name only one"
            )
        else:
            continue
        raise MisfitError(("watch", index, "path"), text)


def _check_out_of_sight(index: int, move_to: Path, watches: Sequence[Watch]) -> None:
    """A published file must not move to where it would be found as a new one."""
    for number, watch in enumerate(watches):
        if not move_to.is_relative_to(watch.path):
            continue
        if any(map(watch.names.ignores, move_to.relative_to(watch.path).parts)):
            continue
        raise MisfitError(
            ("watch", index, "move_to"),
            f"lies in watch[{number}].path, where a published file would be found as a new one;"
            ' name a folder outside, or one that is ignored, like ".published" in it',
        )
