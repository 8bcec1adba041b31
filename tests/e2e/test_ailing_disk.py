"""A disk that cannot be read everywhere stops one upload, and no other."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from e2e.ailing_disk import AilingDisk, mounted
from e2e.harness import KB, MB, assert_published_once, published, received, seeded, until

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"upload__segment_size": "64KiB", "upload__workers": "2"}


def three(place: Path) -> tuple[AilingDisk, list[Path]]:
    names = ["ill.mp4", "well.mp4", "well too.mp4"]
    disk = AilingDisk({name: seeded(1 * MB, name) for name in names})
    disk.ill["ill.mp4"] = 500 * KB
    return disk, [place / name for name in names]


async def test_a_file_that_cannot_be_read_fails_alone_and_goes_on_once_the_disk_is_well(start: Any) -> None:
    emulator, daemon = await start(settings=SETTINGS)
    disk, [ill, *well] = three(daemon.drop)
    with mounted(disk, daemon.drop):
        ended = await daemon.ends()
        assert ended.code == 1, ended.text
        assert disk.refusals
        assert_published_once(emulator.videos(), well)
        [failed] = [row for row in (await daemon.status())["uploads"] if row["state"] == "failed"]
        assert (failed["path"], failed["failure"]["code"]) == (str(ill), "source_read")
        assert "Input/output error" in failed["failure"]["message"]
        held = failed["received"]  # nothing, where the illness showed before a byte had left
        disk.ill.clear()
        before = received(emulator)
        assert (await daemon.ends("retry", str(failed["id"]))).code == 0
        assert (await daemon.ends()).code == 0
        assert_published_once(emulator.videos(), [ill, *well])
        assert received(emulator) - before <= 1 * MB - held


async def test_a_disk_that_falls_ill_in_mid_upload_leaves_the_daemon_running(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=1 * MB, settings=SETTINGS)
    disk, [ill, *well] = three(daemon.drop)
    disk.ill.clear()
    with mounted(disk, daemon.drop):
        async with daemon.started("run") as running:
            await until(lambda: received(emulator) > 300 * KB)
            disk.ill["ill.mp4"] = 0
            await running.tells("upload.failed")
            await until(lambda: len(published(emulator.videos())) == 2)
            disk.ill.clear()
            assert (await daemon.ends("retry", "--failed")).code == 0
            await until(lambda: len(published(emulator.videos())) == 3)
            running.send(signal.SIGTERM)
            assert (await running.end()).code == 0
        assert_published_once(emulator.videos(), [ill, *well])
