"""What proves that two files are equal: hashes over their leaves, and one root over those.

A file is cut into leaves of 1 MiB, a leaf into pieces of 64 KiB, each aligned; the last ones may be short.

    piece = BLAKE3(bytes)                       of an aligned 64 KiB
    leaf  = BLAKE3(its pieces in order)         of an aligned 1 MiB
    root  = BLAKE3(size | its leaves in order)  of the file

each with a context of its own (BLAKE3's derive_key), so that none can stand for another.
So a file may be hashed in any order and by several connections at once, and a leaf comes together out of
segments that cut it between pieces. A piece that is cut itself is torn, and so is its leaf: somebody has to
read that again.

Earlier versions made the same tree of SHA-256, and before that hashed a whole file at one go (BLAKE2b-256).
Every kind is kept in one column, and a digest tells its own (`Kind`): two of different kinds are never equal,
and whoever wants to compare makes the kind that is there.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LEAF_SIZE: Final = 1024 * 1024
PIECE_SIZE: Final = 64 * 1024
HASH_SIZE: Final = 32

UNKNOWN: Final = bytes(HASH_SIZE)
"""Stands for a leaf whose hash is not known; no bytes are known that hash to it."""

PART_LEAVES: Final = 256
"""Leaves that are stored together: 8 KiB of hashes for 256 MiB of a file."""

SAMPLE_SIZE: Final = 16

_PIECES: Final = LEAF_SIZE // PIECE_SIZE
_PART: Final = PART_LEAVES * HASH_SIZE
_OF_SAMPLE: Final = b"\3"


class Hasher(Protocol):
    """Hashes bytes, from the first to the last."""

    def update(self, block: bytes | memoryview, /) -> object:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """What stands for all of them; nothing may follow."""


class Kind(enum.Enum):
    """How a digest of a whole file was made."""

    BLAKE3_ROOT = "blake3"
    SHA256_ROOT = "sha256"  # by versions that hashed leaves with SHA-256
    BLAKE2B = "blake2b"  # by versions that knew no leaves


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """How pieces, leaves and the root are hashed.

    Attributes:
        mark: what a root begins with: one byte more than a digest without a tree has.
    """

    mark: bytes
    piece: Callable[[], Hasher]
    leaf: Callable[[], Hasher]
    root: Callable[[], Hasher]

    def leaf_of(self, pieces: Mapping[int, bytes]) -> bytes:
        """A leaf, of its pieces by number."""
        made = self.leaf()
        for number in sorted(pieces):
            made.update(pieces[number])
        return made.digest()

    def root_of(self, size: int, leaves: bytes | bytearray) -> bytes:
        """The root of a file of so many bytes, of its leaves in order."""
        made = self.root()
        made.update(size.to_bytes(8, "big"))
        made.update(memoryview(leaves))
        return self.mark + made.digest()


_TREE: Final = _Tree(
    mark=b"\2",
    piece=functools.partial(blake3, derive_key_context="okdrop: piece of a file"),
    leaf=functools.partial(blake3, derive_key_context="okdrop: leaf of a file"),
    root=functools.partial(blake3, derive_key_context="okdrop: root of a file"),
)
_EARLIER: Final = _Tree(
    mark=b"\1",
    piece=functools.partial(hashlib.sha256, b"\0"),
    leaf=functools.partial(hashlib.sha256, b"\1"),
    root=functools.partial(hashlib.sha256, b"\2"),
)


def kind_of(digest: bytes) -> Kind:
    """How a digest was made."""
    if len(digest) == HASH_SIZE:
        return Kind.BLAKE2B
    return Kind.SHA256_ROOT if digest.startswith(_EARLIER.mark) else Kind.BLAKE3_ROOT


def hasher(like: bytes | None = None) -> Hasher:
    """What makes a digest of a whole file that may be compared with this one; None: the root of today."""
    match Kind.BLAKE3_ROOT if like is None else kind_of(like):
        case Kind.BLAKE3_ROOT:
            return _Whole(_TREE)
        case Kind.SHA256_ROOT:
            return _Whole(_EARLIER)
        case Kind.BLAKE2B:
            return hashlib.blake2b(digest_size=HASH_SIZE)


def sample_spans(size: int) -> tuple[tuple[int, int], ...]:
    """Which bytes of a file are its sample: a piece at its begin, middle and end; half-open, disjoint."""
    if size <= 3 * PIECE_SIZE:
        return ((0, size),) if size else ()
    middle = size // 2 // PIECE_SIZE * PIECE_SIZE
    return (0, PIECE_SIZE), (middle, middle + PIECE_SIZE), (max(middle + PIECE_SIZE, size - PIECE_SIZE), size)


def sample_of(size: int, blocks: list[bytes]) -> bytes:
    """What stands for the size and the samples of a file. Equal ones are a suspicion, never a proof.

    They are those of earlier versions, SHA-256 as ever: one that came out different would tell of another
    content, and what was published long ago be sent once more.
    """
    made = hashlib.sha256(_OF_SAMPLE + size.to_bytes(8, "big"))
    for block in blocks:
        made.update(block)
    return made.digest()[:SAMPLE_SIZE]


class Passing:
    """Hashes the pieces of a span whose bytes pass by in order.

    Args:
        start: where the span begins.
        size: of the whole file.
    """

    def __init__(self, start: int, size: int) -> None:
        self.pieces: Final[dict[int, bytes]] = {}  #: by number, those that passed from begin to end
        self._size: Final = size
        self._at = start
        self._hash = _TREE.piece() if start % PIECE_SIZE == 0 else None

    def feed(self, block: bytes | memoryview) -> None:
        """Take the next bytes."""
        rest = memoryview(block)
        while rest:
            number = self._at // PIECE_SIZE
            stop = min((number + 1) * PIECE_SIZE, self._size)
            part = rest[: stop - self._at]
            if self._hash is not None:
                self._hash.update(part)
            self._at += len(part)
            rest = rest[len(part) :]
            if self._at == stop:
                if self._hash is not None:
                    self.pieces[number] = self._hash.digest()
                self._hash = _TREE.piece()


class Leaves:
    """What is known of the leaves of one file.

    Args:
        size: of the file, in bytes.
        known: hashes in order, `UNKNOWN` where one is not known; b"": none is.
    """

    def __init__(self, size: int, known: bytes = b"") -> None:
        self._size: Final = size
        self._count: Final = -(-size // LEAF_SIZE)
        self._hashes: Final = bytearray(self._count * HASH_SIZE)
        self._hashes[: len(known)] = known[: len(self._hashes)]
        self._loose: Final[dict[int, dict[int, bytes]]] = {}
        self._changed: Final[set[int]] = set()
        self._lacking = self._count
        if known:
            self._lacking = sum(1 for leaf in range(self._count) if not self._is_known(leaf))

    def keep(self, pieces: Mapping[int, bytes]) -> None:
        """These pieces count; a leaf that has all of its own is known from here on."""
        for number, made in pieces.items():
            leaf = number // _PIECES
            if self._is_known(leaf):
                continue
            loose = self._loose.setdefault(leaf, {})
            loose[number] = made
            if len(loose) == self._pieces_of(leaf):
                self._set(leaf, _TREE.leaf_of(loose))
                del self._loose[leaf]

    def forget(self) -> None:
        """Nothing of it counts any more."""
        self._hashes[:] = bytes(len(self._hashes))
        self._loose.clear()
        self._changed.clear()
        self._lacking = self._count

    def torn(self) -> Iterator[tuple[int, int]]:
        """The spans of the leaves that are not known, half-open, one for each leaf."""
        for leaf in range(self._count):
            if not self._is_known(leaf):
                yield leaf * LEAF_SIZE, min((leaf + 1) * LEAF_SIZE, self._size)

    def root(self) -> bytes | None:
        """The root; None while a leaf is not known."""
        if self._lacking:
            return None
        return _TREE.root_of(self._size, self._hashes)

    @property
    def has_changed(self) -> bool:
        """Whether there is something to store."""
        return bool(self._changed)

    def take_changed(self) -> dict[int, bytes]:
        """Parts with leaves that became known since this was asked last, by number, whole."""
        parts = {part: bytes(self._hashes[part * _PART : (part + 1) * _PART]) for part in self._changed}
        self._changed.clear()
        return parts

    def _set(self, leaf: int, made: bytes) -> None:
        self._hashes[leaf * HASH_SIZE : (leaf + 1) * HASH_SIZE] = made
        self._changed.add(leaf // PART_LEAVES)
        self._lacking -= 1

    def _is_known(self, leaf: int) -> bool:
        return self._hashes[leaf * HASH_SIZE : (leaf + 1) * HASH_SIZE] != UNKNOWN

    def _pieces_of(self, leaf: int) -> int:
        return -(-min(LEAF_SIZE, self._size - leaf * LEAF_SIZE) // PIECE_SIZE)


def assembled(parts: Mapping[int, bytes]) -> bytes:
    """Stored parts as `Leaves` takes them: in order, `UNKNOWN` in the gaps."""
    known = bytearray()
    for part, hashes in sorted(parts.items()):
        known += bytes(part * _PART - len(known))
        known += hashes
    return bytes(known)


class _Whole:
    """The root of a file that passes as a whole; its size shows at the end."""

    def __init__(self, tree: _Tree) -> None:
        self._tree: Final = tree
        self._leaves = bytearray()
        self._pieces: dict[int, bytes] = {}
        self._piece = tree.piece()
        self._size = 0

    def update(self, block: bytes | memoryview, /) -> None:
        rest = memoryview(block)
        while rest:
            part = rest[: PIECE_SIZE - self._size % PIECE_SIZE]
            self._piece.update(part)
            self._size += len(part)
            rest = rest[len(part) :]
            if self._size % PIECE_SIZE == 0:
                self._end_piece()

    def _end_piece(self) -> None:
        self._pieces[len(self._pieces)] = self._piece.digest()
        self._piece = self._tree.piece()
        if len(self._pieces) == _PIECES:
            self._end_leaf()

    def _end_leaf(self) -> None:
        self._leaves += self._tree.leaf_of(self._pieces)
        self._pieces.clear()

    def digest(self) -> bytes:
        if self._size % PIECE_SIZE:
            self._end_piece()
        if self._pieces:
            self._end_leaf()
        return self._tree.root_of(self._size, self._leaves)
