"""The verdict: what became of each clip, by the emulator's own account."""

from __future__ import annotations

from typing import Any, Final

COLUMNS: Final = ("title", "bytes", "segments", "at once", "again", "verdict")
LEGEND: Final = (
    "again: bytes sent again though OK held them\nequal: published, with the SHA-256 of the file dropped"
)


def report(digests: dict[str, str], videos: list[dict[str, Any]], code: int) -> int:
    """Print what became of each clip; returns the exit code.

    Args:
        digests: file name → SHA-256 of what was dropped.
        videos: the emulator's account.
        code: the daemon's exit code.
    """
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="By the account of the stand-in for OK.ru", caption=LEGEND, caption_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in {"title", "verdict"} else "right")
    good = code == 0 and len([video for video in videos if video["published"]]) == len(digests)
    for name, digest in digests.items():
        published = [video for video in videos if video["name"] == name and video["published"]]
        for video in published:
            equal = video["sha256"] == digest
            good = good and equal and video["held_bytes_resent"] == 0
            table.add_row(*_row(video), "equal" if equal else "NOT EQUAL")
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
