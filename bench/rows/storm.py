"""A storm of faults, played by the emulator: is any byte sent again that was held already?"""

from __future__ import annotations

import dataclasses
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
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FAULTS: Final = (
    "cut_after_bytes:probability=0.15",
    "lost_answer:probability=0.1",
    "error_500_after_storing:probability=0.1",
    "error_503:probability=0.1,retry_after=0,method=status",
    "stale_account:probability=0.1",
    "latency:probability=0.1,seconds=0.02",
)
"""Lines cut anywhere, answers lost, 500 though it was stored, probes refused or answered out of date.

None of them throws away what came, so that every byte beyond the file's size is the client's own doing.
"""

_FILES: Final = 4
_SMALLEST: Final = 16 * MIB
_OF_SIZE: Final = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What the emulator says afterwards: of every ticket, and how many faults struck."""

    videos: list[dict[str, Any]]
    struck: int


def storm(bench: Bench) -> Iterator[Figure]:
    """Several files through the same storm, with another seed each round."""
    size = max(bench.size // _OF_SIZE // _FILES, _SMALLEST)
    rounds = max(1, bench.pairs // 3)
    storms: list[Storm] = []
    for seed in range(rounds):
        bench.say(f"round {seed + 1} of {rounds}")
        storms.append(_weather(bench, size, seed))
    conditions = f"{rounds} × {_FILES} files of {sized(size)}; " + "; ".join(FAULTS)
    yield Figure(
        row="storm",
        name="faults that struck",
        value=Spread.of(each.struck for each in storms),
        unit=Unit.COUNT,
        conditions=conditions,
    )
    yield Figure(
        row="storm",
        name="bytes sent again though held",
        value=Spread.of(sum(video["held_bytes_resent"] for video in each.videos) for each in storms),
        unit=Unit.BYTES,
        reference="none",
        aim=0,
        conditions=conditions,
    )
    yield Figure(
        row="storm",
        name="bytes that came",
        value=Spread.of(came / size for each in storms for came in by_file(each.videos)),
        unit=Unit.TIMES,
        reference="size of the file",
        aim=1.02,
        conditions=f"{conditions}; those to tickets that were given up count too",
    )


def by_file(videos: Iterable[dict[str, Any]]) -> list[int]:
    """Bytes that came of each file, over all the tickets it had."""
    came: dict[str, int] = {}
    for video in videos:
        came[video["name"]] = came.get(video["name"], 0) + video["received"]
    return list(came.values())


def _weather(bench: Bench, size: int, seed: int) -> Storm:
    """One storm over all files, until each is published."""
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
        videos, faults_on = _asked(url, "videos"), _asked(url, "faults")
    clear(place)
    published = [video for video in videos if video["published"]]
    if len(published) != _FILES:
        raise BenchError(f"{len(published)} of {_FILES} files were published in the storm")
    return Storm(videos=videos, struck=sum(fault["fired"] for fault in faults_on["active"]))


def _asked(url: str, what: str) -> Any:
    with urllib.request.urlopen(f"{url}/emulator/{what}") as answer:  # noqa: S310  our own
        return json.load(answer)


def _listening(line: str, place: Path) -> str:
    found = re.search(r"listening on (\S+),", line)
    if found is None:
        raise BenchError(f"the emulator did not start: {(place / 'emulator.err').read_text()[-1000:]}")
    return found[1]
