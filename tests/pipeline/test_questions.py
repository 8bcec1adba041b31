"""Asking about many videos at once: fewer questions, and nobody is judged by another's answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.emulator import Fault
from okdrop.errors import Trouble
from okdrop.pipeline import CHORES, after, questions
from pipeline.bench import KIB, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from okdrop.drop import Upload
    from okdrop.protocol.messages import VideoStatus
    from pipeline.bench import Bench

GET = "video.get"
MANY = 40


@pytest.fixture
async def many(set_up: Callable[..., Awaitable[Bench]], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A run that stays, and videos whose question is due."""
    monkeypatch.setattr(after, "FIRST_ASK", 0.0)
    bench = await set_up(stays=True)
    for number in range(MANY):
        await bench.done(f"{number}.mp4", 17 * KIB)
    return bench


async def rows(bench: Bench) -> list[Upload]:
    return await bench.ledger.uploads()


async def all_asked(bench: Bench, confirmed: int) -> int:
    """Work until so many are confirmed; returns how many questions that took."""
    async with asyncio.TaskGroup() as group:
        for _ in range(CHORES):
            group.create_task(bench.chores.work())
        for row in await rows(bench):
            bench.chores.take_up(row)
        await until(lambda: len(bench.told(events.VideoConfirmed)) >= confirmed)
        bench.chores.close()
    count: int = bench.emulator.summary()["calls"][GET]
    return count


async def test_many_videos_take_few_questions(many: Bench) -> None:
    many.faults.set("video_status", status="OK")
    assert await all_asked(many, MANY) <= 2 * CHORES + 2
    assert [row.chore for row in await rows(many)] == [None] * MANY
    assert len(many.told(events.VideoConfirmed)) == MANY


async def test_each_video_gets_its_own_word(many: Bench) -> None:
    for number, row in enumerate(await rows(many)):
        assert row.ticket is not None
        status = "CENSORED" if number == MANY - 1 else "OK"
        many.faults.add(Fault.of("video_status", status=status, video=row.ticket.video_id))
    await all_asked(many, MANY - 1)
    await until(lambda: bool(many.told(events.VideoRefused)))
    assert [row.state for row in await rows(many)] == [State.PUBLISHED] * (MANY - 1) + [State.FAILED]


async def test_a_video_that_is_left_out_is_asked_about_alone(
    many: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    many.faults.set("video_status", status="OK")
    together = many.parts.client.video_statuses
    left_out: set[str] = set()

    async def without_some(video_ids: Sequence[str]) -> dict[str, VideoStatus]:
        left_out.update(video_ids[::2])
        return {
            video: status for video, status in (await together(video_ids)).items() if video not in left_out
        }

    monkeypatch.setattr(many.parts.client, "video_statuses", without_some)
    await all_asked(many, MANY)
    assert left_out


async def test_where_many_at_once_are_refused_each_is_asked_about_alone(
    many: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    many.faults.set("video_status", status="OK")
    refusals: list[Sequence[str]] = []

    async def refused(video_ids: Sequence[str]) -> dict[str, VideoStatus]:
        refusals.append(video_ids)
        raise Trouble("too many", code="api_100")

    monkeypatch.setattr(many.parts.client, "video_statuses", refused)
    assert await all_asked(many, MANY) == MANY
    assert len(refusals) == 1
    assert len(refusals[0]) <= questions.AT_ONCE


async def test_an_answer_that_had_to_wait_too_long_is_asked_for_again(many: Bench) -> None:
    asked = questions.Questions(many.parts)
    many.faults.set("video_status", status="OK")
    [first, second, *_] = await rows(many)
    for row in (first, second):
        asked.due(row.id, 0.0)
    await asked.ask_for_others()
    assert asked.heard(first.id) is not None
    assert asked.heard(first.id) is None
    many.clock.ahead += questions.FRESH + 1
    assert asked.heard(second.id) is None
