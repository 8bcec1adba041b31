"""A file system whose files cannot be read everywhere: the kernel's own errors, by way of FUSE.

It speaks just enough of the kernel's protocol (linux/fuse.h, 7.31) for one flat folder of files that are only
read. Mounting needs root and /dev/fuse.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import threading
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_HEADER: Final = struct.Struct("<IIQQIIIHH")
_ANSWER: Final = struct.Struct("<IiQ")
_ATTRIBUTES: Final = struct.Struct("<6Q10I")
_ROOT: Final = 1
_LONGEST: Final = 1 << 20
_DETACH: Final = 2
_VALID: Final = 0  # seconds: nothing is remembered, so that an illness shows at once

_UNANSWERED: Final = {2, 36, 42}  # FORGET, INTERRUPT, BATCH_FORGET


class AilingDisk:
    """Files by name, and from which byte on each of them gives EIO.

    Args:
        files: what they hold.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.ill: dict[str, int] = {}
        self.refusals = 0
        self._files: Final = [*files.items()]
        self._operations: Final[dict[int, Callable[[int, bytes], bytes]]] = {
            1: self._lookup,
            3: lambda node, _: struct.pack("<QII", _VALID, 0, 0) + self._attributes(node),
            14: lambda _node, _: struct.pack("<QII", 0, 1, 0),  # FOPEN_DIRECT_IO: no cache between
            15: self._read,
            17: lambda _node, _: bytes(80),
            18: lambda _node, _: b"",
            25: lambda _node, _: b"",
            26: lambda _node, _: struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 8, 8, 4096, 1, 0, 0, 0),
            27: lambda _node, _: bytes(16),
            28: self._list,
            29: lambda _node, _: b"",
        }

    def serve(self, device: int) -> None:
        """Answer the kernel until the file system is unmounted."""
        while True:
            try:
                request = os.read(device, _LONGEST + 4096)
            except OSError as error:
                if error.errno in {errno.EINTR, errno.ENOENT}:
                    continue
                return
            _, operation, unique, node, *_ = _HEADER.unpack_from(request)
            if operation in _UNANSWERED:
                continue
            body, code = b"", errno.ENOSYS
            if operation in self._operations:
                try:
                    body, code = self._operations[operation](node, request[_HEADER.size :]), 0
                except OSError as error:
                    code = error.errno or errno.EIO
            with contextlib.suppress(OSError):  # whoever asked was interrupted
                os.write(device, _ANSWER.pack(_ANSWER.size + len(body), -code, unique) + body)

    def _attributes(self, node: int) -> bytes:
        is_root = node == _ROOT
        size = 0 if is_root else len(self._files[node - 2][1])
        mode = stat.S_IFDIR | 0o755 if is_root else stat.S_IFREG | 0o644
        blocks = (size + 511) // 512
        return _ATTRIBUTES.pack(node, size, blocks, 1, 1, 1, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _lookup(self, _node: int, name: bytes) -> bytes:
        names = [each for each, _ in self._files]
        wanted = os.fsdecode(name.rstrip(b"\0"))
        if wanted not in names:
            raise OSError(errno.ENOENT, "no such file")
        node = 2 + names.index(wanted)
        return struct.pack("<QQQQII", node, 0, _VALID, _VALID, 0, 0) + self._attributes(node)

    def _read(self, node: int, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        name, content = self._files[node - 2]
        if offset + size > self.ill.get(name, len(content) + size):
            self.refusals += 1
            raise OSError(errno.EIO, "unreadable")
        return content[offset : offset + size]

    def _list(self, _node: int, body: bytes) -> bytes:
        _, offset, _ = struct.unpack_from("<QQI", body)
        entries = b""
        for number, (name, _) in enumerate(self._files[offset:], start=offset):
            encoded = os.fsencode(name)
            entry = struct.pack("<QQII", number + 2, number + 1, len(encoded), 8) + encoded
            entries += entry + bytes(-len(entry) % 8)
        return entries


@contextlib.contextmanager
def mounted(disk: AilingDisk, place: Path) -> Iterator[None]:
    """Mount it; skips the test where that cannot be done."""
    library = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"there is no FUSE here: {error}")
    try:
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if library.mount(b"ailing", os.fsencode(place), b"fuse", 0, options):
            pytest.skip(f"no file system may be mounted here: {os.strerror(ctypes.get_errno())}")
        serving = threading.Thread(target=disk.serve, args=(device,), daemon=True)
        serving.start()
        try:
            yield
        finally:
            library.umount2(os.fsencode(place), _DETACH)
            serving.join(10)
    finally:
        os.close(device)
