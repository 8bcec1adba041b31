"""Steps are taken at least once each, in order, whatever others do; nobody waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from client.test_webhooks import SECRET, SETTINGS, receiver
from okdrop import events, hooks
from okdrop.client.webhooks import Address, Webhooks
from okdrop.pipeline import outbox as outbox_of
from okdrop.pipeline.herald import Herald
from okdrop.pipeline.notices import Command, Listener, Notices
from okdrop.pipeline.outbox import Outbox, Took
from okdrop.steps import FILES, Kind, NewStep, Occasion, Outcome
from pipeline.bench import Bench, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from okdrop.pipeline import Parts
    from okdrop.steps import Step

HOOK, WEB = "hook:h", "webhook:w"
ALL = frozenset(Occasion)
FACTS = {"event": "published", "event_id": "1-2-published-x", "id": 1, "path": "/srv/a.mp4"}


def step(key: str, lane: str = HOOK, kind: Kind = Kind.HOOK) -> NewStep:
    facts = FACTS | {"event_id": key}
    return NewStep(key=key, lane=lane, kind=kind, event="published", payload=json.dumps(facts))


def notices(*command: str, timeout: float = 30.0, url: str = "", **address: Any) -> Notices:
    listeners = []
    if command:
        listeners.append(Listener(kind=Kind.HOOK, name="h", occasions=ALL))
    if url:
        listeners.append(Listener(kind=Kind.WEBHOOK, name="w", occasions=ALL))
    return Notices(
        listeners=tuple(listeners),
        commands={HOOK: Command(command=command, timeout=timeout)} if command else {},
        addresses={WEB: Address(url=url, secret=SECRET, **address)} if url else {},
        environment={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    )


@contextlib.asynccontextmanager
async def serving(parts: Parts, takers: dict[Kind, Any] | None = None) -> AsyncIterator[Outbox]:
    async with Webhooks(SETTINGS) as webhooks:
        herald = Herald(parts, webhooks)
        outbox = Outbox(parts, takers or {Kind.HOOK: herald.run_hook, Kind.WEBHOOK: herald.tell})
        parts.ledger.follow_by(lambda _before, _after: [], outbox.wake)
        running = asyncio.ensure_future(outbox.run())
        try:
            yield outbox
        finally:
            running.cancel()
            await asyncio.wait({running})
            if not running.cancelled():
                running.result()


def with_notices(bench: Bench, wanted: Notices) -> Parts:
    return dataclasses.replace(bench.parts, notices=wanted)


async def open_steps(bench: Bench, lane: str = HOOK) -> Step | None:
    return await bench.ledger.next_step(lane)


# --- hooks --------------------------------------------------------------------------------------------


async def test_a_hook_is_run_with_what_it_is_told(bench: Bench, tmp_path: Path) -> None:
    told = tmp_path / "told"
    parts = with_notices(bench, notices("/bin/sh", "-c", f'cat > {told}; echo "$OKDROP_ID $OKDROP_EVENT"'))
    async with serving(parts) as outbox:
        await bench.ledger.add_steps([step("a")])
        await outbox.wait_until_none()
    assert json.loads(told.read_text()) == FACTS | {"event_id": "a"}
    (done,) = bench.told(events.StepDone)
    assert (done.lane, done.said, done.occasion) == (HOOK, "exit code 0", "published")
    assert await open_steps(bench) is None


async def test_a_hook_that_fails_is_told_and_not_run_again(bench: Bench, tmp_path: Path) -> None:
    row = await bench.taken(size=20_000)
    count = tmp_path / "count"
    parts = with_notices(bench, notices("/bin/sh", "-c", f"echo x >> {count}; echo broken; exit 3"))
    async with serving(parts) as outbox:
        await bench.ledger.add_steps([dataclasses.replace(step("a"), upload=row.id)])
        await outbox.wait_until_none()
    assert count.read_text() == "x\n"
    (failed,) = bench.told(events.StepFailed)
    assert (failed.upload, failed.said) == (row.id, "exit code 3")
    (kept,) = await bench.ledger.steps_of(row.id)
    assert (kept.outcome, kept.said, kept.output) == (Outcome.FAILED, "exit code 3", "broken")


async def test_a_hook_that_asks_for_it_is_run_again(bench: Bench, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    parts = with_notices(bench, notices("/bin/sh", "-c", f"[ -e {flag} ] || {{ touch {flag}; exit 75; }}"))
    async with serving(parts):
        await bench.ledger.add_steps([step("a")])
        await until(lambda: bool(bench.told(events.StepDone)))
    assert [one.said for one in bench.told(events.StepTrouble)] == ["exit code 75"]


async def test_hooks_are_run_in_the_order_of_events(bench: Bench, tmp_path: Path) -> None:
    order = tmp_path / "order"
    parts = with_notices(bench, notices("/bin/sh", "-c", f"echo $OKDROP_EVENT_ID >> {order}"))
    await bench.ledger.add_steps([step(key) for key in "abc"])
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
    assert order.read_text().split() == ["a", "b", "c"]


async def test_one_that_is_cut_by_our_end_runs_again_in_the_next_life(bench: Bench, tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    script = f"echo x >> {begun}; [ $(wc -l < {begun}) -gt 1 ] || sleep 1000; touch {ended}"
    parts = with_notices(bench, notices("/bin/sh", "-c", script))
    await bench.ledger.add_steps([step("a")])
    async with serving(parts):
        await until(begun.exists)
    assert await open_steps(bench) is not None
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
    assert ended.exists()
    assert begun.read_text() == "x\nx\n"


async def test_a_hook_that_hangs_holds_up_itself_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.2)
    told: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        told.append(request.headers["webhook-id"])
        return web.Response()

    async with receiver(answer) as url:
        parts = with_notices(bench, notices("/bin/sh", "-c", "sleep 1000", url=url))
        async with serving(parts):
            await bench.ledger.add_steps([step("a"), step("b", WEB, Kind.WEBHOOK)])
            await until(lambda: told == ["b"])
            row = await bench.whole()
            await bench.finalizer.publish(row.id)
            assert len(bench.published) == 1
            assert await open_steps(bench) is not None


async def test_one_that_hung_rests_and_a_run_that_ends_does_not_wait_for_its_next_events(
    bench: Bench, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    parts = dataclasses.replace(
        with_notices(bench, notices("/bin/sh", "-c", f"echo x >> {begun}; sleep 1000", timeout=0.2)),
        backoff=dataclasses.replace(bench.parts.backoff, first_delay=30.0, max_delay=30.0),
    )
    await bench.ledger.add_steps([step(key) for key in "abc"])
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
        assert begun.read_text() == "x\n"
        assert len(bench.told(events.StepFailed)) == 1
        bench.clock.ahead += 31.0
        outbox.wake()
        await outbox.wait_until_none()
    assert begun.read_text() == "x\nx\n"


async def test_a_run_that_ends_goes_on_with_what_is_due_for_a_while_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_of, "SECONDS_FOR_THE_REST", 0.1)
    parts = with_notices(bench, notices("/bin/sh", "-c", "sleep 1000", timeout=1000.0))
    await bench.ledger.add_steps([step("a")])
    async with serving(parts) as outbox:
        await outbox.finish()
    assert await open_steps(bench) is not None


# --- webhooks -----------------------------------------------------------------------------------------


async def test_a_webhook_is_told_until_it_takes_it_and_always_the_same(bench: Bench) -> None:
    heard: list[tuple[str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append((request.headers["webhook-id"], await request.read()))
        return web.Response(status=500 if len(heard) < 3 else 200)

    async with receiver(answer) as url, serving(with_notices(bench, notices(url=url))):
        await bench.ledger.add_steps([step("a", WEB, Kind.WEBHOOK)])
        await until(lambda: bool(bench.told(events.StepDone)))
    assert len(heard) == 3
    assert len({*heard}) == 1
    (done,) = bench.told(events.StepDone)
    assert done.tries == 3
    (trouble,) = bench.told(events.StepTrouble)  # the same trouble is told once
    assert "HTTP 500" in trouble.said
    assert "private-token" not in str(bench.events)
    assert SECRET not in str(bench.events)


async def test_after_so_many_tries_it_is_given_up_and_said(bench: Bench) -> None:
    tries = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        return web.Response(status=404)

    async with receiver(answer) as url, serving(with_notices(bench, notices(url=url, tries=3))):
        await bench.ledger.add_steps([step("a", WEB, Kind.WEBHOOK)])
        await until(lambda: bool(bench.told(events.StepGivenUp)))
    assert tries == 3
    (given_up,) = bench.told(events.StepGivenUp)
    assert given_up.tries == 3
    assert await open_steps(bench, WEB) is None


async def test_one_that_is_too_old_is_given_up_only_if_it_was_tried(bench: Bench) -> None:
    tries = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        return web.Response(status=503)

    async with receiver(answer) as url:
        parts = with_notices(bench, notices(url=url, give_up_after=60.0))
        await bench.ledger.add_steps([step("a", WEB, Kind.WEBHOOK)])
        bench.clock.ahead += 86_400.0
        async with serving(parts):
            await until(lambda: bool(bench.told(events.StepGivenUp)))
    assert tries == 3


async def test_gone_is_not_tried_again(bench: Bench) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=410)

    async with receiver(answer) as url, serving(with_notices(bench, notices(url=url))) as outbox:
        await bench.ledger.add_steps([step("a", WEB, Kind.WEBHOOK)])
        await outbox.wait_until_none()
    assert len(bench.told(events.StepGivenUp)) == 1


async def test_a_receiver_in_trouble_is_left_in_peace_by_all_of_its_steps(bench: Bench) -> None:
    parts = dataclasses.replace(
        bench.parts,
        notices=notices(url="https://127.0.0.1/"),
        backoff=dataclasses.replace(bench.parts.backoff, first_delay=30.0, max_delay=30.0),
    )
    tried: list[str] = []

    async def refused(one: Step) -> Took:
        tried.append(one.key)
        return Took(outcome=None, said="HTTP 503")

    await bench.ledger.add_steps([step(key, WEB, Kind.WEBHOOK) for key in "abc"])
    async with serving(parts, {Kind.WEBHOOK: refused}) as outbox:
        await outbox.wait_until_none()
        assert tried == ["a"]
        bench.clock.ahead += 31.0
        outbox.wake()
        await outbox.wait_until_none()
    assert tried == ["a", "b"]


async def test_what_comes_while_others_are_found_to_wait_for_their_hour_is_looked_at(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_of, "HEED_EVERY", 0.001)
    asked = 0

    async def not_yet(_step: Step) -> Took:
        nonlocal asked
        asked += 1
        if asked == 1:
            await bench.ledger.add_steps([step("b")])
        return Took(outcome=None, not_before=bench.clock.now() + timedelta(hours=1))

    await bench.ledger.add_steps([step("a")])
    async with serving(with_notices(bench, notices("/bin/true")), {Kind.HOOK: not_yet}) as outbox:
        await until(lambda: asked == 2)
        await outbox.wait_until_none()
    waiting = await bench.ledger.next_step(HOOK)
    assert waiting is not None
    assert waiting.tries == 0  # what waits for its hour was not tried


# --- files, halts, lanes ------------------------------------------------------------------------------


async def test_trouble_with_one_file_does_not_keep_another(bench: Bench) -> None:
    tried: list[str] = []

    async def refused(one: Step) -> Took:
        tried.append(one.key)
        return Took(outcome=None, said="no room") if one.key == "a" else Took(outcome=Outcome.DONE)

    parts = dataclasses.replace(
        bench.parts, backoff=dataclasses.replace(bench.parts.backoff, first_delay=30.0, max_delay=30.0)
    )
    await bench.ledger.add_steps([step(key, FILES, Kind.SIDECARS) for key in "ab"])
    async with serving(parts, {Kind.SIDECARS: refused}) as outbox:
        await outbox.wait_until_none()
    assert tried == ["a", "b"]


async def test_a_halt_is_told_though_no_upload_is(set_up: Any, tmp_path: Path) -> None:
    bench = await set_up(stays=True)
    told = tmp_path / "told"
    parts = with_notices(bench, notices("/bin/sh", "-c", f'echo "$OKDROP_EVENT $OKDROP_CODE" > {told}'))
    async with serving(parts) as outbox:
        outbox.hear(events.PoolHalted(code="token_dead", message="no", hint=""))
        await outbox.wait_until_none()
    assert told.read_text() == "halted token_dead\n"


async def test_a_run_that_ends_by_a_halt_still_tells_of_it(bench: Bench, tmp_path: Path) -> None:
    told = tmp_path / "told"
    outbox_parts = with_notices(bench, notices("/bin/sh", "-c", f"touch {told}"))
    herald = Herald(outbox_parts, None)
    outbox = Outbox(outbox_parts, {Kind.HOOK: herald.run_hook})
    outbox_parts.ledger.follow_by(lambda _before, _after: [], outbox.wake)
    outbox.hear(events.PoolHalted(code="token_dead", message="no", hint=""))
    await outbox.tell_at_the_end()
    assert told.exists()


async def test_a_run_that_ends_and_goes_on_after_a_halt_tells_of_it_and_ends(
    bench: Bench, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    parts = with_notices(bench, notices("/bin/sh", "-c", f"echo x >> {told}"))
    async with serving(parts) as outbox:
        await outbox.wait_until_none()
        outbox.hear(events.PoolHalted(code="token_dead", message="no", hint=""))
        assert outbox.owes_an_alarm
        async with asyncio.timeout(10):
            await outbox.wait_until_none()
        assert not outbox.owes_an_alarm
    assert told.read_text() == "x\n"


async def test_steps_of_what_is_not_configured_any_more_are_dropped_and_said(bench: Bench) -> None:
    await bench.ledger.add_steps([step("a", "hook:old"), step("b", "hook:old")])
    async with serving(bench.parts) as outbox:
        await outbox.wait_until_none()
        await until(lambda: bool(bench.told(events.StepsDropped)))
    assert [(one.lane, one.count) for one in bench.told(events.StepsDropped)] == [("hook:old", 2)]
    assert await bench.ledger.lanes() == []


async def test_a_step_of_a_clock_that_ran_ahead_does_not_wait_for_years(bench: Bench, tmp_path: Path) -> None:
    told = tmp_path / "told"
    parts = with_notices(bench, notices("/bin/sh", "-c", f"touch {told}"))
    bench.clock.ahead += 10 * 365 * 86_400.0
    await bench.ledger.add_steps([step("a")])
    bench.clock.ahead = 0.0
    async with serving(parts):
        await until(told.exists)


async def test_no_secret_of_ours_is_in_what_a_hook_sees(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKDROP_OK__ACCESS_TOKEN", "secret")
    seen = tmp_path / "seen"
    script = f"import os; open({str(seen)!r}, 'w').write(repr(dict(os.environ)))"
    async with serving(with_notices(bench, notices(sys.executable, "-c", script))) as outbox:
        await bench.ledger.add_steps([step("a")])
        await outbox.wait_until_none()
    assert "secret" not in seen.read_text()
    assert "OKDROP_PATH" in seen.read_text()
