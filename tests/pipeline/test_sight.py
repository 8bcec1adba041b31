"""What one look at a file brings, with every witness there is."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.inbox.done import Demand
from okdrop.inbox.lease import Writer
from okdrop.inbox.revision import revision_at
from okdrop.inbox.settle import DONE_POLL, DONE_QUIET, Cause
from okdrop.inbox.writers import OpenFiles
from okdrop.pipeline import sight
from okdrop.pipeline.candidates import Candidates
from okdrop.rules import Done

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from okdrop.drop import Revision
    from okdrop.pipeline.candidates import Finished
    from pipeline.bench import Bench

SETTLE = 10.0
MARKER = Demand(done=Done.MARKER, name=b".done")
MANIFEST = Demand(done=Done.MANIFEST, name=b"LIST")
HOLDER = "import sys; file = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def candidates(bench: Bench) -> Candidates:
    return Candidates(bench.parts)


@pytest.fixture(autouse=True)
def lease(monkeypatch: pytest.MonkeyPatch) -> dict[str, Writer]:
    """What the lease answers, as long as a test has nothing else to say: it cannot tell."""
    says = {"writer": Writer.UNKNOWN}
    monkeypatch.setattr(sight, "look_for_writer", lambda _path: says["writer"])
    return says


def add(candidates: Candidates, path: Path, demand: Demand, *, whole_within: float = 0.0) -> None:
    name = os.fsencode(path)
    candidates.add(
        name,
        folder=str(path.parent),
        settle=SETTLE,
        whole_within=whole_within,
        demand=demand,
        seen=revision_at(name),
    )


async def looked(candidates: Candidates) -> list[Finished]:
    return [one async for settled in candidates.look_round() for one in settled]


def reasons(candidates: Candidates) -> list[tuple[Cause, str]]:
    return [(one.cause, one.reason) for one in candidates.waiting(9).longest]


# --- writers ------------------------------------------------------------------------------------------


async def test_where_the_lease_cannot_tell_open_files_do(bench: Bench, candidates: Candidates) -> None:
    path = bench.file()
    add(candidates, path, Demand())
    bench.clock.ahead += SETTLE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        assert await looked(candidates) == []
        [(cause, reason)] = reasons(candidates)
        assert cause is Cause.WRITER
        assert reason.startswith("held open by a writer (")
        assert reason.endswith(f", pid {process.pid})")
    finally:
        await process.communicate(b"")
    bench.clock.ahead += SETTLE
    assert len(await looked(candidates)) == 1


async def test_what_the_lease_sees_gets_the_name_of_its_process(
    bench: Bench, candidates: Candidates, lease: dict[str, Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file()
    monkeypatch.setattr(OpenFiles, "writers", lambda _self, files: dict.fromkeys(files, "ffmpeg, pid 12"))
    lease["writer"] = Writer.WRITING
    add(candidates, path, Demand())
    bench.clock.ahead += SETTLE
    assert await looked(candidates) == []
    assert reasons(candidates) == [(Cause.WRITER, "held open by a writer (ffmpeg, pid 12)")]


async def test_what_no_walk_looked_for_yet_is_not_settled_before_one_did(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Mapping[bytes, Revision]] = []
    answers: list[dict[bytes, str] | None] = [None, None, {}]

    def writers(_self: OpenFiles, files: Mapping[bytes, Revision]) -> dict[bytes, str] | None:
        asked.append(files)
        return answers.pop(0)

    monkeypatch.setattr(OpenFiles, "writers", writers)
    paths = [bench.file(f"{number}.mp4") for number in range(3)]
    for path in paths:
        add(candidates, path, Demand())
    bench.clock.ahead += SETTLE
    assert await looked(candidates) == []
    assert await looked(candidates) == []
    assert len(await looked(candidates)) == 3
    assert [{*files} for files in asked] == [{*map(os.fsencode, paths)}] * 3


async def test_nobody_walks_for_a_file_of_which_the_lease_is_sure(
    bench: Bench, candidates: Candidates, lease: dict[str, Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease["writer"] = Writer.NONE
    monkeypatch.setattr(OpenFiles, "_walked", None)
    add(candidates, bench.file(), Demand())
    bench.clock.ahead += SETTLE
    assert len(await looked(candidates)) == 1


# --- the word that it is done -------------------------------------------------------------------------


async def test_without_its_marker_a_file_waits_and_says_so(bench: Bench, candidates: Candidates) -> None:
    path = bench.file("x.mp4")
    add(candidates, path, MARKER)
    bench.clock.ahead += SETTLE
    assert await looked(candidates) == []
    assert reasons(candidates) == [(Cause.NOT_DONE, "no x.mp4.done yet")]
    assert "no x.mp4.done yet" in {told.reason for told in bench.told(events.FileWaiting)}
    path.with_name("x.mp4.done").touch()
    bench.clock.ahead += DONE_POLL
    assert len(await looked(candidates)) == 1
    assert path.with_name("x.mp4.done").exists()


async def test_with_its_marker_it_is_taken_after_a_short_check(bench: Bench, candidates: Candidates) -> None:
    path = bench.file("x.mp4")
    add(candidates, path, MARKER)
    assert await looked(candidates) == []
    path.write_bytes(b"more")
    path.with_name("x.done").touch()
    assert await looked(candidates) == []
    bench.clock.ahead += DONE_QUIET
    assert len(await looked(candidates)) == 1


async def test_a_marker_that_was_there_before_shortens_nothing(bench: Bench, candidates: Candidates) -> None:
    """It is left from an earlier file of that name, which was moved away."""
    path = bench.file("x.mp4")
    path.with_name("x.mp4.done").touch()
    add(candidates, path, MARKER)
    for _ in range(3):
        bench.clock.ahead += SETTLE / 4
        assert await looked(candidates) == []
    bench.clock.ahead += SETTLE / 4
    assert len(await looked(candidates)) == 1


async def test_a_marker_that_is_taken_back_and_set_anew_is_heeded(
    bench: Bench, candidates: Candidates
) -> None:
    path = bench.file("x.mp4")
    marker = path.with_name("x.mp4.done")
    marker.touch()
    add(candidates, path, MARKER)
    path.write_bytes(b"more")
    await looked(candidates)
    marker.unlink()
    path.write_bytes(b"more and more")
    assert await looked(candidates) == []
    marker.touch()
    bench.clock.ahead += DONE_QUIET
    assert len(await looked(candidates)) == 1


async def test_what_goes_on_changing_though_it_is_done_has_to_be_quiet_for_long(
    bench: Bench, candidates: Candidates
) -> None:
    path = bench.file("x.mp4")
    add(candidates, path, MARKER)
    path.write_bytes(b"mo")
    await looked(candidates)
    path.with_name("x.mp4.done").touch()
    path.write_bytes(b"mor")
    await looked(candidates)
    path.write_bytes(b"more")
    bench.clock.ahead += 1
    assert await looked(candidates) == []
    bench.clock.ahead += SETTLE / 2
    assert await looked(candidates) == []
    bench.clock.ahead += SETTLE / 2
    assert len(await looked(candidates)) == 1


async def test_a_stir_in_the_folder_ends_the_rest_between_looks(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file("x.mp4")
    add(candidates, path, MARKER)
    bench.clock.ahead += 1000
    assert await looked(candidates) == []  # this look is followed by a long rest
    path.with_name("x.mp4.done").touch()
    monkeypatch.setattr(sight, "revision_at", revision_at)
    assert await looked(candidates) == []
    candidates.wake("/another folder")
    assert await looked(candidates) == []
    candidates.wake(str(path.parent))
    assert len(await looked(candidates)) == 1


async def test_what_a_manifest_says_goes_with_the_file(bench: Bench, candidates: Candidates) -> None:
    path = bench.file("x.mp4")
    path.with_name("LIST").write_text(f"{'0' * 64}  x.mp4\n")
    add(candidates, path, MANIFEST)
    bench.clock.ahead += SETTLE
    [finished] = await looked(candidates)
    assert (finished.said.promise.algorithm, finished.said.by) == ("sha256", "LIST")


async def test_a_file_that_is_smaller_than_it_was_said_to_be_is_waited_for(
    bench: Bench, candidates: Candidates
) -> None:
    path = bench.file("x.mp4")
    size = path.stat().st_size
    path.with_name("LIST").write_text(f"x.mp4\t{size + 1}\n")
    add(candidates, path, MANIFEST, whole_within=60.0)
    bench.clock.ahead += SETTLE
    assert await looked(candidates) == []
    assert reasons(candidates) == [(Cause.NOT_WHOLE, f"not whole: LIST says {size + 1} bytes, it has {size}")]
    bench.clock.ahead += 60.0
    [finished] = await looked(candidates)
    assert finished.said.misfit(finished.drop.revision)
