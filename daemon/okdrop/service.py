"""The composition root: configuration → parts → one TaskGroup; signals and how a run ends.

Exit codes (the contract): 0 all well · 1 some upload of this run failed for good · 2 usage or
configuration · 3 not authorised · 130 cut by a second signal, or by SIGINT in `upload`.

The first SIGTERM or SIGINT drains to the next segment boundary, for at most `drain_timeout` seconds; then
it is cut. Either way nothing is lost: the server keeps its bytes and the ledger knows the ticket.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from okdrop import __version__, events
from okdrop.client import Client, ClientSettings, Credentials
from okdrop.config.watch import Existing
from okdrop.drop import UNFINISHED, State
from okdrop.errors import ConfigurationError
from okdrop.inbox import lease
from okdrop.inbox.scan import FolderError
from okdrop.ledger import Ledger
from okdrop.metadata import Settings
from okdrop.pipeline import Brake, Folder, Parts, Pipeline, Tally
from okdrop.protocol.plan import CONNECTIONS, SEGMENT_SIZE, Plan
from okdrop.protocol.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from okdrop.config import Config, Watch
    from okdrop.events import Emit

OK: Final = 0
SOME_FAILED: Final = 1
USAGE: Final = 2
NOT_AUTHORISED: Final = 3
CUT: Final = 130

_NO_FOLDER: Final = "watch: no folder is configured; add a [[watch]] table with a path"


@dataclasses.dataclass(slots=True)
class _Stop:
    """How the run was asked to stop."""

    brake: Brake
    emit: Emit
    drain_timeout: float
    interrupt_cuts: bool
    cut: Callable[[], object]
    signals: int = 0
    was_cut: bool = False

    def __post_init__(self) -> None:
        # A halt drains as a signal does: what is in flight may land, but not for ever.
        self.brake.listen(self._bound_the_drain)

    def _bound_the_drain(self) -> None:
        if self.brake.is_pulled:
            asyncio.get_running_loop().call_later(self.drain_timeout, self.cut)

    def __call__(self, number: signal.Signals) -> None:
        self.signals += 1
        if self.signals > 1 or (self.interrupt_cuts and number is signal.SIGINT):
            self.was_cut = True
            self.cut()
            return
        self.emit(events.DrainStarted(signal=number.name, timeout=self.drain_timeout))
        self.brake.pull()


async def run_once(config: Config, emit: Emit) -> int:
    """Take what lies in the folders now, settle, upload, publish, end; returns the exit code.

    Raises:
        ConfigurationError: no folder is configured, or one is missing.
        LedgerError: the ledger cannot be used.
    """
    if not config.watch:
        raise ConfigurationError(_NO_FOLDER)

    async def work(pipeline: Pipeline, ledger: Ledger) -> None:
        try:
            await pipeline.watcher.scan()
        except FolderError as error:
            raise ConfigurationError(f"watch.path: {error.message}; {error.hint}") from None
        pipeline.recover(await ledger.unfinished())
        await pipeline.run_to_the_end()

    return await _run(config, emit, work, once=True)


async def run(config: Config, emit: Emit) -> int:
    """Stay: take what is dropped into the folders, until a signal; returns the exit code.

    Raises:
        ConfigurationError: no folder is configured.
        LedgerError: the ledger cannot be used.
    """
    if not config.watch:
        raise ConfigurationError(_NO_FOLDER)

    async def work(pipeline: Pipeline, ledger: Ledger) -> None:
        pipeline.recover(await ledger.unfinished())
        await pipeline.run()

    return await _run(config, emit, work, once=False)


async def upload(config: Config, emit: Emit, files: Sequence[bytes], *, title: str = "") -> int:
    """Upload and publish the named files (absolute paths); returns the exit code.

    Raises:
        LedgerError: the ledger cannot be used.
    """

    async def work(pipeline: Pipeline, ledger: Ledger) -> None:
        wanted = {*files}
        rows = [row for row in await ledger.uploads() if row.drop.path in wanted]
        for row in rows:
            if row.state in {State.FAILED, State.CANCELLED}:  # who names a file wants it sent
                await ledger.write(row.handed_back(), note="named again")
            elif row.held:
                await ledger.write(row.with_(held=False), note="named")
        rows = await ledger.uploads(ids=[row.id for row in rows])
        pipeline.recover(row for row in rows if row.state in UNFINISHED)
        for path in wanted:
            pipeline.watcher.add(path, title=title)
        await pipeline.run_to_the_end()

    return await _run(config, emit, work, once=True, interrupt_cuts=True)


async def _run(
    config: Config,
    emit: Emit,
    work: Callable[[Pipeline, Ledger], Awaitable[None]],
    *,
    once: bool,
    interrupt_cuts: bool = False,
) -> int:
    lease.prepare()
    brake, tally = Brake(stays=not once), Tally()

    async def whole() -> None:
        async with _parts(config, emit, brake, tally) as parts:
            folders = [_folder(watch, surge=config.intake.surge) for watch in config.watch]
            await work(Pipeline(parts, folders, workers=config.upload.workers), parts.ledger)

    emit(events.ServiceStarted(version=__version__, folders=len(config.watch), once=once))
    task = asyncio.ensure_future(whole())
    stop = _Stop(brake, emit, config.upload.drain_timeout, interrupt_cuts, task.cancel)
    with _signals(stop):
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
    if not task.cancelled():
        task.result()
    emit(events.ServiceStopped(published=tally[State.PUBLISHED], failed=tally[State.FAILED]))
    return _exit_code(stop, tally)


def _exit_code(stop: _Stop, tally: Tally) -> int:
    if stop.was_cut:
        return CUT
    if stop.brake.halted is not None:
        return NOT_AUTHORISED
    if stop.signals:
        return OK
    return SOME_FAILED if tally[State.FAILED] else OK


@contextlib.contextmanager
def _signals(stop: _Stop) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _parts(config: Config, emit: Emit, brake: Brake, tally: Tally) -> AsyncIterator[Parts]:
    def now() -> datetime:
        return datetime.now(UTC)

    async with (
        await Ledger.open(config.ledger.url.get_secret_value(), now=now) as ledger,
        Client(client_settings(config), lambda: credentials(config), now=now) as client,
    ):
        yield Parts(
            folders={"": Settings()} | {str(watch.path): watch.metadata for watch in config.watch},
            ledger=ledger,
            client=client,
            emit=emit,
            plan=plan(config),
            backoff=Backoff(first_delay=config.retry.first_delay, max_delay=config.retry.max_delay),
            brake=brake,
            tally=tally,
            now=now,
            monotonic=time.monotonic,
            chance=random.random,
        )


def plan(config: Config) -> Plan:
    """How uploads are cut, by the configuration."""
    segment_size, connections = config.upload.segment_size, config.upload.connections
    return Plan(
        segment_size=SEGMENT_SIZE if segment_size == "auto" else segment_size,
        connections=CONNECTIONS if connections == "auto" else connections,
    )


def client_settings(config: Config) -> ClientSettings:
    """What the client needs to know of the configuration."""
    return ClientSettings(
        api_url=config.ok.api_url,
        upload_hosts=config.ok.upload_hosts,
        proxy=config.network.proxy.get_secret_value() or None,
        ca_file=str(config.network.ca_file) if config.network.ca_file is not None else None,
        stall_timeout=config.upload.stall_timeout,
        answer_timeout=config.upload.answer_timeout,
    )


def credentials(config: Config) -> Credentials:
    """Who we are at OK, by the configuration."""
    return Credentials(
        application_key=config.ok.application_key,
        access_token=config.ok.access_token.get_secret_value(),
        application_secret_key=config.ok.application_secret_key.get_secret_value(),
        session_secret_key=config.ok.session_secret_key.get_secret_value(),
    )


def _folder(watch: Watch, *, surge: int) -> Folder:
    return Folder(
        path=str(watch.path),
        settle=watch.settle,
        rescan=watch.rescan,
        suffixes=watch.suffixes,
        ignore=watch.ignore,
        ignores_existing=watch.existing is Existing.IGNORE,
        surge=surge,
    )
