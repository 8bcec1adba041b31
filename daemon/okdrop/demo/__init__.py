"""`okdrop demo`: the whole road on this machine alone, from a folder to published videos.

The real commands as real processes: `okdrop emulator` plays OK.ru with some bad weather, `okdrop run
--once` uploads a folder of small clips to it. The verdict is the emulator's own account: what it got,
byte for byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.resources
import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB: Final = 1024 * 1024

CLIPS: Final = {
    "evening-news.mp4": ("Evening news.mp4", 24 * MIB),
    "deep-zoom.mp4": ("Deep zoom, take 2.mp4", 40 * MIB),
    "sunset-camera-2.mp4": ("Camera 2/Закат 2026-06-21.mp4", 12 * MIB),
}
"""Sample → where it is dropped, and the size in bytes it is padded to."""

WEATHER: Final = ("cut_after_bytes:bytes=700000,after=2,times=3", "lost_answer:after=4,times=2")

COLUMNS: Final = ("title", "bytes", "segments", "at once", "again", "verdict")
LEGEND: Final = "again: bytes sent again though OK held them · equal: the same SHA-256 as the file dropped"


def main() -> int:
    """Run the demonstration; returns 0 when every clip arrived whole and was published once."""
    with tempfile.TemporaryDirectory(prefix="okdrop-demo-") as name:
        place = Path(name)
        clips = drop_clips(place / "drop")
        print(f"Dropped {len(clips)} clips; the weather: {', '.join(WEATHER)}\n")
        with emulator(place / "ok") as url:
            code = subprocess.run(
                _command("run", "--once"), env=environment(place, url), check=False
            ).returncode
            videos = _fetch(f"{url}/emulator/videos")
    return report(clips, videos, code)


def drop_clips(folder: Path) -> dict[str, str]:
    """Put the padded clips into a folder; returns file name → SHA-256 of each."""
    samples = importlib.resources.files(__package__) / "samples"
    digests: dict[str, str] = {}
    for sample, (name, size) in CLIPS.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        content = padded((samples / sample).read_bytes(), size, seed=sample)
        target.write_bytes(content)
        digests[target.name] = hashlib.sha256(content).hexdigest()
    return digests


def padded(clip: bytes, size: int, *, seed: str) -> bytes:
    """The same clip, grown to `size` bytes by a `free` box, which players skip (ISO/IEC 14496-12, 8.1.2)."""
    box = size - len(clip)
    filling = random.Random(seed).randbytes(box - 8)  # noqa: S311 - filling, not a secret
    return clip + box.to_bytes(4, "big") + b"free" + filling


@contextlib.contextmanager
def emulator(data: Path) -> Iterator[str]:
    """OK's stand-in as a process of its own; gives its address."""
    faults = [part for fault in WEATHER for part in ("--fault", fault)]
    process = subprocess.Popen(
        _command("emulator", "--data", str(data), "--port", "0", *faults), stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if "listening on " not in line:
            raise RuntimeError("the emulator did not start")
        yield line.split("listening on ", 1)[1].split(",", 1)[0].strip()
    finally:
        process.terminate()
        process.wait()


def environment(place: Path, url: str) -> dict[str, str]:
    """The daemon's whole configuration, as environment variables; nothing of the caller's own leaks in."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OKDROP_")}
    return inherited | {
        "OKDROP_OK__API_URL": url,
        "OKDROP_OK__UPLOAD_HOSTS": '["127.0.0.1"]',
        "OKDROP_OK__APPLICATION_KEY": APPLICATION_KEY,
        "OKDROP_OK__APPLICATION_SECRET_KEY": APPLICATION_SECRET_KEY,
        "OKDROP_OK__ACCESS_TOKEN": ACCESS_TOKEN,
        "OKDROP_WATCH": json.dumps([{"path": str(place / "drop"), "settle": "1s"}]),
        "OKDROP_RETRY__FIRST_DELAY": "200ms",
        "OKDROP_LEDGER__URL": f"sqlite:///{place / 'ledger.db'}",
        "OKDROP_LOG__FORMAT": "console",
    }


def report(clips: dict[str, str], videos: list[dict[str, Any]], code: int) -> int:
    """Print what became of each clip, by the emulator's account; returns the exit code."""
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="By the account of the stand-in for OK.ru", caption=LEGEND, caption_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in {"title", "verdict"} else "right")
    good = code == 0 and len([video for video in videos if video["published"]]) == len(clips)
    for name, digest in clips.items():
        published = [video for video in videos if video["name"] == name and video["published"]]
        for video in published:
            equal = video["sha256"] == digest
            good = good and equal and video["held_bytes_resent"] == 0
            table.add_row(*_row(video), "published, equal" if equal else "NOT EQUAL")
        if len(published) != 1:
            good = False
            table.add_row(name, "", "", "", "", f"published {len(published)} times")
    Console().print(table)
    print("All published, once, byte for byte." if good else "Something went wrong; see above.")
    return 0 if good else 1


def _row(video: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(video["title"]),
        f"{video['size']:,}",
        str(video["segments"]),
        str(video["max_in_flight"]),
        str(video["held_bytes_resent"]),
    )


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "okdrop", *arguments]


def _fetch(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the emulator's own address
        videos: list[dict[str, Any]] = json.load(answer)
    return videos
