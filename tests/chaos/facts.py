"""What is known after a storm: the emulator's account, the folder, the ledger, the output; plain values."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos.plan import Schedule, Strike


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file holds."""

    sha256: str
    data: bytes = dataclasses.field(repr=False)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """A file that is there in the end.

    Args:
        kept: it lies where published files are moved to, not in the watched folder.
        name: below that.
        sha256: of its content.
        size: bytes.
    """

    kept: bool
    name: bytes
    sha256: str
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """A file that okdrop put away, and how its content stood at OK when that was seen."""

    name: bytes
    sha256: str
    published: bool
    confirmed: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An upload, as `status --json` tells it; `last_trouble` is the ledger's."""

    id: int
    path: bytes
    size: int
    state: str
    video_id: str = ""
    code: str = ""
    chore: str | None = None
    last_trouble: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Aimed:
    """A fault that was switched on for one video."""

    video: str
    strike: Strike


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the verdict may look at.

    Args:
        schedule: what was meant to happen.
        drop: the watched folder.
        expected: file name → what users last left under it.
        complete: digests of all that a file ever held while nobody wrote to it.
        renamed: names that were given by a renaming.
        touched: names whose times were changed.
        overtaken: digests of what was written into a file that was put away meanwhile.
        lying: every file below the two folders.
        vanished: every file that okdrop put away.
        accounts: the emulator's, of every video there ever was.
        rows: the ledger's.
        orphans: video ids that wait for their deletion.
        output: all that processes wrote, and what the ledger noted, said or failed with.
        secrets: what must not be in there, by a name that may be shown.
        aimed: lies, and whom they were told about.
        answers_lost: how many answers to video.getUploadUrl may have been lost.
        wrongs: what went wrong on the way: exit codes, crashes, no rest in time.
        counts: figures for the summary.
        fired: fault → how often it struck.
        notes: what was left out, and why.
    """

    schedule: Schedule
    drop: bytes
    expected: Mapping[bytes, Content]
    complete: frozenset[str]
    accounts: tuple[Mapping[str, Any], ...]
    rows: tuple[Row, ...]
    lying: tuple[Lying, ...]
    renamed: frozenset[bytes] = frozenset()
    touched: frozenset[bytes] = frozenset()
    overtaken: frozenset[str] = frozenset()
    vanished: tuple[Vanished, ...] = ()
    orphans: frozenset[str] = frozenset()
    output: str = dataclasses.field(default="", repr=False)
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    aimed: tuple[Aimed, ...] = ()
    answers_lost: int = 0
    wrongs: tuple[str, ...] = ()
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    fired: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
