"""What becomes of files after publishing: the real process, real file systems, kills in between."""

from __future__ import annotations

import collections
import random
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_published_once, published, sha256, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from okdrop.emulator import Emulator

GET = "video.get"
MEMORY = "/dev/shm"  # noqa: S108 - another file system, of which every Linux has one


@pytest.fixture(params=["same file system", "another file system"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Where published files move to: not there yet."""
    crosses = request.param == "another file system"
    place = Path(tempfile.mkdtemp(dir=MEMORY if crosses else tmp_path))
    if crosses and place.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    yield place / "kept"
    shutil.rmtree(place)


def files_below(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def asked(emulator: Emulator) -> int:
    count: int = emulator.summary()["calls"].get(GET, 0)
    return count


async def test_published_files_move_with_their_folders_and_are_not_found_again(
    start: Any, kept: Path
) -> None:
    emulator, daemon = await start()
    daemon.watch(after="move", move_to=str(kept))
    plain, deep = daemon.file("clip.mp4", 300 * KB), daemon.file("cam 2/día.mp4", 200 * KB)
    digests = {sha256(plain): kept / "clip.mp4", sha256(deep): kept / "cam 2" / "día.mp4"}
    ended = await daemon.ends()
    assert ended.code == 0, ended.err
    assert {sha256(path): path for path in files_below(kept)} == digests
    assert files_below(daemon.drop) == []
    assert (daemon.drop / "cam 2").is_dir()
    assert len(ended.named("file.moved")) == 2
    rows = (await daemon.status())["uploads"]
    assert {Path(row["moved_to"]) for row in rows} == {*digests.values()}
    assert {row["chore"] for row in rows} == {"confirm"}
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files_below(kept))
    assert len(emulator.videos()) == 2


async def test_a_name_that_is_taken_gets_a_number(start: Any, kept: Path) -> None:
    emulator, daemon = await start()
    daemon.watch(after="move", move_to=str(kept))
    content = {}
    for number in range(3):
        file = daemon.file("clip.mp4", 100 * KB, seed=number)
        content["clip.mp4" if number == 0 else f"clip ({number + 1}).mp4"] = sha256(file)
        assert (await daemon.ends()).code == 0
    assert {path.name: sha256(path) for path in files_below(kept)} == content
    assert len(published(emulator.videos())) == 3


async def test_a_place_below_the_watched_folder_is_out_of_sight(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(after="move", move_to=str(daemon.drop / ".published"), rescan="100ms")
    file = daemon.file("clip.mp4", 100 * KB)
    digest = sha256(file)
    async with daemon.started("run") as running:
        await until(lambda: '"file.moved"' in running.err())
        daemon.file("later.mp4", 50 * KB)
        await until(lambda: running.err().count('"file.moved"') == 2)
        running.send(signal.SIGTERM)
        assert (await running.end()).code == 0
    assert sha256(daemon.drop / ".published" / "clip.mp4") == digest
    assert (await daemon.ends()).code == 0
    assert len(emulator.videos()) == 2


async def test_a_file_is_deleted_only_when_ok_has_it(start: Any) -> None:
    # First PROCESSING, then ON_MODERATION, then OK.
    emulator, daemon = await start("video_status:after=1,times=1", processing_looks=1)
    daemon.watch(after="delete")
    file = daemon.file("clip.mp4", 200 * KB)
    digest = sha256(file)
    async with daemon.started("run") as running:
        for number in (1, 2):
            await until(lambda number=number: asked(emulator) == number)
            assert sha256(file) == digest
            assert '"video.confirmed"' not in running.err()
        await until(lambda: '"file.deleted"' in running.err())
        running.send(signal.SIGTERM)
        ended = await running.end()
    assert ended.code == 0
    assert asked(emulator) == 3
    assert files_below(daemon.drop) == []
    (row,) = (await daemon.status())["uploads"]
    assert (row["state"], row["chore"]) == ("published", None)
    assert [video["sha256"] for video in published(emulator.videos())] == [digest]


async def test_a_run_that_ends_deletes_what_ok_has_at_once_and_keeps_the_rest(start: Any) -> None:
    emulator, daemon = await start(processing_looks=0)
    daemon.watch(after="delete")
    daemon.file("clip.mp4", 200 * KB)
    assert (await daemon.ends()).code == 0
    assert files_below(daemon.drop) == []
    with emulator.faults.active("video_status"):
        later = daemon.file("later.mp4", 100 * KB)
        assert (await daemon.ends()).code == 0
    assert files_below(daemon.drop) == [later]
    daemon.watch(after="keep")
    assert (await daemon.ends()).code == 0
    assert files_below(daemon.drop) == [later]


@pytest.mark.parametrize("after", ["keep", "delete", "move"])
async def test_a_video_that_ok_refuses_has_failed_and_its_file_is_whole(
    start: Any, tmp_path: Path, after: str
) -> None:
    emulator, daemon = await start("video_status:status=CENSORED")
    daemon.watch(after=after, **({"move_to": str(tmp_path / "kept")} if after == "move" else {}))
    file = daemon.file("clip.mp4", 200 * KB)
    digest = sha256(file)
    ended = await daemon.ends()
    assert ended.code == 1
    (told,) = ended.named("video.refused")
    assert told["status"] == "CENSORED"
    (row,) = (await daemon.status())["uploads"]
    lies = tmp_path / "kept" / "clip.mp4" if after == "move" else file
    assert (row["state"], row["failure"]["code"]) == ("failed", "video_censored")
    assert str(lies) in row["failure"]["message"]
    assert sha256(lies) == digest
    # Retried, it is the same video; OK thinks better of it.
    emulator.faults.clear()
    assert (await daemon.ends("retry", str(row["id"]))).code == 0
    assert (await daemon.ends()).code == 0
    (video,) = emulator.videos()
    assert (video["published"], video["updates"]) == (True, 2)
    # By now OK has it, so that it may be deleted.
    assert [sha256(path) for path in files_below(lies.parent)] == ([] if after == "delete" else [digest])


async def test_a_move_that_cannot_be_made_waits_for_the_next_run_and_fails_nothing(
    start: Any, tmp_path: Path
) -> None:
    emulator, daemon = await start()
    (tmp_path / "kept").write_bytes(b"a file where a folder is wanted")
    daemon.watch(after="move", move_to=str(tmp_path / "kept"))
    file = daemon.file("clip.mp4", 200 * KB)
    digest = sha256(file)
    ended = await daemon.ends()
    assert ended.code == 0
    (told,) = ended.named("chore.trouble")
    assert (told["chore"], told["code"]) == ("move", "filing_failed")
    assert sha256(file) == digest
    (row,) = (await daemon.status())["uploads"]
    assert (row["state"], row["chore"], Path(row["moved_to"] or file)) == ("published", "move", file)
    assert (await daemon.ends("check")).code == 2
    (tmp_path / "kept").unlink()
    assert (await daemon.ends()).code == 0
    assert sha256(tmp_path / "kept" / "clip.mp4") == digest
    assert len(emulator.videos()) == 1


async def test_named_files_are_kept_whatever_their_folder_says(start: Any, tmp_path: Path) -> None:
    emulator, daemon = await start(processing_looks=0)
    daemon.watch(after="delete")
    file = daemon.file("clip.mp4", 200 * KB)
    elsewhere = tmp_path / "other.mp4"
    elsewhere.write_bytes(file.read_bytes()[::-1])
    before = sha256(file), sha256(elsewhere)
    assert (await daemon.ends("upload", str(file), str(elsewhere))).code == 0
    assert (sha256(file), sha256(elsewhere)) == before
    assert asked(emulator) == 2


def whole(folders: Iterable[Path], sizes: Iterable[int]) -> set[int]:
    """The sizes of the files that lie there whole, under whichever name."""
    wanted, found = {*sizes}, set()
    for _ in range(5):  # a folder that is read while a name in it changes may show neither
        for path in files_below(*folders):
            try:
                found.add(path.stat().st_size)
            except FileNotFoundError:
                continue
        if wanted <= found:
            break
    return wanted & found


async def test_killed_again_and_again_no_file_is_ever_without_a_whole_copy(start: Any, kept: Path) -> None:
    emulator, daemon = await start()
    daemon.watch(after="move", move_to=str(kept))
    folders, chance = (daemon.drop, kept), random.Random("kills after publishing")
    digests: dict[int, str] = {}
    for kill in range(8):
        size = 3 * MB + kill
        digests[size] = sha256(daemon.file(f"clip-{kill}.mp4", size))
        looks = chance.randrange(12)
        async with daemon.started() as running:
            await until(lambda kill=kill: emulator.summary()["published"] == kill + 1)
            for _ in range(looks):
                assert whole(folders, digests) == {*digests}
            await running.kill()
        assert whole(folders, digests) == {*digests}
    ended = await daemon.ends()
    assert ended.code == 0, ended.err
    found = files_below(*folders)
    assert [path.parent for path in found] == [kept] * len(digests)
    assert collections.Counter(map(sha256, found)) == collections.Counter(digests.values())
    visible = published(emulator.videos())
    assert sorted(video["sha256"] for video in visible) == sorted(digests.values())


async def test_killed_while_it_deletes_nothing_is_sent_again(start: Any) -> None:
    emulator, daemon = await start(processing_looks=0)
    daemon.watch(after="delete")
    chance = random.Random("kills while deleting")
    for kill in range(5):
        daemon.file(f"clip-{kill}.mp4", 100 * KB + kill)
        looks = chance.randrange(8)
        async with daemon.started() as running:
            await until(lambda kill=kill: asked(emulator) > kill)
            for _ in range(looks):
                files_below(daemon.drop)
            await running.kill()
    assert (await daemon.ends()).code == 0
    assert [*daemon.drop.iterdir()] == []
    videos = emulator.videos()
    assert len(published(videos)) == 5
    # A kill between OK's leave and the ledger's note of it leaves an entry without a byte, known to nobody.
    assert sum(video["held"] for video in videos if not video["published"]) == 0


async def test_a_file_that_is_replaced_after_publishing_is_not_lost(start: Any, tmp_path: Path) -> None:
    emulator, daemon = await start()
    kept = tmp_path / "kept"
    daemon.watch(after="move", move_to=str(kept))
    file = daemon.file("clip.mp4", 200 * KB)
    first = sha256(file)
    kept.write_bytes(b"in the way")
    assert (await daemon.ends()).code == 0
    second = sha256(daemon.file("clip.mp4", 200 * KB, seed="another"))
    kept.unlink()
    assert (await daemon.ends()).code == 0
    assert {sha256(path) for path in files_below(kept, daemon.drop)} == {second}
    assert {video["sha256"] for video in published(emulator.videos())} == {first, second}


async def test_a_file_is_kept_for_a_while_after_ok_has_it_over_a_restart(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(after="delete", delete_after="1h")
    file = daemon.file("clip.mp4", 200 * KB)
    async with daemon.staying() as running:
        await running.tells("video.confirmed")
    async with daemon.staying() as running:
        await running.tells("service.ready")
        assert file.exists()
    ended = await daemon.ends("show", "1")
    assert "by delete_after" in ended.out, ended.text
    daemon.watch(after="delete", delete_after="1s")
    async with daemon.staying() as running:
        await running.tells("file.deleted")
    assert not file.exists()
    assert len(published(emulator.videos())) == 1
