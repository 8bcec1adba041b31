"""The whole process: started, halted, offline, its ledger, its end."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted(Event):
    """The process is up."""

    name: ClassVar = "service.started"
    version: str
    folders: int
    once: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeysUnheeded(Event):
    """Keys of the configuration are set that this version does not heed."""

    name: ClassVar = "service.unheeded"
    level: ClassVar = "warning"
    settings: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NothingResumes(Event):
    """Files go in one request each: what is cut starts anew, and none may have more bytes than `largest`."""

    name: ClassVar = "service.nothing_resumes"
    level: ClassVar = "warning"
    largest: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReady(Event):
    """The ledger is open, and every folder that is there was looked through once."""

    name: ClassVar = "service.ready"
    unfinished: int  #: uploads that an earlier run left, taken up again
    seconds: float
    web: str = ""  #: where HTTP is answered; "" where it is switched off


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthChanged(Event):
    """This limit holds for what is sent, in bytes a second, from the start or from now on; 0: none does."""

    name: ClassVar = "service.bandwidth"
    folder: str  #: whose limit it is; "" for the process's
    rate: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthSet(Event):
    """A person set another limit for what is sent, or took it back; it holds at once."""

    name: ClassVar = "service.bandwidth_set"
    folder: str  #: whose limit it is; "" for all that is sent
    limit: str  #: a rate or a timetable; "off" for none
    by_hand: bool  #: whether it stands above the configuration; else that is what holds again


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogLevelSet(Event):
    """A person has other lines written, or that is over; it is told whatever the level is."""

    name: ClassVar = "service.log_level"
    least: str  #: lines of this level and above are written from now on
    by_hand: bool  #: whether it stands above the configuration; else that is what holds again
    until: str = ""  #: when that ends by itself, RFC 3339; "" for never


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServicePaused(Event):
    """A person asked for a pause: nothing new begins, segments under way may land."""

    name: ClassVar = "service.paused"
    level: ClassVar = "warning"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResumed(Event):
    """The pause that a person asked for is over."""

    name: ClassVar = "service.resumed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReloaded(Event):
    """SIGHUP: the credentials were read again; other keys of the configuration need a restart."""

    name: ClassVar = "service.reloaded"
    changed: bool
    account: str = ""  #: whose; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCrashed(Event):
    """A bug, or a fault that nobody foresaw: the process ends with exit code 1; please report it."""

    name: ClassVar = "service.crashed"
    level: ClassVar = "error"
    message: str
    traceback: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPruned(Event):
    """Steps of uploads that came to their end long ago were forgotten; what they came to was not."""

    name: ClassVar = "ledger.pruned"
    steps: int
    before: str  #: when the youngest of those uploads was written last, at most; RFC 3339


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopped(Event):
    """The process ends."""

    name: ClassVar = "service.stopped"
    published: int
    failed: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrainStarted(Event):
    """A signal asked us to stop: nothing new begins, segments under way may land."""

    name: ClassVar = "service.draining"
    signal: str
    timeout: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PoolHalted(Event):
    """Credentials or a permission are missing: all of an account waits, nothing fails."""

    name: ClassVar = "pool.halted"
    level: ClassVar = "error"
    code: str
    message: str
    hint: str
    account: str = ""  #: whose; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PoolResumed(Event):
    """What halted an account is mended: everything of it goes on."""

    name: ClassVar = "pool.resumed"
    code: str  #: of the halt
    reason: str
    seconds: float
    account: str = ""  #: whose; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsRenewed(Event):
    """Other credentials were found on disk, and OK accepts them; they are in use now."""

    name: ClassVar = "credentials.renewed"
    account: str = ""  #: whose; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsRefused(Event):
    """Other credentials were found on disk, and OK refuses them."""

    name: ClassVar = "credentials.refused"
    level: ClassVar = "warning"
    code: str
    message: str
    hint: str
    account: str = ""  #: whose; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsUnreadable(Event):
    """The configuration cannot be read just now; the credentials in use stay."""

    name: ClassVar = "credentials.unreadable"
    level: ClassVar = "warning"
    message: str
    account: str = ""  #: whose; "" is that of `[ok]`


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOffline(Event):
    """Nobody can be reached; the tries go on and are not told one by one."""

    name: ClassVar = "network.offline"
    level: ClassVar = "warning"
    since: str  #: RFC 3339, in UTC
    host: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOnline(Event):
    """Somebody was reached again."""

    name: ClassVar = "network.online"
    seconds: float  #: how long nobody was
    tries: int  #: how many tries were not told one by one


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogLost(Event):
    """Lines of the log were lost in this place: nobody read on, or they could not be written."""

    name: ClassVar = "log.lost"
    level: ClassVar = "warning"
    lines: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStuck(Event):
    """The ledger cannot be written; everything that depends on it waits, and nothing is lost."""

    name: ClassVar = "ledger.stuck"
    level: ClassVar = "error"
    code: str
    message: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LedgerWritable(Event):
    """The ledger can be written again; what waited goes on."""

    name: ClassVar = "ledger.writable"
    seconds: float
