"""Only what was acknowledged counts."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.drop import State
from okdrop.inbox import contents
from okdrop.leaves import LEAF_SIZE, PIECE_SIZE, Leaves
from okdrop.pipeline.proof import Proof
from okdrop.protocol.plan import Plan
from okdrop.protocol.ranges import ByteRange
from pipeline.bench import content, root_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipeline.bench import Bench

SIZE = 2 * LEAF_SIZE
WHOLE = content(SIZE)
HALVES = [ByteRange(0, LEAF_SIZE), ByteRange(LEAF_SIZE, SIZE)]


def send(proof: Proof, span: ByteRange, *, stored: bool) -> None:
    feed = proof.begins(span)
    feed(WHOLE[span.start : span.stop])
    proof.landed(span, stored=stored)


def test_acknowledged_segments_prove_the_file_in_any_order() -> None:
    proof = Proof(SIZE)
    for span in reversed(HALVES):
        assert proof.root is None
        send(proof, span, stored=True)
    assert proof.root == root_of(WHOLE)


def test_a_segment_that_was_lost_proves_nothing_until_it_is_sent_again() -> None:
    proof = Proof(SIZE)
    send(proof, HALVES[0], stored=False)
    send(proof, HALVES[1], stored=True)
    assert proof.root is None
    send(proof, HALVES[0], stored=True)
    assert proof.root == root_of(WHOLE)


def test_segments_on_the_way_at_once_do_not_mix() -> None:
    proof = Proof(SIZE)
    feeds = [proof.begins(span) for span in HALVES]
    for at in range(0, LEAF_SIZE, 1000):
        for span, feed in zip(HALVES, feeds, strict=True):
            feed(WHOLE[span.start + at : min(span.start + at + 1000, span.stop)])
    for span in HALVES:
        proof.landed(span, stored=True)
    assert proof.root == root_of(WHOLE)


def test_an_answer_to_nothing_that_was_hashed_is_no_error() -> None:
    proof = Proof(SIZE)
    proof.landed(HALVES[0], stored=True)
    assert proof.root is None


# --- in the pipeline ----------------------------------------------------------------------------------

LONG = 3 * LEAF_SIZE + 5
LONGER = 6 * LEAF_SIZE


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were read beside the sending, read by read."""
    counts: list[int] = []
    real = os.preadv

    def noted(*arguments: Any) -> int:
        count = real(*arguments)
        if len(arguments) == 3:  # with flags it is what is sent that is read
            counts.append(count)
        return count

    monkeypatch.setattr(contents.os, "preadv", noted)
    return counts


async def test_a_file_is_proven_by_the_time_it_is_whole_and_read_once(bench: Bench, read: list[int]) -> None:
    row = await bench.whole(size=LONG)
    assert row.digest == root_of(content(LONG))
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).digest == row.digest
    assert sum(read) <= 3 * PIECE_SIZE  # its sample


async def test_so_is_a_file_in_one_request(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up()
    bench = dataclasses.replace(bench, parts=dataclasses.replace(bench.parts, plan=Plan(in_one=True)))
    row = await bench.whole(size=LONG)
    assert row.digest == root_of(content(LONG))


async def test_a_lost_answer_tears_a_leaf_and_no_more(bench: Bench, read: list[int]) -> None:
    with bench.faults.active("lost_answer", after=20, times=1):
        row = await bench.whole(size=LONG)
    assert row.digest is None
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).digest == root_of(content(LONG))
    assert sum(read) - 3 * PIECE_SIZE == LEAF_SIZE


async def test_what_was_proven_before_a_wait_is_not_read_again(bench: Bench, read: list[int]) -> None:
    """The same holds for a new process: it begins with what the ledger has."""
    row = await bench.taken(size=LONGER)
    with bench.faults.active("error_503", after=56, retry_after=60, times=1):
        await bench.uploader.upload(row.id)
    row = await bench.row(row.id)
    kept = await bench.ledger.leaves(row)
    assert (row.state, row.digest) == (State.UPLOADING, None)
    known = len([*Leaves(LONGER).torn()]) - len([*Leaves(LONGER, kept).torn()])
    assert known >= 3
    await bench.uploader.upload(row.id)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).digest == root_of(content(LONGER))
    assert sum(read) - 3 * PIECE_SIZE <= 2 * LEAF_SIZE  # what was cut by the wait


async def test_what_was_acknowledged_for_another_ticket_proves_nothing(bench: Bench, read: list[int]) -> None:
    with bench.faults.active("expire_url", status=403, after=24, times=1):
        row = await bench.whole(size=LONG)
    assert row.tickets == 2
    assert row.digest == root_of(content(LONG))
    kept = await bench.ledger.leaves(row)
    assert kept == b""  # the root stands
    assert sum(read) <= 3 * PIECE_SIZE


async def test_a_segment_lost_on_the_second_ticket_is_torn_though_the_first_had_it(
    bench: Bench, read: list[int]
) -> None:
    with (
        bench.faults.active("expire_url", status=403, after=40, times=1),
        bench.faults.active("lost_answer", after=48, times=1),
    ):
        row = await bench.whole(size=LONG)
    assert (row.tickets, row.digest) == (2, None)
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).digest == root_of(content(LONG))
    assert sum(read) - 3 * PIECE_SIZE == LEAF_SIZE
