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
    Depth,
    Ending,
    GroupId,
    Hours,
    Limit,
    Marker,
    MoveTo,
    NamePattern,
    OptionalSeconds,
    OptionalSize,
    PathPattern,
    Pattern,
    PositiveSeconds,
    Seconds,
    SidecarSuffix,
    Size,
    Suffix,
    Target,
    Template,
    whole,
)
from okdrop.config.section import MisfitError, Section
from okdrop.config.window import ALWAYS
from okdrop.metadata import KINDS, BrokenSidecar, Privacy, SidecarPrivacy
from okdrop.names import Names
from okdrop.rules import EVERYTHING, Done, Patterns, Rules

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


DONE_NAMES: Final = {Done.QUIET: "", Done.MARKER: ".done", Done.MANIFEST: "SHA256SUMS"}
"""What `done_name` is where it is not set."""


_ALONG: Final = (*KINDS, "srt", "vtt", "jpg", "jpeg", "png", "webp")


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


class Watching(enum.StrEnum):
    """How it is noticed that something was dropped into a folder."""

    AUTO = "auto"  #: by the kernel's events, and by polling where those do not come or do not tell all
    EVENTS = "events"  #: by the kernel's events, and the scans alone
    POLL = "poll"  #: by polling alone


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
    watching: Watching = Watching.AUTO
    poll: PositiveSeconds = 5.0
    depth: Depth = "unlimited"
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
    move_to: MoveTo = None
    move_along: tuple[SidecarSuffix, ...] = _ALONG
    delete_along: tuple[SidecarSuffix, ...] = ()
    receipt: bool = False
    prune_moved_after: Seconds = 0.0
    delete_after: Seconds = 0.0
    existing: Existing = Existing.TAKE
    bandwidth: Limit = Bandwidth()
    priority: Annotated[int, BeforeValidator(whole(-1000, 1000))] = 0
    suffixes: tuple[Suffix, ...] = Field(default=_SUFFIXES, min_length=1)
    ignore: tuple[Pattern, ...] = _IGNORE
    marker: Marker = ""
    take: tuple[PathPattern, ...] = ()
    leave: tuple[PathPattern, ...] = ()
    min_size: Size = 0
    max_size: OptionalSize = None
    min_age: Seconds = 0.0
    max_age: OptionalSeconds = None
    done: Done = Done.QUIET
    done_name: Ending = ""

    @field_validator("take")
    @classmethod
    def _takes_something(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and all(pattern.startswith("!") for pattern in value):
            raise ValueError('takes nothing, as each pattern begins with "!"; put one before them, like "*"')
        return value

    @field_validator("max_size")
    @classmethod
    def _some_size_fits(cls, value: int | None, info: ValidationInfo) -> int | None:
        smallest = info.data.get("min_size", 0)
        if value is not None and value < smallest:
            raise ValueError(f"lets nothing through, as `min_size` is {smallest} bytes; make it larger")
        return value

    @field_validator("max_age")
    @classmethod
    def _some_age_fits(cls, value: float | None, info: ValidationInfo) -> float | None:
        for key in ("min_age", "settle"):
            if value is not None and value <= info.data.get(key, 0.0):
                least = info.data[key]
                raise ValueError(f"lets nothing through, as `{key}` is {least:g} s; make it longer")
        return value

    @field_validator("done_name")
    @classmethod
    def _names_no_video(cls, value: str, info: ValidationInfo) -> str:
        done = info.data.get("done", Done.QUIET)
        names = Names(info.data.get("suffixes", ()), ())
        if value and done is Done.QUIET:
            raise ValueError('is the name of what `done` asks for; set `done` to "marker" or "manifest" too')
        if value and names.is_video(f"a{value}" if done is Done.MARKER else value):
            raise ValueError('would be a video by its name; take one like ".done" or "SHA256SUMS"')
        return value or DONE_NAMES[done]

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
    def deepest(self) -> int | None:
        """How many folders deep files are taken from: 0 from the folder itself alone; None: from any."""
        return None if self.depth == "unlimited" else self.depth

    @property
    def names(self) -> Names:
        """Which names are taken in this folder."""
        return Names(self.suffixes, self.ignore)

    @property
    def rules(self) -> Rules:
        """What is taken in this folder, beside the names."""
        rules = Rules(
            take=Patterns(self.take),
            leave=Patterns(self.leave),
            min_size=self.min_size,
            max_size=self.max_size,
            min_age=self.min_age,
            max_age=self.max_age,
        )
        return EVERYTHING if rules == EVERYTHING else rules


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
        below = move_to.relative_to(watch.path)
        if any(map(watch.names.ignores, below.parts)) or watch.rules.leave.matching(f"{below}/"):
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
