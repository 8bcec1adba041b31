"""Which kind of file system something lies on, as the kernel lists its mounts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")

REMOTE: Final = frozenset(
    {b"nfs", b"nfs4", b"cifs", b"smb3", b"9p", b"ceph", b"afs", b"glusterfs", b"virtiofs"}
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


def is_remote(kind: bytes) -> bool:
    """Whether other machines may write to a file system of this type, unseen by this kernel."""
    return kind in REMOTE or kind.startswith(b"fuse")
