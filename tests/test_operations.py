"""What docs/operations.md tells an operator to run does what it says."""

from __future__ import annotations

import asyncio
import re
import shutil
import stat
import sys
from pathlib import Path

from ledger.making import drop
from okdrop.ledger import Ledger, read_only

TEXT = (Path(__file__).parent.parent / "docs" / "operations.md").read_text()


async def save(source: Path, copy: Path) -> None:
    """Run what the document says."""
    [script] = re.findall(r"<<'END'\n(.*?)^END$", TEXT, re.DOTALL | re.MULTILINE)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-", source, copy, stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(script.encode())
    assert process.returncode == 0


async def test_a_ledger_saved_beside_a_daemon_is_whole_and_nobody_elses_to_read(tmp_path: Path) -> None:
    source, copy, bare = (tmp_path / name for name in ("ledger.db", "ledger.saved.db", "bare.db"))
    async with await Ledger.open(f"sqlite:///{source}") as ledger:
        for number in range(50):
            await ledger.add(drop(b"/srv/drop/%d.mp4" % number, inode=number))
        await save(source, copy)
        shutil.copy(source, bare)
        rows = await ledger.uploads()
    with read_only(f"sqlite:///{copy}") as saved:
        assert saved.uploads() == rows
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    # The warning against copying the one file is earned: the rows were in the other.
    assert b"/srv/drop/49.mp4" in copy.read_bytes()
    assert b"/srv/drop/49.mp4" not in bare.read_bytes()


async def test_a_saved_ledger_takes_the_old_ones_place(tmp_path: Path) -> None:
    source, copy = tmp_path / "ledger.db", tmp_path / "ledger.saved.db"
    async with await Ledger.open(f"sqlite:///{source}") as ledger:
        await ledger.add(drop(b"/srv/drop/before.mp4", inode=1))
        await save(source, copy)
        await ledger.add(drop(b"/srv/drop/after.mp4", inode=2))
    for left in ("ledger.db-wal", "ledger.db-shm"):
        (tmp_path / left).unlink(missing_ok=True)
    copy.replace(source)
    async with await Ledger.open(f"sqlite:///{source}") as ledger:
        assert [row.drop.path for row in await ledger.uploads()] == [b"/srv/drop/before.mp4"]


def test_what_is_installed_is_there() -> None:
    root = Path(__file__).parent.parent
    named = re.findall(r"(?:install [^\n]*?|cp )((?:systemd|config|requirements)/[\w./-]+)", TEXT)
    assert len(named) >= 5
    assert [name for name in named if not (root / name).is_file()] == []
