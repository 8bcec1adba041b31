"""What may happen in a storm, as frozen values: a schedule is a list of them, and prints as what it is.

A step waits for its moment, which is an event wherever one can be named, and then does its act.
"""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str


# --- moments ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """So many more bytes have come to the emulator since the step before."""

    bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The newest video of this file has some of its bytes, and not all; b"": that of any file."""

    name: bytes = b""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Some video has all its bytes, and OK has not decided about it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """So many more videos are published than at the step before."""

    videos: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """So many seconds have passed."""

    seconds: float


Moment: TypeAlias = Received | Sending | Whole | Published | Lapse


# --- acts ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A new file appears, or takes the place of one of that name.

    Args:
        name: below the watched folder.
        size: bytes.
        content: what the bytes grow from.
        way: "rename": whole from the first moment; "hold": it grows while its writer has it open;
            "reopen": its writer opens it for each piece.
        pieces: how many writes.
        pause: seconds between them.
    """

    name: bytes
    size: int
    content: int
    way: str = "rename"
    pieces: int = 1
    pause: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A file gets other bytes in place, from its first byte, by a writer who holds it open."""

    name: bytes
    size: int
    content: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A file goes by another name."""

    name: bytes
    to: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Truncate:
    """A file loses its end: this part of it stays."""

    name: bytes
    part: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """A file is removed."""

    name: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A file gets another time."""

    name: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The same bytes appear under a second name."""

    name: bytes
    to: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault of the emulator is switched on.

    Args:
        fault: its name.
        values: its parameters and trigger.
        aim: "sending": it strikes a video that is being sent, and no other; "whole": one that is whole and
            not confirmed; "": whatever comes.
    """

    fault: str
    values: tuple[tuple[str, Value], ...]
    aim: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The daemon ends, and is started again.

    Args:
        signal: "KILL" or "TERM".
        pause: seconds until it is started.
        fresh: seconds after which the one just started is killed as well, and started again; None: it is not.
        once: the one started is `run --once`.
    """

    signal: str
    pause: float
    fresh: float | None = None
    once: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """The emulator is killed, and is there again after so many seconds."""

    pause: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FullDisk:
    """Nothing more fits on the ledger's disk, for so many seconds."""

    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """The wall clock of the daemon is so many seconds off from now on."""

    offset: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeadToken:
    """The access token ends, and another one is in its file after so many seconds."""

    seconds: float


FileAct: TypeAlias = Drop | Rewrite | Rename | Truncate | Delete | Touch | Twin
Act: TypeAlias = FileAct | Strike | End | Crash | FullDisk | Jump | DeadToken


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """At its moment, its act."""

    at: Moment
    do: Act


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One storm.

    Args:
        seed: what it was drawn from, together with the mode.
        mode: how the emulator takes segments, `parallel` or `sequential`.
        after: what the folder says of published files.
        upload_mode: `renewable` or `multipart`.
        settle: seconds of quiet that are asked for.
        rate: bytes a second of one connection.
        steps: what happens, in this order.
    """

    seed: int
    mode: str
    after: str
    upload_mode: str
    settle: float
    rate: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}, {self.mode}: after={self.after}, upload.mode={self.upload_mode}, "
            f"settle={self.settle:g}, {self.rate:,} bytes a second"
        )
        return "\n".join((head, *(f"  {number:2} {step}" for number, step in enumerate(self.steps))))
