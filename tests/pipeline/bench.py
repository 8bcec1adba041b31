"""A pipeline's parts on a bench: a real ledger, a real client, OK's stand-in on a real socket, real files.

Only time and chance are the test's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from okdrop.drop import Drop, State, Upload
from okdrop.emulator.faults import Faults
from okdrop.events import Event
from okdrop.inbox.revision import revision_at
from okdrop.leaves import hasher
from okdrop.ledger import read_only
from okdrop.pipeline.after import Afterwards
from okdrop.pipeline.chores import Chores
from okdrop.pipeline.finalizer import Finalizer
from okdrop.pipeline.intake import Intake
from okdrop.pipeline.line import Line, OpenUploads
from okdrop.pipeline.neighbours import Neighbours
from okdrop.pipeline.openings import Openings
from okdrop.pipeline.teller import Teller
from okdrop.pipeline.twins import Twins
from okdrop.pipeline.uploader import Uploader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from okdrop.config.watch import After
    from okdrop.emulator import Emulator
    from okdrop.emulator.faults import Switch
    from okdrop.ledger import Ledger
    from okdrop.pipeline import Parts

KIB = 1024
SEGMENT = 64 * KIB
SIZE = 12 * SEGMENT  # more than the canary and one segment for each connection

Kind = TypeVar("Kind", bound=Event)


class TappedFaults(Faults):
    """Tells of each request at the moment its head arrives, before a byte of its body is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.taps: dict[str, Callable[[str], None]] = {}

    def take_switch(self, name: str, operation: str, video: str = "") -> Switch | None:
        # The first fault that is asked after for every request of every kind.
        if name == "redirect" and operation in self.taps:
            self.taps[operation](video)
        return super().take_switch(name, operation, video)


class Clock:
    """The present, and a test's ways to move it: by time that passes, or by a wall clock that is set."""

    def __init__(self) -> None:
        self.ahead = 0.0  #: seconds that are passed over
        self.set_by = 0.0  #: seconds by which the wall clock alone is wrong

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.of_ok() + self.set_by, UTC)

    def of_ok(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@dataclasses.dataclass(kw_only=True)
class Bench:
    """Everything a test of a stage takes in hand."""

    parts: Parts
    emulator: Emulator
    faults: TappedFaults
    folder: Path
    ledger_url: str
    clock: Clock
    events: list[Event]
    line: Line = dataclasses.field(default_factory=Line)
    finals: Line = dataclasses.field(default_factory=Line)
    opened: OpenUploads = dataclasses.field(default_factory=OpenUploads)
    again: list[Drop] = dataclasses.field(default_factory=list)
    with_chore: list[Upload] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.twins = Twins(self.parts, self.line, self.opened, self.with_chore.append)
        self.uploader = Uploader(
            self.parts, self.line, self.finals, self.opened, self.again.append, self.twins
        )
        self.openings = Openings(self.parts, self.finals, self.opened)
        self.finalizer = Finalizer(
            self.parts,
            self.finals,
            self.line,
            self.opened,
            self.again.append,
            self.with_chore.append,
            self.openings,
        )
        self.teller = Teller(self.parts)
        self.neighbours = Neighbours(self.parts)
        self.intake = Intake(self.parts, self.line, self.opened, self.with_chore.append)
        self.chores = Chores(self.parts)

    @property
    def ledger(self) -> Ledger:
        return self.parts.ledger

    def file(self, name: str = "a.mp4", size: int = SIZE, *, seed: str = "") -> Path:
        path = self.folder / name
        path.write_bytes(content(size, seed or name))
        return path

    def drop(self, path: Path) -> Drop:
        revision = revision_at(os.fsencode(path))
        assert revision is not None
        return Drop(path=os.fsencode(path), revision=revision, folder=str(self.folder))

    async def taken(self, name: str = "a.mp4", size: int = SIZE) -> Upload:
        """A file that settled: it has a row now, and stands in line."""
        row = await self.intake.take(self.drop(self.file(name, size)))
        assert row is not None
        return row

    async def unfinished(self) -> list[Upload]:
        """What goes on by itself after a restart."""
        numbers = [one.id for one in await self.ledger.outstanding()]
        return await self.ledger.uploads(ids=numbers)

    async def with_chores(self) -> list[Upload]:
        """What is left to do after publishing."""
        return await self.ledger.uploads(ids=await self.ledger.with_chores())

    async def whole(self, name: str = "a.mp4", size: int = SIZE) -> Upload:
        """A file whose every byte OK holds; video.update is due."""
        row = await self.taken(name, size)
        await self.uploader.upload(row.id)
        row = await self.row(row.id)
        assert row.state is State.FINALIZING
        return row

    def after(self, what: After, *, delete_after: float = 0.0) -> None:
        """What the folder says of its published files, from now on."""
        move_to = os.fsencode(self.move_to)
        cast("dict[str, Afterwards]", self.parts.afterwards)[str(self.folder)] = Afterwards(
            after=what, move_to=move_to, delete_after=delete_after
        )

    @property
    def move_to(self) -> Path:
        return self.folder.parent / "kept" / "published"

    async def done(self, name: str = "a.mp4", size: int = SIZE) -> Upload:
        """A file that is published; its first chore is due."""
        row = await self.whole(name, size)
        await self.finalizer.publish(row.id)
        row = await self.row(row.id)
        assert row.state is State.PUBLISHED
        return row

    async def row(self, number: int) -> Upload:
        row = await self.ledger.get(number)
        assert row is not None
        return row

    def written(self, number: int) -> Upload:
        """The row as another process sees it at this moment."""
        with read_only(self.ledger_url) as reader:
            row = reader.get(number)
        assert row is not None
        return row

    async def orders(self, number: int, state: State, **changes: Any) -> None:
        """Write a row as another process would."""
        await self.ledger.write((await self.row(number)).to(state, **changes), note="by another")

    def told(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def published(self) -> list[dict[str, Any]]:
        return [video for video in self.emulator.videos() if video["published"]]


def content(size: int = SIZE, seed: str = "a.mp4") -> bytes:
    return random.Random(seed).randbytes(size)


async def until(condition: Callable[[], bool]) -> None:
    """Let the emulator and the stages, which share the loop, go on until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


@contextlib.contextmanager
def shared_threads_hang() -> Iterator[None]:
    """Let every thread that all share be busy without an end, as with looks into a mount that is dead."""
    end, threads = threading.Event(), ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(threads)
    threads.submit(end.wait)
    try:
        yield
    finally:
        end.set()


def after(patch: pytest.MonkeyPatch, owner: object, name: str, turn: int, what: Callable[[], Any]) -> None:
    """Let something happen right after the `turn`-th call of a method, before its caller goes on."""
    original = getattr(owner, name)
    calls = 0

    async def followed(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        answer = await original(*arguments, **keywords)
        calls += 1
        if calls == turn:
            await what()
        return answer

    patch.setattr(owner, name, followed)


def root_of(content: bytes) -> bytes:
    """The digest that proves these bytes."""
    made = hasher()
    made.update(content)
    return made.digest()
