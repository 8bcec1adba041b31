"""What an upload tells as it goes, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop import events
from okdrop.drop import Mode
from okdrop.errors import Doubt, Trouble
from okdrop.pipeline.sessions import place_of
from okdrop.pipeline.tidings import Tidings
from okdrop.protocol import messages as m
from okdrop.protocol.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench

REFUSED = Trouble("HTTP 503", code="http_503")
OFTEN = 20


async def test_trouble_of_a_place_is_told_to_its_breaker_and_success_ends_it(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up()
    breakers = bench.parts.breakers
    for upload in range(OFTEN):
        Tidings(bench.parts, upload).segment_answered("vu.example", REFUSED)
    assert breakers.ill("vu.example") == "vu.example"
    bench.clock.ahead += 3600
    assert breakers.holds(1, "vu.example") == "", "one may try"
    Tidings(bench.parts, 1).segment_answered("vu.example", None)
    assert breakers.ill("vu.example") == ""


async def test_what_is_not_the_places_doing_is_not_told_to_it(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up()
    for upload in range(OFTEN):
        Tidings(bench.parts, upload).segment_answered("", REFUSED)
        Tidings(bench.parts, upload).probe_answered("vu.example", Doubt("the account lacks bytes"))
    assert bench.parts.breakers.ill("", "vu.example") == ""


async def test_listeners_hear_of_the_host_by_name_and_of_no_url(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up()
    ticket = await bench.parts.client.request_ticket(file_name="clip.mp4", size=1 << 20, group_id="")
    tidings = Tidings(bench.parts, 7)
    tidings.ticket_issued(ticket, number=2)
    tidings.mode_proven(ticket, m.Finding(mode=Mode.PARALLEL, reason="it was seen"))
    tidings.resumed(received=5, size=9)
    tidings.segment_stored(ByteRange(5, 9), received=9, size=9, held=1)
    issued = events.TicketIssued(upload=7, video_id=ticket.video_id, host="127.0.0.1", number=2)
    assert bench.told(events.TicketIssued) == [issued]
    proven = events.ModeProven(upload=7, host="127.0.0.1", mode="parallel", reason="it was seen")
    assert bench.told(events.ModeProven) == [proven]
    assert bench.told(events.UploadResumed) == [events.UploadResumed(upload=7, received=5, size=9)]
    stored = events.SegmentStored(upload=7, start=5, stop=9, received=9, size=9, held=1)
    assert bench.told(events.SegmentStored) == [stored]
    assert place_of(ticket) in ticket.upload_url
