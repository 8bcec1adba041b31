"""Which kind of file system something lies on, as the kernel lists its mounts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MOUNTS: Final = Path("/proc/self/mountinfo")

REMOTE: Final = frozenset(
    {
        *(b"nfs", b"nfs4", b"cifs", b"smb3", b"smbfs", b"ncpfs", b"afs", b"coda", b"9p", b"virtiofs"),
        *(b"ceph", b"glusterfs", b"lustre", b"beegfs", b"orangefs", b"gpfs", b"gfs2", b"ocfs2"),
        *(b"vboxsf", b"vmhgfs", b"prl_fs", b"fakeowner"),  # folders of the host, in a virtual machine
    }
)
"""File systems that other machines may write to; FUSE is added, since anything may be behind it."""


def kind_of(device: int) -> bytes:
    """The type of the file system with this number (st_dev); empty where the kernel does not tell."""
    number = f"{os.major(device)}:{os.minor(device)}".encode()
    try:
        mounts = MOUNTS.read_bytes().splitlines()
    except OSError:
        return b""
    # proc(5): "36 35 98:0 /root /mount options fields - type source options"
    fields = (mount.partition(b" - ") for mount in mounts)
    kinds = (after.split()[0] for before, _, after in fields if before.split()[2] == number)
    return next(kinds, b"")


def remote_among(devices: Iterable[int]) -> bytes:
    """The type of the first of these file systems that other machines may write to; empty: of none."""
    kinds = map(kind_of, sorted(devices))
    return next((kind for kind in kinds if is_remote(kind)), b"")


def is_remote(kind: bytes) -> bool:
    """Whether other machines may write to a file system of this type, unseen by this kernel."""
    return kind in REMOTE or kind.startswith(b"fuse")
