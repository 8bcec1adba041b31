"""The benchmark works: whole, from processes to JSON, with sizes that prove nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import curl, stock
from bench.rows import bandwidth, curves, limited, small
from bench.rows.storm import by_file
from okdrop.drop import State
from okdrop.inbox.revision import revision_of
from okdrop.ledger import Known, read_only
from okdrop.protocol import plan

ROOT = Path(__file__).parents[2]

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


async def bench(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    out = tmp_path / "out.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", "--place", tmp_path, "--json", out, *arguments, cwd=ROOT
    )
    assert await process.wait() == 0
    document: dict[str, Any] = json.loads(out.read_text())
    return document


def named(document: dict[str, Any], row: str) -> list[dict[str, Any]]:
    return [figure for figure in document["figures"] if figure["row"] == row]


@needs_curl
async def test_a_run_measures_everybody_and_leaves_nothing_behind(tmp_path: Path) -> None:
    document = await bench(
        tmp_path, "--size", "3MiB", "--pairs", "2", "--rows", "throughput", "--files", "20"
    )
    assert document["given"] == {"SIZE": "3 MiB", "FILES": "20", "PAIRS": "2"}
    figures = named(document, "throughput")
    assert {figure["value"]["count"] for figure in figures} == {2}
    assert all(figure["value"]["least"] > 0 for figure in figures)
    assert os.listdir(tmp_path) == ["out.json"]  # noqa: PTH208 - nothing is left of what it laid there


@needs_curl
@pytest.mark.parametrize(
    "row", ["bandwidth", "small", "storm", "memory", "waiting", "pages", "latency", "numbers"]
)
async def test_each_benchmark_finds_something(tmp_path: Path, row: str) -> None:
    document = await bench(tmp_path, "--size", "1MiB", "--pairs", "1", "--rows", row, "--files", "20")
    assert named(document, row) or [curve for curve in document["curves"] if curve["row"] == row]


@needs_curl
async def test_a_name_that_is_no_benchmark_is_refused() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench", "--rows", "speed"), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"there is throughput, tls" in said


async def test_without_curl_it_says_so_at_once(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench", "--rows", "small"),
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode() == "bench: curl is not installed: apt-get install curl\n"


def test_the_ideal_pipeline_waits_for_answers_alone() -> None:
    assert small.ideal(1, workers=2, delay=1.0) == 3.0  # a URL, the bytes, the publishing
    assert small.ideal(2, workers=2, delay=1.0) == 3.0
    assert small.ideal(100, workers=2, delay=1.0) == 52.0
    assert small.in_turn(2, workers=2, delay=1.0) == 3.0
    assert small.in_turn(100, workers=2, delay=1.0) == 101.0


@pytest.mark.parametrize(
    ("span", "found"), [((1, 1, 4), [1]), ((1, 64, 4), [1, 4, 16, 64]), ((1, 63, 4), [1, 4, 16])]
)
def test_curves_have_points_from_the_least_to_the_most(span: tuple[int, int, int], found: list[int]) -> None:
    assert curves.powers(*span) == found


def test_bytes_to_a_ticket_that_was_given_up_count_for_their_file() -> None:
    videos = [{"name": "a", "received": 30}, {"name": "b", "received": 100}, {"name": "a", "received": 100}]
    assert by_file(videos) == [130, 100]


def test_parts_of_a_file_are_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(bytes(range(250)) * 41)
    parts = curl.cut(file, tmp_path, parts=4)
    assert len(parts) == 4
    assert b"".join(part.read_bytes() for part in parts) == file.read_bytes()


def test_curl_sends_as_many_at_once_as_okdrop() -> None:
    assert curl.AT_ONCE == plan.CONNECTIONS


def test_a_limit_is_judged_by_its_mean_and_its_greatest_second() -> None:
    even = [(700 + tick, 10) for tick in range(300)]
    assert bandwidth.judged(even, 1000, 2.0) == bandwidth.Kept(off=0.0, greatest=1.0)
    burst_and_silence = [(700, 2000), (1000, 7)]
    assert bandwidth.judged(burst_and_silence, 1000, 2.0) == bandwidth.Kept(off=0.0, greatest=2.0)
    late_burst = [(700, 10), (850, 900), (899, 590)]
    assert bandwidth.judged(late_burst, 1000, 2.0) == bandwidth.Kept(off=-0.25, greatest=1.49)


def test_a_line_is_judged_by_when_it_is_used_and_how_much_of_it_from_then_on() -> None:
    climbs = [(700 + tick, 5 if tick < 300 else 10) for tick in range(1000)]
    assert limited.judged(climbs, 1000.0) == limited.Used(late=1.0, whole=0.85, after=2.9)
    ends_early = [(0, 10), *((tick, 10) for tick in range(1, 750)), (999, 0)]
    assert limited.judged(ends_early, 1000.0) == limited.Used(late=0.5, whole=0.75, after=0.0)
    never = [(tick, 9) for tick in range(1000)]
    assert limited.judged(never, 1000.0).after == 10.0


def test_a_stocked_ledger_is_what_a_daemon_would_have_of_its_files(tmp_path: Path) -> None:
    """Whatever the benchmark says of a library holds of a ledger that knows each of its files."""
    (tmp_path / "drop").mkdir()
    stock.scatter(tmp_path / "drop", 120)
    assert stock.stock(tmp_path / "ledger.db", tmp_path / "drop") == 120
    with read_only(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        assert ledger.counts()[State.PUBLISHED] == 120
        for row in ledger.each():
            assert ledger.judge(row.drop) == Known(upload=row)
            steps = ledger.history(row.id)
            assert len(steps) == stock.STEPS
            assert (steps[0].from_state, steps[-1].to_state) == (None, State.PUBLISHED)
        revisions = {row.drop.path: row.drop.revision for row in ledger.each()}
    assert revisions == {bytes(path): revision_of(path.stat()) for path in (tmp_path / "drop").rglob("*.mp4")}
