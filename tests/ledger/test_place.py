"""Who may not look at the ledger is told by whom it can be looked at."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import TYPE_CHECKING

import pytest

from okdrop.errors import LedgerError
from okdrop.ledger import Ledger, daemon_of, read_only
from okdrop.ledger.place import refused, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STRANGER = 65534


@contextlib.contextmanager
def shut(path: Path) -> Iterator[None]:
    """Let us have no right to what lies at (or under) a path."""
    if os.geteuid() != 0:
        path.chmod(0)
        yield
        path.chmod(0o700)
        return
    path.chmod(0o700)
    os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
async def made(url: str) -> None:
    async with await Ledger.open(url):
        pass


@pytest.mark.usefixtures("made")
def test_a_folder_that_may_not_be_entered_is_told_with_the_way_out(file: Path, url: str) -> None:
    owner = pwd.getpwuid(os.geteuid()).pw_name
    for look in (lambda: read_only(url).__enter__(), lambda: daemon_of(url)):
        with shut(file.parent), pytest.raises(LedgerError, match="Permission denied") as caught:
            look()
        hint = f"it belongs to another user: sudo -u {owner} okdrop …"
        assert (caught.value.code, caught.value.hint) == ("ledger_disk", hint)


@pytest.mark.usefixtures("made")
def test_a_file_that_may_not_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert size_of(file) == file.stat().st_size
    monkeypatch.setattr("os.access", lambda *_, **__: False)  # no permission stops root
    with pytest.raises(LedgerError, match="Permission denied"):
        size_of(file)


def test_where_there_is_none_there_is_none(file: Path) -> None:
    assert size_of(file) is None
    file.parent.mkdir()
    file.touch()
    assert size_of(file) == 0
    assert size_of(file / "below a file") is None


def test_an_owner_without_a_name_is_called_as_sudo_takes_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_number: int) -> object:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert f"sudo -u '#{os.geteuid()}'" in refused(file, PermissionError(13, "no")).hint
    assert "disk" in refused(file, OSError(5, "Input/output error")).hint
