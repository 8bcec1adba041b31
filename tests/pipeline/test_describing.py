"""Whether publishing waits for a sidecar, and what a video is called then."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.drop import SIDECAR_AWAITED, SIDECAR_UNSETTLED, State
from okdrop.errors import GaveUp, Trouble
from okdrop.inbox import contents, lease
from okdrop.inbox.lease import Writer
from okdrop.metadata import BrokenSidecar, Settings
from okdrop.pipeline import describing
from okdrop.pipeline.describing import LONGEST_WRITTEN, Describing
from okdrop.pipeline.parts import SOURCE_AWAY
from pipeline.bench import shared_threads_hang, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from okdrop.drop import Upload
    from okdrop.inbox.source import Source
    from okdrop.leaves import Leaves
    from pipeline.bench import Bench


@pytest.fixture(autouse=True)
def _leases() -> None:
    lease.prepare()


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes only where a test says so: how busy the machine is must not matter."""
    began, since = time.time(), time.monotonic()
    still = SimpleNamespace(time=lambda: began, monotonic=lambda: since)
    monkeypatch.setattr("pipeline.bench.time", still)


@pytest.fixture
async def laid(set_up: Callable[..., Awaitable[Bench]]) -> Callable[..., Awaitable[Bench]]:
    async def with_folder(**settings: Any) -> Bench:
        return await set_up(settings=Settings(**({"settle": 0.0} | settings)))

    return with_folder


def writers(monkeypatch: pytest.MonkeyPatch, answer: Writer) -> None:
    monkeypatch.setattr(describing, "writer_of", lambda _seen: answer)


def sidecar(bench: Bench, text: str = '{"title": "By the sidecar"}', name: str = "a.json") -> Path:
    path = bench.folder / name
    path.write_text(text)
    return path


async def test_without_a_sidecar_nothing_is_waited_for(laid: Any) -> None:
    bench = await laid()
    row = await bench.whole()
    assert await Describing(bench.parts).wait(row) is None
    told = await Describing(bench.parts).describe(row)
    assert (told.metadata.title, told.note) == ("a", "")


async def test_it_is_found_out_while_every_thread_that_all_share_hangs(laid: Any) -> None:
    bench = await laid()
    sidecar(bench)
    row = await bench.whole()
    one = Describing(bench.parts)
    with shared_threads_hang():
        async with asyncio.timeout(10):
            await one.wait(row)
            told = await one.describe(row)
    assert told.metadata.title == "By the sidecar"


async def test_a_folder_whose_looks_hang_keeps_none_from_another(
    laid: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await laid(title="{{ media.title or stem }}")
    row, end, hanging = await bench.whole(), threading.Event(), threading.Semaphore(0)
    dead = dataclasses.replace(row, drop=dataclasses.replace(row.drop, folder="/dead"))
    bench.parts.folders["/dead"] = bench.parts.settings_of(row.drop)
    real = describing._described

    def hangs(row: Upload, settings: Settings, left_behind: Any, **more: Any) -> Any:
        if row.drop.folder == "/dead":
            hanging.release()
            end.wait()
        return real(row, settings, left_behind, **more)

    monkeypatch.setattr(describing, "_described", hangs)
    one = Describing(bench.parts)
    looks = [asyncio.ensure_future(one.describe(dead)) for _ in range(describing.PROBES)]
    for _ in looks:
        assert await asyncio.to_thread(hanging.acquire, timeout=10)
    async with asyncio.timeout(10):
        assert (await one.describe(row)).metadata.title == "a"
    for look in looks:
        look.cancel()
    await asyncio.wait(looks)
    end.set()


async def test_a_sidecar_is_awaited_from_when_the_file_was_found(laid: Any) -> None:
    bench = await laid(sidecar_wait=60.0)
    row = await bench.whole()
    wait = await Describing(bench.parts).wait(row)
    assert wait is not None
    assert (wait.code, wait.delay) == (SIDECAR_AWAITED, 1.0)
    bench.clock.ahead = 59.5
    again = await Describing(bench.parts).wait(row)  # another process: only the ledger tells since when
    assert again is not None
    assert 0 < again.delay <= 0.5
    bench.clock.ahead = 60.5
    assert await Describing(bench.parts).wait(row) is None


async def test_a_clock_that_is_set_back_makes_no_wait_longer(laid: Any) -> None:
    bench = await laid(sidecar_wait=60.0)
    row = await bench.whole()
    row = dataclasses.replace(row, created_at=row.created_at.replace(year=row.created_at.year + 1))
    one = Describing(bench.parts)
    assert await one.wait(row) is not None
    bench.clock.ahead = 61.0
    assert await one.wait(row) is None


async def test_a_clock_that_is_set_forward_makes_no_wait_shorter(laid: Any) -> None:
    bench = await laid(sidecar_wait=60.0)
    row = await bench.whole()
    one = Describing(bench.parts)
    bench.clock.set_by = 3600.0
    bench.clock.ahead = 59.0
    wait = await one.wait(row)
    assert wait is not None
    assert 0 < wait.delay <= 1.0
    bench.clock.ahead = 61.0
    assert await one.wait(row) is None


async def test_the_time_that_an_upload_takes_counts_as_waited(laid: Any) -> None:
    bench = await laid(sidecar_wait=60.0)
    bench.clock.ahead = 1000.0  # the run is older than the file
    row = await bench.taken()
    bench.clock.set_by = 3600.0
    bench.clock.ahead += 50.0
    await bench.uploader.upload(row.id)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).last_trouble == SIDECAR_AWAITED
    bench.clock.ahead += 11.0
    await until_published(bench, row.id)


async def test_looks_grow_rare_with_the_wait(laid: Any) -> None:
    bench = await laid(sidecar_wait=9999.0)
    row = await bench.whole()
    delays = []
    for ahead in (0.0, 100.0, 5000.0):
        bench.clock.ahead = ahead
        wait = await Describing(bench.parts).wait(row)
        assert wait is not None
        delays.append(round(wait.delay))
    assert delays == [1, 10, 30]


@pytest.mark.parametrize(("writer", "quiet"), [(Writer.NONE, 1.0), (Writer.UNKNOWN, 10.0)])
async def test_a_sidecar_has_to_be_quiet(
    laid: Any, monkeypatch: pytest.MonkeyPatch, writer: Writer, quiet: float
) -> None:
    bench = await laid(settle=10.0)
    writers(monkeypatch, writer)
    path, row, one = sidecar(bench), await bench.whole(), Describing(bench.parts)
    first = await one.wait(row)
    assert first is not None
    assert (first.code, round(first.delay, 1)) == (SIDECAR_UNSETTLED, quiet)
    bench.clock.ahead = quiet - 0.2
    os.utime(path, ns=(1, 1))
    assert await one.wait(row) is not None  # it changed: the wait begins anew
    bench.clock.ahead += quiet - 0.2
    assert await one.wait(row) is not None
    bench.clock.ahead += 0.5
    assert await one.wait(row) is None


async def test_one_that_is_written_is_waited_for_but_not_for_ever(
    laid: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await laid()
    writers(monkeypatch, Writer.WRITING)
    path = sidecar(bench)
    row, one = await bench.whole(), Describing(bench.parts)
    assert await one.wait(row) is not None
    with pytest.raises(Trouble) as busy:
        await one.describe(row)
    assert busy.value.code == "sidecar_busy"
    bench.clock.ahead = LONGEST_WRITTEN / 2
    os.utime(path, ns=(1, 1))
    assert await one.wait(row) is not None
    bench.clock.ahead = LONGEST_WRITTEN
    assert await one.wait(row) is None
    with pytest.raises(GaveUp, match="still being written") as held:
        await one.describe(row)
    assert held.value.code == "sidecar_broken"


async def test_a_real_writer_is_waited_for(laid: Any) -> None:
    bench = await laid()
    path, row = bench.folder / "a.json", await bench.whole()
    one = Describing(bench.parts)
    with path.open("w") as file:
        file.write('{"title": "By the')
        file.flush()
        if lease.look_for_writer(bytes(path)) is Writer.UNKNOWN:
            pytest.skip("no leases here")
        assert await one.wait(row) is not None
        file.write(' sidecar"}')
    assert await one.wait(row) is None
    assert (await one.describe(row)).metadata.title == "By the sidecar"


async def test_what_may_be_public_already_waits_for_nothing(laid: Any) -> None:
    bench = await laid(sidecar_wait=60.0)
    row = (await bench.whole()).with_(publish_offered=True)
    assert await Describing(bench.parts).wait(row) is None


async def test_who_described_it_is_in_its_history(laid: Any) -> None:
    bench = await laid()
    sidecar(bench, '{"title": "T", "gid": "5"}')
    row = await bench.whole()
    await bench.finalizer.publish(row.id)
    (video,) = bench.published
    assert video["title"] == "T"
    note = (await bench.ledger.history(row.id))[-1].note
    assert note == "described by a.json; a.json: gid is not heeded: the group is the folder's to choose"
    (told,) = bench.told(events.MetadataRemarked)
    assert told.reason == "a.json: gid is not heeded: the group is the folder's to choose"


async def test_a_broken_one_holds_and_once_mended_is_published_without_a_byte(laid: Any) -> None:
    bench = await laid()
    sidecar(bench, '{"title": ')
    row = await bench.whole()
    await bench.finalizer.publish(row.id)
    failed = await bench.row(row.id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code) == (State.FAILED, "sidecar_broken")
    assert failed.failure.message.startswith("the sidecar a.json cannot be used: it is no JSON")
    assert bench.published == []
    sidecar(bench)
    back = await bench.ledger.write(failed.handed_back())
    assert (back.state, back.ticket) == (State.FINALIZING, row.ticket)
    await bench.finalizer.publish(row.id)
    (video,) = bench.published
    assert (video["title"], len(bench.emulator.videos())) == ("By the sidecar", 1)


async def test_a_folder_may_publish_all_the_same_and_that_is_told(laid: Any) -> None:
    bench = await laid(broken_sidecar=BrokenSidecar.IGNORE, title="{{ stem }}!")
    sidecar(bench, '{"title": 5, "tags": 5}')
    row = await bench.whole()
    await bench.finalizer.publish(row.id)
    assert bench.published[0]["title"] == "5"
    assert [told.reason for told in bench.told(events.MetadataRemarked)] == [
        "a.json: tags must be a list of texts, or one text with commas between, and is a number"
    ]


async def test_the_wait_is_written_down_and_the_sidecar_that_comes_is_heard(laid: Any) -> None:
    bench = await laid(sidecar_wait=60.0)
    row = await bench.whole()
    while not bench.finals._due.empty():
        await bench.finals.get()
    for _ in range(2):
        await bench.finalizer.publish(row.id)
    waiting = await bench.row(row.id)
    assert (waiting.state, waiting.last_trouble, waiting.retry_at) == (
        State.FINALIZING,
        SIDECAR_AWAITED,
        None,
    )
    assert waiting.version == row.version + 1  # once
    (told,) = bench.told(events.UploadAwaitsSidecar)
    assert "sidecar_wait" in told.reason
    assert bench.parts.seconds_until_due(waiting) == 0  # a restart looks at once
    sidecar(bench)
    await bench.finalizer.publish(row.id)
    done = await bench.row(row.id)
    assert (done.state, done.last_trouble) == (State.PUBLISHED, "")
    assert bench.published[0]["title"] == "By the sidecar"


async def test_when_the_wait_is_over_it_is_published_by_its_folder(laid: Any) -> None:
    bench = await laid(sidecar_wait=60.0)
    row = await bench.whole()
    await bench.finalizer.publish(row.id)
    bench.clock.ahead = 61.0
    await bench.finalizer.publish(row.id)
    assert bench.published[0]["title"] == "a"


async def test_what_comes_to_its_end_is_forgotten(laid: Any) -> None:
    bench = await laid()
    sidecar(bench, '{"gid": "1"}')
    row = await bench.whole()
    bench.opened.begin(row.id)
    await bench.finalizer.publish(row.id)
    one = bench.finalizer._describing
    assert (one._looks, one._told, one._since_found._begun) == ({}, {}, {})


async def test_a_sidecar_that_comes_while_the_file_is_read_again_is_heard(
    laid: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await laid(settle=0.0)
    row = await bench.whole()
    row = await bench.ledger.write(row.with_(digest=None))
    real = contents.fill

    async def slowly(source: Source, leaves: Leaves) -> None:
        await real(source, leaves)
        sidecar(bench)

    monkeypatch.setattr(contents, "fill", slowly)
    await bench.finalizer.publish(row.id)  # it has to be quiet first; and what was read is not read again
    waiting = await bench.row(row.id)
    if waiting.state is State.FINALIZING:
        assert (waiting.last_trouble, waiting.digest is None) == (SIDECAR_UNSETTLED, False)
        monkeypatch.setattr(contents, "fill", None)
        bench.clock.ahead = 60.0
        await bench.finalizer.publish(row.id)
    assert bench.published[0]["title"] == "By the sidecar"


def vanish(bench: Bench) -> Path:
    """What a mount that goes away looks like: nothing is left in its place."""
    return bench.folder.rename(bench.folder.with_name("elsewhere"))


async def test_while_its_folder_is_away_a_video_is_not_published_without_its_sidecar(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(settings=Settings(settle=0.0), stays=True)
    sidecar(bench, '{"title": "T", "privacy": "FRIENDS"}')
    row = await bench.whole()
    place = vanish(bench)
    await bench.finalizer.publish(row.id)
    waiting = await bench.row(row.id)
    assert (waiting.state, waiting.last_trouble) == (State.FINALIZING, SOURCE_AWAY)
    assert (waiting.publish_offered, bench.published) == (False, [])
    place.rename(bench.folder)
    await until_published(bench, row.id)
    assert (bench.published[0]["title"], bench.published[0]["privacy"]) == ("T", "FRIENDS")


async def test_a_run_that_does_not_stay_fails_what_is_away_and_the_next_publishes_it(laid: Any) -> None:
    bench = await laid()
    sidecar(bench, '{"privacy": "FRIENDS"}')
    row = await bench.whole()
    place = vanish(bench)
    await bench.finalizer.publish(row.id)
    failed = await bench.row(row.id)
    assert failed.lost_its_file
    assert bench.published == []
    place.rename(bench.folder)
    await bench.ledger.write(failed.handed_back())
    await until_published(bench, row.id)
    assert (bench.published[0]["privacy"], len(bench.emulator.videos())) == ("FRIENDS", 1)


async def test_a_folder_that_heeds_no_sidecar_waits_for_none(laid: Any) -> None:
    bench = await laid(sidecars=())
    row = await bench.whole()
    vanish(bench)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.PUBLISHED


async def test_what_is_gone_for_good_is_shown_to_no_more_people_than_was_said_last(laid: Any) -> None:
    bench = await laid()
    path, row = sidecar(bench, '{"privacy": "FRIENDS"}'), await bench.whole()
    with bench.faults.active("api_error", method="video.update", code=454, times=1):
        await bench.finalizer.publish(row.id)
    failed = await bench.row(row.id)
    assert (failed.state, failed.publish_offered) == (State.FAILED, False)
    path.unlink()
    (bench.folder / "a.mp4").unlink()
    await bench.ledger.write(failed.handed_back())
    await until_published(bench, row.id)
    assert bench.published[0]["privacy"] == "FRIENDS"


@pytest.mark.parametrize("gone", [False, True])
async def test_a_repeated_update_is_never_wider_than_the_one_that_may_have_taken_effect(
    laid: Any, *, gone: bool
) -> None:
    bench = await laid()
    path, row = sidecar(bench, '{"title": "T", "privacy": "FRIENDS"}'), await bench.whole()
    with bench.faults.active("lost_api_answer", method="video.update", times=1):
        await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).publish_offered
    path.unlink()
    if gone:
        (bench.folder / "a.mp4").unlink()
    told = await Describing(bench.parts).describe(await bench.row(row.id))
    assert (told.metadata.title, told.metadata.privacy) == ("T", "FRIENDS")


@pytest.mark.parametrize(
    ("text", "privacy"),
    [('{"privacy": "PUBLIC"}', "PUBLIC"), ('{"title": "T"}', "FRIENDS"), (None, "FRIENDS")],
)
async def test_who_sees_a_video_that_failed_is_said_by_a_text_and_not_by_one_that_is_gone(
    laid: Any, text: str | None, privacy: str
) -> None:
    bench = await laid()
    path, row = sidecar(bench, '{"privacy": "FRIENDS"}'), await bench.whole()
    with bench.faults.active("api_error", method="video.update", code=454, times=1):
        await bench.finalizer.publish(row.id)
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    await bench.ledger.write((await bench.row(row.id)).handed_back())
    await until_published(bench, row.id)
    assert bench.published[0]["privacy"] == privacy


async def until_published(bench: Bench, number: int) -> None:
    await bench.finalizer.publish(number)
    assert (await bench.row(number)).state is State.PUBLISHED


async def test_a_child_is_ended_when_nobody_waits_any_more(laid: Any, tmp_path: Path) -> None:
    program = tmp_path / "probe"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/number\nexec sleep 60\n")
    program.chmod(0o755)
    bench = await laid(title="{{ media.title or stem }}", ffprobe=str(program))
    row: Upload = await bench.whole()
    task = asyncio.create_task(Describing(bench.parts).describe(row))
    number = tmp_path / "number"
    await until(lambda: number.exists() and number.read_text().strip() != "")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not is_alive(int(number.read_text())))


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
