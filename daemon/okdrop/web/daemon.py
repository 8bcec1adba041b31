"""What of the daemon is asked and told over HTTP: handed over once, by the composition root."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from okdrop.config.bandwidth import Bandwidth
    from okdrop.drop import Upload
    from okdrop.ledger import Ledger, Reader
    from okdrop.web.looks import Looks
    from okdrop.web.space import Space


class Standing(Protocol):
    """How many uploads are being worked on, and how many wait."""

    @property
    def in_hand(self) -> int:
        """Being worked on."""

    @property
    def waiting(self) -> int:
        """Waiting for their turn, or for their next try."""


class FolderHealth(Protocol):
    """How a folder does, as far as it was told of."""

    @property
    def scanned_at(self) -> datetime | None:
        """When the last look through all of it ended."""

    @property
    def scan_seconds(self) -> float | None:
        """How long that took."""

    @property
    def writers(self) -> str:
        """Whether writers can be seen there, in words."""

    @property
    def away(self) -> str:
        """Why it is waited for; "" where it is there."""

    @property
    def hint(self) -> str:
        """What to do about that."""


class Condition(Protocol):
    """What stands in the way."""

    @property
    def troubles(self) -> list[str]:
        """What is wrong, in words."""

    @property
    def ledger_is_stuck(self) -> bool:
        """Whether the ledger cannot be written, and is waited for."""

    @property
    def watched(self) -> Mapping[str, tuple[str, str]]:
        """How each folder is watched that was looked through: a word, and in words."""

    @property
    def reasons(self) -> list[str]:
        """Why it cannot do what it is there for; empty where it can."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """The daemon, as it is seen from here.

    `videos_at` is what a video's id is put behind to see it, "" where nobody knows.
    `began_at` is when it was started, `now` gives aware times.
    `ledger` is the daemon's own, `looks` are for looks beside it.
    `log_level` is of which level and above lines are written, by the configuration.
    `limits` are the limits that are configured: of all (""), and of each watched folder.
    `quotas` tells by the ledger how many posts a day there may be, of all and of folders, and were.
    `standing` and `condition` tell how it stands, `is_stuck` whether nothing moves though something could,
    `accounts` how each account does, `hosts` how each host is sent to, `folders` how a folder does, by its
    path as events show it, and `space` how much room there is.
    `sending` tells where the bytes of uploads under way are; `speeds` how many left in each step of the last
    hour, and how many seconds of the last one have passed.
    `cover` reads the image beside a video, as it is now, where one is there that a cover may be; it blocks.
    `files` tells of the files that are not finished yet, of so many at most each by itself.
    `ordered` is called after an order about an upload, `decided` after a pause or a limit was written.
    `metrics` gives them in the form of Prometheus, with its content type.
    """

    version: str
    videos_at: str
    began_at: datetime
    now: Callable[[], datetime]
    ledger: Ledger
    looks: Looks
    log_level: str
    limits: Mapping[str, Bandwidth]
    quotas: Callable[[Reader], list[dict[str, Any]]]
    standing: Callable[[], Standing]
    condition: Condition
    is_stuck: Callable[[], bool]
    accounts: Callable[[], list[dict[str, Any]]]
    hosts: Callable[[], list[dict[str, Any]]]
    folders: Callable[[str], FolderHealth]
    space: Space
    sending: Callable[[], list[dict[str, Any]]]
    speeds: Callable[[], tuple[list[int], float]]
    cover: Callable[[Upload], bytes | None]
    files: Callable[[int], dict[str, Any]]
    ordered: Callable[[], object]
    decided: Callable[[], Awaitable[None]]
    metrics: Callable[[], Awaitable[tuple[bytes, str]]]
