"""Metrics for Prometheus: counted from events, and read off the daemon when they are asked for.

A label is never a file's name: folders are those that are configured, hosts those that uploads may go to,
codes and events are the program's own, and a bound stands over what comes from elsewhere. docs/metrics.md has
them all. Import this late: the library costs some megabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.process_collector import ProcessCollector

from okdrop import events
from okdrop.observe.gauges import Gauges
from okdrop.observe.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.observe.gauges import InLedger, Sources

CODES: Final = 100
"""Different codes of trouble that are told apart; further ones are `other`."""

UPLOADS: Final = 10_000
"""Uploads under way of which it is remembered how many bytes were counted."""

_LEDGER_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_SCAN_BUCKETS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0)

_Hears: TypeAlias = "Callable[[events.Event], None]"


class Metrics:
    """A listener to events.

    Args:
        version: of okdrop.
        sources: what is read off when metrics are asked for.
        monotonic: seconds.
    """

    def __init__(self, *, version: str, sources: Sources, monotonic: Callable[[], float]) -> None:
        # A second series beside each counter, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types there
        self._registry: Final = CollectorRegistry(auto_describe=False)
        self._gauges: Final = Gauges(version=version, sources=sources)
        self._stages: Final = Stages(self._registry, monotonic)
        self._sent: Final[dict[int, int]] = {}
        self._codes: Final[set[str]] = set()
        self._registry.register(self._gauges)
        ProcessCollector(registry=self._registry)
        self._make_counters()
        self._heard: Final[dict[type[events.Event], _Hears]] = {
            events.UploadProgress: self._progress,
            events.UploadWhole: self._whole,
            events.SegmentStored: self._stored,
            events.UploadTrouble: self._trouble,
            events.ChoreTrouble: self._trouble,
            events.FolderScanned: self._scanned,
            events.FolderHinted: self._hinted,
            events.HintsLost: self._hints_lost,
            events.UploadFailed: self._failed,
            events.FilePassedOver: self._left,
            **dict.fromkeys(_ENDS, self._forget),
        }

    def _make_counters(self) -> None:
        registry = self._registry
        self._events = Counter("okdrop_events", "Events, as the log names them", ["event"], registry=registry)
        for name in _NAMES:
            self._events.labels(name)  # from 0 on, so that the first one is an increase
        self._bytes = Counter("okdrop_sent_bytes", "Bytes of videos put on the line", registry=registry)
        self._again = Counter(
            "okdrop_sent_again_bytes",
            "Bytes of whole uploads beyond their size: lost on the way, or to a ticket that was given up",
            registry=registry,
        )
        self._segments = Counter(
            "okdrop_stored_segments", "Segments that upload hosts acknowledged", registry=registry
        )
        self._stored_bytes = Counter(
            "okdrop_stored_bytes", "Bytes of the segments that upload hosts acknowledged", registry=registry
        )
        self._held = Counter(
            "okdrop_held_sent_again_bytes",
            "Bytes of acknowledged segments that were known to be held before the answer came",
            registry=registry,
        )
        self._retries = Counter(
            "okdrop_retries", "Tries that met passing trouble, by its code", ["code"], registry=registry
        )
        self._failures = Counter(
            "okdrop_failures", "Uploads that stopped for good, by the code", ["code"], registry=registry
        )
        self._make_folder_counters(registry)
        self._ledger = Histogram(
            "okdrop_ledger_seconds",
            "How long the ledger was waited for",
            ["operation"],
            buckets=_LEDGER_BUCKETS,
            registry=registry,
        )

    def _make_folder_counters(self, registry: CollectorRegistry) -> None:
        self._hints = Counter(
            "okdrop_folder_hints", "Paths that the kernel told of", ["folder"], registry=registry
        )
        self._losses = Counter(
            "okdrop_folder_hints_lost",
            "How often the kernel's word on a folder was lost, refused or missing",
            ["folder"],
            registry=registry,
        )
        self._passed_over = Counter(
            "okdrop_files_passed_over",
            "Files, and folders with all that is in them, that are left by the rules of their folder",
            ["folder", "rule"],
            registry=registry,
        )
        self._scans = Histogram(
            "okdrop_folder_scan_seconds",
            "Looks through a whole folder",
            ["folder"],
            buckets=_SCAN_BUCKETS,
            registry=registry,
        )

    def render(self, in_ledger: InLedger | None) -> tuple[bytes, str]:
        """All of them, in the form of Prometheus, and its content type.

        Args:
            in_ledger: what was read from the ledger for it; None: it cannot be read.
        """
        self._gauges.in_ledger = in_ledger
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def ledger_took(self, operation: str, seconds: float) -> None:
        """The ledger was waited for."""
        self._ledger.labels(operation).observe(seconds)

    def hear(self, event: events.Event) -> None:
        """Count what happened."""
        self._events.labels(event.name).inc()
        self._stages.hear(event)
        self._gauges.hear(event)
        if (hears := self._heard.get(type(event))) is not None:
            hears(event)

    # --- bytes ------------------------------------------------------------------------------------------

    def _progress(self, event: events.Event) -> None:
        if isinstance(event, events.UploadProgress):
            self._count(event.upload, event.sent, first=event.on_line)

    def _count(self, upload: int, sent: int, *, first: int) -> None:
        """So many bytes were sent of an upload in all; `first`: of them, if it was not heard of before."""
        before = self._sent.pop(upload, None)
        if before is None or before > sent:
            before = sent - first
        if len(self._sent) >= UPLOADS:
            del self._sent[next(iter(self._sent))]
        self._sent[upload] = sent
        self._bytes.inc(max(0, sent - before))

    def _whole(self, event: events.Event) -> None:
        if isinstance(event, events.UploadWhole):
            self._count(event.upload, event.bytes_sent, first=0)
            self._again.inc(max(0, event.bytes_sent - event.size))
            self._sent.pop(event.upload, None)

    def _stored(self, event: events.Event) -> None:
        if isinstance(event, events.SegmentStored):
            self._segments.inc()
            self._stored_bytes.inc(event.stop - event.start)
            self._held.inc(event.held)

    def _forget(self, event: events.Event) -> None:
        if isinstance(event, events.UploadEvent):
            self._sent.pop(event.upload, None)

    # --- trouble and folders ----------------------------------------------------------------------------

    def _trouble(self, event: events.Event) -> None:
        if isinstance(event, events.UploadTrouble | events.ChoreTrouble):
            self._retries.labels(self._bounded(event.code)).inc()

    def _failed(self, event: events.Event) -> None:
        if isinstance(event, events.UploadFailed):
            self._failures.labels(self._bounded(event.code)).inc()
            self._forget(event)

    def _bounded(self, code: str) -> str:
        if code not in self._codes and len(self._codes) < CODES:
            self._codes.add(code)
        return code if code in self._codes else "other"

    def _scanned(self, event: events.Event) -> None:
        if isinstance(event, events.FolderScanned):
            self._scans.labels(event.path).observe(event.seconds)

    def _left(self, event: events.Event) -> None:
        if isinstance(event, events.FilePassedOver):
            self._passed_over.labels(event.folder, event.rule).inc()

    def _hinted(self, event: events.Event) -> None:
        if isinstance(event, events.FolderHinted):
            self._hints.labels(event.path).inc(event.paths)

    def _hints_lost(self, event: events.Event) -> None:
        if isinstance(event, events.HintsLost):
            self._losses.labels(event.path).inc()


_ENDS: Final[tuple[type[events.Event], ...]] = (
    events.UploadCancelled,
    events.UploadSuperseded,
    events.UploadDuplicate,
)

_NAMES: Final = sorted(
    {
        kind.name
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, events.Event) and "name" in vars(kind)
    }
    - {events.Event.name}
)
