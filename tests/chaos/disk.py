"""A disk that can be full: a file system of its own under the ledger, where one may be mounted."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE: Final = "8m"


class SmallDisk:
    """A folder with little room.

    Args:
        place: where it is.
        refused: why it is an ordinary folder, and never full; "" where it is a file system.
    """

    def __init__(self, place: Path, refused: str) -> None:
        self.place: Final = place
        self.refused: Final = refused
        self._ballast: Final = place / "ballast"

    @property
    def full(self) -> bool:
        """Whether ballast lies there."""
        return self._ballast.exists()

    def fill(self) -> None:
        """Leave not a byte."""
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            for size in (64 * 1024, 1):
                with contextlib.suppress(OSError):
                    while size > 1 or os.statvfs(self.place).f_bavail:
                        file.write(bytes(size))

    def free(self) -> None:
        """Make room."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[SmallDisk]:
    """Mount one; where that is refused, say why and go on without."""
    place.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    disk = SmallDisk(place, mounted.stderr.strip() if mounted.returncode else "")
    try:
        yield disk
    finally:
        disk.free()
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
