"""A process that dies at a chosen point, and the world that outlives it.

The world is OK's stand-in on a real socket, a ledger in a file, and files in a folder. A `Life` is all that
a process has in memory: a pipeline, a client, an open ledger. It dies by an exception that nothing catches,
and from that moment on no write and no request of it has any effect.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import enum
import hashlib
import os
import shutil
import sys
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from crash import sites
from okdrop.client import Client, ClientSettings, Credentials
from okdrop.client.webhooks import Webhooks
from okdrop.config.watch import After
from okdrop.drop import TRANSITIONS, State, Upload
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY, Emulator, Mode, Options
from okdrop.ledger import Ledger, read_only
from okdrop.metadata import Settings
from okdrop.names import Names
from okdrop.pipeline import (
    Afterwards,
    Brake,
    Breakers,
    Folder,
    Notices,
    Pacing,
    Parts,
    Pipeline,
    Place,
    Postings,
    Tally,
)
from okdrop.pipeline.notices import NOBODY
from okdrop.pipeline.posting import ANY_TIME, Posting
from okdrop.protocol.plan import Plan
from okdrop.protocol.retry import Backoff
from pipeline.bench import Clock, TappedFaults, content

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from okdrop.events import Event
    from okdrop.ledger import HistoryRow

KIB: Final = 1024
SEGMENT: Final = 32 * KIB
SMALL: Final = 20 * KIB  # one segment
LARGE: Final = 2 * SEGMENT + 100  # three segments: a canary, and two at once

SUFFIXES: Final = (".mp4",)
IGNORED: Final = (".*",)

KEYS: Final = Credentials(
    application_key=APPLICATION_KEY, access_token=ACCESS_TOKEN, application_secret_key=APPLICATION_SECRET_KEY
)

OTHER: Final = "other"
"""A second account, of a user of its own."""

OTHER_KEYS: Final = dataclasses.replace(KEYS, access_token="token-of-the-other")


class Died(BaseException):
    """The process ends here. No `except Exception` holds it up."""


class When(enum.StrEnum):
    """How far what the process was at had come."""

    BEFORE = "before"  #: nothing of it was done
    HALF = "half"  #: a part of the bytes has arrived
    UNSEEN = "unseen"  #: it took effect at OK; the answer got lost on its way
    AFTER = "after"  #: it is done, and the answer was seen


LEDGER: Final = (When.BEFORE, When.AFTER)
MOMENTS: Final = {
    "request_ticket": (When.BEFORE, When.UNSEEN, When.AFTER),
    "probe": (When.BEFORE, When.AFTER),
    "send": (When.BEFORE, When.HALF, When.UNSEEN, When.AFTER),
    "send_file": (When.BEFORE, When.HALF, When.UNSEEN, When.AFTER),
    "video_status": (When.BEFORE, When.AFTER),
    "video_statuses": (When.BEFORE, When.AFTER),
    "update": (When.BEFORE, When.UNSEEN, When.AFTER),
    "delete": (When.BEFORE, When.UNSEEN, When.AFTER),
    "upload_photo": (When.BEFORE, When.UNSEEN, When.AFTER),
}
"""What the client can be asked, and the moments of each: a question changes nothing, so its answer is all."""

METHODS: Final = {
    "request_ticket": "video.getUploadUrl",
    "update": "video.update",
    "delete": "video.delete",
    "upload_photo": "photo.upload",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """A moment to die at: the `number`-th time that this kind of thing is done; any kind, where it is ""."""

    kind: str
    number: int
    when: When

    def __str__(self) -> str:
        return f"{self.when} {self.kind or 'anything'} ({self.number})"


@dataclasses.dataclass(slots=True)
class Fate:
    """When a life ends, and what it did until then."""

    point: Point | None = None
    is_dead: bool = False
    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    points: list[Point] = dataclasses.field(default_factory=list)
    chains: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def comes(self, kind: str, moments: tuple[When, ...]) -> When | None:
        """Something of this kind begins; returns the moment of it to die at, if it is the one."""
        self.check()
        self.counts[kind] += 1
        number = self.counts[kind]
        self.points += [Point(kind, number, when) for when in moments]
        point = self.point
        if point is None or (point.kind, point.number) not in {(kind, number), ("", self.counts.total())}:
            return None
        return point.when if point.when in moments else When.AFTER

    def check(self) -> None:
        """The dead do nothing."""
        if self.is_dead:
            raise Died

    def die(self) -> None:
        """End here."""
        self.is_dead = True
        raise Died


class MortalLedger:
    """A ledger whose every write is a point to die at."""

    def __init__(self, ledger: Ledger, fate: Fate, world: World) -> None:
        self._ledger, self._fate, self._world = ledger, fate, world

    def follow_by(self, plan: Any, wake: Any) -> None:
        """What follows is written with what it follows from: no point of its own."""
        self._ledger.follow_by(plan, wake)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)

        async def called(*arguments: Any, **keywords: Any) -> Any:
            self._fate.check()
            caller = sys._getframe(1)
            if name not in sites.WRITES:
                answer = await method(*arguments, **keywords)
                self._fate.check()
                await self._world.happens(f"{name} by {caller.f_code.co_qualname}")
                return answer
            chain = sites.chain(caller)
            kind = " < ".join(chain) or f"outside: {name}"
            self._fate.chains[kind] = chain
            when = self._fate.comes(kind, LEDGER)
            if when is When.BEFORE:
                self._fate.die()
            try:
                answer = await method(*arguments, **keywords)
            except Exception:  # refused, since somebody else wrote the row: that is an answer, too
                if when is When.AFTER:
                    self._fate.die()
                raise
            if when is When.AFTER:
                self._fate.die()
            self._fate.check()
            await self._world.happens(kind)
            return answer

        return called


class MortalClient:
    """A client whose every call is some points to die at."""

    def __init__(self, client: Client, fate: Fate, world: World) -> None:
        self._client, self._fate, self._world = client, fate, world

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in MOMENTS:
            return method

        async def called(*arguments: Any, **keywords: Any) -> Any:
            self._fate.chains[name] = (name,)
            when = self._fate.comes(name, MOMENTS[name])
            if when is When.BEFORE:
                self._fate.die()
            try:
                with self._world.weather_for(name, when):
                    answer = await method(*arguments, **keywords)
            except Exception:
                if when is not None:
                    self._fate.die()
                raise
            if when is not None:
                self._fate.die()
            self._fate.check()
            await self._world.happens(name)
            return answer

        return called


@dataclasses.dataclass(kw_only=True)
class Life:
    """What came of one process."""

    fate: Fate
    events: list[Event]
    tally: Tally
    brake: Brake
    listeners: list[Callable[[Event], None]] = dataclasses.field(default_factory=list)

    @property
    def died(self) -> bool:
        return self.fate.is_dead


@dataclasses.dataclass(kw_only=True)
class World:
    """What outlives a process.

    Args:
        place: everything lies below it.
        emulator: OK.
        faults: OK's weather.
        clock: moves on between two lives, so that whatever waits is due.
        ledger_url: the ledger's file.
        after: what becomes of published files.
        afterwards: what else the folder says of them.
        notices: who hears of what.
        in_one: files go in one request.
        connections: how many segments go at once.
        workers: how many uploads go at once.
        paced: how many those are is found by itself.
        ignores_existing: the folder's `existing = "ignore"`.
        max_delay: the longest backoff, in seconds.
        surge: more files than this in a new folder are held.
        keep_history: for how many seconds the history of what ended is kept; 0: for ever.
        segment: bytes in one.
        posting: when and how the folder's videos become public.
        per_day: how many of all are posted a day; 0: as many as there are.
        settings: what the folder says of its videos.
        patience: for how many seconds a file that is gone is looked for.
        account: for whom the folder sends.
        step: seconds between two lives.
        sidecar_wait: for how many seconds publishing waits for a sidecar.
        on: what happens once, after the first thing of a kind; a look at the ledger is "NAME by FUNCTION".
        hear: told of each event.
    """

    place: Path
    emulator: Emulator
    faults: TappedFaults
    clock: Clock
    after: After = After.KEEP
    afterwards: dict[str, Any] = dataclasses.field(default_factory=dict)
    notices: Notices = NOBODY
    in_one: bool = False
    connections: int = 1
    workers: int = 2
    paced: bool = False
    ignores_existing: bool = False
    max_delay: float = 0.002
    surge: int = 0
    keep_history: float = 0.0
    segment: int = SEGMENT
    posting: Posting = ANY_TIME
    per_day: int = 0
    settings: Settings = dataclasses.field(default_factory=Settings)
    patience: float = 0.0
    account: str = ""
    step: float = 7_200.0
    sidecar_wait: float = 0.0
    on: dict[str, Callable[[], Awaitable[None]]] = dataclasses.field(default_factory=dict)
    hear: Callable[[Life, Event], None] = lambda _life, _event: None
    lives: list[Life] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)

    @property
    def folder(self) -> Path:
        return self.place / "drop"

    @property
    def move_to(self) -> Path:
        return self.place / "kept"

    @property
    def ledger_file(self) -> Path:
        return self.place / "ledger.db"

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.ledger_file}"

    def file(self, name: str = "a.mp4", size: int = LARGE, *, seed: str = "") -> Path:
        beside, path = self.place / "beside", self.folder / name
        beside.write_bytes(content(size, f"{self.place.name}:{seed or name}"))
        beside.replace(path)
        return path

    @contextlib.contextmanager
    def weather_for(self, name: str, when: When | None) -> Iterator[None]:
        """Have OK take it, whole or half, and lose the answer."""
        with contextlib.ExitStack() as stack:
            if when is When.HALF:
                stack.enter_context(self.faults.active("cut_after_bytes", bytes=9_000, times=1))
            elif when is When.UNSEEN and name in METHODS:
                method = METHODS[name]
                stack.enter_context(self.faults.active("lost_api_answer", method=method, times=1))
            elif when is When.UNSEEN:
                stack.enter_context(self.faults.active("lost_answer", times=1))
            yield

    async def happens(self, name: str) -> None:
        """What the scenario lets happen once, right after the client's first answer of a kind."""
        if (what := self.on.pop(name, None)) is not None:
            await what()

    # --- lives ----------------------------------------------------------------------------------------

    async def live(
        self, point: Point | None = None, *, stays_until: Callable[[], bool] | None = None
    ) -> Life:
        """One process, from its start until it ends or dies; then all it had in memory is gone."""
        life = Life(fate=Fate(point), events=[], tally=Tally(), brake=Brake(stays=stays_until is not None))
        self.lives.append(life)
        self.clock.ahead += self.step if len(self.lives) > 1 else 0  # whatever waits is due then
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_not_of_death)
        threads = concurrent.futures.ThreadPoolExecutor(4)
        loop.set_default_executor(threads)
        try:
            await self._run(life, stays_until)
        except BaseException as error:
            if not only_death(error):
                raise
        finally:
            # A thread of the dead that is at a file is let end: `inbox` has its own table of such deaths.
            await loop.run_in_executor(None, lambda: None)
            threads.shutdown(wait=True)
        await self._quiet()
        return life

    async def _run(self, life: Life, stays_until: Callable[[], bool] | None) -> None:
        ledger = await Ledger.open(self.ledger_url, now=self.clock.now)
        settings, now = self._client_settings(), self.clock.now
        try:
            async with (
                Client(settings, lambda: KEYS, now=now) as client,
                Client(settings, lambda: OTHER_KEYS, now=now) as other,
                Webhooks(settings) as webhooks,
            ):
                parts = self._parts(life, ledger, {"": client, OTHER: other}, webhooks)
                await self._work(life, parts, stays_until)
        finally:
            await ledger.close()

    async def _work(self, life: Life, parts: Parts, stays_until: Callable[[], bool] | None) -> None:
        folder = Folder(
            path=str(self.folder),
            settle=0.0,
            rescan=0.05,
            suffixes=SUFFIXES,
            ignore=IGNORED,
            ignores_existing=self.ignores_existing,
            surge=self.surge,
        )
        pipeline = Pipeline(parts, [folder], workers=self.workers)
        life.listeners.append(pipeline.outbox.hear)
        if stays_until is None:
            await pipeline.watcher.scan()
        await pipeline.recover_all()
        async with asyncio.timeout(20):
            if stays_until is None:
                await pipeline.run_to_the_end()
            else:
                await pipeline.run(_pulled_when(parts.brake, stays_until))

    def _parts(self, life: Life, ledger: Ledger, clients: dict[str, Client], webhooks: Webhooks) -> Parts:
        def emit(event: Event) -> None:
            if not life.fate.is_dead:
                life.events.append(event)
                for listener in life.listeners:
                    listener(event)
                self.hear(life, event)

        place = Place(names=Names(SUFFIXES, IGNORED), group_id="", patience=self.patience)
        where = Afterwards(after=self.after, move_to=os.fsencode(self.move_to), **self.afterwards)
        backoff = Backoff(first_delay=0.001, max_delay=self.max_delay)
        now, monotonic = self.clock.now, self.clock.monotonic
        return Parts(
            folders={
                "": Settings(),
                str(self.folder): dataclasses.replace(
                    self.settings, sidecar_wait=self.sidecar_wait, settle=0.0
                ),
            },
            posting=Postings(folders={str(self.folder): self.posting}, per_day=self.per_day, zone=UTC),
            ledger=MortalLedger(ledger, life.fate, self),
            client=MortalClient(clients[""], life.fate, self),
            clients={OTHER: MortalClient(clients[OTHER], life.fate, self)},
            senders={str(self.folder): self.account},
            emit=emit,
            plan=Plan(segment_size=self.segment, connections=self.connections, in_one=self.in_one),
            backoff=backoff,
            breakers=Breakers(backoff, emit=emit, now=now, monotonic=monotonic, chance=lambda: 0.0),
            pacing=Pacing(monotonic, connections=self.paced, segment_size=False),
            brake=life.brake,
            tally=life.tally,
            now=now,
            monotonic=monotonic,
            chance=lambda: 0.0,
            afterwards={str(self.folder): where},
            places={str(self.folder): place},
            keep_history=self.keep_history,
            notices=self.notices,
            webhooks=webhooks,
        )

    def _client_settings(self) -> ClientSettings:
        return ClientSettings(
            api_url=self.emulator.api_url,
            upload_hosts=("127.0.0.1",),
            stall_timeout=10.0,
            answer_timeout=10.0,
            api_timeout=10.0,
        )

    async def _quiet(self) -> None:
        """What was on the line when the process died arrives, or does not; then OK has nothing in hand."""
        async with asyncio.timeout(10):
            while self.emulator.summary()["in_flight"]:  # noqa: ASYNC110 - it has no event of its own
                await asyncio.sleep(0.001)

    # --- looks ----------------------------------------------------------------------------------------

    def rows(self) -> list[Upload]:
        """The ledger as another process sees it."""
        with read_only(self.ledger_url) as look:
            return look.uploads()

    def history(self, number: int) -> list[HistoryRow]:
        """The life of a row, as far as it is kept."""
        with read_only(self.ledger_url) as look:
            return look.history(number)

    def notes(self, number: int) -> list[str]:
        """What the history of a row tells."""
        return [step.note for step in self.history(number)]

    def orphans(self) -> list[str]:
        with read_only(self.ledger_url) as look:
            return look.orphans()

    @property
    def published(self) -> list[dict[str, Any]]:
        return [video for video in self.emulator.videos() if video["published"] and not video["deleted"]]

    @property
    def litter(self) -> list[dict[str, Any]]:
        """Entries at OK that nobody will ever see."""
        return [video for video in self.emulator.videos() if not (video["published"] or video["deleted"])]


def _not_of_death(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A task of somebody else's that died is nobody's to look at."""
    error = context.get("exception")
    if error is None or not only_death(error):
        loop.default_exception_handler(context)


async def _wait_for(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - it has no event of its own
        await asyncio.sleep(0.002)


def _pulled_when(brake: Brake, condition: Callable[[], bool]) -> Callable[[], Any]:
    async def pull() -> None:
        await _wait_for(condition)
        brake.pull()

    return pull


def only_death(error: BaseException) -> bool:
    """Whether an exception, a group of them too, is nothing but the end of the process."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(only_death, error.exceptions))
    return isinstance(error, Died)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- the verdict --------------------------------------------------------------------------------------


def assert_lives_on(world: World, digests: dict[str, str]) -> None:
    """Right after a death: no file was touched before its row is published, and no row is torn.

    Args:
        world: after the death.
        digests: SHA-256 of each file that was dropped and is to be published, by its name.
    """
    states = {os.fsdecode(row.drop.path).rpartition("/")[2]: row for row in world.rows()}
    public = {video["sha256"] for video in world.published}
    for name, digest in digests.items():
        path = world.folder / name
        if not path.exists():
            assert states[name].state in {State.PUBLISHED, State.DUPLICATE}, f"{name} was touched too early"
            assert digest in public, f"{name} is gone, and OK has not published it"
    for video in world.published:
        assert video["whole"], f"{video['name']} became visible before it was whole"


def assert_once(world: World, digests: dict[str, str], *, litter: int = 0, resent: int = 0) -> None:
    """In the end: each file is one public video, byte for byte, and nothing else is.

    Args:
        world: after the last life.
        digests: SHA-256 of each content that is to be public, by a name for the message.
        litter: how many empty entries may be left at OK.
        resent: how many bytes that OK held may have been sent again.
    """
    public = sorted(video["sha256"] for video in world.published)
    assert public == sorted(digests.values()), f"published: {len(public)}, wanted: {len(digests)}"
    again = sum(video["held_bytes_resent"] for video in world.emulator.videos())
    assert again <= resent, f"{again} held bytes were sent again"
    assert len(world.litter) <= litter, f"{len(world.litter)} empty entries are left at OK"
    assert world.orphans() == []
    assert_history(world)


def assert_history(world: World) -> None:
    """Every row's life is a way through the table of transitions, and ends where the row stands."""
    with read_only(world.ledger_url) as look:
        for row in look.uploads():
            state, version = None, 0
            for step in look.history(row.id):
                assert step.from_state is state
                assert step.version > version
                if state is not None and step.to_state is not state:
                    assert step.to_state in TRANSITIONS[state]
                state, version = step.to_state, step.version
            assert state is row.state
            assert version <= row.version


FILED: Final = ("moved to", "the file was deleted", "the file was left alone: it is gone")
"""What the history notes once the file was put away; the last, where the note of that got lost."""


def assert_filed(world: World, name: str, digest: str) -> None:
    """What the folder wants to become of the file came to be, once, and nothing hidden is left."""
    kept = sorted(path.name for path in world.move_to.rglob("*")) if world.move_to.exists() else []
    left = sorted(path.name for path in world.folder.iterdir())
    match world.after:
        case After.KEEP:
            assert (left, kept) == ([name], [])
            assert digest_of(world.folder / name) == digest
        case After.MOVE:
            assert (left, kept) == ([], [name])
            assert digest_of(world.move_to / name) == digest
        case After.DELETE:
            assert (left, kept) == ([], [])
    (row,) = [row for row in world.rows() if row.state is State.PUBLISHED]
    assert row.chore is None
    filed = [note for note in world.notes(row.id) if note.startswith(FILED)]
    assert len(filed) == (world.after is not After.KEEP)


@contextlib.asynccontextmanager
async def laid(
    place: Path, *, mode: Mode = Mode.SEQUENTIAL, blank: Path | None = None, **keywords: Any
) -> Any:
    """A world of its own; `blank` is an empty ledger to begin with, since making one takes long."""
    options = {key: keywords.pop(key) for key in [*keywords] if key in Options.__dataclass_fields__}
    clock, faults = Clock(), TappedFaults()
    emulator = Emulator(
        Options(
            **{"processing_looks": 0, "url_lifetime": 10_000_000.0} | options,
            others={OTHER_KEYS.access_token: OTHER},
            data_dir=place / "ok",
            mode=mode,
        ),
        clock=lambda: clock.now().timestamp(),
    )
    emulator.faults = faults
    async with emulator:
        world = World(place=place, emulator=emulator, faults=faults, clock=clock, **keywords)
        if blank is not None:
            shutil.copyfile(blank, world.ledger_file)
        yield world
