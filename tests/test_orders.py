"""A person's orders about single uploads, beside a daemon that holds the ledger."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ledger.making import drop, ticket
from okdrop import orders
from okdrop.drop import Failure, State
from okdrop.errors import LedgerError
from okdrop.ledger import Ledger
from okdrop.publication import Draft, Publication, Renew

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from okdrop.drop import Upload

FAILURE = Failure(code="text_refused", message="OK refuses the text")
ROAD = {
    State.QUEUED: [],
    State.UPLOADING: [State.UPLOADING],
    State.FINALIZING: [State.UPLOADING, State.FINALIZING],
    State.PUBLISHED: [State.UPLOADING, State.FINALIZING, State.PUBLISHED],
    State.FAILED: [State.FAILED],
    State.SUPERSEDED: [State.SUPERSEDED],
    State.CANCELLED: [State.CANCELLED],
    State.DUPLICATE: [State.DUPLICATE],
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
async def daemon(url: str) -> AsyncIterator[Ledger]:
    """The ledger as a running daemon holds it, lock and all."""
    async with await Ledger.open(url) as ledger:
        yield ledger


async def row_in(daemon: Ledger, state: State, name: str = "a", **facts: Any) -> Upload:
    row = await daemon.add(drop(f"/srv/drop/{name}.mp4".encode()))
    for step in ROAD[state]:
        row = await daemon.write(row.to(step))
    return await daemon.write(row.with_(**facts)) if facts else row


async def stands(daemon: Ledger, number: int) -> Upload:
    row = await daemon.get(number)
    assert row is not None
    return row


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
async def test_retry(daemon: Ledger, url: str, state: State) -> None:
    row = await row_in(daemon, state, tickets=5, troubles=9, failure=FAILURE)
    (said,) = await orders.retry(url, [row.id])
    assert said == orders.Said(text=f"upload {row.id}: queued again", done=True)
    back = await stands(daemon, row.id)
    assert (back.state, back.failure, back.tickets, back.troubles) == (State.QUEUED, None, 0, 0)
    assert (await daemon.history(row.id))[-1].note == "handed back by hand"


async def test_retry_of_a_whole_one_goes_on_with_publishing(daemon: Ledger, url: str) -> None:
    row = await row_in(daemon, State.FAILED, ticket=ticket(), received=100_000, failure=FAILURE)
    (said,) = await orders.retry(url, [row.id])
    assert "it goes on with publishing" in said.text
    back = await stands(daemon, row.id)
    assert (back.state, back.ticket) == (State.FINALIZING, ticket())


async def test_retry_of_all_that_failed(daemon: Ledger, url: str) -> None:
    failed = [await row_in(daemon, State.FAILED, name) for name in "ab"]
    other = await row_in(daemon, State.CANCELLED, "c")
    assert [said.done for said in await orders.retry(url, [])] == [True, True]
    assert [(await stands(daemon, row.id)).state for row in failed] == [State.QUEUED] * 2
    assert (await stands(daemon, other.id)).state is State.CANCELLED
    assert await orders.retry(url, []) == []


@pytest.mark.parametrize("state", sorted(set(State) - orders.RETRIABLE))
async def test_retry_of_any_other_is_refused(daemon: Ledger, url: str, state: State) -> None:
    row = await row_in(daemon, state)
    (said,) = await orders.retry(url, [row.id])
    assert not said.done
    assert said.text.startswith(f"upload {row.id} is {state};")
    assert await stands(daemon, row.id) == row


@pytest.mark.parametrize("state", sorted(orders.CANCELLABLE))
async def test_cancel_gives_the_ticket_up(daemon: Ledger, url: str, state: State) -> None:
    row = await row_in(daemon, state, ticket=ticket("77"), received=5)
    (said,) = await orders.cancel(url, [row.id])
    assert said == orders.Said(text=f"upload {row.id}: cancelled", done=True)
    cancelled = await stands(daemon, row.id)
    assert (cancelled.state, cancelled.ticket, cancelled.received) == (State.CANCELLED, None, 0)
    assert await daemon.orphans() == ["77"]


async def test_cancel_keeps_the_video_of_an_update_that_may_have_taken_effect(
    daemon: Ledger, url: str
) -> None:
    row = await row_in(daemon, State.FINALIZING, ticket=ticket(), publish_offered=True)
    await orders.cancel(url, [row.id])
    cancelled = await stands(daemon, row.id)
    assert (cancelled.state, cancelled.ticket) == (State.CANCELLED, ticket())
    assert await daemon.orphans() == []


async def test_cancel_keeps_a_video_that_was_published_once(daemon: Ledger, url: str) -> None:
    row = await row_in(daemon, State.PUBLISHED, ticket=ticket())
    await daemon.write(row.to(State.FAILED, failure=FAILURE))
    await orders.cancel(url, [row.id])
    assert await daemon.orphans() == []


@pytest.mark.parametrize("state", sorted(set(State) - orders.CANCELLABLE))
async def test_cancel_of_any_other_is_refused(daemon: Ledger, url: str, state: State) -> None:
    row = await row_in(daemon, state)
    (said,) = await orders.cancel(url, [row.id])
    assert not said.done
    assert await stands(daemon, row.id) == row


async def test_each_id_is_answered_once_and_by_itself(daemon: Ledger, url: str) -> None:
    row = await row_in(daemon, State.QUEUED)
    said = await orders.cancel(url, [999, row.id, row.id])
    assert [each.done for each in said] == [False, True]
    assert said[0].text == "there is no upload 999; okdrop status lists them"


async def test_an_order_that_a_write_came_before_is_judged_anew(
    daemon: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await row_in(daemon, State.UPLOADING)
    get = Ledger.get
    overtaken: list[int] = []

    async def slow(self: Ledger, number: int) -> Upload | None:
        seen = await get(self, number)
        if self is not daemon and not overtaken:
            overtaken.append(number)
            await daemon.write(row.to(State.FINALIZING, ticket=ticket(), publish_offered=True))
        return seen

    monkeypatch.setattr(Ledger, "get", slow)
    (said,) = await orders.cancel(url, [row.id])
    assert said.done
    assert overtaken == [row.id]
    cancelled = await stands(daemon, row.id)
    assert (cancelled.state, cancelled.ticket) == (State.CANCELLED, ticket())


@pytest.mark.parametrize(("folders", "count"), [(None, 2), (["/srv/drop"], 2), (["/srv/other"], 0)])
async def test_go_releases_what_is_held(
    daemon: Ledger, url: str, folders: list[str] | None, count: int
) -> None:
    held = [await row_in(daemon, State.QUEUED, name, held=True) for name in "ab"]
    other = await row_in(daemon, State.QUEUED, "c")
    assert await orders.go(url, folders) == count
    assert [(await stands(daemon, row.id)).held for row in held] == [count == 0] * 2
    assert await stands(daemon, other.id) == other


@pytest.mark.parametrize("order", [orders.retry, orders.cancel, orders.go, orders.release, orders.update])
def test_an_order_never_creates_a_ledger(url: str, tmp_path: Path, order: Any) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        asyncio.run(order(url, [1]))
    assert list(tmp_path.iterdir()) == []


def draft_of(state: Draft = Draft.FRIENDS) -> Publication:
    return Publication(draft=state, words="w")


async def test_what_friends_saw_first_is_released_by_id_or_all_of_it(daemon: Ledger, url: str) -> None:
    rows = [
        await row_in(daemon, State.PUBLISHED, name, ticket=ticket(), publication=draft_of()) for name in "ab"
    ]
    public = await row_in(daemon, State.PUBLISHED, "c", ticket=ticket())
    assert [said.done for said in await orders.release(url, [rows[0].id, public.id])] == [True, False]
    (said,) = await orders.release(url, [])
    assert said.text == f"upload {rows[1].id}: it is made public"
    for row in rows:
        publication = (await stands(daemon, row.id)).publication
        assert publication.draft is Draft.RELEASE
        assert publication.tell_at is not None
    assert (await daemon.history(rows[0].id))[-1].note == "released by hand"
    version = (await stands(daemon, rows[0].id)).version
    assert [said.done for said in await orders.release(url, [rows[0].id])] == [True]
    assert (await stands(daemon, rows[0].id)).version == version  # to say it twice changes nothing


async def test_an_update_is_of_what_okdrop_published(daemon: Ledger, url: str) -> None:
    published = await row_in(daemon, State.PUBLISHED, "a", ticket=ticket())
    adopted = await row_in(daemon, State.PUBLISHED, "b")
    waiting = await row_in(daemon, State.FINALIZING, "c", ticket=ticket())
    said = await orders.update(url, [published.id, adopted.id, waiting.id, 99])
    assert [(one.done, one.known) for one in said] == [
        (True, True),
        (False, True),
        (False, True),
        (False, False),
    ]
    assert "was adopted" in said[1].text
    publication = (await stands(daemon, published.id)).publication
    assert (publication.renew, publication.tell_at is not None) == (Renew.ASKED, True)
    assert await daemon.to_be_told(daemon.now(), at_most=9) == [published.id]
