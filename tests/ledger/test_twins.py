"""What the ledger keeps in order to prove that files are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ledger.making import drop, ticket
from okdrop.drop import Failure, State
from okdrop.leaves import HASH_SIZE, PART_LEAVES
from okdrop.ledger import twins

if TYPE_CHECKING:
    from okdrop.drop import Upload
    from okdrop.ledger import Ledger

PART = PART_LEAVES * HASH_SIZE


async def begun(ledger: Ledger, video: str = "77") -> Upload:
    row = await ledger.add(drop())
    return await ledger.write(row.to(State.UPLOADING, ticket=ticket(video)))


async def rows_of_leaves(ledger: Ledger) -> Any:
    return await ledger._thread.read(
        lambda connection: connection.exec_driver_sql("SELECT count(*) FROM leaves").scalar_one()
    )


async def test_leaves_come_back_as_they_were_kept(ledger: Ledger) -> None:
    row = await begun(ledger)
    row = await ledger.write(row, leaves={0: b"a" * PART, 2: b"c" * 64})
    row = await ledger.write(row, leaves={2: b"C" * 64})
    assert await ledger.leaves(row) == b"a" * PART + bytes(PART) + b"C" * 64


async def test_leaves_of_another_video_do_not_count(ledger: Ledger) -> None:
    row = await begun(ledger)
    row = await ledger.write(row, leaves={0: b"a" * PART, 1: b"b" * PART})
    row = await ledger.write(row.with_(ticket=None), orphan="77")
    assert await ledger.leaves(row) == b""
    row = await ledger.write(row.with_(ticket=ticket("78")))
    assert await ledger.leaves(row) == b""
    row = await ledger.write(row, leaves={1: b"n" * PART})
    assert await ledger.leaves(row) == bytes(PART) + b"n" * PART


async def test_once_the_root_stands_the_leaves_are_dropped(ledger: Ledger) -> None:
    row = await begun(ledger)
    row = await ledger.write(row, leaves={0: b"a" * PART})
    assert await rows_of_leaves(ledger) == 1
    row = await ledger.write(row.to(State.FINALIZING, digest=b"\1" * 33))
    assert await rows_of_leaves(ledger) == 0


async def test_leaves_of_what_ended_otherwise_are_dropped(ledger: Ledger) -> None:
    row = await begun(ledger)
    row = await ledger.write(row, leaves={0: b"a" * PART})
    await ledger.write(row.to(State.FAILED, failure=Failure(code="x", message="y")))
    assert await rows_of_leaves(ledger) == 0


async def test_twins_have_the_size_and_the_sample_or_none_that_is_known(ledger: Ledger) -> None:
    async def published(name: bytes, sample: bytes | None, size: int = 100_000) -> Upload:
        one = drop(name, size=size, inode=name[-1])
        return await ledger.add(one, state=State.PUBLISHED, sample=sample)

    same, unknown = await published(b"/a", b"s"), await published(b"/b", None)
    await published(b"/c", b"other")
    await published(b"/d", b"s", size=100_001)
    row = (await ledger.add(drop(b"/e", inode=9))).with_(sample=b"s")
    assert [one.id for one in await ledger.twins(row)] == [same.id, unknown.id]
    assert [one.id for one in await ledger.twins(row.with_(sample=None))] == [unknown.id]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.DUPLICATE, State.SUPERSEDED])
async def test_what_is_neither_published_nor_on_its_way_is_no_twin(ledger: Ledger, state: State) -> None:
    await ledger.add(drop(b"/a"), state=state, sample=b"s")
    row = (await ledger.add(drop(b"/b", inode=9))).with_(sample=b"s")
    assert await ledger.twins(row) == []


async def test_what_comes_later_in_turn_is_no_twin_unless_it_has_begun(ledger: Ledger) -> None:
    row = (await ledger.add(drop(b"/a"))).with_(sample=b"s")
    later = await ledger.add(drop(b"/b", inode=9), sample=b"s")
    assert await ledger.twins(row) == []
    later = await ledger.write(later.to(State.UPLOADING, ticket=ticket()))
    assert await ledger.twins(row) == [later]


async def test_of_very_many_those_are_looked_at_whose_turn_it_is_first(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorder that splits by size makes thousands of one size: they are not all read for each of them."""
    monkeypatch.setattr(twins, "MOST_ALIKE", 3)
    monkeypatch.setattr(twins, "MOST_UNSAMPLED", 2)

    async def made(number: int, state: State, sample: bytes | None) -> Upload:
        return await ledger.add(drop(b"/%d" % number, inode=number), state=state, sample=sample)

    waiting = [await made(number, State.QUEUED, b"s") for number in range(4)]
    begun = await made(4, State.UPLOADING, b"s")
    begun = await ledger.write(begun.with_(ticket=ticket("1")))
    published = await made(5, State.PUBLISHED, b"s")
    unknown = [await made(number, State.QUEUED, None) for number in range(6, 9)]
    known = await made(9, State.PUBLISHED, None)
    row = (await ledger.add(drop(b"/row", inode=99))).with_(sample=b"s")
    found = [one.id for one in await ledger.twins(row)]
    assert found == [waiting[0].id, begun.id, published.id, unknown[0].id, known.id]
