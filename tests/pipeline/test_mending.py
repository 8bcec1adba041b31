"""A halted pool goes on by itself once what was wrong is mended, and says no more than it has to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.client import Credentials, Keyring
from okdrop.drop import State
from okdrop.errors import ConfigurationError, Halted
from okdrop.pipeline import Brake, Mending
from pipeline.bench import until
from pipeline.conftest import KEYS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pipeline.bench import Bench

ASK = "users.getCurrentUser"
WRONG = dataclasses.replace(KEYS, access_token="wrong")
EXPIRED = Halted("the token has expired", code="api_102", hint="get a new one")
FORBIDDEN = Halted("the application lacks a permission", code="api_200")


class Desk:
    """A bench with a brake that holds, and credentials on a disk that a test writes."""

    def __init__(self, bench: Bench, *, retry_every: float = 600.0, read_within: float = 60.0) -> None:
        self.bench = bench
        self.brake = Brake(stays=True)
        self.parts = dataclasses.replace(bench.parts, brake=self.brake)
        self.on_disk: Credentials | ConfigurationError = KEYS
        self.looks = 0
        self.keyring = Keyring(KEYS)
        bench.parts.client._credentials = self.keyring
        bench.parts.client._api._credentials = self.keyring
        self.hang: threading.Event | None = None
        self.mending = Mending(
            self.parts,
            self.keyring,
            self.read,
            retry_every=retry_every,
            look_every=0.005,
            read_within=read_within,
        )

    def read(self) -> Credentials:
        self.looks += 1
        if self.hang is not None:
            self.hang.wait()
        if isinstance(self.on_disk, ConfigurationError):
            raise self.on_disk
        return self.on_disk

    def names(self) -> list[str]:
        return [event.name for event in self.bench.events]

    def asked(self) -> int:
        calls: int = self.bench.emulator.summary()["calls"].get(ASK, 0)
        return calls

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Mending at work, its question at the start behind it."""
        client = self.bench.parts.client
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for work in (self.mending.run, self.mending.heed_requests)]
            if self.keyring.in_use.access_token:
                await until(lambda: client.clock_skew is not None)  # so OK has answered
            yield
            for task in tasks:
                task.cancel()


@pytest.fixture
async def desk(bench: Bench) -> Desk:
    return Desk(bench)


async def test_new_credentials_on_disk_resume(desk: Desk) -> None:
    desk.keyring.in_use = WRONG
    desk.on_disk = WRONG
    async with desk.running():
        await until(lambda: desk.names() == ["pool.halted"])
        desk.on_disk = KEYS
        assert await asyncio.wait_for(desk.brake.wait_until_free(), 5)
    assert desk.names() == ["pool.halted", "pool.resumed"]
    assert desk.keyring() == KEYS


async def test_credentials_that_were_exchanged_before_raise_no_alarm(desk: Desk) -> None:
    async with desk.running():
        desk.keyring.in_use = WRONG
        desk.brake.halt(EXPIRED, State.UPLOADING)
        assert await asyncio.wait_for(desk.brake.wait_until_free(), 5)
    assert desk.names() == ["credentials.renewed"]


async def test_refused_ones_are_asked_about_once_and_those_in_use_stay(desk: Desk) -> None:
    async with desk.running():
        asked = desk.asked()
        desk.brake.halt(EXPIRED, State.UPLOADING)
        await until(lambda: "pool.halted" in desk.names())
        desk.on_disk = WRONG
        await until(lambda: "credentials.refused" in desk.names())
        looks = desk.looks
        await until(lambda: desk.looks > looks + 5)
    assert desk.asked() == asked + 1
    assert desk.names() == ["pool.halted", "credentials.refused"]
    assert (desk.keyring(), desk.brake.holds) == (KEYS, True)


async def test_a_broken_file_is_said_once_and_changes_nothing(desk: Desk) -> None:
    async with desk.running():
        desk.brake.halt(EXPIRED, State.UPLOADING)
        desk.on_disk = ConfigurationError("half-written")
        await until(lambda: "credentials.unreadable" in desk.names())
        looks = desk.looks
        await until(lambda: desk.looks > looks + 5)
        desk.on_disk = KEYS
        looks = desk.looks
        await until(lambda: desk.looks > looks + 1)
        desk.on_disk = ConfigurationError("half-written")
        await until(lambda: desk.names().count("credentials.unreadable") == 2)  # it was whole in between
    assert desk.names().count("pool.halted") == 1
    assert desk.brake.holds


async def test_a_look_that_hangs_is_said_and_the_next_one_finds_what_was_mended(bench: Bench) -> None:
    """A mount lost its server."""
    desk = Desk(bench, read_within=0.5)
    desk.keyring.in_use = desk.on_disk = WRONG
    desk.hang = hang = threading.Event()
    async with desk.running():
        await until(lambda: "credentials.unreadable" in desk.names())
        desk.on_disk, desk.hang = KEYS, None
        assert await asyncio.wait_for(desk.brake.wait_until_free(), 5)
        desk.mending.reread()
        await until(lambda: "service.reloaded" in desk.names())
        hang.set()
    assert "takes too long" in desk.bench.told(events.CredentialsUnreadable)[0].message
    assert desk.names()[:3] == ["credentials.unreadable", "pool.halted", "pool.resumed"]


async def test_an_unanswered_question_is_asked_again(desk: Desk) -> None:
    async with desk.running():
        desk.keyring.in_use = WRONG
        with desk.bench.faults.active("error_503", method=ASK, retry_after=-1, times=3):
            desk.brake.halt(EXPIRED, State.UPLOADING)
            assert await asyncio.wait_for(desk.brake.wait_until_free(), 5)
    assert desk.names() == ["pool.halted", "pool.resumed"]


async def test_dead_credentials_are_said_at_the_start(desk: Desk) -> None:
    desk.keyring.in_use = desk.on_disk = Credentials()
    async with desk.running():
        await until(lambda: desk.names() == ["pool.halted"])
    (told,) = desk.bench.told(events.PoolHalted)
    assert told.code == "credentials_missing"
    assert desk.bench.emulator.summary()["calls"] == {}


async def test_trouble_at_the_start_halts_nothing(desk: Desk) -> None:
    with desk.bench.faults.active("error_503", method=ASK):
        async with desk.running():
            assert not desk.brake.holds


@pytest.fixture
async def soon(set_up: Callable[..., Awaitable[Bench]]) -> Desk:
    """One that tries the same credentials again after a moment."""
    return Desk(await set_up(), retry_every=0.02)


async def test_what_is_mended_on_oks_side_is_found_and_said_when_it_is_true(soon: Desk) -> None:
    async with soon.running():
        for _ in range(3):  # half-open, refused, half-open, refused …
            soon.brake.halt(FORBIDDEN, State.UPLOADING)
            assert await asyncio.wait_for(soon.brake.wait_until_free(), 5)
        assert soon.names() == ["pool.halted"]
        soon.mending.hear(events.TicketIssued(upload=1, video_id="1", host="h", number=1))
        soon.mending.hear(events.TicketIssued(upload=2, video_id="2", host="h", number=1))
        assert soon.names() == ["pool.halted", "pool.resumed"]
        soon.brake.halt(FORBIDDEN, State.UPLOADING)  # anew: it was resumed in truth
        await until(lambda: soon.names() == ["pool.halted", "pool.resumed", "pool.halted"])


async def test_a_ticket_proves_nothing_to_who_may_not_publish(soon: Desk) -> None:
    async with soon.running():
        soon.brake.halt(FORBIDDEN, State.FINALIZING)
        assert await asyncio.wait_for(soon.brake.wait_until_free(), 5)
        soon.mending.hear(events.TicketIssued(upload=1, video_id="1", host="h", number=1))
        assert soon.names() == ["pool.halted"]
        soon.mending.hear(events.UploadPublished(upload=1, video_id="1", path="/a", size=1))
        assert soon.names() == ["pool.halted", "pool.resumed"]


async def test_what_another_account_gets_proves_nothing(soon: Desk) -> None:
    async with soon.running():
        soon.brake.halt(FORBIDDEN, State.UPLOADING)
        assert await asyncio.wait_for(soon.brake.wait_until_free(), 5)
        soon.mending.hear(events.TicketIssued(upload=1, video_id="1", host="h", number=1, account="kids"))
        soon.mending.hear(events.UploadPublished(upload=2, video_id="2", path="/a", size=1, account="kids"))
        assert soon.names() == ["pool.halted"]
        soon.mending.hear(events.TicketIssued(upload=3, video_id="3", host="h", number=1))
        assert soon.names() == ["pool.halted", "pool.resumed"]


async def test_nothing_is_proven_while_it_holds(desk: Desk) -> None:
    async with desk.running():
        desk.brake.halt(FORBIDDEN, State.UPLOADING)
        await until(lambda: desk.names() == ["pool.halted"])
        # What was under way when the pool was halted may still succeed.
        desk.mending.hear(events.UploadPublished(upload=1, video_id="1", path="/a", size=1))
        assert desk.names() == ["pool.halted"]


async def test_another_reason_is_worth_a_word_of_its_own(soon: Desk) -> None:
    async with soon.running():
        soon.brake.halt(FORBIDDEN, State.UPLOADING)
        await until(lambda: soon.names() == ["pool.halted"])
        with soon.bench.faults.active("expire_session", method=ASK, times=1):
            await until(lambda: soon.names() == ["pool.halted"] * 2)
        assert soon.brake.holds
    assert [told.code for told in soon.bench.told(events.PoolHalted)] == ["api_200", "api_102"]


async def test_a_token_that_is_good_again_resumes_without_an_upload(soon: Desk) -> None:
    soon.brake.halt(EXPIRED)  # found at the start, by this very question
    async with soon.running():
        assert await asyncio.wait_for(soon.brake.wait_until_free(), 5)
    assert soon.names() == ["pool.halted", "pool.resumed"]


async def test_read_on_request(desk: Desk) -> None:
    async with desk.running():
        desk.mending.reread()
        await until(lambda: len(desk.bench.told(events.ServiceReloaded)) == 1)
        desk.keyring.in_use = dataclasses.replace(KEYS, session_secret_key="older")
        desk.mending.reread()
        await until(lambda: len(desk.bench.told(events.ServiceReloaded)) == 2)
        assert not desk.brake.holds
    assert [told.changed for told in desk.bench.told(events.ServiceReloaded)] == [False, True]
    assert desk.keyring() == KEYS


async def test_read_on_request_while_halted_resumes_once(desk: Desk) -> None:
    desk.keyring.in_use = WRONG
    desk.on_disk = WRONG
    async with desk.running():
        await until(lambda: desk.names() == ["pool.halted"])
        desk.on_disk = KEYS
        desk.mending.reread()
        assert await asyncio.wait_for(desk.brake.wait_until_free(), 5)
        await until(lambda: "pool.resumed" in desk.names())
    assert desk.names().count("pool.resumed") == 1
    assert "credentials.renewed" not in desk.names()
