"""One upload in the hands of a worker: what the ledger knows, and when it knows it."""

from __future__ import annotations

import dataclasses
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.config.bandwidth import Bandwidth
from okdrop.drop import TICKETS_PER_REVISION, Mode, State
from okdrop.errors import GaveUp, Halted, SourceChanged, Trouble
from okdrop.inbox.source import Source
from okdrop.ledger import StaleVersion
from okdrop.pipeline import Brake, Pacing, Throttle
from okdrop.pipeline.attempt import DRAINED, WHOLE, Attempt
from okdrop.pipeline.patience import LONGEST, Released
from okdrop.pipeline.sessions import places_of
from okdrop.pipeline.slots import Slot
from okdrop.pipeline.throttle import CREDIT
from okdrop.protocol import messages as m
from okdrop.protocol.breaker import FAILURES
from okdrop.protocol.pace import FIRST_LEVEL, MIB
from okdrop.protocol.ranges import ByteRange
from okdrop.protocol.session import Session
from pipeline.bench import SEGMENT, SIZE, after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from okdrop.drop import Upload
    from okdrop.pipeline import Parts
    from pipeline.bench import Bench


async def begun(bench: Bench, row: Upload | None = None, parts: Parts | None = None) -> Attempt:
    """An attempt as the uploader begins it."""
    row = row or await bench.taken()
    if row.state is State.QUEUED:
        row = await bench.ledger.write(row.to(State.UPLOADING, attempts=1))
    return Attempt(parts or bench.parts, row, await Source.open(row.drop.path, row.drop.revision), Slot())


async def test_whole(bench: Bench) -> None:
    attempt = await begun(bench)
    assert await attempt.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["held_bytes_resent"]) == (True, 0)
    assert attempt.row.ticket is not None
    assert attempt.row.ticket.video_id == video["id"]
    assert (attempt.row.received, attempt.row.bytes_sent, attempt.row.offered_all) == (SIZE, SIZE, True)
    assert attempt.row.mode is Mode.PARALLEL
    assert await bench.ledger.host_mode("127.0.0.1") is Mode.PARALLEL
    assert attempt.homeless_video == ""
    (issued,) = bench.told(events.TicketIssued)
    assert (issued.host, issued.number) == ("127.0.0.1", 1)
    assert sum(told.stop - told.start for told in bench.told(events.SegmentStored)) == SIZE


async def test_of_a_segment_that_came_in_late_it_is_told_how_much_was_held_before(bench: Bench) -> None:
    attempt = await begun(bench)
    session = attempt._session
    session.next_steps()
    session.ticket_issued(Mode.PARALLEL)
    first, second, *_ = [step.span for step in session.next_steps() if isinstance(step, m.SendSegment)]
    assert isinstance(session, Session)
    session._belief.held |= ByteRange(first.start, first.start + 1000)  # as an account says meanwhile
    for span in (first, second):
        assert attempt._segment_answered("", span, m.Stored()) is None
    assert [told.held for told in bench.told(events.SegmentStored)] == [1000, 0]


async def test_the_ticket_is_in_the_ledger_before_the_first_byte_leaves(bench: Bench) -> None:
    attempt = await begun(bench)
    seen: list[tuple[bool, bool]] = []

    def look(video: str) -> None:
        written = bench.written(attempt.row.id)
        seen.append(
            (written.ticket is not None, written.ticket is not None and written.ticket.video_id == video)
        )

    bench.faults.taps["segment"] = look
    assert await attempt.run() == WHOLE
    assert seen
    assert set(seen) == {(True, True)}


async def test_that_every_byte_was_offered_is_in_the_ledger_before_the_last_leaves(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(connections=1)
    attempt = await begun(bench)
    seen: list[bool] = []
    bench.faults.taps["segment"] = lambda _video: seen.append(bench.written(attempt.row.id).offered_all)
    assert await attempt.run() == WHOLE
    assert seen == [False] * (SIZE // SEGMENT - 1) + [True]


async def test_a_drain_stops_at_the_segments_end_and_the_rest_is_sent_later(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(connections=1)
    attempt = await begun(bench)
    heads: list[str] = []

    def second(video: str) -> None:
        heads.append(video)
        if len(heads) == 2:
            bench.parts.brake.pull()

    bench.faults.taps["segment"] = second
    assert await attempt.run() == DRAINED
    (video,) = bench.emulator.videos()
    assert video["ranges"] == [[0, 2 * SEGMENT]]
    assert attempt.row.received == 2 * SEGMENT
    row = await bench.ledger.write(attempt.row)
    resumed = await begun(bench, row, dataclasses.replace(bench.parts, brake=Brake()))
    assert await resumed.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["received"]) == (True, SIZE)
    (told,) = bench.told(events.UploadResumed)
    assert told.received == 2 * SEGMENT


async def test_a_pulled_brake_lets_nothing_begin(bench: Bench) -> None:
    attempt = await begun(bench)
    bench.parts.brake.pull()
    assert await attempt.run() == DRAINED
    assert bench.emulator.videos() == []


async def test_a_ticket_that_comes_while_draining_is_kept(bench: Bench) -> None:
    attempt = await begun(bench)
    bench.faults.taps["video.getUploadUrl"] = lambda _video: bench.parts.brake.pull()
    assert await attempt.run() == DRAINED
    (video,) = bench.emulator.videos()
    assert attempt.homeless_video == video["id"]
    row = await bench.ledger.write(attempt.row)
    assert row.ticket is not None
    assert (row.ticket.video_id, row.tickets, video["held"]) == (video["id"], 1, 0)


async def test_another_write_of_the_row_ends_it_plainly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = await begun(bench)
    number = attempt.row.id
    after(
        monkeypatch,
        bench.parts.client,
        "request_ticket",
        1,
        lambda: bench.orders(number, State.CANCELLED),
    )
    with pytest.raises(StaleVersion) as stale:
        await attempt.run()
    assert stale.value.current.state is State.CANCELLED
    (video,) = bench.emulator.videos()
    assert attempt.homeless_video == video["id"]
    assert video["held"] == 0


async def test_trouble_is_in_the_ledger_and_passes(bench: Bench) -> None:
    attempt = await begun(bench)
    seen: list[Upload] = []
    bench.faults.taps["status"] = lambda _video: seen.append(bench.written(attempt.row.id))
    with bench.faults.active("error_500_before_storing", times=1):
        assert await attempt.run() == WHOLE
    assert (seen[0].troubles, seen[0].attempts) == (1, 2)
    assert seen[0].retry_at is not None
    (told,) = bench.told(events.UploadTrouble)
    assert (told.code, told.attempt) == ("http_500", 2)
    assert told.delay == pytest.approx(0.005)
    assert (attempt.row.troubles, attempt.row.retry_at) == (0, None)
    assert any(step.note.startswith("http_500") for step in await bench.ledger.history(attempt.row.id))


async def test_a_long_wait_is_not_waited_out_with_the_upload_in_hand(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(max_delay=300.0)
    attempt = await begun(bench)
    with bench.faults.active("api_error", code=777, method="video.getUploadUrl"):
        assert await attempt.run() == Released(300.0)
    assert LONGEST < 300.0
    written = bench.written(attempt.row.id)
    assert (written.troubles, written.attempts) == (1, 2)
    assert written.retry_at is not None
    assert timedelta(seconds=290) < written.retry_at - bench.clock.now() <= timedelta(seconds=300)


async def test_a_lost_answer_costs_no_byte_that_ok_holds(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("lost_answer", after=2, times=2):
        assert await attempt.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["held_bytes_resent"]) == (True, 0)


async def test_an_expired_url_costs_a_ticket_and_leaves_an_orphan(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("expire_url", after=2, times=1):
        assert await attempt.run() == WHOLE
    first, second = bench.emulator.videos()
    assert await bench.ledger.orphans() == [first["id"]]
    assert attempt.row.ticket is not None
    assert (attempt.row.ticket.video_id, attempt.row.tickets) == (second["id"], 2)
    (told,) = bench.told(events.TicketAbandoned)
    assert told.video_id == first["id"]


async def test_urls_that_always_expire_end_it(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("expire_url"):
        outcome = await attempt.run()
    assert isinstance(outcome, GaveUp)
    assert outcome.code == "ticket_expired"
    assert len(bench.emulator.videos()) == 5


async def test_dead_credentials_halt(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("expire_session"):
        outcome = await attempt.run()
    assert isinstance(outcome, Halted)
    assert outcome.code == "api_102"


async def test_a_file_that_changes_on_the_way_is_not_stitched(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(connections=1)
    attempt = await begun(bench)
    heads: list[str] = []

    def second(video: str) -> None:
        heads.append(video)
        if len(heads) == 2:
            os.utime(bench.folder / "a.mp4", ns=(1, 1))

    bench.faults.taps["segment"] = second
    outcome = await attempt.run()
    assert isinstance(outcome, SourceChanged)
    assert outcome.code == "source_changed"
    assert bench.emulator.videos()[0]["whole"] is False


async def test_nothing_that_is_told_names_the_upload_url(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("expire_url", after=1, times=1), bench.faults.active("lost_answer", times=1):
        assert await attempt.run() == WHOLE
    notes = [step.note for step in await bench.ledger.history(attempt.row.id)]
    for video in bench.emulator.videos():
        signature = video["upload_url"].partition("sig=")[2].partition("&")[0]
        assert signature
        assert signature not in repr(bench.events)
        assert signature not in repr(notes)
        assert signature not in repr(attempt.row)


def busy_for_a_while(monkeypatch: pytest.MonkeyPatch, method: str, times: int) -> None:
    """Let looks at a source meet a mount that hangs, the first few times."""
    real, left = getattr(Source, method), [times]

    async def check(*arguments: object, **more: object) -> object:
        if left[0]:
            left[0] -= 1
            raise Trouble("the mount hangs", code="source_busy")
        return await real(*arguments, **more)

    monkeypatch.setattr(Source, method, check)


@pytest.mark.parametrize("times", [1, 5])
async def test_a_source_that_is_busy_between_segments_is_read_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    attempt = await begun(bench)
    busy_for_a_while(monkeypatch, "check", times)
    assert await attempt.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["held_bytes_resent"]) == (True, 0)


async def test_a_host_in_trouble_is_asked_more_and_more_seldom(bench: Bench) -> None:
    """Its probes are answered all the while: an answered question is no progress."""

    def pull_at_the_sixth(event: events.Event) -> None:
        bench.parts.emit(event)
        if len(bench.told(events.UploadTrouble)) == 6:
            bench.parts.brake.pull()

    attempt = await begun(bench, parts=dataclasses.replace(bench.parts, emit=pull_at_the_sixth))
    with bench.faults.active("error_500_before_storing"):
        assert await attempt.run() == DRAINED
    assert attempt.row.troubles >= 6


async def test_a_dead_url_is_not_followed_by_a_new_one_at_once(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("expire_url"):
        await attempt.run()
    delays = [told.delay for told in bench.told(events.UploadTrouble)]
    *others, last = delays
    assert len(others) == TICKETS_PER_REVISION - 1
    assert min(others) >= bench.parts.backoff.first_delay
    assert last == 0.0  # none follows it


async def test_the_tries_of_one_error_are_not_used_up_by_another(bench: Bench) -> None:
    attempt = await begun(bench)
    busy = bench.faults.active("api_error", code=2, method="video.getUploadUrl", times=7)
    odd = bench.faults.active("api_error", code=777, method="video.getUploadUrl", times=1)
    with busy, odd:
        assert await attempt.run() in {WHOLE, Released(bench.parts.backoff.max_delay)}


async def test_the_bounds_of_a_ticket_hold_though_the_worker_lets_it_go_in_between(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(first_delay=6.0, max_delay=6.0)
    attempt = await begun(bench)
    with bench.faults.active("error_500_before_storing", times=1):
        assert await attempt.run() == Released(6.0)
    row = attempt.row
    with bench.faults.active("refuse", status=412, method="status"):
        for tried in (1, 2):
            row = await bench.ledger.write(row)
            attempt = await begun(bench, row)
            assert await attempt.run() == Released(6.0)
            row = attempt.row
            assert row.strikes.unclear == tried


async def test_the_longest_wait_that_anybody_asks_for_is_kept(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    """One connection is cut; another is told to come back later, which counts though a wait has begun."""
    bench = await set_up(first_delay=2.0, max_delay=2.0)
    attempt = await begun(bench)
    cut = bench.faults.active("cut_after_bytes", bytes=10, after=1, times=1)
    busy = bench.faults.active("error_503", retry_after=600, after=2, times=1)
    with cut, busy:
        assert await attempt.run() == Released(600.0)
    assert attempt.row.retry_at is not None  # a restart in between waits as well
    assert attempt.row.retry_at - bench.clock.now() > timedelta(seconds=590)


# --- its pace ---------------------------------------------------------------------------------------------


async def test_the_pace_says_how_many_segments_are_out_and_how_large_they_are(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(connections=1)
    size = 12 * MIB
    paced = Pacing(bench.clock.monotonic, connections=True, segment_size=True)
    row = await bench.taken(size=size)
    attempt = await begun(bench, row, dataclasses.replace(bench.parts, pacing=paced))
    with bench.faults.active("latency", seconds=0.05):  # else a segment is there before the next one leaves
        assert await attempt.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert video["max_in_flight"] >= FIRST_LEVEL, "though the plan says one"
    segments = [told.stop - told.start for told in bench.told(events.SegmentStored)]
    assert max(segments) >= MIB, "though the plan says less"


@pytest.mark.parametrize("is_the_folders", [False, True])
async def test_a_limit_holds_for_what_is_sent(bench: Bench, *, is_the_folders: bool) -> None:
    row = await bench.taken()
    limit = Throttle(
        Bandwidth.parse("1MiB/s"), now=bench.clock.now, monotonic=bench.clock.monotonic, emit=bench.parts.emit
    )
    limits = {row.drop.folder if is_the_folders else "": limit}
    attempt = await begun(bench, row, dataclasses.replace(bench.parts, throttles=limits))
    started = bench.clock.monotonic()
    assert await attempt.run() == WHOLE
    assert bench.clock.monotonic() - started >= SIZE / MIB - 2 * CREDIT


async def test_what_became_of_the_video_is_asked_though_its_host_is_in_trouble(bench: Bench) -> None:
    """The question goes to OK: a host that cannot be reached keeps no whole file from being published."""
    first = await begun(bench)
    assert await first.run() == WHOLE
    row = await bench.ledger.write(first.row.with_(mode=Mode.MULTIPART, received=0, offered_all=True))
    (place,) = places_of(bench.parts, row)
    for who in range(90, 90 + FAILURES):
        bench.parts.breakers.failed(who, place, Trouble("", code="no_answer"))
    assert bench.parts.breakers.ill(place) == place
    assert await (await begun(bench, row)).run() == WHOLE
