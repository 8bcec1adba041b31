"""Each upload is sent for one account, with that account's token alone; who is halted halts nobody else."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.client import Client
from okdrop.drop import Chore, Drop, State
from okdrop.errors import Halted
from okdrop.inbox.revision import revision_at
from okdrop.ledger import read_only
from okdrop.metadata import Settings
from okdrop.names import Names
from okdrop.pipeline import Brake, Place
from okdrop.pipeline.accounts import account_now, ask_who_we_are, call_of, client_of
from okdrop.pipeline.chores import LATER
from okdrop.pipeline.janitor import sweep
from okdrop.pipeline.places import naming
from okdrop.pipeline.sessions import places_of
from pipeline.bench import SIZE, content
from pipeline.conftest import KEYS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection
    from pathlib import Path

    from okdrop.drop import Upload
    from pipeline.bench import Bench

    Lay = Callable[..., Awaitable["Two"]]

KIDS_TOKEN = "token-of-the-kids"
EXPIRED = Halted("expired", code="api_102")


class Two:
    """A bench with two folders, each of which sends for an account of its own: [ok] and kids."""

    def __init__(self, bench: Bench, kids: Client) -> None:
        self.folder = bench.folder.parent / "kids"
        self.folder.mkdir()
        self.bench = bench
        self.client = kids

    def file(self, name: str = "k.mp4", *, seed: str = "") -> Path:
        path = self.folder / name
        path.write_bytes(content(SIZE, seed or name))
        return path

    def drop(self, path: Path, folder: Path | None = None) -> Drop:
        revision = revision_at(os.fsencode(path))
        assert revision is not None
        return Drop(path=os.fsencode(path), revision=revision, folder=str(folder or path.parent))

    async def taken(self, path: Path) -> Upload:
        row = await self.bench.intake.take(self.drop(path))
        assert row is not None
        return row

    async def published(self, path: Path) -> Upload:
        return await self.to_the_end(await self.taken(path))

    async def to_the_end(self, row: Upload) -> Upload:
        await self.bench.uploader.upload(row.id)
        if (await self.bench.row(row.id)).state is State.FINALIZING:
            await self.bench.finalizer.publish(row.id)
        return await self.bench.row(row.id)

    def sends_for(self, **folders: str) -> None:
        """The folders send for these accounts from now on: `drop=` and `kids=`."""
        base = self.bench.folder.parent
        senders = {str(base / name): account for name, account in folders.items()}
        self.change(senders=senders)

    def change(self, **parts: Any) -> None:
        self.bench = dataclasses.replace(self.bench, parts=dataclasses.replace(self.bench.parts, **parts))

    def owners(self) -> dict[str, str]:
        """Title → whose the published video is."""
        return {video["title"]: video["owner"] for video in self.bench.published}


@pytest.fixture
async def lay(set_up: Callable[..., Awaitable[Bench]]) -> AsyncIterator[Lay]:
    async with contextlib.AsyncExitStack() as stack:

        async def laid(
            *,
            stays: bool = False,
            accounts: Collection[str] = ("", "kids"),
            hosts: tuple[str, ...] = ("127.0.0.1",),
            **more: Any,
        ) -> Two:
            bench = await set_up(others={KIDS_TOKEN: "kids"}, stays=stays, **more)
            keys = dataclasses.replace(KEYS, access_token=KIDS_TOKEN, section="account.kids")
            settings = dataclasses.replace(bench.parts.client._settings, upload_hosts=hosts)
            kids = await stack.enter_async_context(
                Client(settings, lambda: keys, now=bench.clock.now, boottime=bench.clock.monotonic)
            )
            two = Two(bench, kids)
            folders = {**bench.parts.folders, str(two.folder): Settings()}
            two.change(folders=folders, clients={"kids": kids}, brake=Brake(stays=stays, accounts=accounts))
            two.sends_for(drop="", kids="kids")
            return two

        yield laid


@pytest.fixture
async def two(lay: Lay) -> Two:
    return await lay()


# --- whose a video is -----------------------------------------------------------------------------------


async def test_each_folders_files_are_published_on_its_account(two: Two) -> None:
    mine = await two.published(two.bench.file("mine.mp4"))
    theirs = await two.published(two.file("theirs.mp4"))
    assert (mine.account, theirs.account) == ("", "kids")
    assert two.owners() == {"mine": "", "theirs": "kids"}


async def test_the_same_bytes_for_two_accounts_are_two_videos(two: Two) -> None:
    first = await two.published(two.bench.file("a.mp4", seed="same"))
    second = await two.published(two.file("b.mp4", seed="same"))
    assert (first.state, second.state) == (State.PUBLISHED, State.PUBLISHED)
    assert two.owners() == {"a": "", "b": "kids"}


async def test_the_same_bytes_are_not_sent_twice_to_one_account(two: Two) -> None:
    await two.published(two.file("a.mp4", seed="same"))
    row = await two.taken(two.file("b.mp4", seed="same"))
    await two.bench.uploader.upload(row.id)
    await two.bench.twins.compare(row.id)
    row = await two.bench.row(row.id)
    assert (row.state, row.account) == (State.DUPLICATE, "kids")


async def test_a_link_into_another_accounts_folder_is_a_second_video(two: Two) -> None:
    path = two.bench.file("a.mp4")
    await two.published(path)
    link = two.folder / "b.mp4"
    os.link(path, link)
    assert (await two.published(link)).account == "kids"
    assert two.owners() == {"a": "", "b": "kids"}
    second = two.folder / "c.mp4"
    os.link(path, second)
    assert (await two.bench.intake.take(two.drop(second))) is not None
    assert len(two.bench.published) == 2  # another name of what that account has


async def test_a_folder_that_sends_for_another_account_sends_nothing_again(two: Two) -> None:
    path = two.bench.file("a.mp4")
    row = await two.published(path)
    link = two.bench.folder / "link.mp4"
    os.link(path, link)
    two.sends_for(drop="kids", kids="kids")
    for name in (path, link):
        known = await two.bench.intake.take(two.drop(name))
        assert known is not None
        assert (known.id, known.account, known.state) == (row.id, "", State.PUBLISHED)


# --- a folder that sends for another account ------------------------------------------------------------


async def test_what_is_only_queued_goes_to_the_account_of_now(two: Two) -> None:
    row = await two.taken(two.bench.file("a.mp4"))
    two.sends_for(drop="kids", kids="kids")
    assert account_now(two.bench.parts, row) == "kids"
    row = await two.to_the_end(row)
    assert (row.account, two.owners()) == ("kids", {"a": "kids"})
    notes = [step.note for step in await two.bench.ledger.history(row.id)]
    assert "its folder sends for the account kids now, no longer for the account of [ok]" in notes


async def test_what_is_begun_goes_on_with_its_own_account(two: Two) -> None:
    row = await two.taken(two.bench.file("a.mp4"))
    await two.bench.uploader.upload(row.id)
    row = await two.bench.row(row.id)
    assert row.state is State.FINALIZING
    two.sends_for(drop="kids", kids="kids")
    await two.bench.finalizer.publish(row.id)
    row = await two.bench.row(row.id)
    assert (row.account, row.state, two.owners()) == ("", State.PUBLISHED, {"a": ""})


async def test_a_file_that_is_moved_to_another_accounts_folder_begins_anew_there(two: Two) -> None:
    row = await two.bench.whole("a.mp4")
    assert row.ticket is not None
    (two.bench.folder / "a.mp4").rename(two.folder / "a.mp4")
    await two.taken(two.folder / "a.mp4")
    row = await two.bench.row(row.id)
    assert (row.account, row.ticket, row.state) == ("kids", None, State.UPLOADING)
    row = await two.to_the_end(row)
    assert two.owners() == {"a": "kids"}
    [orphan] = await two.bench.ledger.orphans(account="")  # of whose token it can be deleted by
    assert await two.bench.ledger.orphans(account="kids") == []
    await sweep(two.bench.parts)
    assert [video["id"] for video in two.bench.emulator.videos() if video["deleted"]] == [orphan]


def test_a_file_is_followed_within_one_account(tmp_path: Path) -> None:
    names = Names(("mp4",), ())
    places = {
        str(tmp_path / name): Place(names=names, group_id="", patience=0.0, account=account)
        for name, account in (("a", ""), ("b", ""), ("c", "kids"))
    }
    path = tmp_path / "a" / "x.mp4"
    path.parent.mkdir()
    path.touch()
    revision = revision_at(os.fsencode(path))
    assert revision is not None
    place = naming(places, Drop(path=os.fsencode(path), revision=revision, folder=str(path.parent)))
    found = [place(os.fsencode(tmp_path / name / "x.mp4")) is not None for name in "abc"]
    assert found == [True, True, False]


# --- halts ----------------------------------------------------------------------------------------------


async def test_a_dead_token_halts_its_account_alone(lay: Lay) -> None:
    two = await lay(stays=True)
    two.bench.emulator.sessions.end(KIDS_TOKEN)
    theirs = await two.to_the_end(await two.taken(two.file("theirs.mp4")))
    brake = two.bench.parts.brake
    assert (theirs.state, brake.is_halted_for("kids")) == (State.QUEUED, True)
    assert not brake.holds_for("")
    assert (await two.published(two.bench.file("mine.mp4"))).state is State.PUBLISHED

    await two.bench.uploader.upload(theirs.id)  # as a worker takes it out of the line again
    assert two.bench.opened.park_again(theirs.id, two.bench.line, brake.is_halted_for)
    two.bench.emulator.sessions.begin(KIDS_TOKEN)
    brake.release("kids")
    assert not two.bench.opened.park_again(theirs.id, two.bench.line, brake.is_halted_for)
    numbers = {await two.bench.line.get(), await two.bench.line.get()}
    assert theirs.id in numbers
    await two.to_the_end(theirs)
    assert two.owners() == {"mine": "", "theirs": "kids"}


async def test_a_run_that_ends_is_done_with_who_is_halted(lay: Lay) -> None:
    two = await lay()
    two.bench.emulator.sessions.end(KIDS_TOKEN)
    row = await two.taken(two.file())
    await two.bench.uploader.upload(row.id)
    assert [event.account for event in two.bench.told(events.PoolHalted)] == ["kids"]
    await two.bench.uploader.upload(row.id)
    assert row.id not in two.bench.opened
    assert not two.bench.parts.brake.is_pulled  # there is another account
    assert (await two.bench.row(row.id)).state is State.QUEUED


async def test_the_last_account_that_is_halted_ends_a_run_that_ends(lay: Lay) -> None:
    two = await lay()
    brake = two.bench.parts.brake
    assert brake.halt(EXPIRED, account="kids")
    assert not brake.is_pulled
    assert brake.halt(EXPIRED)
    assert brake.is_pulled


async def test_what_is_whole_waits_with_its_account(lay: Lay) -> None:
    two = await lay(stays=True)
    row = await two.taken(two.file())
    await two.bench.uploader.upload(row.id)
    two.bench.parts.brake.halt(EXPIRED, account="kids")
    await two.bench.finalizer.publish(row.id)
    assert (await two.bench.row(row.id)).state is State.FINALIZING
    two.bench.parts.brake.release("kids")
    while await two.bench.finals.get() != row.id:
        pass
    await two.bench.finalizer.publish(row.id)
    assert (await two.bench.row(row.id)).state is State.PUBLISHED


async def test_a_chore_asks_nobody_for_an_account_that_is_halted(lay: Lay) -> None:
    two = await lay(stays=True)
    row = await two.published(two.file())
    assert row.chore is Chore.CONFIRM
    two.bench.parts.brake.halt(EXPIRED, account="kids")
    assert await two.bench.chores.do(row.id) == LATER
    assert (await two.bench.row(row.id)).troubles == 0
    two.bench.parts.brake.release("kids")
    assert await two.bench.chores.do(row.id) != LATER


async def test_an_account_that_the_configuration_lost_waits_with_a_reason(lay: Lay) -> None:
    two = await lay(stays=True)
    row = await two.taken(two.file())
    await two.bench.uploader.upload(row.id)
    two.change(clients={}, senders={})
    await two.bench.finalizer.publish(row.id)
    row = await two.bench.row(row.id)
    assert (row.state, row.account, row.failure) == (State.FINALIZING, "kids", None)
    [halted] = two.bench.told(events.PoolHalted)
    assert (halted.code, halted.account) == ("account_missing", "kids")
    assert "there is no account kids in the configuration" in halted.message
    assert "[account.kids]" in halted.hint
    with pytest.raises(Halted):
        client_of(two.bench.parts, "kids")
    two.change(clients={"kids": two.client}, brake=Brake(stays=True, accounts=("", "kids")))  # the next run
    await two.bench.finalizer.publish(row.id)
    assert two.owners() == {"k": "kids"}


async def test_a_chore_for_an_account_that_the_configuration_lost_raises_no_alarm(lay: Lay) -> None:
    two = await lay()
    row = await two.published(two.file())
    two.change(clients={}, senders={})
    assert await two.bench.chores.do(row.id) == LATER
    assert two.bench.parts.brake.halted is None


async def test_a_run_without_anything_to_send_asks_for_each_account(lay: Lay) -> None:
    two = await lay()
    two.bench.emulator.sessions.end(KIDS_TOKEN)
    await ask_who_we_are(two.bench.parts)
    assert [(event.account, event.code) for event in two.bench.told(events.PoolHalted)] == [
        ("kids", "api_102")
    ]
    assert "`account.kids.access_token`" in two.bench.told(events.PoolHalted)[0].hint
    assert two.bench.parts.client.has_accepted


async def test_whom_an_account_may_send_to_is_its_own_affair(lay: Lay) -> None:
    two = await lay(hosts=("vu.okcdn.ru",))
    row = await two.published(two.file("theirs.mp4"))
    assert row.failure is not None
    assert row.failure.code == "upload_host_refused"
    assert (await two.published(two.bench.file("mine.mp4"))).state is State.PUBLISHED


# --- limits of an account -------------------------------------------------------------------------------


async def test_a_limit_of_calls_cools_its_account_alone(two: Two) -> None:
    row = await two.taken(two.file())
    with two.bench.faults.active("api_error", code=8, method="video.getUploadUrl", times=1):
        await two.bench.uploader.upload(row.id)
    breakers = two.bench.parts.breakers
    kids, ours = call_of(two.bench.parts, "kids"), call_of(two.bench.parts, "")
    assert kids == ("the account kids", "the API")
    assert breakers.ill(*kids) == "the account kids"
    assert breakers.ill(*ours) == ""
    assert places_of(two.bench.parts, row) == kids
    assert (await two.published(two.bench.file("mine.mp4"))).state is State.PUBLISHED


async def test_the_api_of_another_address_is_another_place(two: Two) -> None:
    two.change(apis={"kids": "the API at 127.0.0.1:7"})
    assert call_of(two.bench.parts, "kids") == ("the account kids", "the API at 127.0.0.1:7")


async def test_the_ledger_tells_whose_an_upload_is(two: Two) -> None:
    row = await two.published(two.file())
    with read_only(two.bench.ledger_url) as reader:
        found = reader.get(row.id)
    assert found is not None
    assert found.account == "kids"
