"""What happens to a file, in the words of the table: each scenario is gone through once for every point.

The first ones are ways to a published video, and everything on them is a point to die at. The others lead
past one more write of the ledger each: there these writes alone are.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crash.world import (
    LARGE,
    OTHER,
    SMALL,
    Point,
    When,
    World,
    assert_filed,
    assert_lives_on,
    assert_once,
    digest_of,
    laid,
)
from okdrop import events
from okdrop.config.notify import Language
from okdrop.config.watch import After
from okdrop.config.window import PublishWindow
from okdrop.drop import State
from okdrop.emulator import Mode
from okdrop.errors import Trouble
from okdrop.inbox.beside import NOTHING
from okdrop.leaves import LEAF_SIZE
from okdrop.ledger import Ledger, orders
from okdrop.pipeline import Command, Listener, Notices
from okdrop.pipeline.messengers import Receiver
from okdrop.pipeline.notices import NOBODY
from okdrop.pipeline.posting import ANY_TIME, Posting
from okdrop.pipeline.rhythm import EVERY_TIME, Rhythm
from okdrop.pipeline.slots import Slot
from okdrop.pipeline.twins import Twins
from okdrop.pipeline.uploader import HOPELESS
from okdrop.steps import Kind, Occasion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from crash.world import Life
    from okdrop.drop import Upload
    from okdrop.events import Event
    from okdrop.inbox.source import Source

Digests = dict[str, str]

NAME: Final = "a.mp4"
WEEK: Final = 7 * 86_400.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """One way of things.

    Args:
        name: a word or two.
        world: how it is laid: the folder, OK's kind of host.
        prepare: makes the files, and whatever was before; returns what is to be public, in the end.
        weather: OK's faults from here on.
        on: what happens once, right after the first thing of a kind.
        hear: told of each event.
        patches: module attributes that are other ones here.
        stays_until: the run stays until this is so; None: it ends by itself.
        mend: what a person does before the last life; None: there is none.
        verdict: judges the end.
        visits: the sites that have to be visited here.
        all_points: whether everything else is a point, too.
        tells_what_is_lost: somebody takes the upload up again, and finds that a ticket may be lost.
        fed: how many entries at OK may have got bytes, with one death at most.
        several: chance has a say in what several files do beside each other.
        loses_its_file: somebody takes the file away meanwhile, or its folder.
    """

    name: str
    world: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    prepare: Callable[[World], Awaitable[Digests]]
    weather: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    on: Mapping[str, Callable[[World], Awaitable[None]]] = dataclasses.field(default_factory=dict)
    hear: Callable[[World, Life, Event], None] | None = None
    patches: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    stays_until: Callable[[World], bool] | None = None
    mend: Callable[[World], Awaitable[None]] | None = None
    verdict: Callable[[World, Digests, int], Awaitable[None]]
    visits: frozenset[str] = frozenset()
    all_points: bool = False
    loses_its_file: bool = False
    tells_what_is_lost: bool = True
    fed: int = 1
    several: bool = False

    @property
    def varies(self) -> bool:
        """Whether chance has a say in how often something is done: by what is done beside it."""
        return self.several or self.stays_until is not None or self.world.get("connections", 1) > 1

    def begin(self, world: World) -> None:
        """The weather comes up, and what is to happen is laid ready."""
        for name, values in self.weather:
            world.faults.set(name, **values)
        for kind, what in self.on.items():
            world.on[kind] = lambda what=what: what(world)
        if (hear := self.hear) is not None:
            world.hear = lambda life, event: hear(world, life, event)


# --- before ---------------------------------------------------------------------------------------------


async def dropped(world: World) -> Digests:
    """A file of three segments lies there."""
    return {NAME: digest_of(world.file(NAME, LARGE))}


async def small(world: World) -> Digests:
    """A file of one segment lies there."""
    return {NAME: digest_of(world.file(NAME, SMALL))}


async def tiny(world: World) -> Digests:
    """A file lies there that OK would not take."""
    world.file(NAME, 100)
    return {}


async def two(world: World) -> Digests:
    return {name: digest_of(world.file(name, SMALL)) for name in (NAME, "b.mp4")}


async def three(world: World) -> Digests:
    """More than are sent and made ready at once."""
    return {name: digest_of(world.file(name, SMALL)) for name in (NAME, "b.mp4", "c.mp4")}


async def two_of_the_same(world: World) -> Digests:
    """Two names for the same bytes, neither of them sent yet."""
    digests = {name: digest_of(world.file(name, LARGE, seed="the same")) for name in (NAME, "b.mp4")}
    assert len(set(digests.values())) == 1
    return digests


async def big(world: World) -> Digests:
    """A file of more than one leaf, whose hash is known before all of it is sent."""
    return {NAME: digest_of(world.file(NAME, 2 * LEAF_SIZE + LARGE))}


async def to_be_renamed(world: World) -> Digests:
    digests = await dropped(world)
    return {"b.mp4": digests[NAME]}


async def many_unconfirmed(world: World) -> Digests:
    """More are public than are asked about at once by one each, and OK was not done with any."""
    digests = {name: digest_of(world.file(name, SMALL)) for name in map("{}.mp4".format, "abcde")}
    with world.faults.active("video_status", status="PROCESSING"):
        await world.live()
    assert len(world.published) == len(digests)
    return digests


async def tiny_and_handed_back(world: World) -> Digests:
    await tiny(world)
    await world.live()
    await handed_back(world)
    return {}


async def to_be_replaced(world: World) -> Digests:
    """What is to be public is the revision that comes later."""
    wanted = digest_of(world.file(NAME, LARGE, seed="another"))
    world.file(NAME, LARGE)
    return {NAME: wanted}


def cut(kind: str, when: When, number: int = 1) -> Callable[[World], Awaitable[Digests]]:
    """An earlier life that came so far."""

    async def prepared(world: World) -> Digests:
        digests = await dropped(world)
        life = await world.live(Point(kind, number, when))
        assert life.died
        return digests

    return prepared


async def then_of_another_account(world: World) -> Digests:
    """An earlier life came to the first ticket; the folder sends for another account since."""
    digests = await cut("request_ticket", When.BEFORE)(world)
    assert [row.account for row in world.rows()] == [""]
    world.account = OTHER
    return digests


async def renamed(world: World) -> Digests:
    digests = await published(world)
    (world.folder / NAME).rename(world.folder / "b.mp4")
    return {"b.mp4": digests[NAME]}


async def gone_and_back(world: World) -> Digests:
    digests = await cut("send", When.UNSEEN, 2)(world)
    (world.folder / NAME).rename(world.place / "away")
    await world.live()
    assert world.rows()[0].lost_its_file
    (world.place / "away").rename(world.folder / NAME)
    return digests


async def folder_away(world: World) -> Digests:
    digests = await cut("send", When.UNSEEN, 2)(world)
    world.folder.rename(world.place / "away")
    return digests


async def published(world: World) -> Digests:
    digests = await dropped(world)
    await world.live()
    assert len(world.published) == 1
    return digests


async def touched(world: World) -> Digests:
    """The file was kept; now it has another time, and its folder says move."""
    digests = await published(world)
    touch(world)
    world.after = After.MOVE
    return digests


async def never_confirmed(world: World) -> Digests:
    """It is public, and OK says for ever that it is not done with it."""
    with world.faults.active("video_status", status="ON_MODERATION"):
        return await published(world)


async def refused_and_touched(world: World) -> Digests:
    """OK takes the video, then will not show it; and the file gets another time."""
    with world.faults.active("final_status", status="ERROR"):
        digests = await published(world)
    assert world.rows()[0].state is State.FAILED
    touch(world)
    return digests


async def set_aside_and_touched(world: World) -> Digests:
    """It lay there before the first start, was recorded, and gets another time."""
    digests = await dropped(world)
    await world.live()
    assert world.rows()[0].is_set_aside
    touch(world)
    return digests


async def aimed_then_kept(world: World) -> Digests:
    """The file was to be moved, and a crash came before it was; now its folder says keep."""
    world.after = After.MOVE
    digests = await cut("chores.Chores._go_on < chores.Chores._done < chores.Chores._move#2", When.BEFORE)(
        world
    )
    assert (world.move_to / NAME).exists()
    (world.move_to / NAME).rename(world.folder / NAME)
    world.after = After.KEEP
    return digests


async def confirmed_then_in_doubt(world: World) -> Digests:
    """OK confirmed the video, and a crash came before the file was deleted."""
    world.after = After.DELETE
    digests = await dropped(world)
    life = await world.live(
        Point("chores.Chores._go_on < chores.Chores._done < chores.Chores._confirm#2", 1, When.AFTER)
    )
    assert life.died
    return digests


async def nothing_yet(world: World) -> Digests:
    """The folder is empty, and the file comes later."""
    del world
    return {}


# What a folder says of when and how its videos become public.

IN_AN_HOUR: Final = PublishWindow.parse(
    f"{datetime.now(UTC) + timedelta(hours=1):%H:%M}-{datetime.now(UTC) + timedelta(hours=21):%H:%M}"
)
FRIENDS_FIRST: Final = Posting(friends_first=True)
WITH_COVER: Final = Posting(cover=True)
WATCHED: Final = Posting(update_within=WEEK)
JPEG: Final = b"\xff\xd8\xff" + bytes(5000) + b"\xff\xd9"
COVER: Final = hashlib.sha256(JPEG).hexdigest()


async def ordered(world: World, order: Callable[[Ledger, int], Awaitable[Any]]) -> None:
    """Another process says something about the first upload."""
    async with await Ledger.open(world.ledger_url, lock=False, now=world.clock.now) as other:
        assert (await order(other, world.rows()[0].id)).done


async def released(world: World) -> Digests:
    digests = await published(world)
    await ordered(world, orders.release)
    return digests


async def released_and_refused(world: World) -> Digests:
    """A person released it, and then OK would not show it."""
    digests = await released(world)
    async with await Ledger.open(world.ledger_url, lock=False, now=world.clock.now) as other:
        await other.write(world.rows()[0].to(State.FAILED, chore=None), note="OK refuses it")
    return digests


async def with_an_image(world: World) -> Digests:
    (world.folder / "a.jpg").write_bytes(JPEG)
    return await small(world)


async def with_a_broken_image(world: World) -> Digests:
    (world.folder / "a.jpg").write_bytes(b"no image at all")
    return await small(world)


async def with_an_image_no_more_wanted(world: World) -> Digests:
    """A cover was due, and a crash came before it was brought; now the folder wants none."""
    digests = await with_an_image(world)
    assert (await world.live(Point("upload_photo", 1, When.BEFORE))).died
    world.posting = ANY_TIME
    return digests


async def with_a_text_that_comes_later(world: World) -> Digests:
    digests = await published(world)
    (world.folder / "a.txt").write_text("about it")
    return digests


async def published_by_a_clock_ahead(world: World) -> Digests:
    """It becomes public by itself in an hour, by a clock that was a year ahead."""
    world.clock.ahead += 365 * 86_400.0
    digests = await published(world)
    world.clock.ahead -= 365 * 86_400.0
    return digests


def is_mended(world: World) -> bool:
    return world.rows()[0].updated_at <= world.clock.now()


async def due_by_a_clock_alone(world: World) -> Digests:
    """Its time has come by a clock that is ahead of OK's."""
    digests = await published(world)
    async with await Ledger.open(world.ledger_url, lock=False, now=world.clock.now) as other:
        row = world.rows()[0]
        await other.write(row.with_(publication=row.publication.with_(tell_at=world.clock.now())))
    return digests


def is_put_off(world: World) -> bool:
    publication = world.rows()[0].publication
    return publication.tell_at == publication.public_at


def is_looked_after(world: World) -> bool:
    publication = world.rows()[0].publication
    return publication.renew is None and not (publication.beside or b"").startswith(NOTHING)


async def with_sidecar(world: World) -> Digests:
    (world.folder / "a.json").write_text("{}")
    return await small(world)


async def told_and_not_noted(world: World) -> Digests:
    """The hook ran, and a crash came before that was noted; then nobody wanted it any more."""
    digests = await small(world)
    assert (await world.live(Point("outbox._Lane._take", 1, When.BEFORE))).died
    world.notices = NOBODY
    return digests


PERSON: Final = "notify:n"
STAND_IN: Final = Path(__file__).parents[1] / "stand_in_messenger.py"
"""What is run in Apprise's place, which takes its time for each message."""


def person(world: World, rhythm: Rhythm = EVERY_TIME, *, verdict: str = "sent") -> Notices:
    """Somebody who gets messages; they are written down beside the folder."""
    receiver = Receiver(
        url=f"note://{world.place}/told?{verdict}", language=Language.ENGLISH, rhythm=rhythm, tries=1000
    )
    listener = Listener(kind=Kind.NOTIFY, name="n", occasions=frozenset({Occasion.PUBLISHED}))
    return Notices(listeners=(listener,), receivers={PERSON: receiver})


async def with_a_person(world: World) -> Digests:
    world.notices = person(world)
    return await small(world)


async def with_a_person_who_is_away(world: World) -> Digests:
    world.notices = person(world, verdict="at-last")
    return await small(world)


async def published_in_quiet_hours(world: World) -> Digests:
    """Two were published at night; it is morning now, and there is room for one message."""
    now, hour = world.clock.now().astimezone(), timedelta(hours=1)
    quiet = PublishWindow.parse(f"{now - hour:%H:%M}-{now + hour:%H:%M}")
    world.notices = person(world, Rhythm(quiet=quiet))
    digests = await small(world) | {"b.mp4": digest_of(world.file("b.mp4", SMALL, seed="b"))}
    await world.live()
    assert len(world.published) == 2
    assert not (world.place / "told").exists()
    world.notices = person(world, Rhythm(at_most=1, per=1.0))
    return digests


async def archived(world: World) -> Digests:
    """It was moved long ago, and its folder keeps moved files for a day."""
    digests = await small(world)
    (world.folder / "a.json").write_text("{}")
    await world.live()
    assert {path.name for path in world.move_to.iterdir()} == {NAME, "a.json", RECEIPT}
    world.clock.ahead += 2 * 86_400.0
    return digests


async def archived_and_edited(world: World) -> Digests:
    digests = await archived(world)
    (world.move_to / NAME).write_bytes(b"edited")
    return digests


# --- meanwhile ------------------------------------------------------------------------------------------


def touch(world: World) -> None:
    os.utime(world.folder / NAME, ns=(1, 12_345_678_900_000_000))


async def replaced(world: World) -> None:
    """Another revision takes the file's place."""
    world.file(NAME, LARGE, seed="another")


async def cancelled(world: World) -> None:
    """Another process takes the upload out."""
    async with await Ledger.open(world.ledger_url, lock=False, now=world.clock.now) as other:
        (row,) = await other.uploads()
        await other.write(row.to(State.CANCELLED), note="cancelled by hand")


EQUAL_TO: Final = Twins._equal_to


async def busy_at_first(twins: Twins, source: Source, others: Iterable[Upload], number: int) -> Upload | None:
    """The comparison of an upload meets passing trouble, once in its life."""
    row = await twins._parts.ledger.get(number)
    if row is not None and not row.troubles:
        raise Trouble("the mount hangs", code="source_busy")
    return await EQUAL_TO(twins, source, others, number)


READY: Final = Slot.ready


def ready_in_a_moment(slot: Slot, wake: Callable[[], object]) -> None:
    """No slot is ever free at once, so that whoever is ready has to wait for one."""
    asyncio.get_running_loop().call_soon(READY, slot, wake)


async def handed_back(world: World) -> None:
    """A person says `retry`."""
    world.faults.clear()
    async with await Ledger.open(world.ledger_url, lock=False, now=world.clock.now) as other:
        for row in await other.uploads(states={State.FAILED}):
            await other.write(row.handed_back(), note="handed back by hand")


async def let_go(world: World) -> None:
    async with await Ledger.open(world.ledger_url, lock=False, now=world.clock.now) as other:
        await other.release()


async def target_taken(world: World) -> None:
    """Somebody else's file comes to lie where ours was to go."""
    world.move_to.mkdir(exist_ok=True)
    (world.move_to / NAME).write_bytes(b"somebody else's")


async def calm(world: World) -> None:
    """What was wrong at OK is mended."""
    world.faults.clear()


async def folder_back(world: World) -> None:
    (world.place / "away").rename(world.folder)


def at(kind: type[Event], what: Callable[[World, Life], Any]) -> Callable[[World, Life, Event], None]:
    """Let something happen at the first event of a kind."""

    def heard(world: World, life: Life, event: Event) -> None:
        if isinstance(event, kind):
            world.hear = lambda _life, _event: None
            what(world, life)

    return heard


def replace(world: World, _life: Life) -> None:
    world.file(NAME, LARGE, seed="another")


def remove(world: World, _life: Life) -> None:
    (world.folder / NAME).unlink()


def rename(world: World, _life: Life) -> None:
    (world.folder / NAME).rename(world.folder / "b.mp4")


async def renamed_now(world: World) -> None:
    rename(world, world.lives[-1])


def describe(world: World, _life: Life) -> None:
    (world.folder / "a.json").write_text('{"tags": ["by the sidecar"]}')


def a_while_passes(world: World, _life: Life) -> None:
    world.clock.ahead += HOPELESS


def stop(_world: World, life: Life) -> None:
    life.brake.pull()


async def stopped(world: World) -> None:
    stop(world, world.lives[-1])


def all_end(world: World) -> bool:
    """Every file that was dropped has its row, which reached an end."""
    rows = world.rows()
    return bool(rows) and all(row.state is State.PUBLISHED for row in rows)


def drop_one(world: World) -> bool:
    """A file comes once the folder was looked through; the run stays until it is published."""
    if not world.rows() and not (world.folder / NAME).exists():
        if world.ledger_file.exists() and _folder_is_known(world):
            world.file(NAME, SMALL)
        return False
    return all_end(world)


def _folder_is_known(world: World) -> bool:
    return world.lives[-1].fate.counts["first_look.FirstLook.decide"] > 0


# --- verdicts -------------------------------------------------------------------------------------------


async def once_and_filed(world: World, digests: Digests, litter: int) -> None:
    assert_once(world, digests, litter=litter)
    for name, digest in digests.items():
        assert_filed(world, name, digest)
    assert {row.state for row in world.rows()} == {State.PUBLISHED}


async def once_on_the_other_account(world: World, digests: Digests, litter: int) -> None:
    await once_and_filed(world, digests, litter)
    assert {row.account for row in world.rows()} == {OTHER}
    assert {video["owner"] for video in world.published} == {OTHER}


async def once(world: World, digests: Digests, litter: int) -> None:
    assert_once(world, digests, litter=litter)
    assert {row.state for row in world.rows()} == {State.PUBLISHED}


async def whatever_came_is_once(world: World, _digests: Digests, litter: int) -> None:
    """The file may have come, or the process may have died before."""
    present = {path.name: digest_of(path) for path in world.folder.iterdir()}
    assert_once(world, present, litter=litter)


async def once_and_described(world: World, digests: Digests, litter: int) -> None:
    """It was public only once its sidecar was there."""
    await once(world, digests, litter)
    assert [video["tags"] for video in world.published] == ["by the sidecar"]


async def once_and_left(world: World, digests: Digests, litter: int) -> None:
    """It is public; the file was gone, or another one, before it could be put away."""
    assert_once(world, digests, litter=litter)
    assert not world.move_to.exists() or not list(world.move_to.iterdir())


async def once_and_the_other_left(world: World, digests: Digests, _litter: int) -> None:
    """The old revision is public, the new one too: neither was taken for the other."""
    public = {video["sha256"] for video in world.published}
    assert digests[NAME] in public
    assert len(world.published) == len(public)
    assert (world.folder / NAME).exists() or len(public) == 2


async def once_beside_another(world: World, digests: Digests, litter: int) -> None:
    """Ours has a number; the other's file is as it was."""
    assert_once(world, digests, litter=litter)
    kept = {path.name: path for path in world.move_to.iterdir()}
    ours = [path for path in kept.values() if digest_of(path) == digests[NAME]]
    assert len(ours) == 1
    assert len(kept) <= 2
    assert [*world.folder.iterdir()] == []


async def new_one_alone(world: World, digests: Digests, litter: int) -> None:
    assert_once(world, digests, litter=litter)
    states = [row.state for row in world.rows()]
    assert states[-1] is State.PUBLISHED
    assert set(states[:-1]) <= {State.SUPERSEDED}


async def duplicate(world: World, digests: Digests, litter: int) -> None:
    assert_once(world, digests, litter=litter)
    assert [row.state for row in world.rows()] == [State.PUBLISHED, State.DUPLICATE]


async def once_and_public(world: World, digests: Digests, litter: int) -> None:
    await once(world, digests, litter)
    assert [video["privacy"] for video in world.published] == ["PUBLIC"]
    assert {row.publication.tell_at for row in world.rows()} == {None}


async def once_for_friends(world: World, digests: Digests, litter: int) -> None:
    assert_once(world, digests, litter=litter)
    assert [video["privacy"] for video in world.published] == ["FRIENDS"]


async def once_with_its_cover(world: World, digests: Digests, litter: int) -> None:
    await once_and_public(world, digests, litter)
    assert [video["cover"] for video in world.published] == [COVER]


async def once_without_a_cover(world: World, digests: Digests, litter: int) -> None:
    await once_and_public(world, digests, litter)
    assert [video["cover"] for video in world.published] == [""]


async def one_of_the_same(world: World, digests: Digests, litter: int) -> None:
    """One video for both; both files were moved, and only one was sent."""
    assert_once(world, {NAME: digests[NAME]}, litter=litter)
    assert sorted(row.state for row in world.rows()) == [State.DUPLICATE, State.PUBLISHED]
    assert {row.chore for row in world.rows()} == {None}
    assert {path.name: digest_of(path) for path in world.move_to.iterdir()} == digests
    assert [*world.folder.iterdir()] == []


async def once_and_confirmed(world: World, digests: Digests, litter: int) -> None:
    await once(world, digests, litter)
    assert {row.chore for row in world.rows()} == {None}
    for row in world.rows():
        assert world.notes(row.id).count("OK processed the video") == 1


async def once_and_forgotten(world: World, digests: Digests, litter: int) -> None:
    """It is public, and known to be; of the way there only that it was published is left."""
    assert [video["sha256"] for video in world.published] == [*digests.values()]
    assert len(world.litter) <= litter
    (row,) = world.rows()
    assert (row.state, row.chore) == (State.PUBLISHED, None)
    assert {step.to_state for step in world.history(row.id)} == {State.PUBLISHED}


async def refused(world: World, digests: Digests, litter: int) -> None:
    """OK has the one video, and a person has to look at it."""
    assert_once(world, digests, litter=litter)
    (row,) = world.rows()
    assert (row.state, row.failure and row.failure.code) == (State.FAILED, "video_error")


async def failed(world: World, _digests: Digests, litter: int) -> None:
    assert_once(world, {}, litter=litter)
    assert {row.state for row in world.rows()} == {State.FAILED}


async def not_sent(world: World, _digests: Digests, litter: int) -> None:
    assert_once(world, {}, litter=litter)
    assert {row.state for row in world.rows()} == {State.CANCELLED}
    assert sum(video["received"] for video in world.emulator.videos()) == 0


async def moved_with_all(world: World, digests: Digests, litter: int) -> None:
    """The video, its sidecar and its receipt lie where they belong, and nothing else anywhere."""
    await once(world, digests, litter)
    assert digest_of(world.move_to / NAME) == digests[NAME]
    assert {path.name for path in world.move_to.iterdir()} == {NAME, "a.json", RECEIPT}
    assert [*world.folder.iterdir()] == []


async def nothing_left(world: World, digests: Digests, litter: int) -> None:
    """It is public, and nothing of it is left here, in the one place or the other."""
    await once(world, digests, litter)
    assert [*world.folder.iterdir()] == []
    assert not world.move_to.exists() or [*world.move_to.iterdir()] == []
    assert {row.chore for row in world.rows()} == {None}


async def edited_is_left(world: World, digests: Digests, litter: int) -> None:
    await once(world, digests, litter)
    assert (world.move_to / NAME).read_bytes() == b"edited"
    assert {path.name for path in world.move_to.iterdir()} == {NAME, "a.json", RECEIPT}


def letters(world: World) -> list[str]:
    """The messages that a person got."""
    return [json.loads(line)["body"] for line in (world.place / "told").read_text().splitlines()]


async def a_person_was_told(world: World, digests: Digests, litter: int) -> None:
    """At least once, and of nothing else."""
    await once_and_filed(world, digests, litter)
    assert {letter.splitlines()[0] for letter in letters(world)} == {"“a” is on OK.ru."}


async def told_of_both_in_one(world: World, digests: Digests, litter: int) -> None:
    """At least once, and never of one without the other."""
    await once(world, digests, litter)
    assert {letter.splitlines()[0] for letter in letters(world)} == {"published: 2"}


async def told_at_least_once(world: World, digests: Digests, litter: int) -> None:
    """Whoever wants to hear of it heard; of nothing else, and never of two events for one."""
    await once_and_filed(world, digests, litter)
    names = (world.place / "told").read_text().split()
    assert len({*names}) == 1
    assert "-published-" in names[0]


async def orphan_counted(world: World, digests: Digests, litter: int) -> None:
    """It is public; what could not be deleted is known, and waits."""
    public = [video["sha256"] for video in world.published]
    assert public == [*digests.values()]
    assert len(world.litter) <= litter + len(world.orphans())


# --- going through them ---------------------------------------------------------------------------------


async def gone_through(scenario: Scenario, place: Path, blank: Path, *points: Point) -> list[Life]:
    """Go through a scenario: a life that ends at each point, then one that comes to its end.

    Returns:
        The lives, but for those that prepared it.
    """
    async with laid(place, blank=blank, **scenario.world) as world:
        digests = await scenario.prepare(world)
        before, lost = len(world.lives), set[str]()
        scenario.begin(world)
        for point in points:
            if (await world.live(point, stays_until=condition(scenario, world))).died:
                assert_lives_on(world, {} if scenario.loses_its_file else digests)
                lost |= unknown(world)
        await world.live(stays_until=condition(scenario, world))
        if len(points) == 1 and scenario.tells_what_is_lost:
            told = [
                event for life in world.lives for event in life.events if isinstance(event, events.TicketLost)
            ]
            assert len(told) >= len(lost)
        if scenario.mend is not None:
            await scenario.mend(world)
            await world.live()
        assert {video["id"] for video in world.litter} <= lost | set(world.orphans())
        await scenario.verdict(world, digests, len(lost))
        if len(points) <= 1:  # what was begun is gone on with, and not begun anew
            assert sum(video["received"] > 0 for video in world.emulator.videos()) <= scenario.fed
        return world.lives[before:]


def condition(scenario: Scenario, world: World) -> Callable[[], bool] | None:
    until = scenario.stays_until
    return None if until is None else lambda: until(world)


def unknown(world: World) -> set[str]:
    """Entries at OK that the ledger knows nothing of."""
    known = {row.ticket.video_id for row in world.rows() if row.ticket is not None} | set(world.orphans())
    return {video["id"] for video in world.litter} - known


def hook(script: str, *occasions: Occasion) -> Notices:
    """One command of the shell that hears of events."""
    listener = Listener(kind=Kind.HOOK, name="h", occasions=frozenset(occasions or {Occasion.PUBLISHED}))
    command = Command(command=("/bin/sh", "-c", script), timeout=10.0)
    return Notices(
        listeners=(listener,), commands={listener.lane: command}, environment={"PATH": os.environ["PATH"]}
    )


RECEIPT: Final = "a.mp4.okdrop.json"
BESIDE: Final[Mapping[str, Any]] = {"move_along": ("json",), "delete_along": ("json",), "receipt": True}

_BY_STAND_IN: Final = {"okdrop.pipeline.messengers._MESSENGER": STAND_IN}

PARALLEL: Final = {"mode": Mode.PARALLEL, "connections": 3}
SHORT_WAY: Final = {"all_points": True, "verdict": once_and_filed}

SCENARIOS: Final[tuple[Scenario, ...]] = (
    # Ways to a published video.
    Scenario(
        name="small, kept",
        prepare=small,
        visits=frozenset(
            {
                "first_look.FirstLook.decide",
                "intake.Intake._add#1",
                "uploader.Uploader._take_up",
                "request_ticket",
                "attempt.Attempt._next_steps#2",
                "record.Record.write_ahead",
                "record.Record._write",
                "send",
                "uploader.Uploader._whole",
                "finalizer.Finalizer._commit_to",
                "update",
                "finalizer.Finalizer._publish_now",
                "video_status",
                "chores.Chores._go_on",
                "chores.Chores._done",
                "chores.Chores._confirm#2",
            }
        ),
        **SHORT_WAY,
    ),
    Scenario(
        name="in turn, moved",
        world={"after": After.MOVE},
        prepare=dropped,
        visits=frozenset({"filer.Filer._write_target", "filer.Filer._aim", "chores.Chores._move#2"}),
        **SHORT_WAY,
    ),
    Scenario(
        name="at once, deleted",
        world={"after": After.DELETE, **PARALLEL},
        prepare=dropped,
        visits=frozenset({"attempt.Attempt._note_finding", "chores.Chores._delete#2"}),
        **SHORT_WAY,
    ),
    Scenario(
        name="a ticket expires",
        fed=2,
        prepare=dropped,
        weather=(("expire_url", {"after": 1, "times": 1}),),
        visits=frozenset(
            {"attempt.Attempt._next_steps#1", "record.Record.abandon", "janitor._delete#3", "delete"}
        ),
        **SHORT_WAY,
    ),
    Scenario(
        name="a ticket expires, at once",
        fed=2,
        world=PARALLEL,
        prepare=dropped,
        weather=(("expire_url", {"after": 2, "times": 1}),),
        visits=frozenset({"attempt.Attempt._next_steps#1", "record.Record.abandon"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="a ticket expires, and the next one has time",
        fed=2,
        prepare=dropped,
        weather=(("expire_url", {"after": 1, "times": 1}),),
        patches={"okdrop.pipeline.patience.LONGEST": 0.0},
        visits=frozenset({"patience.Patience.let_go", "record.Record.abandon"}),
        **SHORT_WAY,
    ),
    Scenario(
        name="in one request",
        world={"in_one": True},
        prepare=dropped,
        fed=2,
        visits=frozenset({"send_file", "attempt.Attempt._part_of_file_leaves#1"}),
        **SHORT_WAY,
    ),
    Scenario(name="resumed", prepare=cut("send", When.UNSEEN, 2), visits=frozenset({"probe"}), **SHORT_WAY),
    Scenario(
        name="made ready ahead",
        world={"workers": 1},
        prepare=three,
        fed=3,
        several=True,
        patches={"okdrop.pipeline.slots.Slot.ready": ready_in_a_moment},
        visits=frozenset({"ahead.Ahead.may_go_on"}),
        all_points=True,
        verdict=once,
    ),
    Scenario(
        name="made ready too early",
        world={"workers": 1},
        prepare=three,
        fed=3,
        several=True,
        patches={"okdrop.pipeline.ahead.AGES_UNUSED": -1.0},
        visits=frozenset({"attempt.Attempt._next_steps#1", "record.Record.abandon"}),
        verdict=once,
    ),
    Scenario(
        name="two of the same bytes, moved",
        world={"after": After.MOVE},
        prepare=two_of_the_same,
        visits=frozenset({"twins.Twins._wait", "twins.Twins._is_duplicate"}),
        verdict=one_of_the_same,
    ),
    Scenario(
        name="two of the same bytes, which cannot be compared at once",
        world={"after": After.MOVE},
        prepare=two_of_the_same,
        patches={"okdrop.pipeline.twins.Twins._equal_to": busy_at_first},
        visits=frozenset({"twins.Twins.compare"}),
        verdict=one_of_the_same,
    ),
    Scenario(
        name="superseded on the way",
        fed=2,
        prepare=to_be_replaced,
        on={"send": replaced},
        visits=frozenset({"parts.Parts.supersede", "uploader.Uploader._end_by#3"}),
        all_points=True,
        verdict=new_one_alone,
    ),
    Scenario(
        name="the URL dies with the last byte",
        prepare=small,
        weather=(("url_dies_on_completion", {"times": 1}),),
        **SHORT_WAY,
    ),
    # Writes beside these ways.
    Scenario(
        name="progress is noted",
        prepare=dropped,
        patches={"okdrop.pipeline.record.PROGRESS_EVERY": 0.0},
        visits=frozenset({"attempt.Attempt._made_progress", "record.Record.note_progress"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="progress is noted, in one request",
        world={"in_one": True},
        prepare=big,
        fed=2,
        patches={"okdrop.pipeline.record.PROGRESS_EVERY": 0.0},
        visits=frozenset({"attempt.Attempt._part_of_file_leaves#2"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="renamed on the way",
        world={"patience": 5.0},
        loses_its_file=True,
        prepare=to_be_renamed,
        hear=at(events.SegmentStored, rename),
        visits=frozenset({"attempt.Attempt._note_name", "record.Record.renamed"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="renamed while it is looked at a last time",
        world={"patience": 5.0},
        loses_its_file=True,
        prepare=to_be_renamed,
        on={"leaves by Finalizer._proven": renamed_now},
        visits=frozenset({"finalizer.Finalizer._renamed"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="its host is dead",
        fed=2,  # what it refused arrived, and was not kept
        prepare=dropped,
        weather=(("refuse", {"status": 429, "times": 1}),),
        hear=at(events.BreakerOpened, a_while_passes),
        visits=frozenset({"uploader.Uploader._away_from_dead_host"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="everybody waits for the account",
        world={"max_delay": 600.0},
        prepare=dropped,
        weather=(("api_error", {"code": 8, "method": "video.getUploadUrl", "times": 1}),),
        on={"waits.Waits._write": stopped},
        mend=calm,
        visits=frozenset({"waits.Waits._write"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="the line is cut",
        prepare=dropped,
        weather=(("error_503", {"after": 1, "times": 1, "retry_after": -1}),),
        visits=frozenset({"parts.Parts.put_off", "patience.Patience.meet", "record.Record.put_off"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="a host has too much to carry",
        world={"paced": True},
        prepare=dropped,
        weather=(("error_503", {"after": 1, "times": 1, "retry_after": -1}),),
        visits=frozenset({"paces.Paces.note"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="a long wait",
        world={"max_delay": 600.0},
        prepare=dropped,
        weather=(("api_error", {"code": 8, "method": "video.getUploadUrl", "times": 1}),),
        hear=at(events.UploadTrouble, stop),
        mend=calm,
        visits=frozenset({"uploader.Uploader._end#1"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="drained",
        prepare=dropped,
        hear=at(events.SegmentStored, stop),
        mend=calm,
        visits=frozenset({"uploader.Uploader._end#2"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="drained, with hashes that are not written",
        world={"segment": LEAF_SIZE},
        prepare=big,
        hear=at(events.SegmentStored, stop),
        mend=calm,
        visits=frozenset({"record.Record.take_stock"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="dead credentials, before a ticket",
        prepare=dropped,
        weather=(("api_error", {"code": 102, "method": "video.getUploadUrl", "times": 1}),),
        mend=calm,
        visits=frozenset({"uploader.Uploader._end_by#1"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="dead credentials, before publishing",
        prepare=dropped,
        weather=(("api_error", {"code": 102, "method": "video.update", "times": 1}),),
        mend=calm,
        visits=frozenset({"finalizer.Finalizer._refused#2"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="the folder is away",
        loses_its_file=True,
        prepare=folder_away,
        stays_until=lambda world: world.rows()[0].last_trouble == "source_away",
        mend=folder_back,
        visits=frozenset({"uploader.Uploader._end_by#2"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="the file is deleted on the way",
        loses_its_file=True,
        prepare=dropped,
        hear=at(events.SegmentStored, remove),
        visits=frozenset({"parts.Parts.fail", "uploader.Uploader._failed", "uploader.Uploader._end_by#4"}),
        verdict=failed,
    ),
    Scenario(
        name="cancelled while a ticket is asked for",
        prepare=dropped,
        on={"request_ticket": cancelled},
        tells_what_is_lost=False,
        visits=frozenset({"uploader.Uploader._attempt"}),
        verdict=not_sent,
    ),
    Scenario(
        name="too small",
        prepare=tiny,
        visits=frozenset({"intake.Intake._add#2"}),
        verdict=failed,
    ),
    Scenario(
        name="too small, and handed back",
        prepare=tiny_and_handed_back,
        visits=frozenset({"uploader.Uploader.upload"}),
        verdict=failed,
    ),
    Scenario(
        name="superseded before publishing",
        fed=2,
        prepare=to_be_replaced,
        hear=at(events.UploadWhole, replace),
        visits=frozenset({"finalizer.Finalizer._refused#1"}),
        verdict=new_one_alone,
    ),
    Scenario(
        name="publishing waits for a sidecar",
        world={"sidecar_wait": WEEK},
        prepare=dropped,
        hear=at(events.UploadAwaitsSidecar, describe),
        patches={
            "okdrop.pipeline.describing.FIRST_LOOK": 0.01,
            "okdrop.pipeline.describing.LAST_LOOK": 0.01,
        },
        visits=frozenset({"finalizer.Finalizer._heard"}),
        verdict=once_and_described,
    ),
    Scenario(
        name="publishing meets trouble",
        prepare=dropped,
        weather=(("error_500_after_storing", {"method": "video.update", "times": 1}),),
        visits=frozenset({"finalizer.Finalizer._again"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="publishing is refused",
        prepare=dropped,
        weather=(("api_error", {"code": 454, "method": "video.update"}),),
        mend=handed_back,
        visits=frozenset({"finalizer.Finalizer._refused#3", "finalizer.Finalizer._fail"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="publishing is refused again and again",
        prepare=dropped,
        weather=(("api_error", {"code": 100, "method": "video.update"}),),
        mend=handed_back,
        visits=frozenset({"finalizer.Finalizer._not_taken#1", "finalizer.Finalizer._not_taken#2"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="OK has lost the video",
        fed=2,
        prepare=dropped,
        weather=(("api_error", {"code": 300, "method": "video.update", "times": 1}),),
        visits=frozenset({"finalizer.Finalizer._start_over"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="renamed between two lives",
        prepare=renamed,
        visits=frozenset({"intake.Intake._moved"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="its folder sends for another account",
        prepare=then_of_another_account,
        visits=frozenset({"accounts.with_its_account"}),
        verdict=once_on_the_other_account,
    ),
    Scenario(
        name="gone, and back",
        fed=2,  # what is looked for under its old name first is gone, and begins anew
        prepare=gone_and_back,
        visits=frozenset({"intake.Intake._found_again"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="touched, and moved",
        prepare=touched,
        visits=frozenset({"intake.Intake._duplicate"}),
        verdict=duplicate,
    ),
    Scenario(
        name="refused, and touched",
        prepare=refused_and_touched,
        visits=frozenset({"intake.Intake._touched"}),
        verdict=refused,
    ),
    Scenario(
        name="lay there before",
        world={"ignores_existing": True},
        prepare=dropped,
        visits=frozenset({"first_look.FirstLook._ignore"}),
        verdict=not_sent,
    ),
    Scenario(
        name="lay there before, and touched",
        world={"ignores_existing": True},
        prepare=set_aside_and_touched,
        visits=frozenset({"intake.Intake._set_aside"}),
        verdict=not_sent,
    ),
    Scenario(
        name="too many at once",
        fed=2,
        world={"surge": 1},
        prepare=two,
        stays_until=lambda world: len(world.rows()) == 2 and all(row.held for row in world.rows()),
        mend=let_go,
        visits=frozenset({"first_look.FirstLook._hold"}),
        verdict=once,
    ),
    Scenario(
        name="the first file of an empty folder",
        prepare=nothing_yet,
        stays_until=drop_one,
        visits=frozenset({"first_look.FirstLook.taken"}),
        verdict=whatever_came_is_once,
    ),
    Scenario(
        name="an orphan cannot be deleted",
        fed=2,
        prepare=dropped,
        weather=(
            ("expire_url", {"after": 1, "times": 1}),
            ("api_error", {"code": 10, "method": "video.delete"}),
        ),
        visits=frozenset({"janitor._delete#2", "janitor._failed"}),
        verdict=orphan_counted,
    ),
    Scenario(
        name="an orphan holds up the end",
        fed=2,
        prepare=dropped,
        weather=(
            ("expire_url", {"after": 1, "times": 1}),
            ("stall_answer", {"method": "video.delete", "times": 1}),
        ),
        patches={"okdrop.pipeline.janitor.SECONDS_AT_THE_END": 0.05},
        visits=frozenset({"janitor._delete#1"}),
        verdict=orphan_counted,
    ),
    # After publishing.
    Scenario(
        name="OK refuses the video",
        prepare=dropped,
        weather=(("final_status", {"status": "ERROR"}),),
        visits=frozenset({"chores.Chores._refuse"}),
        verdict=refused,
    ),
    Scenario(
        name="OK does not answer the question",
        prepare=dropped,
        weather=(("api_error", {"code": 1, "method": "video.get", "times": 1}),),
        mend=calm,
        visits=frozenset({"chores.Chores._put_off", "chores.Chores._later"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="OK is not done",
        world={"after": After.DELETE, "processing_looks": 1},
        prepare=dropped,
        mend=calm,
        visits=frozenset({"chores.Chores._ask_again#2"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="asked about together",
        fed=5,
        prepare=many_unconfirmed,
        visits=frozenset({"video_statuses"}),
        verdict=once_and_confirmed,
    ),
    Scenario(
        name="asked for the last time",
        world={"step": WEEK + 1},
        prepare=never_confirmed,
        weather=(("video_status", {"status": "ON_MODERATION"}),),
        visits=frozenset({"chores.Chores._ask_again#1"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="gone before it is moved",
        loses_its_file=True,
        world={"after": After.MOVE},
        prepare=dropped,
        hear=at(events.UploadPublished, remove),
        visits=frozenset({"chores.Chores._left#2", "chores.Chores._move#1"}),
        verdict=once_and_left,
    ),
    Scenario(
        name="another before it is deleted",
        fed=2,
        world={"after": After.DELETE},
        prepare=dropped,
        hear=at(events.VideoConfirmed, replace),
        visits=frozenset({"chores.Chores._delete#1"}),
        verdict=once_and_the_other_left,
    ),
    Scenario(
        name="in doubt before it is deleted",
        world={"after": After.DELETE},
        prepare=confirmed_then_in_doubt,
        weather=(("video_status", {"status": "UNAVAILABLE", "times": 1}),),
        mend=calm,
        visits=frozenset({"chores.Chores._make_sure#2"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="no more to be moved",
        prepare=aimed_then_kept,
        visits=frozenset({"chores.Chores._try"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="its place is taken",
        world={"after": After.MOVE},
        prepare=dropped,
        on={"filer.Filer._write_target < filer.Filer._aim": target_taken},
        visits=frozenset({"filer.Filer.move"}),
        verdict=once_beside_another,
    ),
    # When and how it becomes public.
    Scenario(
        name="whole before its hours",
        world={"posting": Posting(window=IN_AN_HOUR)},
        prepare=dropped,
        mend=calm,
        visits=frozenset({"openings.Openings.wait"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="friends first, and released",
        world={"posting": FRIENDS_FIRST},
        prepare=released,
        visits=frozenset({"teller.Teller._amend", "teller.Teller._note"}),
        verdict=once_and_public,
    ),
    Scenario(
        name="released, and refused",
        world={"posting": FRIENDS_FIRST},
        prepare=released_and_refused,
        visits=frozenset({"teller.Teller._step#1"}),
        verdict=once_for_friends,
    ),
    Scenario(
        name="with a cover",
        world={"posting": WITH_COVER},
        prepare=with_an_image,
        visits=frozenset({"upload_photo", "teller.Teller._cover#2", "teller.Teller._cover#3"}),
        verdict=once_with_its_cover,
    ),
    Scenario(
        name="with a cover, in trouble",
        world={"posting": WITH_COVER},
        prepare=with_an_image,
        weather=(("api_error", {"code": 9999, "method": "photo.upload", "times": 1}),),
        mend=calm,
        visits=frozenset({"teller.Teller._later"}),
        verdict=once_with_its_cover,
    ),
    Scenario(
        name="with a broken cover",
        world={"posting": WITH_COVER},
        prepare=with_a_broken_image,
        visits=frozenset({"teller.Teller._give_up"}),
        verdict=once_without_a_cover,
    ),
    Scenario(
        name="with a cover that is no more wanted",
        world={"posting": WITH_COVER},
        prepare=with_an_image_no_more_wanted,
        visits=frozenset({"teller.Teller._cover#1"}),
        verdict=once_without_a_cover,
    ),
    Scenario(
        name="a text beside it changes",
        world={"posting": WATCHED},
        prepare=with_a_text_that_comes_later,
        patches={"okdrop.pipeline.neighbours.ROUND_EVERY": 0.002, "okdrop.pipeline.teller.LOOK_EVERY": 0.002},
        stays_until=is_looked_after,
        visits=frozenset({"neighbours.Neighbours._renew"}),
        verdict=once_and_public,
    ),
    Scenario(
        name="noted by a clock ahead",
        world={"posting": Posting(friends_first=True, public_after=3_600.0), "step": 0.0},
        prepare=published_by_a_clock_ahead,
        stays_until=is_mended,
        visits=frozenset({"teller.Teller.mend_times"}),
        verdict=once_for_friends,
    ),
    Scenario(
        name="due by a clock that is ahead of OK's",
        world={"posting": Posting(friends_first=True, public_after=3_600.0), "step": 0.0},
        prepare=due_by_a_clock_alone,
        stays_until=is_put_off,
        visits=frozenset({"teller.Teller._step#2"}),
        verdict=once_for_friends,
    ),
    # What follows from it.
    Scenario(
        name="moved with all that lies beside it",
        world={"after": After.MOVE, "afterwards": BESIDE},
        prepare=with_sidecar,
        visits=frozenset({"attendants.Attendants._planned", "outbox._Lane._take", "chores.Chores._move#2"}),
        mend=calm,
        verdict=moved_with_all,
    ),
    Scenario(
        name="deleted with all that lies beside it",
        world={"after": After.DELETE, "afterwards": BESIDE},
        prepare=with_sidecar,
        visits=frozenset(
            {
                "attendants.Attendants._planned",
                "outbox._Lane._take",
                "chores.Chores._about_to_remove",
                "chores.Chores._delete#2",
            }
        ),
        mend=calm,
        verdict=nothing_left,
    ),
    Scenario(
        name="a hook is told",
        world={"notices": hook("echo $OKDROP_EVENT_ID >> $OKDROP_FOLDER/../told")},
        prepare=small,
        visits=frozenset({"finalizer.Finalizer._publish_now", "outbox._Lane._take"}),
        mend=calm,
        verdict=told_at_least_once,
    ),
    Scenario(
        name="a hook asks for another try",
        world={
            "notices": hook(
                "echo $OKDROP_EVENT_ID >> $OKDROP_FOLDER/../told;"
                " [ $(wc -l < $OKDROP_FOLDER/../told) -gt 1 ] || exit 75"
            )
        },
        prepare=small,
        visits=frozenset({"outbox._Lane._put_off"}),
        mend=calm,
        verdict=told_at_least_once,
    ),
    Scenario(
        name="a hook is given up",
        world={"notices": hook("echo $OKDROP_EVENT_ID >> $OKDROP_FOLDER/../told; exit 75")},
        prepare=small,
        patches={"okdrop.pipeline.herald.HOOK_TRIES": 1},
        visits=frozenset({"outbox._Lane._not_now"}),
        verdict=told_at_least_once,
    ),
    Scenario(
        name="nobody wants to be told any more",
        world={"notices": hook("echo $OKDROP_EVENT_ID >> $OKDROP_FOLDER/../told")},
        prepare=told_and_not_noted,
        visits=frozenset({"outbox.Outbox._drop_unserved"}),
        verdict=told_at_least_once,
    ),
    Scenario(
        name="a hook is told of a halt",
        world={"notices": hook("true", Occasion.HALTED)},
        prepare=dropped,
        weather=(("api_error", {"code": 102, "method": "video.getUploadUrl", "times": 1}),),
        mend=calm,
        visits=frozenset({"outbox.Outbox._write_alarms"}),
        verdict=once_and_filed,
    ),
    Scenario(
        name="a person is told",
        prepare=with_a_person,
        patches=_BY_STAND_IN,
        visits=frozenset({"finalizer.Finalizer._publish_now", "outbox._Lane._take"}),
        mend=calm,
        verdict=a_person_was_told,
    ),
    Scenario(
        name="a person cannot be told at first",
        prepare=with_a_person_who_is_away,
        patches=_BY_STAND_IN,
        visits=frozenset({"outbox._Lane._put_off"}),
        mend=calm,
        verdict=a_person_was_told,
    ),
    Scenario(
        name="what waited is told in one message",
        prepare=published_in_quiet_hours,
        patches=_BY_STAND_IN,
        visits=frozenset({"outbox._Lane._take"}),
        mend=calm,
        fed=2,
        verdict=told_of_both_in_one,
    ),
    Scenario(
        name="pruned with all that lies beside it",
        world={"after": After.MOVE, "afterwards": BESIDE | {"prune_after": 86_400.0}},
        prepare=archived,
        visits=frozenset(
            {
                "moved.Moved._look_at",
                "chores.Chores._about_to_remove",
                "chores.Chores._prune#2",
                "attendants.Attendants._planned",
            }
        ),
        mend=calm,
        verdict=nothing_left,
    ),
    Scenario(
        name="another before it is pruned",
        world={"after": After.MOVE, "afterwards": BESIDE | {"prune_after": 86_400.0}},
        prepare=archived_and_edited,
        visits=frozenset({"chores.Chores._prune#1"}),
        verdict=edited_is_left,
    ),
    Scenario(
        name="its history is forgotten",
        world={"keep_history": 3_600.0},
        prepare=published,
        visits=frozenset({"pruning.prune#1", "pruning.prune#2"}),
        verdict=once_and_forgotten,
    ),
)

NOT_VISITED: Final[Mapping[str, str]] = {
    "chores.Chores._confirm#1": "a published row without a ticket was adopted, and has no chore",
    "chores.Chores._make_sure#1": "the same",
    "chores.Chores._left#1": "a deletion that is stopped while the file is compared (test_chores.py)",
    "halt_note.HaltNote.run": "for the eye, and forgotten by whoever takes the lock next (test_lock.py)",
}
"""Writes that no run comes to, with the reason."""
