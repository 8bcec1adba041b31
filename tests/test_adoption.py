"""Files are recorded as published and nothing is sent, beside a daemon that holds the ledger."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from ledger.making import ticket
from okdrop.adoption import NotThereError, Outcome, adopt, files_of
from okdrop.config import load
from okdrop.drop import UNFINISHED, Drop, Failure, State
from okdrop.inbox.revision import revision_at
from okdrop.leaves import hasher
from okdrop.ledger import Ledger, Suspect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from okdrop.config import Config
    from okdrop.drop import Upload


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
async def daemon(url: str) -> AsyncIterator[Ledger]:
    async with await Ledger.open(url) as ledger:
        yield ledger


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "drop").mkdir()
    watch = [{"path": str(tmp_path / "drop"), "suffixes": ["mkv"], "ignore": ["skip*"]}]
    return load(None, {"OKDROP_OK__API_URL": "http://127.0.0.1:1", "OKDROP_WATCH": json.dumps(watch)})


FILM = b"film" * 4096
"""As small as a video may be."""


def file(path: Path, content: bytes = FILM) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def drop(path: Path) -> Drop:
    revision = revision_at(os.fsencode(path))
    assert revision is not None
    return Drop(path=os.fsencode(path), revision=revision, folder="/srv")


async def row_in(daemon: Ledger, path: Path, state: State, **facts: Any) -> Upload:
    row = await daemon.add(drop(path), state=state)
    return await daemon.write(row.with_(**facts)) if facts else row


# --- which files --------------------------------------------------------------------------------------


def names(config: Config, *paths: Path) -> dict[str, str]:
    drops, problems = files_of(config, list(map(os.fsencode, paths)))
    assert problems == []
    return {os.fsdecode(one.path).rpartition("/")[2]: one.folder for one in drops}


def test_a_folder_goes_by_the_rules_of_the_watched_folder_that_holds_it(
    config: Config, tmp_path: Path
) -> None:
    folder = str(tmp_path / "drop")
    for name in ("a.mkv", "b.mp4", "deep/er/c.mkv", "skipped/d.mkv"):
        file(tmp_path / "drop" / name)
    assert names(config, tmp_path / "drop") == {"a.mkv": folder, "c.mkv": folder}
    assert names(config, tmp_path / "drop" / "deep", tmp_path / "drop" / "a.mkv") == {
        "a.mkv": folder,
        "c.mkv": folder,
    }


def test_a_folder_elsewhere_goes_by_the_rules_for_all(config: Config, tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mp4", "c.txt"):
        file(tmp_path / "archive" / name)
    assert names(config, tmp_path / "archive") == {"a.mkv": "", "b.mp4": ""}


def test_a_file_that_is_named_is_meant_whatever_its_name(config: Config, tmp_path: Path) -> None:
    assert names(config, file(tmp_path / "drop" / "film.dat")) == {"film.dat": str(tmp_path / "drop")}


def test_a_watched_folder_may_be_a_link(config: Config, tmp_path: Path) -> None:
    file(tmp_path / "elsewhere" / "a.mkv")
    (tmp_path / "drop").rmdir()
    (tmp_path / "drop").symlink_to(tmp_path / "elsewhere")
    assert list(names(config, tmp_path / "drop")) == ["a.mkv"]


@pytest.mark.parametrize("kind", ["nothing", "pipe", "link"])
def test_a_path_that_leads_to_no_file_is_an_error(config: Config, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "drop" / "new\nline.mkv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(file(tmp_path / "film.mkv"))
    with pytest.raises(NotThereError) as caught:
        files_of(config, [os.fsencode(path)])
    assert "\n" not in caught.value.message


# --- what is recorded ---------------------------------------------------------------------------------


async def test_a_new_file_is_published_without_a_video(daemon: Ledger, url: str, tmp_path: Path) -> None:
    path = file(tmp_path / "a.mp4")
    [said] = await adopt(url, [drop(path)])
    [row] = await daemon.uploads()
    assert said.outcome is Outcome.ADOPTED
    assert (row.state, row.ticket) == (State.PUBLISHED, None)
    hashed = hasher()
    hashed.update(FILM)
    assert row.digest == hashed.digest()
    [step] = await daemon.history(row.id)
    assert step.note == "adopted"
    os.utime(path, ns=(1, 1))
    assert await daemon.judge(drop(path)) == Suspect(upload=row)


async def test_fast_reads_nothing(daemon: Ledger, url: str, tmp_path: Path) -> None:
    path = file(tmp_path / "a.mp4")
    path.chmod(0)
    found = drop(path)
    await adopt(url, [found], fast=True)
    [row] = await daemon.uploads()
    assert (row.state, row.digest) == (State.PUBLISHED, None)


@pytest.mark.parametrize("state", [State.QUEUED, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize("held", [True, False])
async def test_what_waits_or_failed_or_was_cancelled_becomes_published(
    daemon: Ledger, url: str, tmp_path: Path, state: State, *, held: bool
) -> None:
    path = file(tmp_path / "a.mp4")
    failure = Failure(code="x", message="y")
    row = await row_in(daemon, path, state, held=held, failure=failure, ticket=ticket("9"), received=3)
    [said] = await adopt(url, [drop(path)])
    assert said.outcome is Outcome.ADOPTED
    [row] = await daemon.uploads()
    assert (row.state, row.held, row.failure, row.ticket) == (State.PUBLISHED, False, None, None)
    assert row.digest is not None
    assert await daemon.orphans() == ["9"]


async def test_a_video_that_may_be_public_is_kept(daemon: Ledger, url: str, tmp_path: Path) -> None:
    path = file(tmp_path / "a.mp4")
    await row_in(daemon, path, State.FAILED, ticket=ticket("9"), publish_offered=True)
    await adopt(url, [drop(path)])
    [row] = await daemon.uploads()
    assert row.ticket is not None
    assert await daemon.orphans() == []


@pytest.mark.parametrize("state", sorted(UNFINISHED - {State.QUEUED}))
async def test_what_is_on_its_way_is_refused_with_what_to_do(
    daemon: Ledger, url: str, tmp_path: Path, state: State
) -> None:
    path = file(tmp_path / "a.mp4")
    row = await row_in(daemon, path, state)
    [said] = await adopt(url, [drop(path)])
    assert said.outcome is Outcome.REFUSED
    assert f"okdrop cancel {row.id}" in said.text
    assert await daemon.uploads() == [row]


async def test_what_is_on_its_way_under_another_name_is_refused(
    daemon: Ledger, url: str, tmp_path: Path
) -> None:
    path = file(tmp_path / "a.mp4")
    await row_in(daemon, path, State.QUEUED)
    [said] = await adopt(url, [drop(path.rename(tmp_path / "b.mp4"))])
    assert said.outcome is Outcome.REFUSED


@pytest.mark.parametrize("state", [State.PUBLISHED, State.DUPLICATE])
async def test_what_is_published_is_said_to_be_and_learns_its_digest(
    daemon: Ledger, url: str, tmp_path: Path, state: State
) -> None:
    path = file(tmp_path / "a.mp4")
    await row_in(daemon, path, state)
    for _ in range(2):
        [said] = await adopt(url, [drop(path)])
        assert said.outcome is Outcome.PUBLISHED
    [row] = await daemon.uploads()
    assert (row.state, row.version) == (state, 2)
    assert row.digest is not None


async def test_another_name_of_a_published_file_gets_a_row_of_its_own(
    daemon: Ledger, url: str, tmp_path: Path
) -> None:
    path = file(tmp_path / "a.mp4")
    await row_in(daemon, path, State.PUBLISHED)
    [said] = await adopt(url, [drop(path.rename(tmp_path / "b.mp4"))])
    assert said.outcome is Outcome.ADOPTED
    assert [row.state for row in await daemon.uploads()] == [State.PUBLISHED] * 2


async def test_a_file_that_changes_meanwhile_is_refused(daemon: Ledger, url: str, tmp_path: Path) -> None:
    path = file(tmp_path / "a.mp4")
    found = drop(path)
    file(path, b"another " * 4096)
    [said] = await adopt(url, [found])
    assert (said.outcome, await daemon.uploads()) == (Outcome.REFUSED, [])


async def test_many_files_are_all_adopted_and_their_progress_is_told(
    daemon: Ledger, url: str, tmp_path: Path
) -> None:
    drops = [drop(file(tmp_path / f"{number}.mp4", b"%016d" % number * 1024)) for number in range(70)]
    done: list[int] = []
    said = await adopt(url, drops, progress=done.append)
    assert {one.outcome for one in said} == {Outcome.ADOPTED}
    assert (sum(done), len(await daemon.uploads())) == (70, 70)


async def test_whoever_wrote_first_is_heard(
    daemon: Ledger, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path / "a.mp4")
    row = await row_in(daemon, path, State.QUEUED)
    judge, overtaken = Ledger.judge, asyncio.Event()

    async def slow(self: Ledger, found: Drop) -> Any:
        seen = await judge(self, found)
        if not overtaken.is_set():
            overtaken.set()
            await daemon.write(row.to(State.UPLOADING))
        return seen

    monkeypatch.setattr(Ledger, "judge", slow)
    [said] = await adopt(url, [drop(path)])
    assert said.outcome is Outcome.REFUSED


async def test_a_row_that_comes_in_between_is_judged(
    daemon: Ledger, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path / "a.mp4")
    judge, overtaken = Ledger.judge, asyncio.Event()

    async def slow(self: Ledger, found: Drop) -> Any:
        seen = await judge(self, found)
        if not overtaken.is_set():
            overtaken.set()
            await daemon.add(drop(path))
        return seen

    monkeypatch.setattr(Ledger, "judge", slow)
    [said] = await adopt(url, [drop(path)])
    assert said.outcome is Outcome.ADOPTED
    assert [row.state for row in await daemon.uploads()] == [State.PUBLISHED]


async def test_a_ledger_that_is_not_there_yet_is_made(url: str, tmp_path: Path) -> None:
    await adopt(url, [drop(file(tmp_path / "a.mp4"))])
    async with await Ledger.open(url) as ledger:
        assert len(await ledger.uploads()) == 1


@pytest.mark.parametrize("fast", [True, False])
async def test_what_could_never_be_a_video_of_oks_is_refused(
    daemon: Ledger, url: str, tmp_path: Path, *, fast: bool
) -> None:
    paths = [file(tmp_path / "none.mp4", b""), file(tmp_path / "less.mp4", FILM[1:])]
    said = await adopt(url, [*map(drop, paths), drop(file(tmp_path / "a.mp4"))], fast=fast)
    assert [one.outcome for one in said] == [Outcome.REFUSED, Outcome.REFUSED, Outcome.ADOPTED]
    assert said[0].text == (
        f"{paths[0]} is no video of OK's: the file is empty; OK takes no video under 16384 bytes"
    )
    assert "has only 16383 bytes" in said[1].text
    assert [row.drop.path for row in await daemon.uploads()] == [bytes(tmp_path / "a.mp4")]


async def test_a_file_is_adopted_for_the_account_of_its_folder(
    tmp_path: Path, url: str, daemon: Ledger
) -> None:
    first, second = file(tmp_path / "a.mp4"), file(tmp_path / "b.mp4", FILM + b"b")
    drops = [drop(first), dataclasses.replace(drop(second), folder="")]
    await adopt(url, drops, accounts={"/srv": "kids"})
    assert [row.account for row in await daemon.uploads()] == ["kids", ""]
