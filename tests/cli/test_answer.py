"""What cannot be written, by the real process: an answer is an error in words, all else costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.making import drop
from okdrop.cli.answer import READER_GONE
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
