"""Any way to send a file, cut and sent again as may be, comes to the root of the whole file."""

from __future__ import annotations

import hashlib
import itertools
import random
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from hypothesis import example, given
from hypothesis import strategies as st

from okdrop.leaves import (
    HASH_SIZE,
    LEAF_SIZE,
    PART_LEAVES,
    PIECE_SIZE,
    Kind,
    Leaves,
    Passing,
    assembled,
    hasher,
    kind_of,
    sample_of,
    sample_spans,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
LARGEST = 3 * MIB + 2 * PIECE_SIZE
CONTENT = random.Random("leaves").randbytes(LARGEST)


def blake3_of(what: str, content: bytes) -> bytes:
    return blake3(content, derive_key_context=f"okdrop: {what} of a file").digest()


def sha256_of(what: str, content: bytes) -> bytes:
    kind = {"piece": b"\0", "leaf": b"\1", "root": b"\2"}[what]
    return hashlib.sha256(kind + content).digest()


def plain_root(content: bytes, made: Callable[[str, bytes], bytes] = blake3_of, mark: bytes = b"\2") -> bytes:
    """The definition, as plain as can be."""
    leaves = []
    for start in range(0, len(content), MIB):
        leaf = content[start : start + MIB]
        pieces = [made("piece", leaf[at : at + PIECE_SIZE]) for at in range(0, len(leaf), PIECE_SIZE)]
        leaves.append(made("leaf", b"".join(pieces)))
    return mark + made("root", len(content).to_bytes(8, "big") + b"".join(leaves))


near_borders = st.builds(
    lambda base, off: max(0, base + off),
    st.sampled_from(range(0, LARGEST, PIECE_SIZE)),
    st.integers(-2, 2),
)
sizes = st.one_of(st.integers(0, LARGEST), near_borders)


@st.composite
def sendings(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, int]]]:
    """A size, and what was sent of it: start, stop, and how far it came before it was cut."""
    size = draw(sizes)
    spans = []
    for _ in range(draw(st.integers(0, 8))):
        start, stop = sorted(min(size, draw(st.one_of(sizes, near_borders))) for _ in range(2))
        came = stop if draw(st.booleans()) else draw(st.integers(start, stop))
        spans.append((start, stop, came))
    return size, spans


def passed(start: int, stop: int, size: int, block: int) -> Passing:
    passing = Passing(start, size)
    for at in range(start, stop, block):
        passing.feed(CONTENT[at : min(at + block, stop)])
    return passing


def mend(leaves: Leaves, size: int) -> None:
    for start, stop in [*leaves.torn()]:
        leaves.keep(passed(start, stop, size, MIB).pieces)


@given(
    sending=sendings(), block=st.sampled_from([4096, PIECE_SIZE, 100_001, 256 * 1024]), again=st.booleans()
)
@example(sending=(LARGEST, [(2 * MIB, 2 * MIB + 262144, 2 * MIB + 262144)]), block=262144, again=True)
def test_any_sending_comes_to_the_root_of_the_whole_file(
    sending: tuple[int, list[tuple[int, int, int]]],
    block: int,
    again: bool,  # noqa: FBT001 - drawn
) -> None:
    """What was cut does not count; the process may be another one after each of them."""
    size, spans = sending
    leaves = Leaves(size)
    stored: dict[int, bytes] = {}
    for start, stop, came in spans:
        passing = passed(start, came, size, block)
        if came == stop:
            leaves.keep(passing.pieces)
        stored |= leaves.take_changed()
        if again:
            leaves = Leaves(size, assembled(stored))
    mend(leaves, size)
    assert leaves.root() == plain_root(CONTENT[:size])


@given(size=sizes, block=st.integers(1000, 300_000))
def test_a_file_hashed_as_a_whole_has_the_same_root(size: int, block: int) -> None:
    whole = hasher()
    for start in range(0, size, block):
        whole.update(CONTENT[start : min(size, start + block)])
    assert whole.digest() == plain_root(CONTENT[:size])


@given(size=sizes, block=st.integers(1000, 300_000))
def test_what_an_earlier_version_proved_is_made_anew_as_it_made_it(size: int, block: int) -> None:
    earlier = plain_root(CONTENT[:size], sha256_of, b"\1")
    whole = hasher(earlier)
    for start in range(0, size, block):
        whole.update(CONTENT[start : min(size, start + block)])
    assert whole.digest() == earlier


PINNED = [
    "02475920a37cd24540001b702ff093aa9155ce0072eebb7879c39330a5462dbd7c",
    "012fe8262acd2c99ad51edf49149e87031504ab61871cca114adce1335443677f0",
    "177aa70b0740586637569770a650b443054fd66480b2eb209c774e3acd0878e6",
]


def test_a_root_is_what_it_was_when_it_was_kept() -> None:
    """Another one for the same bytes would take every file for a new one: then there is a kind more."""
    content = b"".join(bytes([number % 251]) * 1000 for number in range(3000))
    made = []
    for like in (None, b"\1" + bytes(32), bytes(32)):
        whole = hasher(like)
        whole.update(content)
        made.append(whole.digest().hex())
    assert made == PINNED


@pytest.mark.parametrize("cut", [256 * 1024, 2 * MIB, 2 * MIB + 256 * 1024, 64 * 1024])
def test_segments_cut_between_pieces_tear_no_leaf(cut: int) -> None:
    """So the canary of 256 KiB, and segments behind it, cost no second reading."""
    leaves = Leaves(LARGEST)
    for start, stop in [(cut, LARGEST), (0, cut)]:
        leaves.keep(passed(start, stop, LARGEST, 100_000).pieces)
    assert [*leaves.torn()] == []


def test_a_leaf_is_torn_where_a_piece_was_cut_and_nowhere_else() -> None:
    leaves, cut = Leaves(LARGEST), MIB + 5
    for start, stop in [(0, cut), (cut, LARGEST)]:
        leaves.keep(passed(start, stop, LARGEST, MIB).pieces)
    assert [*leaves.torn()] == [(MIB, 2 * MIB)]
    assert leaves.root() is None


@given(at=st.integers(0, LARGEST - 1))
def test_one_other_byte_is_another_root(at: int) -> None:
    content = bytearray(CONTENT)
    content[at] ^= 1
    roots = []
    for one in (CONTENT, bytes(content)):
        whole = hasher()
        whole.update(one)
        roots.append(whole.digest())
    assert roots[0] != roots[1]


def test_what_is_forgotten_counts_no_more() -> None:
    leaves = Leaves(MIB + 1)
    leaves.keep(passed(0, MIB + 1, MIB + 1, MIB).pieces)
    leaves.forget()
    assert (leaves.root(), leaves.has_changed, [*leaves.torn()]) == (None, False, [(0, MIB), (MIB, MIB + 1)])
    mend(leaves, MIB + 1)
    assert leaves.root() == plain_root(CONTENT[: MIB + 1])


def test_only_parts_that_changed_are_stored_again_and_they_are_small() -> None:
    size = 100 * 1024**3  # 100 GiB
    leaves = Leaves(size)
    for leaf in (0, 1, PART_LEAVES * 7):
        leaves.keep({leaf * 16 + piece: bytes([piece]) * HASH_SIZE for piece in range(16)})
    changed = leaves.take_changed()
    assert {part: len(hashes) for part, hashes in changed.items()} == {0: 8192, 7: 8192}
    assert not leaves.has_changed
    again = Leaves(size, assembled(changed))
    assert sum(1 for _ in again.torn()) == size // LEAF_SIZE - 3


def test_every_kind_of_digest_tells_itself_and_is_made_for_its_like() -> None:
    film = b"film"
    digests = {
        Kind.BLAKE2B: hashlib.blake2b(film, digest_size=32).digest(),
        Kind.SHA256_ROOT: plain_root(film, sha256_of, b"\1"),
        Kind.BLAKE3_ROOT: plain_root(film),
    }
    for kind, digest in digests.items():
        assert kind_of(digest) is kind
        like = hasher(digest)
        like.update(film)
        assert like.digest() == digest
    assert kind_of(b"\1" * 32) is kind_of(b"\2" * 32) is Kind.BLAKE2B


@given(size=sizes)
def test_a_sample_is_small_and_of_the_begin_the_middle_and_the_end(size: int) -> None:
    spans = sample_spans(size)
    assert sum(stop - start for start, stop in spans) <= 3 * PIECE_SIZE
    assert all(0 <= start < stop <= size for start, stop in spans)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    if size:
        assert (spans[0][0], spans[-1][1]) == (0, size)
        assert any(start <= size // 2 <= stop for start, stop in spans)


def test_a_sample_is_of_the_size_too() -> None:
    assert sample_of(1, [b"a"]) != sample_of(2, [b"a"])


def test_a_sample_is_that_of_earlier_versions() -> None:
    """Another one would tell of another content, and a file published long ago would be sent again."""
    assert sample_of(2, [b"a", b"b"]) == hashlib.sha256(b"\3" + (2).to_bytes(8, "big") + b"ab").digest()[:16]
