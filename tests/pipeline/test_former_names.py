"""A sidecar that stays behind when its video is renamed is still its own, as long as it is nobody else's."""

from __future__ import annotations

import dataclasses
import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.drop import SIDECAR_UNSETTLED, State
from okdrop.inbox.source import Source
from okdrop.metadata import Settings
from okdrop.names import Names
from okdrop.pipeline.former_names import Former, FormerNames, beside, still_beside
from okdrop.pipeline.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from okdrop.drop import Upload
    from pipeline.bench import Bench

KINDS = ("json",)
NAMES = Names((".mp4", ".mkv"), ())


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    began, since = time.time(), time.monotonic()
    still = SimpleNamespace(time=lambda: began, monotonic=lambda: since)
    monkeypatch.setattr("pipeline.bench.time", still)


@pytest.fixture
async def bench(set_up: Any) -> Bench:
    made: Bench = await set_up(settings=Settings(settle=10.0))
    place = Place(names=NAMES, group_id="", patience=0.0)
    made.parts = dataclasses.replace(made.parts, places={str(made.folder): place})
    made.__post_init__()
    return made


def sidecar(bench: Bench, title: str = "By the sidecar", name: str = "a.json") -> Path:
    path = bench.folder / name
    path.write_text(f'{{"title": "{title}", "privacy": "FRIENDS"}}')
    return path


async def renamed(bench: Bench, before: str = "a.mp4", after: str = "b.mp4") -> Upload:
    """The video gets another name, and that is noticed."""
    path = (bench.folder / before).rename(bench.folder / after)
    row = await bench.intake.take(bench.drop(path))
    assert row is not None
    assert row.drop.path == os.fsencode(path)
    return row


async def publish(bench: Bench, number: int) -> Upload:
    await bench.finalizer.publish(number)
    return await bench.row(number)


async def test_one_that_is_renamed_a_moment_later_is_waited_for(bench: Bench) -> None:
    path = sidecar(bench)
    number = (await bench.whole()).id
    await renamed(bench)
    waiting = await publish(bench, number)
    assert (waiting.state, waiting.last_trouble) == (State.FINALIZING, SIDECAR_UNSETTLED)
    bench.clock.ahead = 9.0
    assert (await publish(bench, number)).state is State.FINALIZING
    path.rename(bench.folder / "b.json")
    assert (await publish(bench, number)).state is State.FINALIZING  # it has to be quiet, as any
    bench.clock.ahead = 20.0
    assert (await publish(bench, number)).state is State.PUBLISHED
    assert (bench.published[0]["title"], bench.published[0]["privacy"]) == ("By the sidecar", "FRIENDS")
    assert "described by b.json" in (await bench.ledger.history(number))[-1].note


async def test_one_that_stays_behind_is_heeded_there(bench: Bench) -> None:
    sidecar(bench)
    number = (await bench.whole()).id
    await renamed(bench)
    assert (await publish(bench, number)).state is State.FINALIZING
    bench.clock.ahead = 10.5
    assert (await publish(bench, number)).state is State.PUBLISHED
    assert (bench.published[0]["title"], bench.published[0]["privacy"]) == ("By the sidecar", "FRIENDS")
    assert "described by a.json" in (await bench.ledger.history(number))[-1].note
    assert bench.parts.former_names.of(number) is None  # and forgotten


async def test_a_rename_that_is_seen_at_the_last_moment_loses_no_sidecar(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar(bench)
    number = (await bench.whole()).id
    await publish(bench, number)
    bench.clock.ahead = 10.5
    check, describe = Source.check, bench.finalizer._describing.describe
    described: list[bytes] = []

    async def noted(row: Upload) -> Any:
        described.append(row.drop.path)
        return await describe(row)

    async def renamed_before(source: Source) -> None:
        if described == [os.fsencode(bench.folder / "a.mp4")]:
            (bench.folder / "a.mp4").rename(bench.folder / "b.mp4")
        await check(source)

    monkeypatch.setattr(bench.finalizer._describing, "describe", noted)
    monkeypatch.setattr(Source, "check", renamed_before)
    done = await publish(bench, number)
    assert (done.state, done.drop.path) == (State.PUBLISHED, os.fsencode(bench.folder / "b.mp4"))
    assert len(described) == 2
    assert bench.published[0]["title"] == "By the sidecar"


async def test_where_none_lay_beside_the_old_name_nothing_is_waited_for(bench: Bench) -> None:
    number = (await bench.whole()).id
    await renamed(bench)
    sidecar(bench)  # of the next video, whose name that is
    assert (await publish(bench, number)).state is State.PUBLISHED
    assert bench.published[0]["title"] == "b"


def put_another_video(bench: Bench) -> None:
    bench.file("a.mp4", seed="another")


def put_one_of_its_stem(bench: Bench) -> None:
    bench.file("a.mkv", seed="another")


def write_it_anew(bench: Bench) -> None:
    sidecar(bench, "By the next one's sidecar")


def remove_it(bench: Bench) -> None:
    (bench.folder / "a.json").unlink()


@pytest.mark.parametrize("happens", [put_another_video, put_one_of_its_stem, write_it_anew, remove_it])
async def test_what_may_be_another_videos_by_then_is_not_heeded(
    bench: Bench, happens: Callable[[Bench], None]
) -> None:
    sidecar(bench)
    number = (await bench.whole()).id
    await renamed(bench)
    happens(bench)
    assert (await publish(bench, number)).state is State.PUBLISHED
    assert bench.published[0]["title"] == "b"


async def test_the_first_name_counts_through_several_renames(bench: Bench) -> None:
    sidecar(bench)
    number = (await bench.whole()).id
    await renamed(bench)
    bench.clock.ahead = 9.0
    await renamed(bench, "b.mp4", "c.mp4")
    bench.clock.ahead = 18.0
    assert (await publish(bench, number)).state is State.FINALIZING  # the wait is for the last one
    bench.clock.ahead = 29.0
    assert (await publish(bench, number)).state is State.PUBLISHED
    assert bench.published[0]["title"] == "By the sidecar"


async def test_a_name_with_sidecars_takes_the_place_of_an_older_one(bench: Bench) -> None:
    row, names = await bench.taken(), FormerNames()
    sidecar(bench)
    sidecar(bench, name="b.json")
    b = dataclasses.replace(row.drop, path=os.fsencode(bench.folder / "b.mp4"))
    c = dataclasses.replace(row.drop, path=os.fsencode(bench.folder / "c.mp4"))
    for at, drop in enumerate((row.drop, b, c)):
        names.note(row.id, Former(drop=drop, seen=beside(drop, KINDS), since=float(at)))
    former = names.of(row.id)
    assert former is not None
    assert (former.drop, former.since) == (b, 2.0)
    names.forget(row.id)
    assert names.left_behind(row.id, KINDS, {})() == ()


async def test_what_is_heeded_is_the_folders_to_say_and_a_folder_that_is_gone_holds_nothing(
    bench: Bench,
) -> None:
    row = await bench.taken()
    sidecar(bench)
    former = Former(drop=row.drop, seen=beside(row.drop, KINDS), since=0.0)
    (bench.folder / "a.mp4").rename(bench.folder / "b.mp4")
    assert len(still_beside(former, KINDS, NAMES)) == 1
    assert still_beside(former, ("txt",), NAMES) == still_beside(former, (), NAMES) == ()
    bench.folder.rename(bench.folder.with_name("elsewhere"))
    assert still_beside(former, KINDS, NAMES) == ()


async def test_of_what_is_public_nothing_is_remembered(bench: Bench) -> None:
    row = await bench.done()
    sidecar(bench)
    await bench.parts.renamed(row, row.drop)
    assert bench.parts.former_names.of(row.id) is None
