"""The watched folders: which names are taken there, and what keeps two folders apart."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from okdrop import metadata
from okdrop.config.bandwidth import Bandwidth
from okdrop.config.fields import (
    AbsolutePath,
    GroupId,
    Limit,
    Marker,
    MoveTo,
    Pattern,
    PositiveSeconds,
    Seconds,
    SidecarSuffix,
    Suffix,
    Target,
    Template,
    whole,
)
from okdrop.config.section import MisfitError, Section
from okdrop.metadata import Privacy
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


_SIDECARS: Final = ("json", "toml", "nfo", "srt", "vtt", "txt", "jpg", "jpeg", "png", "webp")


class After(enum.StrEnum):
    """What becomes of a file once its video is published."""

    KEEP = "keep"
    MOVE = "move"
    DELETE = "delete"


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
    group_id: GroupId = ""
    title: Template = "{{ stem }}"
    description: Template = ""
    tags: tuple[Template, ...] = ()
    privacy: Privacy = Privacy.PUBLIC
    after: After = After.KEEP
    move_to: MoveTo = None
    sidecars: tuple[SidecarSuffix, ...] = _SIDECARS
    receipt: bool = False
    prune_moved_after: Seconds = 0.0
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
    def _where_to_move(cls, value: Path | Target | None, info: ValidationInfo) -> Path | Target | None:
        if info.data.get("after") is After.MOVE and value is None:
            raise ValueError('name the folder that published files move to, as `after` is "move"')
        return value

    @property
    def move_folder(self) -> Path | None:
        """The folder that published files move to, or somewhere below which they do."""
        return self.move_to.folder if isinstance(self.move_to, Target) else self.move_to

    @property
    def metadata(self) -> metadata.Settings:
        """What the folder says of its videos."""
        return metadata.Settings(
            title=self.title,
            description=self.description,
            tags=self.tags,
            privacy=self.privacy,
            group_id=self.group_id,
        )

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
        if watch.move_folder is not None:
            _check_out_of_sight(index, watch.move_folder, watches)
        if isinstance(watch.move_to, Target):
            _check_never_in_sight(index, watch.move_to, watches)


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


def _check_never_in_sight(index: int, target: Target, watches: Sequence[Watch]) -> None:
    """What is filled in below the fixed folder must not lead into a watched one, whatever it is."""
    for number, watch in enumerate(watches):
        if watch.path.is_relative_to(target.folder):
            raise MisfitError(
                ("watch", index, "move_to"),
                f"could lead into watch[{number}].path, where a published file would be found as a new one;"
                " let what is always the same end in a folder beside it",
            )
