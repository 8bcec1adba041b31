"""What is asked often, or of many rows, is answered by an index: the plans of the database say so.

No clock is looked at: a plan that walks a table does so on the fastest machine, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from ledger.making import START
from okdrop.drop import State
from okdrop.ledger import figures, many_at_once, outbox, publications, queries
from okdrop.ledger.schema import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def database() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        METADATA.create_all(connection)
        yield connection
    engine.dispose()


def plan(database: sa.Connection, query: Any) -> list[str]:
    """The steps by which the database answers this statement, as it is sent."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        sent.append((statement, values))

    needed = [name for name, parameter in query.compile(database).binds.items() if parameter.required]
    sa.event.listen(database, "before_cursor_execute", note)
    try:
        database.execute(query, {name: VALUES.get(name, 1) for name in needed})
    finally:
        sa.event.remove(database, "before_cursor_execute", note)
    [(statement, values)] = sent
    return [row.detail for row in database.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]


def rows(**chosen: Any) -> sa.Executable:
    return queries.rows(**{"states": None, "ids": None, "paths": None, "newest": None} | chosen)


VALUES: dict[str, Any] = {
    "path": b"/a",
    "sample": b"s",
    "first": b"/a/",
    "end": b"/a0",
    "name": "vu.okcdn.ru",
    "video": "77",
    "before": START,
    "at_most": 1,
    "now": START,
    "by": START,
    "since": START,
    "until": START,
    "of_folder": "/srv",
    "states": [State.FAILED],
    "past": ["kids"],
} | {f"path_{number}": b"/a" for number in range(many_at_once.PATHS_AT_ONCE)}

ANSWERED_BY: dict[str, tuple[sa.Executable, list[str]]] = {
    # What → the statement, and what serves it, arm by arm.
    "one row": (queries.GET, ["PRIMARY KEY"]),
    "is a file known": (queries.CANDIDATES, ["one_row_per_revision", "uploads_by_inode"]),
    "which of many are known": (
        queries.keys_of_paths(many_at_once.PATHS_AT_ONCE),
        ["one_row_per_revision"],
    ),
    "how are many to be judged": (
        queries.candidates_of({b"a", b"b"}, {1, 2}),
        ["one_row_per_revision", "uploads_by_inode"],
    ),
    "what a new revision makes outdated": (queries.OUTDATED, ["one_row_per_revision"]),
    "was it published": (queries.WAS_PUBLISHED, ["history_by_upload"]),
    "what goes on by itself": (queries.OUTSTANDING, ["uploads_by_state"]),
    "what has a chore": (queries.WITH_CHORES, ["COVERING INDEX uploads_by_chore"]),
    "equal samples": (queries.TWINS, ["uploads_by_size"]),
    "unknown samples": (queries.UNSAMPLED, ["uploads_by_size"]),
    "how many are held": (queries.HELD, ["COVERING INDEX uploads_held"]),
    "let what is held go": (queries.released(None), ["uploads_held"]),
    "let what is held in a folder go": (queries.released({"/srv"}), ["uploads_held"]),
    "how many are in each state": (queries.COUNTS, ["COVERING INDEX uploads_by_state"]),
    "all that failed": (
        queries.IDS,
        ["COVERING INDEX uploads_by_state"],
    ),
    "was anything moved there": (queries.MOVED_BELOW, ["uploads_by_moved_to"]),
    "rows by id": (rows(ids=[1, 2]), ["PRIMARY KEY"]),
    "rows of a path": (rows(paths=[b"a"]), ["one_row_per_revision", "uploads_by_state"]),
    "rows in a state": (rows(states={State.QUEUED}), ["uploads_by_state"]),
    "what took over from superseded rows": (queries.REPLACEMENTS, ["one_row_per_revision"]),
    "the life of an upload": (queries.LIFE, ["history_by_upload"]),
    "the next steps to forget": (queries.NEXT_STEPS, ["PRIMARY KEY"]),
    "forget steps": (queries.FORGET_STEPS, ["PRIMARY KEY", "PRIMARY KEY"]),
    "how a host takes segments": (queries.HOST, ["autoindex_hosts"]),
    "how many were posted": (publications.POSTS, ["COVERING INDEX uploads_by_post"]),
    "how many a folder posted": (
        publications.POSTS_OF_FOLDER,
        ["COVERING INDEX uploads_by_folders_post"],
    ),
    "what is to be told by now": (publications.TO_BE_TOLD, ["uploads_to_tell"]),
    "what a clock ahead noted": (publications.TOLD_BY_A_CLOCK_AHEAD, ["uploads_to_tell"]),
    "how much was posted in each hour": (figures.BY_HOUR, ["COVERING INDEX uploads_by_post"]),
    "what was posted lately": (publications.LATELY_POSTED, ["uploads_by_post"]),
    "what friends alone see": (publications.IN_DRAFT, ["uploads_in_draft"]),
    "leaves of an upload": (queries.LEAVES_OF, ["autoindex_leaves"]),
    "the next step of a lane": (outbox.NEXT, ["outbox_due"]),
    "lanes with steps to take": (outbox.LANES, ["outbox_due"]),
    "the steps of an upload": (outbox.OF_UPLOAD, ["outbox_by_upload"]),
    "is a step there": (outbox.IS_THERE, ["one_step_of_a_key"]),
    "forget steps that were taken": (outbox.FORGET, ["PRIMARY KEY", "outbox_taken"]),
    "drop a lane": (outbox.CLOSE_LANE.values(said=""), ["outbox_due"]),
    "what may be pruned": (outbox.PRUNABLE, ["uploads_to_prune"]),
}

OF_A_FEW = {"uploads_held", "outbox_due"}
"""Indexes that hold a few rows alone, all of which may be seen."""

WALKS = {"how many are in each state"}
"""What has to see every entry of an index that is small."""


@pytest.mark.parametrize("what", ANSWERED_BY)
def test_what_is_asked_often_is_answered_by_an_index(database: sa.Connection, what: str) -> None:
    query, served_by = ANSWERED_BY[what]
    steps = plan(database, query)
    for index in set(served_by):
        assert sum(index in step for step in steps) == served_by.count(index), steps
    walked = [step for step in steps if step.startswith(("SCAN uploads", "SCAN history", "SCAN outbox"))]
    walked = [step for step in walked if not step.endswith(tuple(OF_A_FEW))]
    assert bool(walked) is (what in WALKS), steps


def test_the_newest_rows_are_read_from_the_end(database: sa.Connection) -> None:
    """No index is needed, and nothing is sorted: the walk ends after the last that is wanted."""
    assert plan(database, rows(newest=50)) == ["SCAN uploads"]


def test_a_plan_that_walks_is_seen(database: sa.Connection) -> None:
    titles = sa.select(queries.UPLOADS).where(queries.UPLOADS.c.title == "a")
    assert plan(database, titles) == ["SCAN uploads"]
