"""What cannot be written, by the real process: an answer is an error in words, all else costs nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.making import drop
from okdrop.cli import answer as module
from okdrop.cli.answer import READER_GONE, AnswerError, gathered, tell
from okdrop.ledger import Ledger

FULL = Path("/dev/full")


@pytest.fixture
async def environ(tmp_path: Path) -> dict[str, str]:
    """A ledger with more rows than a pipe takes."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    async with await Ledger.open(url) as ledger:
        await ledger.add_all([drop(b"/%d" % number, inode=number) for number in range(300)])
    return {"PATH": os.environ["PATH"], "OKDROP_LEDGER__URL": url}


def okdrop(
    environ: dict[str, str], *arguments: str, out: int | None = None, err: int | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "okdrop", *arguments]
    return subprocess.run(
        command,
        env=environ,
        stdout=subprocess.PIPE if out is None else out,
        stderr=subprocess.PIPE if err is None else err,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--json", "--all"], ["show", "1"], ["--version"]]
)
def test_an_answer_that_cannot_be_written_is_one_line_and_2(
    environ: dict[str, str], arguments: list[str]
) -> None:
    with FULL.open("w") as full:
        ended = okdrop(environ, *arguments, out=full.fileno())
    assert ended.returncode == 2
    assert ended.stderr == "okdrop: the answer cannot be written: No space left on device\n"


@pytest.mark.parametrize("arguments", [["status", "--json", "--all"], ["show", "1"]])
def test_a_reader_that_went_away_is_no_error(environ: dict[str, str], arguments: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    ended = okdrop(environ, *arguments, out=writes)
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (READER_GONE, "")


@pytest.mark.parametrize(
    ("arguments", "code"), [(["show", "1"], 0), (["show", "999"], 2), (["no-such-command"], 2), (["run"], 2)]
)
def test_standard_error_that_cannot_be_written_changes_no_exit_code(
    environ: dict[str, str], arguments: list[str], code: int
) -> None:
    with FULL.open("w") as full:
        assert okdrop(environ, *arguments, err=full.fileno()).returncode == code


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_output_is_none(environ: dict[str, str], closed: int) -> None:
    script = f'exec {closed}>&-; exec "$@"'
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "okdrop", "show", "1"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_what_is_gathered_is_told_as_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_memory: int
) -> None:
    """More of it than is written at once, in memory and on the disk; no end of a line is another after."""
    monkeypatch.setattr(module, "IN_MEMORY", in_memory or 1)
    monkeypatch.setattr(module, "PIECES", 3)
    monkeypatch.setattr(module, "BLOCK", 7)
    pieces = [f"{number} \N{CLAPPER BOARD}\r\n" for number in range(20)]
    tell(gathered(pieces))
    assert capsys.readouterr().out == "".join(pieces)


def test_an_answer_that_finds_no_room_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 1)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(AnswerError, match="cannot be kept until it is read: No such file") as caught:
        gathered(["more than a byte"])
    assert "TMPDIR" in caught.value.hint


async def test_a_reader_that_takes_its_time_holds_up_no_daemon(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """While somebody pages through the answer, the log of writes can be taken back into the ledger's file."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okdrop", "status", "--json"), env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    begun = await process.stdout.readexactly(1)  # and no more: its pipe is full by now
    async with await Ledger.open(environ["OKDROP_LEDGER__URL"]) as ledger:
        await ledger.add(drop(b"/later"))
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        [(busy, _, _)] = database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not busy
    assert len(json.loads(begun + await process.stdout.read())["uploads"]) == 300
    assert await process.wait() == 0
