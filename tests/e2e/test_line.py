"""No idle line: the next ticket is there before it is needed, and files go in the order that is set.

Nothing here goes by a clock. Where a test says "meanwhile", OK holds its answer back until it was so.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiohttp.web_protocol import RequestHandler

from e2e.harness import KIB, assert_no_litter, assert_published_once, published, until
from okdrop.drop import State
from okdrop.emulator.gate import Gate
from okdrop.ledger import read_only

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from e2e.harness import Daemon
    from okdrop.drop import Upload
    from okdrop.emulator import Emulator, Mode

SMALL: Final = 20 * KIB
ONE: Final = {"upload__workers": "1"}


class Counter:
    """What OK was sent, in the order in which it came, and when it answers."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.may_answer: Callable[[], bool] = lambda: True

    async def answer(self, name: str) -> None:
        if name not in self.order:
            self.order.append(name)
        await until(self._is_free)

    def _is_free(self) -> bool:
        return self.may_answer()  # another one by now, perhaps


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Stands before every answer to a segment."""
    made, linger = Counter(), Gate.linger

    async def waits(self: Gate, request: Any, operation: str, video: Any = None) -> None:
        if operation == "segment":
            await made.answer(video.name)
        await linger(self, request, operation, video)

    monkeypatch.setattr(Gate, "linger", waits)
    return made


def rows(daemon: Daemon) -> list[Upload]:
    with read_only(f"sqlite:///{daemon.ledger}") as reader:
        return reader.uploads()


def with_ticket(daemon: Daemon) -> list[Upload]:
    return [row for row in rows(daemon) if row.ticket is not None]


@contextlib.asynccontextmanager
async def one_sent_one_ready(daemon: Daemon, counter: Counter) -> AsyncIterator[Any]:
    """A run that waits for its first answer, with the next upload made ready."""
    counter.may_answer = lambda: False
    async with daemon.started() as running:
        await until(lambda: daemon.ledger.exists() and len(counter.order) == 1)
        await until(lambda: len(with_ticket(daemon)) == 2)
        yield running


async def test_while_a_file_is_sent_the_next_ticket_is_asked_for(
    start: Any, counter: Counter, mode: Mode
) -> None:
    """OK answers a file only once it was asked for the ticket of the next: else nothing would ever go on."""
    emulator, daemon = await start("latency:seconds=0.02", mode=mode, settings=ONE)
    files = daemon.files([SMALL + number for number in range(6)])
    counter.may_answer = lambda: emulator.summary()["videos"] > min(len(counter.order), len(files) - 1)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    assert emulator.summary()["calls"]["video.getUploadUrl"] == len(files)
    assert {row.tickets for row in rows(daemon)} == {1}


async def test_a_file_in_one_request_has_the_next_ticket_asked_for_before_its_end(
    start: Any, counter: Counter
) -> None:
    emulator, daemon = await start(settings=ONE | {"upload__mode": "multipart"})
    files = daemon.files([SMALL + number for number in range(3)])
    counter.may_answer = lambda: emulator.summary()["videos"] > min(len(counter.order), len(files) - 1)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    assert len(emulator.videos()) == len(files)


async def test_publishing_waits_for_no_upload_and_no_upload_for_publishing(
    start: Any, counter: Counter
) -> None:
    """OK answers each file only once the one before is published, and takes its time for that."""
    emulator, daemon = await start("latency:seconds=0.05,method=video.update", settings=ONE)
    files = daemon.files([SMALL + number for number in range(4)])
    counter.may_answer = lambda: emulator.summary()["published"] >= len(counter.order) - 1
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


async def test_many_small_files_go_over_few_connections(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No handshake for each file, as long as the host keeps its connections."""
    made, connects = [], RequestHandler.connection_made

    def connection_made(self: Any, transport: Any) -> None:
        made.append(transport)
        connects(self, transport)

    monkeypatch.setattr(RequestHandler, "connection_made", connection_made)
    emulator, daemon = await start()
    files = daemon.files([SMALL + number for number in range(40)])
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(made) <= 20  # as many as there are at once: senders, askers, publishers, chores


async def test_after_a_kill_a_ticket_that_was_asked_ahead_is_used(start: Any, counter: Counter) -> None:
    emulator, daemon = await start(settings=ONE)
    files = daemon.files([SMALL + number for number in range(3)])
    async with one_sent_one_ready(daemon, counter) as running:
        await running.kill()
    tickets = {row.ticket.video_id for row in with_ticket(daemon) if row.ticket is not None}
    counter.may_answer = lambda: True
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    assert tickets <= {video["id"] for video in published(emulator.videos())}
    assert len(emulator.videos()) == len(files)


async def test_a_drain_leaves_the_ticket_to_the_next_run(start: Any, counter: Counter) -> None:
    emulator, daemon = await start(settings=ONE)
    files = daemon.files([SMALL + number for number in range(3)])
    async with one_sent_one_ready(daemon, counter) as running:
        running.send(signal.SIGTERM)
        await running.tells("service.draining")
        counter.may_answer = lambda: True
        assert (await running.end()).code == 0
    assert emulator.summary()["published"] == 0
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == len(files)


async def test_what_is_cancelled_while_it_is_ready_is_not_sent_and_its_entry_deleted(
    start: Any, counter: Counter
) -> None:
    emulator, daemon = await start(settings=ONE)
    daemon.files([SMALL + number for number in range(3)])
    async with one_sent_one_ready(daemon, counter) as running:
        (ready,) = [row for row in with_ticket(daemon) if counter.order[0] != name_of(row)]
        assert (await daemon.ends("cancel", str(ready.id))).code == 0
        counter.may_answer = lambda: True
        assert (await running.end()).code == 0
    assert name_of(ready) not in counter.order
    assert_no_litter(emulator.videos())
    assert len(published(emulator.videos())) == 2
    assert [row.state for row in rows(daemon)].count(State.CANCELLED) == 1


async def test_what_changes_while_it_is_ready_is_superseded_and_its_entry_deleted(
    start: Any, counter: Counter
) -> None:
    emulator, daemon = await start(settings=ONE)
    files = daemon.files([SMALL + number for number in range(2)])
    async with one_sent_one_ready(daemon, counter) as running:
        (other,) = [file for file in files if file.name != counter.order[0]]
        daemon.file(other.name, SMALL + 99, seed="another")
        counter.may_answer = lambda: True
        assert (await running.end()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    assert [row.state for row in rows(daemon)].count(State.SUPERSEDED) == 1


async def test_what_is_gone_once_it_is_ready_leaves_no_entry(start: Any, counter: Counter) -> None:
    emulator, daemon = await start(settings=ONE)
    files = daemon.files([SMALL + number for number in range(2)])
    async with one_sent_one_ready(daemon, counter) as running:
        (other,) = [file for file in files if file.name != counter.order[0]]
        other.unlink()
        counter.may_answer = lambda: True
        assert (await running.end()).code == 1
    assert_no_litter(emulator.videos())
    assert len(published(emulator.videos())) == 1


def name_of(row: Upload) -> str:
    return os.fsdecode(row.drop.path).rpartition("/")[2]


# --- order ----------------------------------------------------------------------------------------------


async def all_queued(emulator: Emulator, daemon: Daemon, count: int) -> None:
    """A daemon takes the files up, and can send none: its token is no good just now."""
    with emulator.faults.active("api_error", code=102):
        async with daemon.staying() as running:
            await running.tells("file.settled", count)


def next_is_ready(daemon: Daemon, counter: Counter, count: int) -> Callable[[], bool]:
    """Whether whoever is next of `count` files waits for its slot alone.

    Else a slot that is free before that has another file made ready beside it, and either may be first.
    """
    return lambda: len(with_ticket(daemon)) >= min(len(counter.order) + 1, count)


MADE: Final = {"a.mp4": (3, 40), "b.mp4": (1, 30), "c.mp4": (4, 20), "d.mp4": (2, 50)}
"""Name → when it was written, in seconds, and its KiB."""


def made_at(daemon: Daemon, name: str, second: int, kib: int) -> Path:
    path = daemon.file(name, kib * KIB)
    os.utime(path, (1, 1_000_000_000 + second))
    return path


@pytest.mark.parametrize(
    ("order", "names"),
    [(None, "bdac"), ("oldest", "bdac"), ("newest", "cadb"), ("smallest", "cbad"), ("largest", "dabc")],
)
async def test_files_go_in_the_order_that_is_set(
    start: Any, counter: Counter, order: str | None, names: str
) -> None:
    emulator, daemon = await start(settings=ONE)
    files = [made_at(daemon, name, *how) for name, how in MADE.items()]
    await all_queued(emulator, daemon, len(files))
    daemon.set(upload__order=order)
    counter.may_answer = next_is_ready(daemon, counter, len(files))
    assert (await daemon.ends()).code == 0
    assert counter.order == [f"{name}.mp4" for name in names]
    assert_published_once(emulator.videos(), files)


async def test_a_folder_with_a_priority_goes_before_the_others(start: Any, counter: Counter) -> None:
    emulator, daemon = await start(settings=ONE | {"upload__order": "largest"})
    folders = [
        {"path": str(daemon.drop / name), "settle": "0s", "priority": priority}
        for name, priority in (("low", -1), ("plain", 0), ("high", 5))
    ]
    daemon.set(watch=json.dumps(folders))
    files = [
        daemon.file(f"{folder}/{folder}-{kib}.mp4", kib * KIB)
        for folder in ("low", "plain", "high")
        for kib in (20, 30)
    ]
    with emulator.faults.active("api_error", code=102):
        async with daemon.staying(watched=3) as running:
            await running.tells("file.settled", len(files))
    counter.may_answer = next_is_ready(daemon, counter, len(files))
    assert (await daemon.ends()).code == 0
    assert counter.order == [f"{folder}-{kib}.mp4" for folder in ("high", "plain", "low") for kib in (30, 20)]


async def test_what_has_begun_goes_on_before_anything_new(start: Any, counter: Counter) -> None:
    settings = ONE | {"upload__order": "smallest", "upload__segment_size": "64KiB"}
    emulator, daemon = await start(settings=settings, mode="sequential")
    large = daemon.file("large.mp4", 300 * KIB)
    counter.may_answer = lambda: False
    async with daemon.started() as running:
        await until(lambda: counter.order)
        await running.kill()
    files = [large, daemon.file("small.mp4", 20 * KIB), daemon.file("smaller.mp4", 18 * KIB)]
    with emulator.faults.active("api_error", code=102):
        async with daemon.staying() as running:
            await running.tells("file.settled", 2)
    counter.may_answer, counter.order[:] = (lambda: True), []
    assert (await daemon.ends()).code == 0
    assert counter.order[0] == "large.mp4"
    assert_published_once(emulator.videos(), files)
