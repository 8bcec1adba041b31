"""A person is told at least once, as often and when they want; nothing of it is forgotten by a restart."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events, hooks
from okdrop.config.notify import Language
from okdrop.config.window import PublishWindow
from okdrop.pipeline import messengers, postman
from okdrop.pipeline import outbox as outbox_of
from okdrop.pipeline.messengers import Receiver
from okdrop.pipeline.notices import Listener, Notices
from okdrop.pipeline.outbox import Outbox
from okdrop.pipeline.postman import Postman
from okdrop.pipeline.rhythm import Rhythm
from okdrop.steps import Kind, NewStep, Occasion, Outcome
from pipeline.bench import Bench, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from okdrop.pipeline import Parts

LANE = "notify:n"
STAND_IN = Path(__file__).parents[1] / "stand_in_messenger.py"


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messengers, "_MESSENGER", STAND_IN)
    monkeypatch.setattr(outbox_of, "HEED_EVERY", 0.01)


def step(key: str, event: Occasion = Occasion.PUBLISHED) -> NewStep:
    facts = {"event": event.value, "event_id": key, "id": 1, "path": f"/srv/{key}.mp4", "title": key}
    return NewStep(key=key, lane=LANE, kind=Kind.NOTIFY, event=event.value, payload=json.dumps(facts))


def of_hours(bench: Bench, begin: timedelta, end: timedelta) -> PublishWindow:
    """Hours of every day that begin and end so long after now, by the local clock, at full minutes."""
    now = bench.clock.now().astimezone()
    return PublishWindow.parse(f"{now + begin:%H:%M}-{now + end:%H:%M}")


def parts_of(bench: Bench, inbox: Path, *, scheme: str = "note", query: str = "", **more: Any) -> Parts:
    rhythm = {
        name: more.pop(name) for name in ("digest", "at_most", "per", "quiet", "urgent") if name in more
    }
    receiver = Receiver(
        url=f"{scheme}://{inbox}?{query}", language=Language.ENGLISH, rhythm=Rhythm(**rhythm), **more
    )
    listener = Listener(kind=Kind.NOTIFY, name="n", occasions=frozenset(Occasion))
    wanted = Notices(listeners=(listener,), receivers={LANE: receiver}, environment={"PATH": "/usr/bin:/bin"})
    return dataclasses.replace(bench.parts, notices=wanted)


@contextlib.asynccontextmanager
async def serving(parts: Parts) -> AsyncIterator[Outbox]:
    outbox = Outbox(parts, {Kind.NOTIFY: Postman(parts).tell})
    parts.ledger.follow_by(lambda _before, _after: [], outbox.wake)
    running = asyncio.ensure_future(outbox.run())
    try:
        yield outbox
    finally:
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()


def bodies(inbox: Path) -> list[str]:
    return [json.loads(line)["body"] for line in inbox.read_text().splitlines()] if inbox.exists() else []


async def test_a_person_is_told_of_each_thing(bench: Bench, tmp_path: Path) -> None:
    async with serving(parts_of(bench, tmp_path / "inbox")) as outbox:
        await bench.ledger.add_steps([step("a")])
        await outbox.wait_until_none()
        await bench.ledger.add_steps([step("b", Occasion.FAILED)])
        await outbox.wait_until_none()
    first, second = bodies(tmp_path / "inbox")
    assert "“a” is on OK.ru." in first
    assert "“b” was not published" in second
    assert [one.said for one in bench.told(events.StepDone)] == ["Stand-in took it"] * 2


async def test_more_than_there_is_room_for_goes_in_one_message_that_says_how_many(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.ledger.add_steps([step(f"clip {number}") for number in range(5)])
    async with serving(parts_of(bench, tmp_path / "inbox", at_most=2)) as outbox:
        await outbox.wait_until_none()
    (body,) = bodies(tmp_path / "inbox")
    assert body.startswith("published: 5\n• “clip 0”")
    (done,) = bench.told(events.StepDone)
    assert (done.upload, done.said) == (0, "Stand-in took it, 5 in one message")
    assert await bench.ledger.lanes() == []


async def test_a_restart_does_not_forget_how_many_messages_went(bench: Bench, tmp_path: Path) -> None:
    parts = parts_of(bench, tmp_path / "inbox", at_most=1, per=600.0)
    await bench.ledger.add_steps([step("a")])
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
    await bench.ledger.add_steps([step("b"), step("c")])
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
    assert len(bodies(tmp_path / "inbox")) == 1
    bench.clock.ahead += 601.0
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
    assert "published: 2" in bodies(tmp_path / "inbox")[1]


async def test_a_digest_waits_and_what_failed_does_not(bench: Bench, tmp_path: Path) -> None:
    async with serving(parts_of(bench, tmp_path / "inbox", digest=3600.0)) as outbox:
        await bench.ledger.add_steps([step("a"), step("b", Occasion.FAILED)])
        await outbox.wait_until_none()
        assert ["“b”" in body for body in bodies(tmp_path / "inbox")] == [True]
        bench.clock.ahead += 1800.0
        await bench.ledger.add_steps([step("c")])
        await outbox.wait_until_none()
        assert len(bodies(tmp_path / "inbox")) == 1
        bench.clock.ahead += 1801.0
        outbox.wake()
        await outbox.wait_until_none()
    assert "published: 2" in bodies(tmp_path / "inbox")[1]


async def test_at_night_only_what_is_urgent_is_told_and_the_rest_in_the_morning(
    bench: Bench, tmp_path: Path
) -> None:
    quiet = of_hours(bench, timedelta(hours=-1), timedelta(hours=2))
    parts = parts_of(bench, tmp_path / "inbox", quiet=quiet, urgent=frozenset({Occasion.HALTED}))
    async with serving(parts) as outbox:
        await bench.ledger.add_steps([step("a", Occasion.FAILED)])
        await outbox.wait_until_none()
        assert bodies(tmp_path / "inbox") == []
        await bench.ledger.add_steps([step("b", Occasion.HALTED)])
        await outbox.wait_until_none()
        assert ["Nothing is sent" in body for body in bodies(tmp_path / "inbox")] == [True]
    bench.clock.ahead += 3 * 3600.0
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
    assert "“a”" in bodies(tmp_path / "inbox")[1]


async def test_at_night_what_is_urgent_is_told_however_much_waits_for_the_morning(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "GATHERED", 3)
    quiet = of_hours(bench, timedelta(hours=-1), timedelta(hours=2))
    parts = parts_of(bench, tmp_path / "inbox", quiet=quiet, urgent=frozenset({Occasion.HALTED}))
    await bench.ledger.add_steps([step(f"failed {number}", Occasion.FAILED) for number in range(5)])
    await bench.ledger.add_steps([step("halted", Occasion.HALTED)])
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
    assert ["Nothing is sent" in body for body in bodies(tmp_path / "inbox")] == [True]


async def test_by_day_what_failed_is_told_however_much_waits_for_a_digest(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "GATHERED", 3)
    await bench.ledger.add_steps([step(f"confirmed {number}", Occasion.CONFIRMED) for number in range(5)])
    await bench.ledger.add_steps([step("b", Occasion.FAILED)])
    async with serving(parts_of(bench, tmp_path / "inbox", digest=3600.0)) as outbox:
        await outbox.wait_until_none()
    assert ["“b”" in body for body in bodies(tmp_path / "inbox")] == [True]


async def test_what_cannot_be_sent_is_tried_again_told_once_and_given_up(
    bench: Bench, tmp_path: Path
) -> None:
    async with serving(parts_of(bench, tmp_path / "inbox", query="refused", tries=3)):
        await bench.ledger.add_steps([step("a")])
        await until(lambda: bool(bench.told(events.StepGivenUp)))
    assert len(bodies(tmp_path / "inbox")) == 3
    assert [one.said for one in bench.told(events.StepTrouble)] == ["Stand-in: did not take it"]
    (given_up,) = bench.told(events.StepGivenUp)
    assert given_up.tries == 3
    assert await bench.ledger.lanes() == []


async def test_what_is_new_is_not_given_up_with_what_was_tried_often(bench: Bench, tmp_path: Path) -> None:
    parts = parts_of(bench, tmp_path / "inbox", query="refused", tries=2, at_most=1)
    await bench.ledger.add_steps([step("old")])
    async with serving(parts):
        await until(lambda: bool(bench.told(events.StepTrouble)))
        await bench.ledger.add_steps([step("new")])
        await until(lambda: bool(bench.told(events.StepGivenUp)))
        await until(lambda: len(bench.told(events.StepGivenUp)) == 2)
    assert [one.tries for one in bench.told(events.StepGivenUp)] == [2, 2]


async def test_an_address_that_cannot_be_used_is_given_up_at_once_and_said(
    bench: Bench, tmp_path: Path
) -> None:
    async with serving(parts_of(bench, tmp_path / "inbox", query="unknown")) as outbox:
        await bench.ledger.add_steps([step("a")])
        await outbox.wait_until_none()
    (given_up,) = bench.told(events.StepGivenUp)
    assert "Apprise makes nothing of its url" in given_up.said
    assert "inbox" not in str(bench.events)  # an address is a secret


async def test_one_that_hangs_is_ended_and_holds_up_no_upload(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.2)
    parts = parts_of(bench, tmp_path / "inbox", scheme="hang", timeout=2.0)
    async with serving(parts):
        await bench.ledger.add_steps([step("a")])
        await until(lambda: bool(bodies(tmp_path / "inbox")))
        row = await bench.whole()
        await bench.finalizer.publish(row.id)
        assert len(bench.published) == 1
        await until(lambda: bool(bench.told(events.StepTrouble)))
    (trouble,) = bench.told(events.StepTrouble)
    assert trouble.said == "the messenger took longer than 2 s, and was ended"


async def test_however_many_hang_another_is_told(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "QUICK", 0.05)
    names = ["a", "b", "c", "well"]
    receivers = {
        f"notify:{name}": Receiver(
            url=f"{'note' if name == 'well' else 'hang'}://{tmp_path / name}",
            language=Language.ENGLISH,
            timeout=1000.0,
        )
        for name in names
    }
    listeners = tuple(Listener(kind=Kind.NOTIFY, name=name, occasions=frozenset(Occasion)) for name in names)
    wanted = Notices(listeners=listeners, receivers=receivers, environment={"PATH": "/usr/bin:/bin"})
    async with serving(dataclasses.replace(bench.parts, notices=wanted)):
        for name in names[:-1]:
            await bench.ledger.add_steps([dataclasses.replace(step(name), lane=f"notify:{name}")])
            await until((tmp_path / name).exists)
        await bench.ledger.add_steps([dataclasses.replace(step("well"), lane="notify:well")])
        await until(lambda: bool(bench.told(events.StepDone)))


async def test_one_that_our_end_cuts_is_told_in_the_next_life(bench: Bench, tmp_path: Path) -> None:
    await bench.ledger.add_steps([step("a")])
    async with serving(parts_of(bench, tmp_path / "inbox", scheme="hang")):
        await until(lambda: bool(bodies(tmp_path / "inbox")))
    async with serving(parts_of(bench, tmp_path / "inbox")) as outbox:
        await outbox.wait_until_none()
    assert len(bodies(tmp_path / "inbox")) == 2
    assert len(bench.told(events.StepDone)) == 1


async def test_what_is_told_together_is_closed_together(bench: Bench, tmp_path: Path) -> None:
    row = await bench.taken(size=20_000)
    await bench.ledger.add_steps([dataclasses.replace(step(key), upload=row.id) for key in "abc"])
    async with serving(parts_of(bench, tmp_path / "inbox", at_most=1)) as outbox:
        await outbox.wait_until_none()
    kept = await bench.ledger.steps_of(row.id)
    assert [one.outcome for one in kept] == [Outcome.DONE] * 3
    assert len({one.done_at for one in kept}) == 1
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert len(await bench.ledger.told_since(LANE, since)) == 1


async def test_a_missing_folder_and_that_it_is_back_are_told(set_up: Any, tmp_path: Path) -> None:
    bench = await set_up(stays=True)
    async with serving(parts_of(bench, tmp_path / "inbox")) as outbox:
        outbox.hear(
            events.FolderAway(path="/srv/drop", code="folder_missing", message="/srv/drop: no", hint="h")
        )
        outbox.hear(events.FolderBack(path="/srv/drop"))
        await outbox.wait_until_none()
    missing, back = bodies(tmp_path / "inbox")
    assert "/srv/drop: no." in missing
    assert back == "/srv/drop is there again."
