"""What is asked and written of many files at once: a scan's questions, and what a first look decides.

A start with a hundred thousand files asks about each of them. So the one statement for that is compiled once,
takes its paths as the driver does, and its answers are compared as they come.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from okdrop.ledger import queries
from okdrop.ledger.judgement import Judgement, decide
from okdrop.ledger.operations import add, step_of
from okdrop.ledger.rows import upload_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Dialect

    from okdrop.drop import Drop, Revision, Upload

K = TypeVar("K")
T = TypeVar("T")

PATHS_AT_ONCE: Final = 500


class HasRevision(Protocol):
    """A file as it was seen."""

    @property
    def path(self) -> bytes:
        """Where it lies."""

    @property
    def revision(self) -> Revision:
        """What lies there."""


F = TypeVar("F", bound=HasRevision)


def unknown(connection: Connection, files: Sequence[F]) -> list[F]:
    """Those of many files that `judge` would not call known, in their order."""
    keys: set[tuple[bytes, int, str]] = set()
    for some in _batches(files):
        keys.update(_keys_of([one.path for one in some], connection))
    return [one for one in files if (one.path, one.revision.size, str(one.revision.mtime_ns)) not in keys]


def _keys_of(paths: Sequence[bytes], connection: Connection) -> Iterable[Any]:
    """What tells the revisions of these paths apart, as the database keeps it: path, size, digits of time."""
    padded = (*paths, *[paths[-1]] * (PATHS_AT_ONCE - len(paths)))
    # As tuples, which are compared at half the cost of rows.
    return map(tuple, connection.exec_driver_sql(_compiled(connection.dialect), padded).fetchall())


@functools.cache
def _compiled(dialect: Dialect) -> str:
    return str(queries.keys_of_paths(PATHS_AT_ONCE).compile(dialect=dialect))


def judge_all(connection: Connection, drops: Sequence[Drop]) -> list[Judgement]:
    """What `judge` would say of each of many drops, by one question for some hundreds of them."""
    judgements: list[Judgement] = []
    for some in _batches(drops):
        query = queries.candidates_of({drop.path for drop in some}, {drop.revision.inode for drop in some})
        rows = [upload_of(row) for row in connection.execute(query)]
        by_path, by_inode = _grouped(rows, _path_of), _grouped(rows, _inode_of)
        judgements += [
            decide(drop, [*by_path.get(drop.path, ()), *by_inode.get(drop.revision.inode, ())])
            for drop in some
        ]
    return judgements


def _grouped(rows: Sequence[Upload], key: Callable[[Upload], K]) -> dict[K, list[Upload]]:
    groups: dict[K, list[Upload]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _path_of(upload: Upload) -> bytes:
    return upload.drop.path


def _inode_of(upload: Upload) -> int:
    return upload.drop.revision.inode


def add_all(connection: Connection, now: datetime, uploads: Sequence[Upload], *, note: str) -> int:
    """Insert those of many rows whose revision has none yet; returns how many."""
    wanted = {id(drop) for drop in unknown(connection, [upload.drop for upload in uploads])}
    new = [upload for upload in uploads if id(upload.drop) in wanted]
    lively = {
        path
        for some in _batches(new)
        for path, *_ in _keys_of([upload.drop.path for upload in some], connection)
    }
    for upload in new:
        if upload.drop.path in lively:  # it may make another row outdated
            add(connection, now, upload, note=note)
    plain = [upload for upload in new if upload.drop.path not in lively]
    if plain:
        numbers = (
            connection.execute(queries.ADD_MANY, [values_of(upload) for upload in plain]).scalars().all()
        )
        rows = [upload.with_(id=number) for upload, number in zip(plain, numbers, strict=True)]
        connection.execute(queries.RECORD, [step_of(row, None, note) for row in rows])
    return len(new)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + PATHS_AT_ONCE] for start in range(0, len(items), PATHS_AT_ONCE))
