from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_no_litter, assert_published_once, published, received, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.harness import Daemon

SLOW = 400 * KB
SMALL = {"upload__segment_size": "64KiB"}


def replace(path: Path, daemon: Daemon) -> None:
    daemon.file(path.name, path.stat().st_size, seed="another")


def truncate(path: Path, _daemon: Daemon) -> None:
    os.truncate(path, path.stat().st_size // 2)


def append(path: Path, _daemon: Daemon) -> None:
    with path.open("ab") as file:
        file.write(b"more" * 50_000)


def rewrite(path: Path, _daemon: Daemon) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


@pytest.mark.parametrize("change", [replace, truncate, append, rewrite])
async def test_a_file_that_changes_while_it_is_sent_is_published_as_it_is_then(
    start: Any, change: Callable[[Path, Daemon], None]
) -> None:
    emulator, daemon = await start(bytes_per_second=250 * KB, settings=SMALL)
    daemon.watch(settle="100ms")
    [file] = daemon.files([2 * MB])
    async with daemon.started() as running:
        # Late: longer after the start than a file that never settles would be waited for.
        await until(lambda: received(emulator) > 1200 * KB)
        change(file, daemon)
        assert (await running.end()).code == 0
    assert_published_once(emulator.videos(), [file])
    assert_no_litter(emulator.videos())
    assert len(emulator.videos()) == 2
    assert await daemon.states() == {file.name: ["superseded", "published"]}


async def test_a_file_that_is_deleted_while_it_is_sent_has_failed(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    [file] = daemon.files([1 * MB])
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 200 * KB)
        file.unlink()
        assert (await running.end()).code == 1
    assert not published(emulator.videos())
    assert_no_litter(emulator.videos())
    [row] = (await daemon.status())["uploads"]
    assert (row["state"], row["failure"]["code"]) == ("failed", "source_gone")


@pytest.mark.parametrize("stays", [False, True])
async def test_a_file_that_is_renamed_while_it_is_sent_goes_on_under_its_new_name(
    start: Any, *, stays: bool
) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    daemon.watch(settle="100ms")
    [file] = daemon.files([1 * MB])
    renamed = file.with_name("below") / "renamed.mp4"
    renamed.parent.mkdir()
    async with daemon.started(*(["run"] if stays else [])) as running:
        await until(lambda: received(emulator) > 200 * KB)
        file.rename(renamed)
        await running.tells("upload.renamed")
        renamed = renamed.parent.rename(file.with_name("above")) / renamed.name
        await running.tells("upload.renamed", 2)
        await running.tells("upload.published")
        if stays:
            running.send(signal.SIGTERM)
        assert (await running.end()).code == 0
    assert_published_once(emulator.videos(), [renamed])
    [video] = emulator.videos()
    # Nothing in flight was cut either: that would have come in twice, held or not.
    assert video["received"] == video["size"]
    assert await daemon.states() == {"renamed.mp4": ["published"]}


@pytest.mark.parametrize("command", [(), ("run",)])
async def test_a_file_renamed_between_two_runs_goes_on_from_what_ok_holds(
    start: Any, command: tuple[str, ...]
) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    daemon.watch(settle="300ms")
    [file] = daemon.files([1 * MB])
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 200 * KB)
        await running.kill()
    file = file.rename(file.with_name("renamed meanwhile.mp4"))
    async with daemon.started(*command) as running:
        await running.tells("upload.published")
        if command:
            running.send(signal.SIGTERM)
        assert (await running.end()).code == 0
    assert_published_once(emulator.videos(), [file])
    assert len(emulator.videos()) == 1


async def test_a_file_that_is_taken_out_of_its_folder_and_put_back_keeps_its_ticket(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    daemon.watch(settle="100ms")
    [file] = daemon.files([1 * MB])
    async with daemon.staying() as running:
        await until(lambda: received(emulator) > 200 * KB)
        elsewhere = file.rename(daemon.place / file.name)
        await until(lambda: '"source_missed"' in running.err())
        elsewhere.rename(file)
        await running.tells("upload.published")
    assert_published_once(emulator.videos(), [file])
    assert len(emulator.videos()) == 1


async def test_a_file_changed_between_two_runs_is_not_stitched(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    [file] = daemon.files([1 * MB])
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 200 * KB)
        await running.kill()
    replace(file, daemon)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), [file])
    assert_no_litter(emulator.videos())


async def test_a_file_that_a_writer_holds_is_left_and_named(start: Any) -> None:
    emulator, daemon = await start()
    [file, other] = daemon.files([300 * KB, 200 * KB])
    with file.open("ab"):
        ended = await daemon.ends()
    assert ended.code == 0
    assert [os.path.basename(event["path"]) for event in ended.named("file.left")] == [file.name]  # noqa: PTH119
    assert_published_once(emulator.videos(), [other])
    assert len(emulator.videos()) == 1


async def test_a_file_that_its_writer_closes_meanwhile_is_taken(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    daemon.watch(settle="100ms")
    [file, other] = daemon.files([300 * KB, 900 * KB])
    with file.open("ab") as writer:
        async with daemon.started() as running:
            await until(lambda: '"file.waiting"' in running.err() and received(emulator) > 100 * KB)
            writer.write(b"the end")
            writer.close()
            ended = await running.end()
    assert ended.code == 0
    assert ended.named("file.left") == []
    assert_published_once(emulator.videos(), [file, other])


async def test_what_was_published_is_not_sent_again(start: Any) -> None:
    emulator, daemon = await start()
    files = [daemon.file(f"{name}.mp4", 200 * KB) for name in ("still", "touched", "renamed", "other")]
    still, touched, renamed, other = files
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    before = received(emulator)
    assert (await daemon.ends()).code == 0
    assert received(emulator) == before

    os.utime(touched, ns=(1, 1))
    renamed.rename(renamed.with_stem("renamed since"))
    replace(other, daemon)
    assert (await daemon.ends()).code == 0
    assert received(emulator) == before + 200 * KB
    assert len(emulator.videos()) == 5
    assert_published_once(emulator.videos(), [still, touched, other], others=2)
    states = await daemon.states()
    assert states.pop("touched.mp4") == ["published", "duplicate"]
    assert states.pop("other.mp4")[-1] == "published"
    assert len(states) == 2
