"""What is read off the daemon when metrics are asked for: how it stands at that moment."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from okdrop import events
from okdrop.observe.families import labelled, one
from okdrop.observe.folder_gauges import FolderGauges

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from okdrop.drop import State

PLACES: Final = 256
"""Places whose breakers are told of; the one that was heard of longest ago is forgotten."""

CLOSED, HALF_OPEN, OPEN = 0, 1, 2


class Standing(Protocol):
    """How many uploads are being worked on, and how many wait."""

    @property
    def in_hand(self) -> int:
        """Being worked on."""

    @property
    def waiting(self) -> int:
        """Waiting for their turn, or for their next try."""

    @property
    def due(self) -> int:
        """Of those, waiting for nothing but for a worker."""

    @property
    def closed(self) -> int:
        """Of those, whole, and waiting for hours or for another day."""


class HostPace(Protocol):
    """How one host is sent to."""

    @property
    def host(self) -> str:
        """Its name, with its port where the URL names one."""

    @property
    def connections(self) -> int:
        """Segments at once."""

    @property
    def in_flight(self) -> int:
        """Segments on their way."""

    @property
    def segment_size(self) -> int:
        """Bytes."""

    @property
    def goodput(self) -> float:
        """Bytes a second."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the present is read off.

    `limits` gives folder ("" for all) → bytes a second, None for no limit; `accepted` the accounts whose
    credentials OK accepted once, `ends` when their tokens end, where that is known; `ready` whether nothing
    keeps it from its work; `still_for` for how many seconds nothing moved though something could; `now`
    aware times.
    """

    standing: Callable[[], Standing]
    hosts: Callable[[], Sequence[HostPace]]
    limits: Callable[[], Mapping[str, int | None]]
    accepted: Callable[[], Collection[str]]
    ends: Callable[[], Mapping[str, datetime]]
    ready: Callable[[], bool]
    still_for: Callable[[], float]
    now: Callable[[], datetime]
    files: Callable[[], Mapping[str, int]] = dict  #: reason → files that are not finished yet


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InLedger:
    """What was read from the ledger."""

    counts: Mapping[State, int]
    held: int
    orphans: int
    orphans_given_up: int
    oldest_open: datetime | None


class Gauges(Collector):
    """A listener to events, and a collector.

    Args:
        version: of okdrop.
        sources: where the present is read off.
    """

    def __init__(self, *, version: str, sources: Sources) -> None:
        self._version: Final = version
        self._sources: Final = sources
        self._places: Final[dict[str, int]] = {}
        self._folders: Final = FolderGauges(sources.now)
        self._halted: Final[dict[str, str]] = {}  # account → code
        self._is = dict.fromkeys(("paused", "offline", "ledger_stuck"), False)
        self._progress = 0.0
        self._published = 0.0
        self.in_ledger: InLedger | None = None

    # --- heard ------------------------------------------------------------------------------------------

    def hear(self, event: events.Event) -> None:
        """Take note of what lasts."""
        match event:
            case events.BreakerOpened() | events.BreakerStaysOpen():
                self._place(event.place, OPEN)
            case events.BreakerHalfOpen():
                self._place(event.place, HALF_OPEN)
            case events.BreakerClosed():
                self._place(event.place, CLOSED)
            case events.PoolHalted(code=code, account=account):
                self._halted[account] = code
            case events.PoolResumed(account=account):
                self._halted.pop(account, None)
            case events.SegmentStored():
                self._progress = self._sources.now().timestamp()
            case _:
                self._hear_more(event)

    def _hear_more(self, event: events.Event) -> None:
        match event:
            case events.UploadPublished():
                self._published = self._sources.now().timestamp()
            case events.ServicePaused() | events.ServiceResumed():
                self._is["paused"] = isinstance(event, events.ServicePaused)
            case events.NetworkOffline() | events.NetworkOnline():
                self._is["offline"] = isinstance(event, events.NetworkOffline)
            case events.LedgerStuck() | events.LedgerWritable():
                self._is["ledger_stuck"] = isinstance(event, events.LedgerStuck)
            case _:
                self._folders.hear(event)

    def _place(self, place: str, state: int) -> None:
        self._places.pop(place, None)
        if len(self._places) >= PLACES:
            del self._places[next(iter(self._places))]
        self._places[place] = state

    # --- told -------------------------------------------------------------------------------------------

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Everything, as it is now."""
        yield labelled("okdrop_build_info", "Which okdrop this is", "version", {self._version: 1})
        yield from self._work()
        yield from self._hosts()
        yield from self._states()
        yield from self._folders.collect()
        yield from self._from_ledger()

    def _work(self) -> Iterator[GaugeMetricFamily]:
        standing = self._sources.standing()
        yield one("okdrop_uploads_in_hand", "Uploads that are being worked on", standing.in_hand)
        yield one("okdrop_uploads_waiting", "Uploads that wait for their turn", standing.waiting)
        yield one("okdrop_uploads_due", "Of those, such as wait for nothing but for a worker", standing.due)
        yield one(
            "okdrop_uploads_outside_hours",
            "Of those, whole ones that wait for hours, or for another day",
            standing.closed,
        )
        files = self._sources.files()
        yield labelled("okdrop_files_waiting", "Files that are not finished, by the reason", "reason", files)
        yield one(
            "okdrop_last_stored_timestamp_seconds",
            "When a segment was acknowledged last; 0: none in this process",
            self._progress,
        )
        yield one(
            "okdrop_last_published_timestamp_seconds",
            "When a video was published last; 0: none in this process",
            self._published,
        )
        limits = {
            _name(folder): math.inf if rate is None else rate
            for folder, rate in self._sources.limits().items()
        }
        yield labelled(
            "okdrop_bandwidth_limit_bytes_per_second",
            'What may be sent; "" is all uploads together, +Inf no limit',
            "folder",
            limits,
        )

    def _hosts(self) -> Iterator[GaugeMetricFamily]:
        hosts = self._sources.hosts()
        for name, says, field in (
            ("connections", "Segments at once", "connections"),
            ("segments_in_flight", "Segments on their way", "in_flight"),
            ("segment_bytes", "How much goes in one segment", "segment_size"),
            ("goodput_bytes_per_second", "What was stored a second, lately", "goodput"),
        ):
            values = {host.host: getattr(host, field) for host in hosts}
            yield labelled(f"okdrop_host_{name}", f"{says}, by upload host", "host", values)

    def _states(self) -> Iterator[GaugeMetricFamily]:
        yield one("okdrop_ready", "Whether it can do what it is there for", self._sources.ready())
        yield one(
            "okdrop_still_seconds",
            "For how long nothing has moved though something could; 0 where nothing has to",
            self._sources.still_for(),
        )
        yield one("okdrop_paused", "Whether a person asked for a pause", self._is["paused"])
        yield one("okdrop_offline", "Whether nobody can be reached", self._is["offline"])
        yield one("okdrop_ledger_stuck", "Whether the ledger cannot be written", self._is["ledger_stuck"])
        yield from self._accounts()
        yield labelled(
            "okdrop_breaker_state",
            "0 closed, 1 half-open, 2 open; places that were never in trouble have none",
            "place",
            self._places,
        )

    def _accounts(self) -> Iterator[GaugeMetricFamily]:
        """An account is one of the configuration, or of a row; "" is that of `[ok]`."""
        halted = GaugeMetricFamily(
            "okdrop_halted",
            "1 with the code of what halts an account; no series where nothing does",
            labels=["code", "account"],
        )
        for account, code in self._halted.items():
            halted.add_metric([code, account], 1.0)
        yield halted
        asked = [*self._halted, *(name for name in self._sources.accepted() if name not in self._halted)]
        yield labelled(
            "okdrop_credentials_accepted",
            "Whether OK accepts the credentials of an account; missing before it was asked",
            "account",
            {name: name not in self._halted for name in asked},
        )
        yield labelled(
            "okdrop_access_token_expiry_timestamp_seconds",
            "When the access token of an account ends; missing where nobody said so",
            "account",
            {account: end.timestamp() for account, end in self._sources.ends().items()},
        )

    def _from_ledger(self) -> Iterator[GaugeMetricFamily]:
        found = self.in_ledger
        yield one("okdrop_ledger_readable", "Whether the ledger could be read for this", found is not None)
        if found is None:
            return
        states = {state.value: count for state, count in found.counts.items()}
        yield labelled("okdrop_uploads", "Uploads, by state", "state", states)
        yield one("okdrop_uploads_held", "Uploads that wait for okdrop go", found.held)
        orphans = {"waiting": found.orphans, "given_up": found.orphans_given_up}
        yield labelled("okdrop_orphans", "Empty entries that are left at OK", "kind", orphans)
        age = 0.0
        if found.oldest_open is not None:
            age = max(0.0, (self._sources.now() - found.oldest_open).total_seconds())
        yield one("okdrop_oldest_upload_seconds", "Age of the upload that is open for the longest time", age)


def _name(folder: str) -> str:
    return events.shown(folder.encode("utf-8", "surrogateescape"))
