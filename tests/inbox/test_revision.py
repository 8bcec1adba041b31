import os
from datetime import UTC
from pathlib import Path

import pytest

from okdrop.drop import Revision
from okdrop.inbox.revision import moment, revision_at, revision_of


def test_a_revision_holds_the_facts_of_stat(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"123")
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    status = path.stat()
    expected = Revision(device=status.st_dev, inode=status.st_ino, size=3, mtime_ns=1_700_000_000_123_456_789)
    assert revision_of(status) == revision_at(os.fsencode(path)) == expected


def test_only_a_regular_file_has_a_revision(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    root = os.fsencode(tmp_path)
    seen = {name: revision_at(root + b"/" + name) for name in (b"nothing", b"link", b"pipe", b"file/x")}
    assert seen == dict.fromkeys(seen)
    assert revision_at(root) is None


@pytest.mark.parametrize("seconds", [-(10**12), -(10**11), -62_135_596_801, 253_402_300_800, 10**12])
def test_no_time_of_a_file_is_too_odd(seconds: int) -> None:
    assert moment(seconds * 10**9).tzinfo is UTC


@pytest.mark.parametrize("seconds", [-1, 0, 1_795_393_488])
def test_a_files_time_is_its_own(seconds: int) -> None:
    assert moment(seconds * 10**9 + 5).timestamp() == seconds
