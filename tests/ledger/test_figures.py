"""What a page shows beside the rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ledger.making import Clock, drop
from okdrop.drop import Mode, State
from okdrop.ledger import Ledger, read_only

if TYPE_CHECKING:
    from okdrop.drop import Upload


async def published(ledger: Ledger, name: bytes, clock: Clock) -> Upload:
    row = (await ledger.add(drop(b"/srv/" + name))).to(State.UPLOADING)
    row = await ledger.write(row)
    row = await ledger.write(row.to(State.FINALIZING))
    row = row.to(State.PUBLISHED, publication=row.publication.with_(posted_at=clock()))
    return await ledger.write(row)


async def test_what_was_published_is_summed_by_the_hour_and_nothing_else_is(url: str, clock: Clock) -> None:
    async with await Ledger.open(url, now=clock) as ledger:
        begin = clock()
        first = await published(ledger, b"a.mp4", clock)
        await published(ledger, b"b.mp4", clock)
        clock.forward(seconds=2 * 3600)
        await published(ledger, b"c.mp4", clock)
        await ledger.add(drop(b"/srv/queued.mp4"))
        size = first.drop.revision.size
        with read_only(url) as reader:
            hours = reader.published_by_hour(begin - timedelta(days=1))
            assert [(hour.files, hour.bytes) for hour in hours] == [(2, 2 * size), (1, size)]
            assert hours[1].at - hours[0].at == timedelta(hours=2)
            assert timedelta(0) <= begin - hours[0].at < timedelta(hours=1)
            assert [hour.files for hour in reader.published_by_hour(begin + timedelta(seconds=1))] == [1]


async def test_the_latest_note_of_each_is_found(url: str, clock: Clock) -> None:
    async with await Ledger.open(url, now=clock) as ledger:
        for name in (b"a.mp4", b"b.mp4", b"c.mp4"):
            await ledger.add(drop(b"/srv/" + name), note="found")
        row = await ledger.get(1)
        assert row is not None
        await ledger.write(row.to(State.FAILED), note="no_answer: the line was cut")
        with read_only(url) as reader:
            assert reader.latest_notes([1, 2, 77]) == {1: "no_answer: the line was cut", 2: "found"}
            assert reader.latest_notes([]) == {}


async def test_a_host_is_known_for_a_day(url: str, clock: Clock) -> None:
    async with await Ledger.open(url, now=clock) as ledger:
        await ledger.remember_host("a.example", Mode.PARALLEL)
        with read_only(url) as reader:
            assert reader.host_modes(clock()) == {"a.example": Mode.PARALLEL}
            assert reader.host_modes(clock() + timedelta(days=1, seconds=1)) == {}
