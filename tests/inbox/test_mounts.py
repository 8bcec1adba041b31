from __future__ import annotations

import os
from pathlib import Path

import pytest

from okdrop.inbox.mounts import is_remote, kind_of, remote_among


def test_the_kind_of_a_mount_is_the_kernels_word_for_it() -> None:
    assert kind_of(Path("/proc").stat().st_dev) == b"proc"


def test_a_device_that_is_not_mounted_has_no_kind() -> None:
    assert kind_of(os.makedev(4000, 4000)) == b""


def test_without_the_kernels_list_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okdrop.inbox.mounts.MOUNTS", tmp_path / "none")
    assert kind_of(Path("/proc").stat().st_dev) == b""


@pytest.mark.parametrize(
    ("kind", "remote"),
    [
        (b"nfs4", True),
        (b"cifs", True),
        (b"fuse.sshfs", True),
        (b"virtiofs", True),
        (b"vboxsf", True),
        (b"overlay", False),
        (b"ext4", False),
        (b"tmpfs", False),
        (b"", False),
    ],
)
def test_where_other_machines_may_write(kind: bytes, *, remote: bool) -> None:
    assert is_remote(kind) is remote


def test_one_mount_of_others_among_several_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {1: b"ext4", 2: b"cifs", 3: b"overlay"}
    monkeypatch.setattr("okdrop.inbox.mounts.kind_of", lambda device: kinds[device])
    assert remote_among([3, 2, 1]) == b"cifs"
    assert remote_among([3, 1]) == remote_among([]) == b""
