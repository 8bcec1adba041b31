"""`check`: one line for each thing, and the gravest exit code."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from okdrop import check as checking
from okdrop.check import CLOCK_TOLERANCE, Finding, check
from okdrop.config import load
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY, Emulator, Fault, Options
from okdrop.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Emulator]:
    async with Emulator(Options(data_dir=tmp_path / "ok")) as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path, emulator: Emulator) -> dict[str, str]:
    (tmp_path / "drop").mkdir()
    return {
        "OKDROP_OK__API_URL": emulator.api_url,
        "OKDROP_OK__UPLOAD_HOSTS": '["127.0.0.1"]',
        "OKDROP_OK__APPLICATION_KEY": APPLICATION_KEY,
        "OKDROP_OK__APPLICATION_SECRET_KEY": APPLICATION_SECRET_KEY,
        "OKDROP_OK__ACCESS_TOKEN": ACCESS_TOKEN,
        "OKDROP_WATCH": json.dumps([{"path": str(tmp_path / "drop")}]),
        "OKDROP_LEDGER__URL": f"sqlite:///{tmp_path / 'ledger.db'}",
    }


async def checked(environ: dict[str, str], **changes: str) -> tuple[int, list[str]]:
    said: list[str] = []
    code = await check(load(None, environ | changes), said.append)
    return code, said


def about(said: list[str], what: str) -> str:
    (line,) = [line for line in said if line[6:].startswith(what)]
    return line


async def test_all_is_well(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "drop" / "a.mp4").write_bytes(b"x")
    code, said = await checked(environ)
    assert code == 0
    assert all(line.startswith("ok  ") for line in said)
    assert "1 videos" in about(said, "folder")
    assert about(said, "folder").endswith("watch mode: kernel events")
    assert "as Emulated User" in about(said, "account")
    assert "0 uploads" in about(said, "ledger")
    assert re.search(r"within \d s of OK's", about(said, "clock"))


async def test_a_folder_that_has_no_events_is_told_with_the_reason(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "try_watch", lambda _folders: "the kernel's limit of watches is reached")
    code, said = await checked(environ)
    assert code == 0
    assert about(said, "folder").endswith("scans only: the kernel's limit of watches is reached")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"OKDROP_OK__ACCESS_TOKEN": "another-token"}, "get a new token"),
        ({"OKDROP_OK__APPLICATION_SECRET_KEY": "another"}, "signature"),
        ({"OKDROP_OK__ACCESS_TOKEN": ""}, "not configured: ok.access_token"),
    ],
)
async def test_not_authorised(environ: dict[str, str], changes: dict[str, str], words: str) -> None:
    code, said = await checked(environ, **changes)
    assert code == 3
    line = about(said, "account")
    assert line.startswith("FAIL")
    assert words in line
    assert "another" not in "".join(said)


async def test_a_missing_folder(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "drop").rmdir()
    code, said = await checked(environ)
    assert code == 2
    assert "create the folder" in about(said, "folder")
    assert about(said, "account").startswith("ok")  # the rest is looked at all the same


def moving(path: Path, move_to: Path) -> dict[str, str]:
    watch = {"path": str(path), "after": "move", "move_to": str(move_to)}
    return {"OKDROP_WATCH": json.dumps([watch])}


async def test_where_published_files_move_to(environ: dict[str, str], tmp_path: Path) -> None:
    code, said = await checked(environ, **moving(tmp_path / "drop", tmp_path / "a" / "b"))
    assert code == 0
    assert "renamed" in about(said, "move_to")
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").write_bytes(b"")
    code, said = await checked(environ, **moving(tmp_path / "drop", tmp_path / "a" / "b"))
    assert code == 2
    assert f"{tmp_path}/a is no folder" in about(said, "move_to")


@pytest.mark.parametrize(("there", "word"), [(True, "written"), (False, "created")])
async def test_a_place_to_move_to_that_may_not_be_used(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, *, there: bool
) -> None:
    kept = tmp_path / "archive" / "kept"
    (kept if there else kept.parent).mkdir(parents=True)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "archive" not in str(path) and access(path, mode))
    code, said = await checked(environ, **moving(tmp_path / "drop", kept))
    assert code == 2
    assert f"cannot be {word}" in about(said, "move_to")


async def test_a_place_to_move_to_on_another_disk(environ: dict[str, str], tmp_path: Path) -> None:
    memory = Path("/dev/shm")  # noqa: S108 - another file system, of which every Linux has one
    if os.lstat(memory).st_dev == os.lstat(tmp_path).st_dev:
        pytest.skip("there is no other file system here")
    code, said = await checked(environ, **moving(tmp_path / "drop", memory / "kept"))
    assert code == 0
    assert "copied" in about(said, "move_to")


async def test_no_folder(environ: dict[str, str]) -> None:
    code, said = await checked(environ, OKDROP_WATCH="[]")
    assert code == 2
    assert "[[watch]]" in about(said, "folders")


async def test_an_api_that_cannot_be_reached(environ: dict[str, str]) -> None:
    code, said = await checked(environ, OKDROP_OK__API_URL="http://127.0.0.1:1")
    assert code == 1
    assert "cannot be reached" in about(said, "OK.ru")


async def test_an_api_in_trouble(environ: dict[str, str], emulator: Emulator) -> None:
    emulator.faults.add(Fault.of("error_503", method="users.getCurrentUser"))
    assert (await checked(environ))[0] == 1


async def test_a_ledger_that_cannot_be_used(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is no database, by any means" * 100)
    code, said = await checked(environ)
    assert code == 2
    assert about(said, "ledger").startswith("FAIL")


async def test_a_ledger_in_use_is_well(environ: dict[str, str]) -> None:
    async with await Ledger.open(environ["OKDROP_LEDGER__URL"]):
        code, said = await checked(environ)
    assert code == 0
    assert "in use by a running okdrop" in about(said, "ledger")


@pytest.mark.parametrize("hours", [5, -5])
async def test_a_clock_that_is_off(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    class Skewed(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # always asked in UTC
            assert tz is UTC
            return datetime.now(UTC) + timedelta(hours=hours)

    monkeypatch.setattr(checking, "datetime", Skewed)
    code, said = await checked(environ)
    assert code == 1
    told = re.search(r"([+-]\d+) s off OK's", about(said, "clock"))
    assert told is not None
    assert int(told[1]) == pytest.approx(hours * 3600, abs=5)


def test_the_clock_by_itself() -> None:
    assert checking._clock(None).code == 0
    assert checking._clock(CLOCK_TOLERANCE).code == 0
    assert checking._clock(-CLOCK_TOLERANCE - 1).code == 1


def test_a_finding_in_one_line() -> None:
    assert str(Finding("ledger", "3 uploads")) == "ok    ledger: 3 uploads"
    assert str(Finding("ledger", "none", 2)) == "FAIL  ledger: none"
