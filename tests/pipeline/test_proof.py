"""Only what was acknowledged counts."""

from __future__ import annotations

from okdrop.leaves import LEAF_SIZE
from okdrop.pipeline.proof import Proof
from okdrop.protocol.ranges import ByteRange
from pipeline.bench import content, root_of

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
