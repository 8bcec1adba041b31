"""How far an upload has come: told as bytes leave, not too often, and never more than there is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from okdrop import events
from okdrop.pipeline.meter import TELL_EVERY, Meter
from pipeline.bench import SIZE

if TYPE_CHECKING:
    from pipeline.bench import Bench


@dataclasses.dataclass
class Counts:
    size: int = 1000
    received: int = 0
    sent: int = 0


def test_bytes_on_the_line_are_those_of_requests_that_have_no_answer_yet() -> None:
    told: list[events.Event] = []
    now, counts = [0.0], Counts()
    meter = Meter(told.append, lambda: now[0], upload=7, counted=counts)
    meter.handed("a", 100)
    now[0] += TELL_EVERY
    counts.sent = 150
    meter.handed("b", 50)
    now[0] += TELL_EVERY
    meter.landed("a")
    meter.landed("never begun")
    counts.received, counts.sent = 100, 160
    meter.handed("b", 10)
    assert told == [
        events.UploadProgress(upload=7, received=0, on_line=100, sent=0, size=1000),
        events.UploadProgress(upload=7, received=0, on_line=150, sent=150, size=1000),
        events.UploadProgress(upload=7, received=100, on_line=60, sent=160, size=1000),
    ]


def test_it_speaks_a_few_times_a_second_however_many_blocks_leave() -> None:
    told: list[events.Event] = []
    now = [0.0]
    meter = Meter(told.append, lambda: now[0], upload=7, counted=Counts())
    for _ in range(1000):
        meter.handed("a", 1)
        now[0] += 0.001
    assert len(told) == 1 / TELL_EVERY


async def test_an_upload_tells_of_bytes_before_a_whole_segment_is_acknowledged(bench: Bench) -> None:
    row = await bench.taken()
    await bench.uploader.upload(row.id)
    first = bench.told(events.UploadProgress)[0]
    assert (first.upload, first.size) == (row.id, SIZE)
    assert (first.received, first.on_line > 0, first.sent) == (0, True, first.on_line)
    kinds = [type(event) for event in bench.events]
    assert kinds.index(events.UploadProgress) < kinds.index(events.SegmentStored)
