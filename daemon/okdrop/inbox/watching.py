"""How a folder is watched: by the kernel's events, by polling, or both. Decided here, and nowhere else.

    events     the kernel tells of what happens
    both       it tells of what this machine does; of what others do there, polling does
    polling    it tells of nothing, or cannot: the folder is looked through every `poll`
    scans      the same, but it was asked not to poll: the folder is looked through every `rescan`

What is seen by polling is what a scan sees, and a scan every `rescan` is there in every mode.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final

from okdrop.config.watch import Watching
from okdrop.events import shown
from okdrop.inbox.canary import Hear, Heard, listen
from okdrop.inbox.hints import NoHints, notifier
from okdrop.inbox.mounts import kind_of, remote_among

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.inbox.walk import Identity

ASKED_FOR: Final = 'as `watching = "poll"` asks for'

_SILENT_HINT: Final = (
    'nothing has to be done: the folder is polled; `watching = "poll"` says so from the beginning, without a'
    " probe"
)


class Silent(NoHints):
    """A watch can be had, but the kernel tells of nothing."""

    code = "silent"
    hint = _SILENT_HINT


class Mode(enum.StrEnum):
    """How a folder is watched."""

    EVENTS = "events"  #: by the kernel's events
    BOTH = "both"  #: by the kernel's events, and by polling for what other machines write
    POLLING = "polling"  #: by polling alone
    SCANS = "scans"  #: by a scan every `rescan` alone


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a folder is watched, and why not by events alone."""

    mode: Mode
    why: str = ""

    @property
    def polls(self) -> bool:
        """Whether the folder is polled."""
        return self.mode in {Mode.BOTH, Mode.POLLING}

    def in_words(self, poll: float) -> str:
        """The same for a person; `poll` is in seconds."""
        match self.mode:
            case Mode.EVENTS:
                return "kernel events"
            case Mode.BOTH:
                return f"kernel events, and polling every {poll:g} s, since {self.why}"
            case Mode.POLLING:
                return f"polling every {poll:g} s: {self.why}"
            case Mode.SCANS:
                return f"scans only: {self.why}"


def decide(wanted: Watching, *, refusal: str = "", remote: bytes = b"") -> Way:
    """Choose how a folder is watched.

    Args:
        wanted: by whoever configured it.
        refusal: why the kernel's events cannot be had, or cannot be relied on; "": they can.
        remote: the type of the file system, where other machines may write to it unseen.
    """
    if wanted is Watching.POLL:
        return Way(mode=Mode.POLLING, why=ASKED_FOR)
    if wanted is Watching.EVENTS:
        return Way(mode=Mode.SCANS, why=refusal) if refusal else Way(mode=Mode.EVENTS)
    if refusal:
        return Way(mode=Mode.POLLING, why=refusal)
    if remote:
        return Way(mode=Mode.BOTH, why=f"other machines may write here unseen ({shown(remote)})")
    return Way(mode=Mode.EVENTS)


def devices_of(folders: Mapping[bytes, Identity]) -> dict[int, bytes]:
    """Of each device that these folders lie on the one with the shortest path."""
    return {folders[path][0]: path for path in sorted(folders, key=len, reverse=True)}


def prove(devices: Mapping[int, bytes], hear: Hear = listen) -> None:
    """Make sure that the kernel tells of what happens on each of these devices; blocks.

    Args:
        devices: device → a folder on it.
        hear: does something in a folder, and listens.

    Raises:
        Silent: it does not.
        NoHints: a watch cannot be had, or the folder cannot be probed for a reason that nobody foresaw.
    """
    for device, folder in devices.items():
        try:
            heard = hear(folder)
        except OSError as error:
            reason = f"{shown(folder)} cannot be probed: {error.strerror or error}"
            raise NoHints(reason) from error
        if heard is Heard.NO:
            kind = shown(kind_of(device)) or "an unknown file system"
            raise Silent(f"the kernel tells of nothing that happens in {shown(folder)} ({kind})")


def look(wanted: Watching, folders: Mapping[bytes, Identity]) -> Way:
    """Find out how these folders would be watched; begins a watch and lets it go. Blocks."""
    if wanted is Watching.POLL:
        return decide(wanted)
    devices = devices_of(folders)
    try:
        notifier(folders).close()
        if wanted is Watching.AUTO:
            prove(devices)
    except NoHints as refusal:
        return decide(wanted, refusal=refusal.message)
    return decide(wanted, remote=remote_among(devices))
