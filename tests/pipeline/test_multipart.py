"""One upload in one request: what the ledger knows, and when; what a restart and another mode make of it."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.drop import Mode, State
from okdrop.errors import GaveUp, SourceChanged, Trouble
from okdrop.inbox.source import Source
from okdrop.ledger import StaleVersion
from okdrop.pipeline import Brake
from okdrop.pipeline.attempt import DRAINED, WHOLE, Attempt
from okdrop.pipeline.patience import Released
from okdrop.pipeline.slots import Slot
from okdrop.protocol.multipart import LARGEST
from okdrop.protocol.plan import Plan
from pipeline.bench import SEGMENT, SIZE, after, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from okdrop.drop import Upload
    from okdrop.pipeline import Parts
    from pipeline.bench import Bench

RENEWABLE = Plan(segment_size=SEGMENT, connections=4)
IN_ONE = dataclasses.replace(RENEWABLE, in_one=True)


@pytest.fixture
async def bench(set_up: Callable[..., Awaitable[Bench]]) -> Bench:
    bench = await set_up()
    return dataclasses.replace(bench, parts=dataclasses.replace(bench.parts, plan=IN_ONE))


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
    assert (video["whole"], video["received"], video["held_bytes_resent"]) == (True, SIZE, 0)
    assert [request["content_type"] for request in video["requests"]] == ["multipart/form-data"]
    row = attempt.row
    assert (row.received, row.bytes_sent, row.offered_all, row.mode) == (SIZE, SIZE, True, Mode.MULTIPART)
    assert await bench.ledger.host_mode("127.0.0.1") is None, "nothing was learned of the host"
    assert bench.told(events.UploadResumed) == []


async def test_the_ledger_knows_the_ticket_and_that_it_is_begun_before_the_first_byte_leaves(
    bench: Bench,
) -> None:
    attempt = await begun(bench)
    seen: list[tuple[str, Mode | None, bool]] = []

    def look(video: str) -> None:
        row = bench.written(attempt.row.id)
        assert row.ticket is not None
        seen.append((row.ticket.video_id, row.mode, row.offered_all))
        assert row.ticket.video_id == video

    bench.faults.taps["segment"] = look
    assert await attempt.run() == WHOLE
    assert [(mode, offered) for _, mode, offered in seen] == [(Mode.MULTIPART, False)]


async def test_that_every_byte_was_offered_is_in_the_ledger_before_the_last_leaves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = await begun(bench)
    handed: list[tuple[int, bool]] = []
    put_on_line = attempt._session.put_on_line

    def look(count: int) -> None:
        handed.append((count, bench.written(attempt.row.id).offered_all))
        put_on_line(count)

    monkeypatch.setattr(attempt._session, "put_on_line", look)
    assert await attempt.run() == WHOLE
    assert sum(count for count, _ in handed) == SIZE
    assert [offered for _, offered in handed] == [False] * (len(handed) - 1) + [True]


async def test_a_cut_half_way_costs_a_ticket_and_leaves_an_orphan(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("cut_after_bytes", bytes=SIZE // 2, times=2):
        assert await attempt.run() == WHOLE
    *cut, last = bench.emulator.videos()
    assert [video["held"] for video in cut] == [0, 0]
    assert last["whole"]
    assert sorted(await bench.ledger.orphans()) == sorted(video["id"] for video in cut)
    assert (attempt.row.tickets, attempt.row.troubles) == (3, 0)


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "lost_answer"},
        {"name": "error_500_after_storing"},
        {"name": "url_dies_on_completion", "status": 404},
        {"name": "url_dies_on_completion", "status": 403, "lose_answer": False},
    ],
)
async def test_an_answer_that_is_lost_costs_a_question(bench: Bench, fault: dict[str, str | int]) -> None:
    attempt = await begun(bench)
    name = str(fault.pop("name"))
    with bench.faults.active(name, **fault):
        assert await attempt.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["received"]) == (True, SIZE)
    assert attempt.row.tickets == 1


@pytest.mark.parametrize("fault", ["error_503", "error_500_before_storing"])
async def test_a_host_in_trouble_keeps_its_ticket(bench: Bench, fault: str) -> None:
    attempt = await begun(bench)
    values = {"retry_after": 0} if fault == "error_503" else {}
    with bench.faults.active(fault, times=8, **values):
        assert await attempt.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert (video["whole"], video["held_bytes_resent"], attempt.row.tickets) == (True, 0, 1)


async def test_a_long_outage_uses_up_no_ticket(bench: Bench) -> None:
    """Each attempt ends in a wait that is too long to be waited out, and the next begins from the row."""
    attempt = await begun(bench)
    with bench.faults.active("error_503", retry_after=60):
        for _ in range(8):
            assert await attempt.run() == Released(60.0)
            row = await bench.ledger.write(attempt.row)
            attempt = await begun(bench, row)
    assert await attempt.run() == WHOLE
    assert attempt.row.tickets == 1
    (video,) = bench.emulator.videos()
    assert video["whole"]


async def test_cuts_without_end_end_it_and_it_says_why(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("cut_after_bytes", bytes=SIZE // 2):
        outcome = await attempt.run()
    assert isinstance(outcome, GaveUp)
    assert outcome.code == "ticket_expired"
    assert outcome.message.startswith("5 upload URLs were used up; the last: the connection")
    assert "renewable" in outcome.hint
    assert len(bench.emulator.videos()) == 5


async def test_a_file_that_is_too_large_asks_for_nothing(bench: Bench) -> None:
    path = bench.folder / "large.mp4"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)  # a hole: nothing of it is ever read
    attempt = await begun(bench, await bench.intake.take(bench.drop(path)))
    outcome = await attempt.run()
    assert isinstance(outcome, GaveUp)
    assert outcome.code == "file_too_large"
    assert "renewable" in outcome.hint
    assert bench.emulator.videos() == []


@pytest.mark.parametrize("late", [False, True])
async def test_a_file_that_changes_on_the_way_is_never_whole(bench: Bench, *, late: bool) -> None:
    attempt = await begun(bench)

    def change(*_: object) -> None:
        os.utime(bench.folder / "a.mp4", ns=(1, 1))

    if late:
        put_on_line = attempt._session.put_on_line
        attempt._session.put_on_line = lambda count: (put_on_line(count), change())[0]  # type: ignore[method-assign, func-returns-value]
    else:
        bench.faults.taps["segment"] = change
    outcome = await attempt.run()
    assert isinstance(outcome, SourceChanged)
    assert bench.emulator.videos()[0]["whole"] is False


async def test_a_file_that_changed_after_it_was_sent_is_not_published(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = await begun(bench)

    async def change() -> None:
        os.utime(bench.folder / "a.mp4", ns=(1, 1))

    after(monkeypatch, bench.parts.client, "send_file", 1, change)
    assert isinstance(await attempt.run(), SourceChanged)
    assert bench.emulator.videos()[0]["whole"] is True


async def test_a_busy_source_costs_no_ticket_while_nothing_has_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = await begun(bench)
    real, left = Source.check, [3]

    async def check(source: Source) -> None:
        if left[0]:
            left[0] -= 1
            raise Trouble("the mount hangs", code="source_busy")
        await real(source)

    monkeypatch.setattr(Source, "check", check)
    assert await attempt.run() == WHOLE
    assert attempt.row.tickets == 1


async def test_another_write_of_the_row_stops_it_before_the_last_bytes_leave(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.pipeline.record.PROGRESS_EVERY", 0.0)
    attempt = await begun(bench)
    note, orders = attempt._record.note_progress, [State.CANCELLED]

    async def cancelled_by_another() -> None:
        if not attempt._session.sent:
            await note()
        elif orders:
            await bench.orders(attempt.row.id, orders.pop())

    monkeypatch.setattr(attempt._record, "note_progress", cancelled_by_another)
    with pytest.raises(StaleVersion) as stale:
        await attempt.run()
    assert stale.value.current.state is State.CANCELLED
    (video,) = bench.emulator.videos()
    assert not video["whole"]


async def test_progress_is_noted_on_the_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okdrop.pipeline.record.PROGRESS_EVERY", 0.0)
    attempt = await begun(bench)
    seen: list[int] = []
    put_on_line = attempt._session.put_on_line

    def look(count: int) -> None:
        seen.append(bench.written(attempt.row.id).bytes_sent)
        put_on_line(count)

    monkeypatch.setattr(attempt._session, "put_on_line", look)
    assert await attempt.run() == WHOLE
    assert seen == sorted(seen)
    assert 0 < seen[-1] < SIZE


# --- restarts, and another mode -----------------------------------------------------------------------------


async def killed(bench: Bench, attempt: Attempt, at: int, monkeypatch: pytest.MonkeyPatch) -> Upload:
    """The row that a process leaves which dies once `at` bytes of the file were handed to the line."""

    class KilledError(Exception):
        """Stands for SIGKILL: nothing is written afterwards."""

    put_on_line, handed = attempt._session.put_on_line, [0]

    def kill(count: int) -> None:
        put_on_line(count)
        handed[0] += count
        if handed[0] >= at:
            raise KilledError

    monkeypatch.setattr(attempt._session, "put_on_line", kill)
    with pytest.raises(ExceptionGroup):
        await attempt.run()
    return bench.written(attempt.row.id)


async def test_after_a_kill_half_way_there_is_a_new_ticket(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await killed(bench, await begun(bench), 1, monkeypatch)
    assert (row.mode, row.offered_all) == (Mode.MULTIPART, False)
    attempt = await begun(bench, row)
    assert await attempt.run() == WHOLE
    first, second = bench.emulator.videos()
    assert (first["whole"], second["whole"]) == (False, True)
    assert await bench.ledger.orphans() == [first["id"]]


async def test_after_a_kill_behind_the_last_byte_the_video_is_asked_for(bench: Bench) -> None:
    attempt = await begun(bench)
    with bench.faults.active("stall_answer"):
        running = asyncio.ensure_future(attempt.run())
        await until(lambda: any(video["whole"] for video in bench.emulator.videos()))
        row = bench.written(attempt.row.id)
        running.cancel()
        await asyncio.wait({running})
    assert row.offered_all
    calls = bench.emulator.summary()["calls"].get("video.get", 0)
    resumed = await begun(bench, row)
    assert await resumed.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert video["received"] == SIZE
    assert bench.emulator.summary()["calls"]["video.get"] == calls + 1


async def test_a_ticket_that_came_while_draining_is_used_later(bench: Bench) -> None:
    attempt = await begun(bench)
    bench.faults.taps["video.getUploadUrl"] = lambda _video: bench.parts.brake.pull()
    assert await attempt.run() == DRAINED
    row = await bench.ledger.write(attempt.row)
    bench.faults.taps.clear()
    resumed = await begun(bench, row, dataclasses.replace(bench.parts, brake=Brake()))
    assert await resumed.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert video["whole"]


async def part_sent(bench: Bench) -> Upload:
    """The row of an upload that was begun in segments, and drained on the way."""
    parts = dataclasses.replace(
        bench.parts, plan=dataclasses.replace(RENEWABLE, connections=1), brake=Brake()
    )
    attempt = await begun(bench, parts=parts)
    heads: list[str] = []

    def third(video: str) -> None:
        heads.append(video)
        if len(heads) == 3:
            parts.brake.pull()

    bench.faults.taps["segment"] = third
    assert await attempt.run() == DRAINED
    bench.faults.taps.clear()
    return await bench.ledger.write(attempt.row)


async def test_what_was_begun_in_segments_is_sent_anew_in_one_request(bench: Bench) -> None:
    row = await part_sent(bench)
    attempt = await begun(bench, row)
    assert await attempt.run() == WHOLE
    first, second = bench.emulator.videos()
    assert (first["held"], second["whole"], second["held_bytes_resent"]) == (3 * SEGMENT, True, 0)
    assert (first["mode"], second["mode"]) == ("renewable", "multipart")
    assert await bench.ledger.orphans() == [first["id"]]


async def test_what_was_sent_whole_in_segments_is_not_sent_again(
    bench: Bench,
) -> None:
    parts = dataclasses.replace(bench.parts, plan=RENEWABLE)
    attempt = await begun(bench, parts=parts)
    assert await attempt.run() == WHOLE
    row = await bench.ledger.write(attempt.row)
    again = await begun(bench, row)
    assert await again.run() == WHOLE
    (video,) = bench.emulator.videos()
    assert video["received"] == SIZE


@pytest.mark.parametrize("offered", [False, True])
async def test_what_was_begun_in_one_request_is_never_gone_on_with_in_segments(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, offered: bool
) -> None:
    attempt = await begun(bench)
    if offered:
        assert await attempt.run() == WHOLE
        row = await bench.ledger.write(attempt.row)
    else:
        row = await killed(bench, attempt, 1, monkeypatch)
    again = await begun(bench, row, dataclasses.replace(bench.parts, plan=RENEWABLE))
    assert await again.run() == WHOLE
    videos = bench.emulator.videos()
    assert [video["whole"] for video in videos] == ([True] if offered else [False, True])
    assert [video["mode"] for video in videos] == (["multipart"] if offered else ["multipart", "renewable"])
