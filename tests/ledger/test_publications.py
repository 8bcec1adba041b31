"""What the ledger answers about videos that are public, and that it keeps what it is told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.making import START, Clock, drop, ticket
from okdrop.drop import Drop, State
from okdrop.ledger import Ledger, read_only
from okdrop.ledger.rows import _publication_of, _publication_values
from okdrop.publication import Closed, Cover, CoverState, Draft, Publication, Renew

if TYPE_CHECKING:
    from okdrop.drop import Upload

TIMES = st.none() | st.integers(0, 10**9).map(lambda seconds: START + timedelta(microseconds=seconds))
COVERS = st.builds(
    Cover, state=st.sampled_from(CoverState), photo_id=st.text(max_size=9), token=st.text(max_size=9)
)
PUBLICATIONS = st.builds(
    Publication,
    closed_by=st.none() | st.sampled_from(Closed),
    opens_at=TIMES,
    posted_at=TIMES,
    draft=st.none() | st.sampled_from(Draft),
    public_at=TIMES,
    renew=st.none() | st.sampled_from(Renew),
    cover=st.none() | COVERS,
    tell_at=TIMES,
    told=st.none() | st.binary(max_size=16),
    beside=st.none() | st.binary(max_size=16),
    words=st.text(max_size=20),
)


async def published(ledger: Ledger, name: str, **facts: Any) -> Upload:
    folder, _, _ = name.rpartition("/")
    row = await ledger.add(
        Drop(path=f"/srv/{name}".encode(), revision=drop().revision, folder=f"/srv/{folder}")
    )
    for state in (State.UPLOADING, State.FINALIZING):
        row = await ledger.write(row.to(state, ticket=ticket(f"v{row.id}")))
    return await ledger.write(row.to(State.PUBLISHED, publication=Publication(**facts)))


@given(PUBLICATIONS)
def test_what_is_written_is_what_is_read(publication: Publication) -> None:
    assert _publication_of(_publication_values(publication)) == publication


async def test_it_outlives_the_process(url: str) -> None:
    cover = Cover(state=CoverState.HELD, photo_id="p=", token="t/=")
    wanted: dict[str, Any] = {
        "draft": Draft.RELEASE,
        "renew": Renew.BESIDE,
        "cover": cover,
        "tell_at": START,
        "posted_at": START,
        "told": b"t",
        "beside": b"b",
        "words": "[]",
    }
    async with await Ledger.open(url) as ledger:
        row = await published(ledger, "a/a.mp4", **wanted)
    with read_only(url) as reader:
        found = reader.get(row.id)
    assert found is not None
    assert found.publication == Publication(**wanted)


async def test_posts_are_counted_by_time_and_folder_up_to_a_number(ledger: Ledger) -> None:
    hour = timedelta(hours=1)
    for number, name in enumerate(["a/1.mp4", "a/2.mp4", "b/3.mp4"]):
        await published(ledger, name, posted_at=START + number * hour)
    await published(ledger, "a/never.mp4")

    async def count(folder: str | None, first: int, end: int, at_most: int = 9) -> int:
        return await ledger.posts(
            folder=folder, first=START + first * hour, end=START + end * hour, at_most=at_most
        )

    assert await count(None, 0, 3) == 3
    assert await count(None, 0, 2) == 2  # the end does not count
    assert await count(None, 1, 3) == 2
    assert await count("/srv/a", 0, 3) == 2
    assert await count("/srv/c", 0, 3) == 0
    assert await count(None, 0, 3, at_most=2) == 2


async def test_what_is_due_comes_first_that_is_due_for_the_longest(ledger: Ledger) -> None:
    minute = timedelta(minutes=1)
    late = await published(ledger, "a/1.mp4", tell_at=START - minute)
    later = await published(ledger, "a/2.mp4", tell_at=START - 2 * minute)
    await published(ledger, "a/3.mp4", tell_at=START + minute)
    await published(ledger, "a/4.mp4")
    assert await ledger.to_be_told(START, at_most=9) == [later.id, late.id]
    assert await ledger.to_be_told(START, at_most=1) == [later.id]
    await ledger.write(later.with_(account="kids"))
    assert await ledger.to_be_told(START, at_most=9, past={"kids", "others"}) == [late.id]
    assert await ledger.to_be_told(START, at_most=9, past={""}) == [later.id]


async def test_a_clock_that_ran_ahead_is_known_by_what_it_wrote(url: str) -> None:
    clock = Clock()
    async with await Ledger.open(url, now=clock) as ledger:
        assert ledger.now() == clock.time
        await published(ledger, "a/1.mp4", tell_at=clock.time + timedelta(days=1))
        clock.forward(days=400)
        ahead = await published(ledger, "a/2.mp4", tell_at=clock.time + timedelta(days=1))
        clock.forward(days=-400)
        assert await ledger.told_by_a_clock_ahead(clock.time) == [ahead.id]


async def test_what_was_posted_lately_comes_in_its_order(ledger: Ledger) -> None:
    rows = [
        await published(ledger, f"a/{number}.mp4", posted_at=START + timedelta(seconds=number))
        for number in (3, 1, 2)
    ]
    found = await ledger.lately_posted(after=START + timedelta(seconds=1), at_most=9)
    assert [row.id for row in found] == [rows[2].id, rows[0].id]
    assert len(await ledger.lately_posted(after=START, at_most=2)) == 2


async def test_drafts_are_those_that_friends_alone_see(ledger: Ledger, url: str) -> None:
    draft = await published(ledger, "a/1.mp4", draft=Draft.FRIENDS)
    await published(ledger, "a/2.mp4", draft=Draft.RELEASE)
    await published(ledger, "a/3.mp4")
    refused = await published(ledger, "a/4.mp4", draft=Draft.FRIENDS)
    await ledger.write(refused.to(State.FAILED))
    with read_only(url) as reader:
        assert reader.in_draft() == [draft.id]


def test_no_secret_is_shown() -> None:
    cover = Cover(state=CoverState.HELD, token="SECRET")
    assert "SECRET" not in repr(cover)


@pytest.mark.parametrize("index", ["uploads_by_post", "uploads_to_tell", "uploads_in_draft"])
def test_an_index_holds_those_alone_that_are_meant(index: str) -> None:
    from okdrop.ledger.schema import UPLOADS  # noqa: PLC0415 - looked at here alone

    (found,) = [one for one in UPLOADS.indexes if one.name == index]
    assert "IS NOT NULL" in str(found.dialect_options["sqlite"]["where"])
