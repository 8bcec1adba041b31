"""The watched folder as its users treat it, and the truth about what they left there.

Whatever a file held at a moment when nobody was writing to it is *complete*: only such contents may be
published. What users last left under each name is *expected*: that has to be. Contents are read through the
handle that wrote them, since okdrop may take a file away at any moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
from typing import TYPE_CHECKING, Final

from chaos import plan
from chaos.facts import Content

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from chaos.plan import FileAct

PIECES_OF_A_REWRITE: Final = 3


def grown(seed: int, content: int, size: int) -> bytes:
    """The bytes of a content: no two share theirs."""
    return random.Random(f"{seed}/{content}").randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Folder:
    """Carries out what users do.

    Args:
        drop: the watched folder.
        beside: a folder on the same file system.
        seed: of the storm; contents grow from it.
    """

    def __init__(self, drop: Path, beside: Path, seed: int) -> None:
        self.drop: Final = os.fsencode(drop)
        self.beside: Final = os.fsencode(beside)
        self.expected: dict[bytes, Content] = {}
        self.complete: set[str] = set()
        self.renamed: set[bytes] = set()  #: names that were given by a renaming
        self.touched: set[bytes] = set()
        self.overtaken: set[str] = set()  #: contents written into a file that was put away meanwhile
        self.files = 0
        self.bytes = 0
        self._seed: Final = seed
        self._made = 0
        self._writing: dict[bytes, asyncio.Task[None]] = {}
        os.makedirs(self.beside, exist_ok=True)

    def path(self, name: bytes) -> bytes:
        return self.drop + b"/" + name

    @property
    def busy(self) -> frozenset[bytes]:
        """Names that somebody is writing to."""
        return frozenset(name for name, task in self._writing.items() if not task.done())

    async def finish(self) -> None:
        """Wait for all who write; raises what went wrong with them."""
        await asyncio.gather(*self._writing.values())

    def do(self, act: FileAct) -> bool:
        """Carry an act out; False: there is no such file, or somebody is writing to it."""
        if act.name in self.busy:
            return False
        try:
            self._act(act)
        except (FileNotFoundError, KeyError):
            return False  # okdrop has put it away, or an earlier act found nothing
        return True

    def _act(self, act: FileAct) -> None:
        match act:
            case plan.Drop():
                self._drop(act)
            case plan.Rewrite():
                self._rewrite(act)
            case plan.Rename():
                self._rename(act)
            case plan.Truncate():
                self._truncate(act)
            case plan.Delete():
                os.unlink(self.path(act.name))
                self.expected.pop(act.name, None)
            case plan.Touch():
                os.utime(self.path(act.name))
                self.touched.add(act.name)
            case plan.Twin():
                self._appear(act.to, self.expected[act.name].data)

    # --- single acts ----------------------------------------------------------------------------------

    def _drop(self, act: plan.Drop) -> None:
        data = grown(self._seed, act.content, act.size)
        os.makedirs(os.path.dirname(self.path(act.name)), exist_ok=True)
        self.files += 1
        self.bytes += act.size
        if act.way == "rename":
            self._appear(act.name, data)
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(act.name))
        writer = self._holding(act, data) if act.way == "hold" else self._reopening(act, data)
        self._begin(act.name, writer)

    def _begin(self, name: bytes, writer: Coroutine[None, None, None]) -> None:
        self.expected.pop(name, None)
        self._writing[name] = asyncio.create_task(writer)

    def _appear(self, name: bytes, data: bytes) -> None:
        self._made += 1
        beside = self.beside + b"/%d" % self._made
        with open(beside, "wb") as file:
            file.write(data)
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        self._left(name, data)
        os.rename(beside, self.path(name))

    async def _holding(self, act: plan.Drop, data: bytes) -> None:
        with open(self.path(act.name), "wb", buffering=0) as file:
            for number, piece in enumerate(_pieces(data, act.pieces)):
                await asyncio.sleep(act.pause if number else 0)
                file.write(piece)
            self._left(act.name, data)

    async def _reopening(self, act: plan.Drop, data: bytes) -> None:
        for number, piece in enumerate(_pieces(data, act.pieces)):
            await asyncio.sleep(act.pause if number else 0)
            with open(self.path(act.name), "a+b", buffering=0) as file:
                file.write(piece)
                file.seek(0)
                self._left(act.name, file.read())

    def _rewrite(self, act: plan.Rewrite) -> None:
        data = grown(self._seed, act.content, act.size)
        file = open(self.path(act.name), "r+b", buffering=0)  # noqa: SIM115 - the writer closes it
        self._begin(act.name, self._rewriting(act, file.fileno(), data))
        self._writing[act.name].add_done_callback(lambda _: file.close())

    async def _rewriting(self, act: plan.Rewrite, handle: int, data: bytes) -> None:
        position = 0
        for piece in _pieces(data, PIECES_OF_A_REWRITE):
            position += os.pwrite(handle, piece, position)
            await asyncio.sleep(0.02)
        os.ftruncate(handle, len(data))
        if self._leads_to(act.name, handle):
            self._left(act.name, data)
        else:
            self.complete.add(digest(data))
            self.overtaken.add(digest(data))

    def _leads_to(self, name: bytes, handle: int) -> bool:
        try:
            return os.path.samestat(os.stat(self.path(name)), os.fstat(handle))
        except FileNotFoundError:
            return False

    def _rename(self, act: plan.Rename) -> None:
        os.makedirs(os.path.dirname(self.path(act.to)), exist_ok=True)
        os.rename(self.path(act.name), self.path(act.to))
        if (content := self.expected.pop(act.name, None)) is not None:
            self.expected[act.to] = content
        self.renamed.add(act.to)

    def _truncate(self, act: plan.Truncate) -> None:
        whole = self.expected[act.name].data
        data = whole[: int(len(whole) * act.part)]
        self.complete.add(digest(data))
        os.truncate(self.path(act.name), len(data))
        self._left(act.name, data)

    def _left(self, name: bytes, data: bytes) -> None:
        """This is what lies under a name now, and nobody writes to it any more."""
        content = Content(sha256=digest(data), data=data)
        self.complete.add(content.sha256)
        self.expected[name] = content


def _pieces(data: bytes, count: int) -> list[bytes]:
    size = len(data) // count + 1
    return [data[start : start + size] for start in range(0, len(data), size)]
