"""A configuration is written whole, for the right eyes, and over nothing."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from okdrop import init
from okdrop.config.template import shipped
from okdrop.errors import ConfigurationError


@pytest.mark.parametrize(("user", "mode"), [(0, 0o640), (1000, 0o600)])
def test_it_is_readable_for_whom_it_may_be_whatever_the_umask(tmp_path: Path, user: int, mode: int) -> None:
    file = tmp_path / "a" / "b" / "okdrop.toml"
    before = os.umask(0)
    try:
        init.write(file, folder=None, force=False, mode=init.mode_for(user))
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert file.read_text("utf-8") == shipped()
    assert os.listdir(file.parent) == ["okdrop.toml"]  # noqa: PTH208 - names are what is looked at


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_there_stays(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "okdrop.toml"
    if kind == "file":
        path.write_text("mine")
    elif kind == "link":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
    with pytest.raises(ConfigurationError, match="is there already"):
        init.write(path, folder=None, force=False, mode=0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["okdrop.toml"]
    assert (path.is_file(), path.is_symlink(), path.is_dir()) == tuple(
        kind == one for one in ("file", "link", "folder")
    )


def test_force_replaces_a_file_and_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "okdrop.toml"
    path.write_text("old")
    init.write(path, folder=b"/mnt", force=True, mode=0o600)
    assert 'path = "/mnt"' in path.read_text("utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match="is a folder"):
        init.write(tmp_path / "folder", folder=None, force=True, mode=0o600)


def test_where_it_cannot_be_written_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's refusal is invented here, since no permission stops root."""

    def refuse(**_where: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(init.tempfile, "mkstemp", refuse)
    with pytest.raises(ConfigurationError, match="cannot be written: Permission denied") as caught:
        init.write(tmp_path / "x.toml", folder=None, force=False, mode=0o600)
    assert "okdrop init PATH" in caught.value.hint
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError):
        init.write(tmp_path / "file" / "x.toml", folder=None, force=False, mode=0o600)


def test_the_next_steps_can_be_copied() -> None:
    steps = init.next_steps(Path("/srv/my place/okdrop.toml"), found_by_itself=False)
    assert steps[-1] == "  4. okdrop check --config '/srv/my place/okdrop.toml'"
    assert init.next_steps(Path("/x"), found_by_itself=True)[-1] == "  4. okdrop check"


def test_the_file_that_is_read_by_itself() -> None:
    assert init.is_default(Path("/etc/okdrop/okdrop.toml"), None)
    assert init.is_default(Path("/mine.toml"), Path("/mine.toml"))
    assert not init.is_default(Path("/etc/okdrop/okdrop.toml"), Path("/mine.toml"))
