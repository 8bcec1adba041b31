"""`okdrop upload`: refusals before anything starts, and what became of each file at the end."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import pytest

from ledger.making import ticket
from okdrop import events, named_files
from okdrop.config import load
from okdrop.drop import Drop, Failure, State
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY, Emulator, Options
from okdrop.errors import LedgerError
from okdrop.events import shown
from okdrop.inbox.revision import revision_at
from okdrop.ledger import Ledger, read_only
from okdrop.named_files import Outcome, outcome, refusals, videos
from okdrop.names import Names
from okdrop.observe.board import Board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from okdrop.config import Config
    from okdrop.drop import Upload

HINT = "look at it"
VIDEO = ticket().video_id


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Emulator]:
    async with Emulator(Options(data_dir=tmp_path / "ok")) as running:
        yield running


def configured(tmp_path: Path, emulator: Emulator, **more: str) -> Config:
    return load(
        None,
        {
            "OKDROP_OK__API_URL": emulator.api_url,
            "OKDROP_OK__UPLOAD_HOSTS": '["127.0.0.1"]',
            "OKDROP_OK__APPLICATION_KEY": APPLICATION_KEY,
            "OKDROP_OK__APPLICATION_SECRET_KEY": APPLICATION_SECRET_KEY,
            "OKDROP_OK__ACCESS_TOKEN": ACCESS_TOKEN,
            "OKDROP_RETRY__FIRST_DELAY": "10ms",
            "OKDROP_LEDGER__URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        }
        | more,
    )


@pytest.fixture
def config(tmp_path: Path, emulator: Emulator) -> Config:
    return configured(tmp_path, emulator)


class Asked:
    """A run of the command: its exit code, what it said, and its progress."""

    def __init__(self, code: int, said: list[str], progress: str) -> None:
        self.code, self.said, self.progress = code, said, progress


async def upload(config: Config, *files: Path, **changes: Any) -> Asked:
    said: list[str] = []
    progress = io.StringIO()
    keywords: dict[str, Any] = {
        "title": "",
        "draw": False,
        "progress": progress,
        "say": said.append,
    } | changes
    code = await named_files.upload(config, [os.fsencode(file) for file in files], **keywords)
    return Asked(code, said, progress.getvalue())


def video(path: Path, size: int = 100_000) -> Path:
    path.write_bytes(os.urandom(size))
    return path


async def test_each_file_is_told_with_video_and_link(
    config: Config, emulator: Emulator, tmp_path: Path
) -> None:
    files = [video(tmp_path / "a.mp4"), video(tmp_path / "[red]\n.mp4")]
    asked = await upload(config, *files, files[0], title="Mine")
    ids = {account["name"]: account["id"] for account in emulator.videos()}
    assert asked.code == 0
    assert asked.said == [
        f"{shown(bytes(file))}: published, video {ids[name]}, https://ok.ru/video/{ids[name]}"
        for file, name in zip(files, ("a.mp4", "[red]\\n.mp4"), strict=True)
    ]
    assert {account["title"] for account in emulator.videos()} == {"Mine"}
    assert "a.mp4: sending" in asked.progress
    assert "\x1b" not in asked.progress
    again = await upload(config, *files)
    assert (again.code, len(emulator.videos())) == (0, 2)
    assert again.said[0] == asked.said[0].replace("published,", "published already,")


async def test_a_failure_is_told_once_with_its_hint(
    config: Config, emulator: Emulator, tmp_path: Path
) -> None:
    with emulator.faults.active("api_error", code=454, method="video.update"):
        asked = await upload(config, video(tmp_path / "a.mp4"))
    assert asked.code == 1
    (line,) = asked.said
    assert line.startswith(f"{tmp_path}/a.mp4: failed: text_refused: ")
    assert line.count("okdrop retry 1") == 1
    assert asked.progress.count("text_refused") == 1  # the lines tell it, so the log beside them does not


async def test_dead_credentials_are_3_and_the_file_waits(
    config: Config, emulator: Emulator, tmp_path: Path
) -> None:
    with emulator.faults.active("api_error", code=102):
        asked = await upload(config, video(tmp_path / "a.mp4"))
    assert asked.code == 3
    assert asked.said == [f"{tmp_path}/a.mp4: queued, 0 % held by OK; the same command goes on from there"]
    assert "pool.halted" in asked.progress


async def test_a_file_that_a_writer_keeps_open_is_left_and_the_run_is_not_all_well(
    config: Config, emulator: Emulator, tmp_path: Path
) -> None:
    path = video(tmp_path / "a.mp4")
    with path.open("ab"):
        asked = await upload(config, path, video(tmp_path / "b.mp4"))
    assert asked.code == 1
    assert asked.said[0] == f"{path}: left: held open by a writer"
    assert "b.mp4: published" in asked.said[1]
    assert [account["name"] for account in emulator.videos()] == ["b.mp4"]


async def test_debug_tells_every_event_beside_the_lines(emulator: Emulator, tmp_path: Path) -> None:
    loud = configured(tmp_path, emulator, OKDROP_LOG__LEVEL="debug", OKDROP_LOG__FORMAT="json")
    asked = await upload(loud, video(tmp_path / "a.mp4"))
    assert '"event": "upload.progress"' in asked.progress
    assert "a.mp4: sending" in asked.progress


def test_every_file_that_cannot_be_sent_is_named(tmp_path: Path) -> None:
    good = video(tmp_path / "a.mp4")
    missing, empty = tmp_path / "m\n[red].mp4", tmp_path / "e.mp4"
    empty.touch()
    notes = video(tmp_path / "notes.txt")
    named = [bytes(missing), bytes(good), bytes(empty), bytes(notes)]
    not_sent = [
        f"{tmp_path}/m\\n[red].mp4 is not there",
        f"{tmp_path}/e.mp4 cannot be sent: the file is empty; OK takes no video under 16384 bytes",
    ]
    assert refusals(named, None) == not_sent
    *others, told = refusals(named, Names(["mp4"], ()))
    assert others == not_sent
    assert told.startswith(f"{notes} is no video by its name")
    assert "--any sends it" in told


def test_a_video_is_what_any_list_of_suffixes_calls_so(tmp_path: Path) -> None:
    watch = f'[{{"path": "{tmp_path}", "suffixes": ["Raw"]}}]'
    environ = {"OKDROP_INTAKE__SUFFIXES": "mp4", "OKDROP_WATCH": watch}
    names = videos(load(None, environ))
    assert [names.is_video(name) for name in ("a.MP4", "a.raw", "a.mkv", "mp4")] == [True, True, False, False]


async def test_a_file_that_is_named_in_two_spellings_is_one(
    config: Config, emulator: Emulator, tmp_path: Path
) -> None:
    path = video(tmp_path / "a.mp4")
    (tmp_path / "folder").symlink_to(tmp_path)
    asked = await upload(config, path, tmp_path / "folder" / "a.mp4", path)
    assert (asked.code, len(asked.said), len(emulator.videos())) == (0, 1, 1)
    assert asked.said[0].startswith(f"{path}: published, ")


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.QUEUED, State.FINALIZING])
async def test_a_title_is_taken_over_by_an_upload_that_is_not_published_yet(
    config: Config, emulator: Emulator, tmp_path: Path, state: State
) -> None:
    path = video(tmp_path / "a.mp4")
    if state is State.FINALIZING:
        with emulator.faults.active("api_error", code=102, method="video.update"):
            assert (await upload(config, path, title="Before")).code == 3
    else:
        with emulator.faults.active("api_error", code=102):
            await upload(config, path, title="Before")
        if state is not State.QUEUED:
            async with await Ledger.open(config.ledger.url.get_secret_value()) as ledger:
                (row,) = await ledger.uploads()
                await ledger.write(row.to(state))
    asked = await upload(config, path, title="After")
    assert (asked.code, [account["title"] for account in emulator.videos()]) == (0, ["After"])
    assert "its title" not in asked.said[0]


async def test_the_title_of_a_published_video_is_said_to_stay(
    config: Config, emulator: Emulator, tmp_path: Path
) -> None:
    path = video(tmp_path / "a.mp4")
    await upload(config, path, title="Before")
    asked = await upload(config, path, title="After")
    assert (asked.code, [account["title"] for account in emulator.videos()]) == (0, ["Before"])
    assert asked.said[0].endswith("; its title is not changed, that is done on ok.ru")
    assert "its title" not in (await upload(config, path, title="Before")).said[0]


# --- what became of a file, by the ledger ------------------------------------------------------------


async def told(tmp_path: Path, path: Path, *, board: Board | None = None, **changes: Any) -> Outcome:
    """The outcome of a file whose row is as `changes` say; no row without them."""
    url = f"sqlite:///{tmp_path / 'own.db'}"
    async with await Ledger.open(url) as ledger:
        if changes:
            revision = revision_at(bytes(path))
            assert revision is not None
            row = await ledger.add(Drop(path=bytes(path), revision=revision, folder=""))
            await _brought(ledger, row, **changes)
    with read_only(url) as reader:
        return outcome(bytes(path), board or Board([str(path)], lambda: 0.0), reader)


async def _brought(ledger: Ledger, row: Upload, *, state: State, **changes: Any) -> None:
    steps = {
        State.PUBLISHED: (State.UPLOADING, State.FINALIZING, State.PUBLISHED),
        State.FINALIZING: (State.UPLOADING, State.FINALIZING),
        State.QUEUED: (),
    }.get(state, (state,))
    for step in steps:
        row = await ledger.write(row.to(step))
    await ledger.write(row.with_(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"state": State.PUBLISHED, "ticket": ticket()},
            f"published already, video {VIDEO}, https://ok.ru/video/{VIDEO}",
        ),
        ({"state": State.QUEUED}, "queued, 0 % held by OK; the same command goes on from there"),
        (
            {"state": State.UPLOADING, "received": 50_000},
            "uploading, 50 % held by OK; the same command goes on from there",
        ),
        ({"state": State.CANCELLED}, "cancelled; okdrop retry 1 hands it back"),
        (
            {"state": State.FAILED, "failure": Failure(code="bad_file", message="no", hint=HINT)},
            f"failed: bad_file: no; {HINT}; then: okdrop retry 1",
        ),
    ],
)
async def test_what_became_of_a_file_is_what_the_ledger_says(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = video(tmp_path / "a.mp4")
    assert await told(tmp_path, path, **changes) == Outcome(f"{path}: {words}")


async def test_a_file_without_a_row_was_left(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4")
    assert await told(tmp_path, path) == Outcome(f"{path}: not taken yet", left=True)
    board = Board([str(path)], lambda: 0.0)
    board.listen(events.FileLeft(path=str(path), reason="still growing"))
    assert await told(tmp_path, path, board=board) == Outcome(f"{path}: left: still growing", left=True)
    path.unlink()
    assert await told(tmp_path, path) == Outcome(f"{path}: left: it is gone", left=True)


async def test_a_superseded_row_is_no_outcome(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4")
    board = Board([str(path)], lambda: 0.0)
    board.listen(events.UploadSuperseded(upload=1, path=str(path)))
    assert (await told(tmp_path, path, board=board, state=State.SUPERSEDED)).left


async def test_a_published_file_that_is_gone_since_is_still_published(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4")
    await told(tmp_path, path, state=State.PUBLISHED, ticket=ticket())
    path.unlink()
    board = Board([str(path)], lambda: 0.0)
    board.listen(events.UploadPublished(upload=1, video_id=VIDEO, path=str(path), size=1))
    assert (await told(tmp_path, path, board=board)).text.startswith(f"{path}: published, video {VIDEO}")


async def test_beside_a_daemon_it_is_said_what_else_there_is_to_do(config: Config, tmp_path: Path) -> None:
    async with await Ledger.open(config.ledger.url.get_secret_value()):
        with pytest.raises(LedgerError, match="in use by another okdrop") as caught:
            await upload(config, video(tmp_path / "a.mp4"))
    assert caught.value.code == "ledger_locked"
    assert caught.value.hint.startswith("beside a daemon, drop the file into a folder that it watches")
