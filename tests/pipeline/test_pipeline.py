"""The stages together, from the folder to published videos."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from okdrop import events
from okdrop.drop import Chore, State
from okdrop.errors import Trouble
from okdrop.pipeline import Brake, Folder, Pacing, Pipeline, Tally
from okdrop.protocol.plan import Plan
from pipeline.bench import SEGMENT, SIZE, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    from okdrop.pipeline import Parts
    from pipeline.bench import Bench


def pipeline(bench: Bench, *, workers: int = 2, parts: Parts | None = None) -> Pipeline:
    folder = Folder(path=str(bench.folder), settle=0.05, rescan=60, suffixes=(".mp4",), ignore=())
    return Pipeline(parts or bench.parts, [folder], workers=workers)


async def run(running: Pipeline) -> None:
    await running.watcher.scan()
    async with asyncio.timeout(20):
        await running.run_to_the_end()


async def test_everything_dropped_is_published_once_and_whole(bench: Bench) -> None:
    files = [bench.file(f"{number}.mp4", SIZE + number) for number in range(4)]
    with (
        bench.faults.active("cut_after_bytes", bytes=30_000, after=2, times=3),
        bench.faults.active("lost_answer", after=4, times=2),
        bench.faults.active("error_503", method="video.update", retry_after=0, times=1),
    ):
        await run(pipeline(bench))
    assert {row.state for row in await bench.ledger.uploads()} == {State.PUBLISHED}
    assert bench.parts.tally[State.PUBLISHED] == 4
    videos = bench.published
    assert {video["sha256"] for video in videos} == {
        hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }
    assert (len(videos), sum(video["held_bytes_resent"] for video in videos)) == (4, 0)


async def test_a_second_run_sends_nothing(bench: Bench) -> None:
    bench.file()
    await run(pipeline(bench))
    calls = bench.emulator.summary()["calls"]
    await run(pipeline(bench))
    assert bench.emulator.summary()["calls"] == calls


async def test_a_file_that_changes_on_the_way_is_published_in_its_last_revision_alone(bench: Bench) -> None:
    path = bench.file()
    changed: list[bool] = []

    def once(_video: str) -> None:
        if not changed:
            changed.append(True)
            bench.file(seed="another")

    bench.faults.taps["segment"] = once
    await run(pipeline(bench))
    (video,) = bench.published
    assert video["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [row.state for row in await bench.ledger.uploads()] == [State.SUPERSEDED, State.PUBLISHED]
    # The orphan of the old revision is swept at the end.
    assert [video["deleted"] for video in bench.emulator.videos()] == [True, False]


async def test_one_that_has_to_wait_long_never_blocks_the_others(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(max_delay=600.0)
    for number in range(3):
        bench.file(f"{number}.mp4")
    with bench.faults.active("api_error", code=777, method="video.getUploadUrl", times=1):
        running = asyncio.create_task(run(pipeline(bench, workers=1)))
        await until(lambda: bench.parts.tally[State.PUBLISHED] == 2)
    bench.parts.brake.pull()
    await running
    (waiting,) = await bench.unfinished()
    assert (waiting.state, waiting.failure) == (State.UPLOADING, None)
    assert waiting.retry_at is not None
    assert waiting.retry_at > bench.clock.now() + timedelta(minutes=5)
    # The next run takes it up when it is due.
    bench.clock.ahead += 601
    again = pipeline(bench, parts=dataclasses.replace(bench.parts, brake=Brake(), tally=Tally()))
    again.recover(await bench.unfinished())
    await run(again)
    assert len(bench.published) == 3


async def test_all_that_an_earlier_run_left_is_taken_up_in_its_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In lots; and what paid to a host is recalled before anything is sent there."""
    monkeypatch.setattr("okdrop.ledger.operations.LOT", 2)
    rows = [await bench.taken(f"{number}.mp4", SIZE + number) for number in range(5)]
    held = await bench.ledger.write(rows.pop(1).with_(held=True))
    await bench.ledger.remember_pace("vu.example", 12)
    done = await bench.ledger.write(rows.pop().to(State.UPLOADING))
    done = await bench.ledger.write(done.to(State.FINALIZING))
    await bench.ledger.write(done.to(State.PUBLISHED, chore=Chore.CONFIRM))
    pacing = Pacing(bench.parts.monotonic, connections=True, segment_size=False)
    again = pipeline(bench, parts=dataclasses.replace(bench.parts, pacing=pacing))
    assert await again.recover_all() == len(rows) == 3
    assert [await again._line.get() for _ in rows] == [row.id for row in rows]
    assert held.id not in again._opened
    assert done.id in again.chores._open
    assert pacing.plan(Plan(), 1, "vu.example", is_proven=True).connections == 12


async def test_what_waits_since_an_earlier_run_is_told_at_the_start(bench: Bench) -> None:
    row = await bench.taken()
    row, _ = await bench.parts.put_off(row, Trouble("too many calls", code="api_8", retry_after=300.0))
    other = await bench.taken("b.mp4")
    assert pipeline(bench).recover([row, other]) == 2
    (told,) = bench.told(events.UploadWaits)
    assert (told.upload, told.path, told.code) == (row.id, str(bench.folder / "a.mp4"), "api_8")
    assert 290 < told.delay <= 300
    assert datetime.fromisoformat(told.until) - bench.clock.now() < timedelta(seconds=301)


async def test_with_dead_credentials_nothing_fails_and_the_next_run_goes_on(bench: Bench) -> None:
    for number in range(3):
        bench.file(f"{number}.mp4")
    with bench.faults.active("api_error", code=102, method="video.update"):
        await run(pipeline(bench))
    assert bench.parts.brake.halted is not None
    rows = await bench.ledger.uploads()
    assert {row.failure for row in rows} == {None}
    assert {row.state for row in rows} <= {State.QUEUED, State.UPLOADING, State.FINALIZING}
    assert bench.parts.tally.counts == {}
    again = pipeline(bench, parts=dataclasses.replace(bench.parts, brake=Brake()))
    again.recover(await bench.unfinished())
    await run(again)
    assert len(bench.published) == 3
    assert sum(video["held_bytes_resent"] for video in bench.emulator.videos()) == 0


async def test_a_drain_ends_the_run_and_loses_nothing(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(connections=1)
    bench.file()
    heads: list[str] = []

    def second(video: str) -> None:
        heads.append(video)
        if len(heads) == 2:
            bench.parts.brake.pull()

    bench.faults.taps["segment"] = second
    await run(pipeline(bench))
    (row,) = await bench.ledger.uploads()
    assert (row.state, row.received, row.failure) == (State.UPLOADING, 2 * SEGMENT, None)
    bench.faults.taps.clear()
    again = pipeline(bench, parts=dataclasses.replace(bench.parts, brake=Brake()))
    again.recover([row])
    await run(again)
    (video,) = bench.published
    assert (video["received"], video["held_bytes_resent"]) == (SIZE, 0)


async def test_what_an_earlier_run_left_for_publishing_is_published(bench: Bench) -> None:
    row = await bench.whole()
    running = pipeline(bench)
    running.recover(await bench.unfinished())
    await run(running)
    assert (await bench.row(row.id)).state is State.PUBLISHED
    assert bench.emulator.videos()[0]["received"] == SIZE


async def test_what_happens_is_told_in_order(bench: Bench) -> None:
    bench.file()
    await run(pipeline(bench))
    names = [event.name for event in bench.events if event.level != "debug"]
    assert names == [
        "file.waiting",
        "file.settled",
        "upload.started",
        "upload.ticket",
        "upload.mode",
        "upload.whole",
        "upload.published",
    ]


async def test_what_is_held_is_not_taken_up(bench: Bench) -> None:
    await bench.ledger.add_all([bench.drop(bench.file())], held=True)
    running = pipeline(bench)
    running.recover(await bench.unfinished())
    await run(running)
    assert bench.published == []
    assert await bench.ledger.release() == 1
    running = pipeline(bench)
    running.recover(await bench.unfinished())
    await run(running)
    assert len(bench.published) == 1
