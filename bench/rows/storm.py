"""A storm of faults, played by the emulator: is any byte sent again that was held already?"""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from bench.context import Bench, clear, write_file
from bench.daemon import Installation
from bench.figures import Figure, Spread, Unit
from bench.processes import BenchError, living, python
from bench.words import MIB, sized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAULTS: Final = (
    "cut_after_bytes:probability=0.15",
    "lost_answer:probability=0.1",
    "error_500_after_storing:probability=0.1",
    "error_503:probability=0.1,retry_after=0",
    "latency:probability=0.1,seconds=0.02",
)
"""Lines cut anywhere, answers lost, 500 though it was stored, 503 with all of a body thrown away."""

THROWN_AWAY: Final = 503
"""What the emulator answers where it keeps nothing of a body."""

_FILES: Final = 4
_SMALLEST: Final = 16 * MIB
_OF_SIZE: Final = 4


def storm(bench: Bench) -> Iterator[Figure]:
    """Several files through the same storm, with another seed each round."""
    size = max(bench.size // _OF_SIZE // _FILES, _SMALLEST)
    rounds = max(1, bench.pairs // 3)
    stormy: list[dict[str, Any]] = []
    for seed in range(rounds):
        bench.say(f"round {seed + 1} of {rounds}")
        stormy += _weather(bench, size, seed)
    wasted = sum(video["held_bytes_resent"] for video in stormy)
    faults = f"{rounds} × {_FILES} files of {sized(size)}; " + ", ".join(FAULTS)
    yield Figure(
        row="storm",
        name="bytes sent again though held",
        value=Spread.of([wasted]),
        unit=Unit.BYTES,
        reference="none",
        aim=0,
        conditions=faults,
    )
    yield Figure(
        row="storm",
        name="bytes sent, less what faults threw away",
        value=Spread.of(kept(video) / video["size"] for video in stormy),
        unit=Unit.TIMES,
        reference="size of the file",
        aim=1.02,
        conditions=faults,
    )
    yield Figure(
        row="storm",
        name="bytes sent, all",
        value=Spread.of(video["received"] / video["size"] for video in stormy),
        unit=Unit.TIMES,
        reference="size of the file",
        conditions=faults,
    )


def kept(video: dict[str, Any]) -> int:
    """Bytes of bodies that came, without those that a fault threw away.

    Raises:
        BenchError: the emulator's account no longer reaches back to the first request.
    """
    thrown: int = sum(each["received"] for each in video["requests"] if each["status"] == THROWN_AWAY)
    if sum(each["received"] for each in video["requests"]) != video["received"]:
        raise BenchError("the emulator forgot requests: take smaller files for the storm")
    received: int = video["received"]
    return received - thrown


def _weather(bench: Bench, size: int, seed: int) -> list[dict[str, Any]]:
    """One storm; returns the accounts of the videos that were published in it."""
    place = bench.place("storm")
    faults = [part for fault in FAULTS for part in ("--fault", fault)]
    arguments: list[str | Path] = [
        "-m",
        "okdrop",
        "emulator",
        "--data",
        place / "ok",
        "--port",
        "0",
        "--seed",
        str(seed),
        *faults,
    ]
    with living(python(*arguments), place / "emulator.err") as process:
        line = process.stdout.readline().decode() if process.stdout is not None else ""
        url = _listening(line, place)
        installation = Installation(place, url, retry__first_delay="20ms", retry__max_delay="200ms")
        for number in range(_FILES):
            write_file(installation.drop / f"{number}.mp4", size)
        installation.once()
        with urllib.request.urlopen(f"{url}/emulator/videos") as answer:  # noqa: S310  our own
            videos: list[dict[str, Any]] = json.load(answer)
    clear(place)
    published = [video for video in videos if video["published"]]
    if len(published) != _FILES:
        raise BenchError(f"{len(published)} of {_FILES} files were published in the storm")
    return published


def _listening(line: str, place: Path) -> str:
    found = re.search(r"listening on (\S+),", line)
    if found is None:
        raise BenchError(f"the emulator did not start: {(place / 'emulator.err').read_text()[-1000:]}")
    return found[1]
