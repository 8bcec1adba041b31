"""The composition root: configuration → parts → one TaskGroup; and what its end becomes.

Exit codes (the contract): 0 all well · 1 some upload of this run failed for good · 2 usage or
configuration · 3 not authorised · 130 cut by a second signal, or by SIGINT in `upload`.

A daemon that stays is never ended by credentials: it is halted until they are mended (`pipeline.mending`).
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from okdrop import __version__, events
from okdrop.accounts import apis, client_settings, clients, credentials, in_use, keyrings
from okdrop.client.webhooks import Webhooks
from okdrop.config import UploadMode, unheeded
from okdrop.config.account import senders
from okdrop.drop import UNFINISHED, State
from okdrop.errors import ConfigurationError
from okdrop.events import Audience
from okdrop.inbox import lease
from okdrop.inbox.reading import PLAIN, gentle
from okdrop.inbox.scan import FolderError
from okdrop.ledger import Ledger, Patience
from okdrop.ledger.ledger import parsed
from okdrop.observe.condition import Condition
from okdrop.observe.network import Network
from okdrop.observe.service_manager import ServiceManager
from okdrop.pipeline import (
    Brake,
    Breakers,
    Folder,
    HaltNote,
    Mending,
    Pacing,
    Parts,
    Pipeline,
    Place,
    Postings,
    Standing,
    Tally,
    Throttle,
)
from okdrop.pipeline.accounts import ask_who_we_are
from okdrop.pipeline.after import afterwards_of
from okdrop.pipeline.listeners import notices
from okdrop.pipeline.messengers import require
from okdrop.pipeline.room import Room
from okdrop.protocol.multipart import LARGEST
from okdrop.protocol.plan import CONNECTIONS, SEGMENT_SIZE, Plan
from okdrop.protocol.retry import Backoff
from okdrop.serving import serving
from okdrop.stopping import Stop, signals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from okdrop.client import Keyring
    from okdrop.config import Config
    from okdrop.drop import Upload
    from okdrop.events import Emit

OK: Final = 0
SOME_FAILED: Final = 1
USAGE: Final = 2
NOT_AUTHORISED: Final = 3
CUT: Final = 130

_NO_FOLDER: Final = (
    "watch: no folder is configured; add a [[watch]] table with a path (`okdrop init` writes a configuration)"
)


async def run_once(config: Config, emit: Emit) -> int:
    """Take what lies in the folders now, settle, upload, publish, end; returns the exit code.

    Raises:
        ConfigurationError: no folder is configured, or one is missing.
        LedgerError: the ledger cannot be used.
    """
    if not config.watch:
        raise ConfigurationError(_NO_FOLDER)

    async def work(pipeline: Pipeline, parts: Parts, _rings: Mapping[str, Keyring]) -> None:
        try:
            await pipeline.watcher.scan()
        except FolderError as error:
            raise ConfigurationError(f"watch.path: {error.message}; {error.hint}") from None
        await pipeline.recover_all()
        await pipeline.run_to_the_end()
        await ask_who_we_are(parts)
        if pipeline.outbox.owes_an_alarm:
            await pipeline.outbox.tell_at_the_end()

    return await _run(config, _audience(emit), work)


async def run(config: Config, emit: Emit, *, reload: Callable[[], Config], environ: Mapping[str, str]) -> int:
    """Stay: take what is dropped into the folders, until a signal; returns the exit code.

    Args:
        config: as it is at the start.
        emit: told what happens.
        reload: reads the configuration again; of it only the credentials are taken.
        environ: where the service manager says how to talk to it.

    Raises:
        ConfigurationError: no folder is configured.
        LedgerError: the ledger cannot be used.
    """
    if not config.watch:
        raise ConfigurationError(_NO_FOLDER)
    audience = _audience(emit)
    daemon = _Daemon(config, audience, reload)
    async with ServiceManager(environ, standing=daemon.standing) as manager:
        audience.add(manager.hear)
        daemon.condition = manager.condition
        return await _run(config, audience, daemon.work, hang_up=daemon.reread)


class _Daemon:
    """What a run that stays has beside one that ends."""

    def __init__(self, config: Config, audience: Audience, reload: Callable[[], Config]) -> None:
        self._config: Final = config
        self._audience: Final = audience
        self._reload: Final = reload
        self._began: Final = time.monotonic()
        self._began_at: Final = _now()
        self.condition = Condition()
        self._pipeline: Pipeline | None = None
        self._menders: list[Mending] = []

    async def work(self, pipeline: Pipeline, parts: Parts, rings: Mapping[str, Keyring]) -> None:
        """Answer HTTP, recover, then stay."""
        self._pipeline = pipeline
        async with serving(
            self._config,
            pipeline,
            parts,
            condition=self.condition,
            audience=self._audience,
            began_at=self._began_at,
        ) as address:
            await self._stay(pipeline, parts, rings, address)

    async def _stay(
        self, pipeline: Pipeline, parts: Parts, rings: Mapping[str, Keyring], address: str
    ) -> None:
        unfinished = await pipeline.recover_all()

        async def tell_when_ready() -> None:
            await pipeline.watcher.looked.wait()
            seconds = round(time.monotonic() - self._began, 3)
            self._audience(events.ServiceReady(unfinished=unfinished, seconds=seconds, web=address))

        self._menders = [self._mending(parts, account, ring) for account, ring in rings.items()]
        note = HaltNote(parts)
        self._audience.add(note.hear)
        works = [work for mending in self._menders for work in (mending.run, mending.heed_requests)]
        await pipeline.run(tell_when_ready, *works, note.run, room(self._config, self._audience).run)

    def _mending(self, parts: Parts, account: str, ring: Keyring) -> Mending:
        mending = Mending(
            parts,
            ring,
            lambda: credentials(self._reload(), account),
            account=account,
            is_used=account in parts.senders.values(),
            retry_every=self._config.retry.max_delay,
        )
        self._audience.add(mending.hear)
        return mending

    def standing(self) -> Standing:
        """How it stands now."""
        return self._pipeline.standing if self._pipeline is not None else Standing(in_hand=0, waiting=0)

    def reread(self) -> None:
        """SIGHUP: read the credentials again."""
        for mending in self._menders:
            mending.reread()


async def upload(
    config: Config, emit: Emit, files: Sequence[bytes], *, title: str = "", account: str | None = None
) -> int:
    """Upload and publish the named files (absolute paths); returns the exit code.

    Args:
        config: the configuration.
        emit: told what happens.
        files: the files.
        title: their title; "": by the template.
        account: who publishes them; None: the account of `[ok]`, or whose they are already.

    Raises:
        LedgerError: the ledger cannot be used.
    """

    async def work(pipeline: Pipeline, parts: Parts, _rings: Mapping[str, Keyring]) -> None:
        wanted, ledger = {*files}, parts.ledger
        rows = await ledger.uploads(paths=wanted)
        for row in rows:
            if (changed := _named(row, title, account, parts.senders)) != row:
                await ledger.write(changed, note="named again")
        rows = await ledger.uploads(ids=[row.id for row in rows])
        pipeline.recover(row for row in rows if row.state in UNFINISHED)
        for path in wanted:
            pipeline.watcher.add(path, title=title)
        await pipeline.run_to_the_end()

    named = {} if account is None else {"": account}
    return await _run(config, _audience(emit), work, interrupt_cuts=True, named=named)


def _named(row: Upload, title: str, account: str | None, senders: Mapping[str, str]) -> Upload:
    """The row of a file that a person names: whoever does that wants it sent, and called so.

    With another account than its folder's it counts as named alone, unless it has a video already.
    """
    if row.state in {State.FAILED, State.CANCELLED}:
        row = row.handed_back()
    if row.state not in UNFINISHED:
        return row
    drop = dataclasses.replace(row.drop, title=title) if title else row.drop
    folders = senders.get(row.drop.folder, row.account)
    if account not in {None, folders} and row.ticket is None:
        drop = dataclasses.replace(drop, folder="")
    return row.with_(held=False, drop=drop)


async def _run(
    config: Config,
    emit: Audience,
    work: Callable[[Pipeline, Parts, Mapping[str, Keyring]], Awaitable[None]],
    *,
    named: Mapping[str, str] | None = None,
    interrupt_cuts: bool = False,
    hang_up: Callable[[], object] | None = None,
) -> int:
    """Run to the end, or until a signal; `hang_up` heeds SIGHUP in a run that stays, which has it alone."""
    once = hang_up is None
    require(config)
    lease.prepare()
    brake, tally = Brake(stays=not once, accounts=in_use(config)), Tally()
    rings = keyrings(config)

    async def whole() -> None:
        async with _parts(config, emit, brake, tally, rings) as parts:
            mine = dataclasses.replace(parts, senders={**parts.senders, **(named or {})})
            folders = [Folder.of(watch, surge=config.intake.surge) for watch in config.watch]
            pipeline = Pipeline(mine, folders, workers=config.upload.workers)
            emit.add(pipeline.outbox.hear)
            await work(pipeline, mine, rings)

    task = asyncio.ensure_future(whole())
    stop = Stop(
        brake=brake,
        emit=emit,
        drain_timeout=config.upload.drain_timeout,
        interrupt_cuts=interrupt_cuts,
        cut=task.cancel,
    )
    with signals(stop, hang_up=hang_up):
        # Not before: whoever reads this line may ask us to stop.
        emit(events.ServiceStarted(version=__version__, folders=len(config.watch), once=once))
        if keys := unheeded(config):
            emit(events.KeysUnheeded(settings=", ".join(keys)))
        if config.upload.mode is UploadMode.MULTIPART:
            emit(events.NothingResumes(largest=LARGEST))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
    if not task.cancelled():
        task.result()
    emit(events.ServiceStopped(published=tally[State.PUBLISHED], failed=tally[State.FAILED]))
    return _exit_code(stop, tally)


def _audience(emit: Emit) -> Audience:
    """Whoever is told what happens; that we are offline is told before what it is seen by."""
    audience = Audience()
    audience.add(Network(audience, now=_now, monotonic=time.monotonic).hear)
    audience.add(emit)
    return audience


def _now() -> datetime:
    return datetime.now(UTC)


def _exit_code(stop: Stop, tally: Tally) -> int:
    if stop.was_cut:
        return CUT
    if stop.brake.halted is not None and not stop.brake.stays:
        return NOT_AUTHORISED
    if stop.signals:
        return OK
    return SOME_FAILED if tally[State.FAILED] else OK


@contextlib.asynccontextmanager
async def _parts(
    config: Config, emit: Emit, brake: Brake, tally: Tally, rings: Mapping[str, Keyring]
) -> AsyncIterator[Parts]:
    backoff = Backoff(first_delay=config.retry.first_delay, max_delay=config.retry.max_delay)
    patience = Patience(emit=emit, monotonic=time.monotonic) if brake.stays else None
    async with (
        await Ledger.open(config.ledger.url.get_secret_value(), now=_now, patience=patience) as ledger,
        Webhooks(client_settings(config)) as webhooks,
        contextlib.AsyncExitStack() as stack,
    ):
        others = await clients(config, rings, stack, now=_now)
        for limit in (limits := throttles(config, emit)).values():
            limit.tell()
        yield Parts(
            folders=config.videos,
            ledger=ledger,
            client=others.pop(""),
            clients=others,
            senders=senders(config),
            apis=apis(config),
            emit=emit,
            plan=plan(config),
            pacing=pacing(config),
            backoff=backoff,
            breakers=Breakers(backoff, emit=emit, now=_now, monotonic=time.monotonic, chance=random.random),
            brake=brake,
            tally=tally,
            now=_now,
            monotonic=time.monotonic,
            chance=random.random,
            throttles=limits,
            afterwards={str(watch.path): afterwards_of(watch) for watch in config.watch},
            posting=Postings.by(config),
            keep_history=config.ledger.keep_history,
            order=config.upload.order,
            log_level=config.log.level,
            reading=gentle() if config.upload.gentle_reads else PLAIN,
            places={str(watch.path): Place.of(watch, stays=brake.stays) for watch in config.watch},
            notices=notices(config, os.environ),
            webhooks=webhooks,
        )


def room(config: Config, emit: Emit) -> Room:
    """What looks how much room is left where the ledger and the folders lie."""
    file = parsed(config.ledger.url.get_secret_value()).database or ""
    places = [os.path.dirname(file), *(str(watch.path) for watch in config.watch)]  # noqa: PTH120 - as text
    return Room(emit, [os.fsencode(place) for place in places if place], least=config.disk.low)


def plan(config: Config) -> Plan:
    """How uploads are cut, by the configuration."""
    segment_size, connections = config.upload.segment_size, config.upload.connections
    return Plan(
        segment_size=SEGMENT_SIZE if segment_size == "auto" else segment_size,
        connections=CONNECTIONS if connections == "auto" else connections,
        in_one=config.upload.mode is UploadMode.MULTIPART,
    )


def pacing(config: Config) -> Pacing:
    """What of the plan is found while it runs, by the configuration."""
    upload = config.upload
    return Pacing(
        time.monotonic, connections=upload.connections == "auto", segment_size=upload.segment_size == "auto"
    )


def throttles(config: Config, emit: Emit) -> dict[str, Throttle]:
    """The limits on what is sent, the process's and each folder's; one that is none may be set meanwhile."""
    return {
        folder: Throttle(limit, now=_now, monotonic=time.monotonic, emit=emit, folder=folder)
        for folder, limit in config.limits.items()
    }
