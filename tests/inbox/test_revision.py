import os
from pathlib import Path

from okdrop.drop import Revision
from okdrop.inbox.revision import revision_at, revision_of


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
