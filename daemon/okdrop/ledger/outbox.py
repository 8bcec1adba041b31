"""Steps after an event: their statements, and what is asked of them and done to them on a connection.

A step that is still to be taken is found by its lane and its time, over an index of such steps alone: the
rows of a million uploads, and all steps that were ever taken, are not looked at.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, and_, bindparam, case, delete, exists, insert, select, update

from okdrop.ledger.schema import OUTBOX, TAKEN, TO_PRUNE, TO_TAKE, UPLOADS, Instant
from okdrop.steps import NewStep, Outcome, Step, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from sqlalchemy import Connection, Row

    from okdrop.drop import Upload

    Plan: TypeAlias = Callable[[Upload | None, Upload], Sequence[NewStep]]

_STEP: Final = OUTBOX.c
_THIS_STEP: Final = and_(_STEP.id == bindparam("step_id"), TO_TAKE)

IS_THERE: Final = select(exists().where(_STEP.key == bindparam("name")))
ADD: Final = insert(OUTBOX)

# The step of a lane that is due next.
NEXT: Final = (
    select(OUTBOX)
    .where(TO_TAKE, _STEP.lane == bindparam("of_lane"))
    .order_by(_STEP.due_at, _STEP.id)
    .limit(bindparam("at_most", type_=Integer))
)

# What waits in a lane, as much of it as says whose turn it is: what must not be held up before all else, and
# last what comes by thousands, or waits for the others of its kind.
_RANK: Final = case(
    (_STEP.event.in_(bindparam("first", expanding=True)), 0),
    (_STEP.event.in_(bindparam("last", expanding=True)), 2),
    else_=1,
)
WAITING: Final = (
    select(_STEP.id, _STEP.event, _STEP.created_at, _STEP.due_at)
    .where(TO_TAKE, _STEP.lane == bindparam("of_lane"))
    .order_by(_RANK, _STEP.due_at, _STEP.id)
    .limit(bindparam("at_most", type_=Integer))
)

# Steps by their ids. And: when something of a lane was told, since a time; what was told together, once.
SOME: Final = select(OUTBOX).where(_STEP.id.in_(bindparam("numbers", expanding=True))).order_by(_STEP.id)
TOLD: Final = (
    select(_STEP.done_at)
    .where(
        TAKEN,
        _STEP.done_at > bindparam("since", type_=Instant),
        _STEP.lane == bindparam("of_lane"),
        _STEP.outcome == Outcome.DONE,
    )
    .distinct()
    .order_by(_STEP.done_at)
)

# Which lanes have steps that are still to be taken.
LANES: Final = select(_STEP.lane).where(TO_TAKE).distinct()

# Every step about one upload, in the order in which they were written.
OF_UPLOAD: Final = select(OUTBOX).where(_STEP.upload_id == bindparam("row_id")).order_by(_STEP.id)

# One step is closed, put off, or told what it is to do. And: all of a lane are closed.
CLOSE: Final = update(OUTBOX).where(_THIS_STEP)
CLOSE_LANE: Final = update(OUTBOX).where(TO_TAKE, _STEP.lane == bindparam("of_lane"))

# Steps that were closed before a time, so many of them.
_OLD: Final = (
    select(_STEP.id)
    .where(TAKEN, _STEP.done_at < bindparam("before", type_=Instant))
    .order_by(_STEP.done_at)
    .limit(bindparam("at_most", type_=Integer))
)
FORGET: Final = delete(OUTBOX).where(_STEP.id.in_(_OLD))

# The files of a folder that were moved before a time, the oldest first, if OK has their videos.
PRUNABLE: Final = (
    select(UPLOADS.c.id)
    .where(
        TO_PRUNE,
        UPLOADS.c.folder == bindparam("of_folder"),
        UPLOADS.c.moved_at < bindparam("before", type_=Instant),
        UPLOADS.c.chore.is_(None),
    )
    .order_by(UPLOADS.c.moved_at)
    .limit(bindparam("at_most", type_=Integer))
)


@dataclasses.dataclass(slots=True)
class Following:
    """Writes, together with a row, the steps that follow from what became of it.

    Attributes:
        plan: tells them, by the row as it was (None: it is new) and as it is.
        added: how many were written.
    """

    plan: Plan
    added: int = 0

    def follow(self, connection: Connection, now: datetime, before: Upload | None, after: Upload) -> None:
        """Write what follows from one write of a row."""
        self.added += add(connection, now, self.plan(before, after))


def add(connection: Connection, now: datetime, steps: Iterable[NewStep]) -> int:
    """Write steps, due at once, but for those whose key is there already; returns how many are new."""
    added = 0
    for step in steps:
        if connection.execute(IS_THERE, {"name": step.key}).scalar_one():
            continue
        row = {
            "key": step.key,
            "lane": step.lane,
            "kind": step.kind,
            "upload_id": step.upload,
            "event": step.event,
            "payload": step.payload,
            "created_at": now,
            "due_at": now,
            "tries": 0,
            "said": "",
            "output": "",
        }
        connection.execute(ADD, row)
        added += 1
    return added


def next_step(connection: Connection, lane: str) -> Step | None:
    """The step of a lane that is due next, be it in the future; None: there is none."""
    row = connection.execute(NEXT, {"of_lane": lane, "at_most": 1}).one_or_none()
    return None if row is None else _step_of(row)


def waiting(
    connection: Connection, lane: str, *, at_most: int, first: Iterable[str], last: Iterable[str]
) -> list[Waiting]:
    """What waits in a lane, be it for a time in the future, by its event: `first`, all others, `last`."""
    keys = {"of_lane": lane, "at_most": at_most, "first": [*first], "last": [*last]}
    rows = connection.execute(WAITING, keys)
    return [Waiting(id=row.id, event=row.event, created_at=row.created_at, due_at=row.due_at) for row in rows]


def some(connection: Connection, numbers: Sequence[int]) -> list[Step]:
    """Steps by their ids, in the order in which they were written."""
    return [_step_of(row) for row in connection.execute(SOME, {"numbers": [*numbers]})]


def told_since(connection: Connection, lane: str, since: datetime) -> list[datetime]:
    """When something of a lane was told since a time, the oldest first; what was told in one, once."""
    return list(connection.execute(TOLD, {"of_lane": lane, "since": since}).scalars())


def lanes(connection: Connection) -> list[str]:
    """The lanes with steps that are still to be taken."""
    return sorted(connection.execute(LANES).scalars())


def of_upload(connection: Connection, number: int) -> list[Step]:
    """The steps about one upload, in the order in which they were written."""
    return [_step_of(row) for row in connection.execute(OF_UPLOAD, {"row_id": number})]


def close(
    connection: Connection, now: datetime, numbers: Sequence[int], *, outcome: Outcome, said: str, output: str
) -> None:
    """Steps that were taken together came to their end."""
    values = {
        "done_at": now,
        "outcome": outcome,
        "said": said,
        "output": output,
        "tries": _STEP.tries + 1,
    }
    for number in numbers:
        connection.execute(CLOSE.values(values), {"step_id": number})


def put_off(
    connection: Connection, numbers: Sequence[int], *, due_at: datetime, said: str, output: str
) -> None:
    """A try at steps that are taken together did not succeed: there is another one, not before a time."""
    values = {"due_at": due_at, "said": said, "output": output, "tries": _STEP.tries + 1}
    for number in numbers:
        connection.execute(CLOSE.values(values), {"step_id": number})


def replan(connection: Connection, number: int, *, payload: str) -> None:
    """Say in other words what a step is to do: what was looked up, and has to be the same in a next life."""
    connection.execute(CLOSE.values(payload=payload), {"step_id": number})


def drop_lane(connection: Connection, now: datetime, lane: str, *, said: str) -> int:
    """Close all steps of a lane that nobody serves; returns how many."""
    values = {"done_at": now, "outcome": Outcome.DROPPED, "said": said}
    return connection.execute(CLOSE_LANE.values(values), {"of_lane": lane}).rowcount


def forget(connection: Connection, *, before: datetime, at_most: int) -> int:
    """Forget steps that were closed before a time, so many at most; returns how many."""
    return connection.execute(FORGET, {"before": before, "at_most": at_most}).rowcount


def prunable(connection: Connection, folder: str, *, before: datetime, at_most: int) -> list[int]:
    """The ids of rows of a folder whose files were moved before a time and may be deleted."""
    keys: dict[str, Any] = {"of_folder": folder, "before": before, "at_most": at_most}
    return list(connection.execute(PRUNABLE, keys).scalars())


def _step_of(row: Row[Any]) -> Step:
    return Step(
        id=row.id,
        key=row.key,
        lane=row.lane,
        kind=row.kind,
        event=row.event,
        payload=row.payload,
        upload=row.upload_id,
        created_at=row.created_at,
        due_at=row.due_at,
        tries=row.tries,
        done_at=row.done_at,
        outcome=row.outcome,
        said=row.said,
        output=row.output,
    )
