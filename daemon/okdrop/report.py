"""The ledger as a person or a program reads it: `status` and `show`."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from okdrop.documents import halt_as_json, overrides_as_json, rfc3339, upload_as_json
from okdrop.drop import TICKETS_PER_REVISION, UNFINISHED, Chore, State
from okdrop.events import shown
from okdrop.ledger import BANDWIDTH, LOG_LEVEL, PAUSED
from okdrop.ledger.rows import Orphans
from okdrop.steps import FILES
from okdrop.words import (
    OK_SAYS,
    awaiting,
    cover,
    draft,
    held,
    hindered,
    limit_text,
    not_yet,
    printable,
    video_page,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import Group
    from rich.table import Table

    from okdrop.drop import Halt, Upload
    from okdrop.ledger import HistoryRow, Override
    from okdrop.steps import Step

    Replaced: TypeAlias = Callable[[int], int | None]

NEWEST: Final = 50
"""How many uploads `status` shows to a person who does not ask for all."""

LARGEST_TABLE: Final = 1000
"""Rows of a table that is still drawn quickly; more of them are lines, on a terminal too."""

NO_ORPHANS: Final = Orphans()

_COLUMNS: Final = ("id", "state", "held by OK", "size", "video", "file")
LEFT_TO_DO: Final[Mapping[Chore, str]] = {
    Chore.CONFIRM: "ask OK what became of the video",
    Chore.MOVE: "move the file",
    Chore.DELETE: "delete the file",
    Chore.PRUNE: "delete the file where it was moved to",
}


def not_known(_number: int) -> None:
    """Which upload took over from a superseded one, where nobody can tell."""


def status_as_json(
    counts: Mapping[State, int],
    rows: Iterable[Upload],
    orphans: Orphans,
    standing: Iterable[Override] = (),
    *,
    halts: Sequence[Halt] = (),
    replaced: Replaced = not_known,
) -> Iterator[str]:
    """Everything `status --json` prints, in pieces of one object: there may be a million uploads.

    Every state is counted, those without uploads too.
    """
    every_state = {state.value: counts.get(state, 0) for state in State}
    yield f'{{"counts": {json.dumps(every_state)}, "uploads": ['
    between = ""
    for row in rows:
        yield between + json.dumps(upload_as_json(row, _replaced_by(row, replaced)))
        between = ", "
    yield f'], "orphans": {json.dumps(dataclasses.asdict(orphans))}'
    yield f', "by_hand": {json.dumps(overrides_as_json(standing))}'
    first = next(iter(halts), None)
    yield f', "halted": {json.dumps(halt_as_json(first))}'
    yield f', "halts": {json.dumps([halt_as_json(halt) for halt in halts])}}}\n'


def summary(
    counts: Mapping[State, int], shown_rows: int, *, held: int = 0, orphans: Orphans = NO_ORPHANS
) -> str:
    """How many uploads are in each state, how many of these are shown; what is held, what is left at OK."""
    words = " · ".join(f"{counts[state]} {state}" for state in State if counts.get(state, 0))
    total = sum(counts.values())
    if shown_rows < total:
        words += f" (the newest {shown_rows} of {total} are shown; --all shows all)"
    if held:
        words += f" · {held} held: okdrop go releases them, okdrop adopt PATH records them as published"
    if orphans.waiting:
        words += f" · {orphans.waiting} empty {_entries(orphans.waiting)} at OK to be deleted"
    if orphans.given_up:
        words += f" · {orphans.given_up} empty {_entries(orphans.given_up)} at OK could not be deleted"
    return words or "nothing was ever dropped"


def pauses(standing: Iterable[Override]) -> Iterator[str]:
    """That nothing new is begun, which goes before all else: rows stay as they were."""
    for row in standing:
        if row.name == PAUSED:
            yield f"paused since {rfc3339(row.since)}: okdrop resume has it go on"


def decisions(standing: Iterable[Override]) -> Iterator[str]:
    """What else a person decided while it ran, a line each."""
    for row in standing:
        since = f"since {rfc3339(row.since)}"
        if row.name == BANDWIDTH:
            reset = (
                f"okdrop bandwidth reset{' --folder ' + shown(os.fsencode(row.folder)) if row.folder else ''}"
            )
            yield f"{_whose(row.folder)}: {_limit(row.value)}, set by hand {since}: {reset} takes it back"
        elif row.name == LOG_LEVEL:
            until = f" until {rfc3339(row.until)}" if row.until is not None else ""
            yield f"log: {row.value}, set by hand {since}{until}: okdrop log reset takes it back"


def log_as_line(log: Mapping[str, Any]) -> str:
    """What `okdrop.documents.log_as_json` tells of."""
    if log["by_hand"] is None:
        return f"log: {log['level']}, as configured"
    until = f" until {log['until']}" if log["until"] is not None else ""
    return f"log: {log['level']}, set by hand since {log['since']}{until}; configured: {log['configured']}"


def limits_as_lines(limits: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every limit that `okdrop.documents.limits_as_json` tells of, a line each."""
    for one in limits:
        by_hand, configured = one["by_hand"], one["configured"]
        if by_hand is None:
            words = f"{_limit(configured)}, as configured"
        else:
            words = f"{_limit(by_hand)}, set by hand since {one['since']}; configured: {_limit(configured)}"
        timed = "," in (configured if by_hand is None else by_hand)
        now = f"; now {_rate(one['rate'])}" if timed else ""
        yield f"{_whose(one['folder'])}: {words}{now}"


def _whose(folder: str) -> str:
    return shown(os.fsencode(folder)) if folder else "all uploads together"


def _limit(text: str) -> str:
    return "no limit" if text.lower() in {"", "off"} else f"at most {text}"


def _rate(rate: int | None) -> str:
    return "no limit" if rate is None else limit_text(rate)


def _entries(count: int) -> str:
    return "entry" if count == 1 else "entries"


def status_as_lines(
    counts: Mapping[State, int],
    rows: Iterable[Upload],
    *,
    held: int = 0,
    orphans: Orphans = NO_ORPHANS,
    replaced: Replaced = not_known,
) -> Iterator[str]:
    """For a pipe: a line for each upload, its columns between tabs, nothing cut; the summary last."""
    shown_rows = 0
    for shown_rows, row in enumerate(rows, start=1):
        if shown_rows == 1:
            yield "\t".join((*_COLUMNS, "reason", "updated"))
        remarks = "; ".join(_remarks(row, replaced))
        yield "\t".join((*_cells(row, nothing="-"), remarks, rfc3339(row.updated_at)))
    yield summary(counts, shown_rows, held=held, orphans=orphans)


def status_as_table(
    counts: Mapping[State, int],
    rows: Sequence[Upload],
    *,
    held: int = 0,
    orphans: Orphans = NO_ORPHANS,
    replaced: Replaced = not_known,
) -> Table:
    """For a terminal: a table that folds what is too wide for it."""
    from rich.table import Table  # noqa: PLC0415 - a drawing library, for terminals alone
    from rich.text import Text  # noqa: PLC0415

    caption = summary(counts, len(rows), held=held, orphans=orphans)
    table = Table(caption=caption, caption_justify="left")
    for name in _COLUMNS:
        right = name in {"id", "size", "held by OK"}
        whole = name in {"id", "state", "size", "video"}
        title = f"{name}\nlast, UTC" if name == "state" else name
        table.add_column(title, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        number, state, *cells, file = _cells(row, nothing="")
        at = f"{row.updated_at:%m-%d %H:%M}"  # 80 columns have no room for more
        # Text, never markup: names and reasons come from elsewhere.
        table.add_row(number, f"{state}\n{at}", *cells, Text("\n".join((file, *_remarks(row, replaced)))))
    return table


def _cells(row: Upload, *, nothing: str) -> tuple[str, ...]:
    return (
        str(row.id),
        row.state.value,
        f"{held(row)} %" if _has_bytes_there(row) else nothing,
        f"{row.drop.revision.size:,}",
        row.ticket.video_id if row.ticket is not None else nothing,
        shown(row.drop.path),
    )


def _has_bytes_there(row: Upload) -> bool:
    """Whether OK may hold bytes of this very upload: not of one that was adopted, nor of a duplicate."""
    return row.state is not State.DUPLICATE and (row.state is not State.PUBLISHED or row.ticket is not None)


def _reason(row: Upload) -> str:
    """Why it stopped; what was replaced did not stop by that."""
    if row.failure is None or row.state is State.SUPERSEDED:
        return ""
    return printable(f"{row.failure.code}: {row.failure.message}")


def _replaced(row: Upload, by: int | None) -> str:
    if row.state is not State.SUPERSEDED:
        return ""
    return f"replaced by upload {by}" if by is not None else "the file changed"


def _replaced_by(row: Upload, replaced: Replaced) -> int | None:
    return replaced(row.id) if row.state is State.SUPERSEDED else None


def _remarks(row: Upload, replaced: Replaced) -> Iterator[str]:
    """What else there is to say of a row at a glance."""
    yield from filter(None, (_reason(row), _replaced(row, _replaced_by(row, replaced))))
    if row.account:
        yield f"account {row.account}"
    if row.held:
        yield "held"
    if row.state in UNFINISHED and row.waits_for is not None:
        yield waiting(row)
    yield from filter(None, (not_yet(row), awaiting(row), draft(row)))
    if row.state is State.DUPLICATE:
        yield f"the same bytes as upload {row.duplicate_of}"
    if row.state is State.PUBLISHED and row.ticket is None:
        yield "adopted: published before, by whatever means"
    if row.state in UNFINISHED and row.last_trouble and row.retry_at is not None:
        yield f"waits for its next try at {rfc3339(row.retry_at)}, after {row.last_trouble}"
    if row.chore is not Chore.CONFIRM:  # every published upload has that before it for a while
        yield from (f"{name} {value}" for name, value in _afterwards(row) if value)


def _afterwards(row: Upload) -> Iterator[tuple[str, str]]:
    """What became, or is to become, of the file after publishing: name and value, "" where nothing is."""
    moves = "moves to" if row.chore is Chore.MOVE else "moved to"
    yield moves, shown(row.moved_to) if row.moved_to is not None else ""
    gone = row.removed_at is not None and row.chore not in {Chore.DELETE, Chore.PRUNE}
    yield "deleted", rfc3339(row.removed_at) if gone and row.removed_at is not None else ""
    last = f", {hindered(row.last_trouble)}" if row.troubles else ""
    yield "left to do:", f"{LEFT_TO_DO[row.chore]}{last}" if row.chore is not None else ""


def _next_try(row: Upload) -> tuple[str, str]:
    if row.retry_at is None:
        return "next try", ""
    if row.chore is Chore.DELETE and not row.troubles:
        return "kept until", f"{rfc3339(row.retry_at)}, by delete_after"
    if row.chore is not None and row.last_trouble in OK_SAYS:
        return "asked again", rfc3339(row.retry_at)
    return "next try", f"{rfc3339(row.retry_at)}, after {row.last_trouble}"


def facts(row: Upload, replaced_by: int | None = None) -> list[tuple[str, str]]:
    """What there is to say of one upload: name and value, in the order in which one reads them."""
    ticket, failure, posted = row.ticket, row.failure, row.publication.posted_at
    told = [
        ("upload", str(row.id)),
        ("path", shown(row.drop.path)),
        ("state", row.state.value),
        ("account", row.account),
        ("size", f"{row.drop.revision.size:,} bytes"),
        ("held by OK", f"{row.received:,} bytes, {held(row)} %" if _has_bytes_there(row) else ""),
        ("video", f"{ticket.video_id}, {video_page(ticket.video_id)}" if ticket is not None else ""),
        ("waits for", f"the end of upload {row.waits_for}" if row.waits_for is not None else ""),
        ("published", not_yet(row)),
        ("draft", draft(row)),
        ("posted", rfc3339(posted) if posted is not None else ""),
        ("cover", cover(row)),
        ("to tell OK", "what its metadata comes to now" if row.publication.renew is not None else ""),
        ("waits", awaiting(row)),
        ("replaced by", f"upload {replaced_by}" if replaced_by is not None else ""),
        ("same as", f"upload {row.duplicate_of}" if row.duplicate_of is not None else ""),
        ("title", printable(row.publication.title or row.drop.title)),
        ("privacy", row.publication.privacy),
        ("tickets", f"{row.tickets} of {TICKETS_PER_REVISION}"),
        ("sent", f"{row.bytes_sent:,} bytes, over all tickets"),
        ("attempts", str(row.attempts)),
        _next_try(row),
        *((name.removesuffix(":"), value) for name, value in _afterwards(row)),
        ("confirmed", rfc3339(row.confirmed_at) if row.confirmed_at is not None else ""),
        ("failure", _reason(row)),
        ("hint", printable(failure.hint) if failure is not None and _reason(row) else ""),
        ("found", rfc3339(row.created_at)),
        ("last change", rfc3339(row.updated_at)),
    ]
    return [(name, value) for name, value in told if value]


def _steps(history: Iterable[HistoryRow]) -> Iterator[tuple[str, str, str]]:
    for step in history:
        before = step.from_state.value if step.from_state is not None else "new"
        stays = step.from_state is step.to_state
        yield (
            rfc3339(step.at),
            step.to_state.value if stays else f"{before} → {step.to_state}",
            printable(step.note),
        )


def steps_as_lines(steps: Iterable[Step]) -> Iterator[str]:
    """What followed from it: who was told and what was done beside the file, and the last lines of a hook."""
    for step in steps:
        lane = "" if step.lane == FILES else f"{step.lane} "
        yield f"{rfc3339(step.done_at or step.created_at)}  {lane}{step.event}: {_came_of(step)}"
        yield from (f"    {printable(line)}" for line in step.output.splitlines())


def _came_of(step: Step) -> str:
    said = printable(step.said)
    if step.outcome is not None:
        return ", ".join(filter(None, (step.outcome.value, said)))
    if not step.tries:
        return "to be done"
    return f"tried {step.tries} times, next at {rfc3339(step.due_at)}: {said}"


def upload_as_lines(
    row: Upload,
    history: Iterable[HistoryRow],
    replaced_by: int | None = None,
    steps: Sequence[Step] = (),
) -> Iterator[str]:
    """For a pipe: a line for each fact, then one for each step of its history; nothing is cut."""
    for name, value in facts(row, replaced_by):
        yield f"{name + ':':<13}{value}"
    yield ""
    for step in _steps(history):
        yield "  ".join(step).rstrip()
    if steps:
        yield ""
        yield from steps_as_lines(steps)


def upload_as_table(
    row: Upload,
    history: Iterable[HistoryRow],
    replaced_by: int | None = None,
    steps: Sequence[Step] = (),
) -> Group:
    """For a terminal: a block of facts and a table of its history, both folded where they are too wide."""
    from rich.console import Group  # noqa: PLC0415 - a drawing library, for terminals alone
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    block = Table.grid(padding=(0, 2, 0, 0))
    block.add_column(style="bold", no_wrap=True)
    block.add_column(overflow="fold")
    for name, value in facts(row, replaced_by):
        block.add_row(name, Text(value))
    life = Table("at", "step", "note")
    for at, step, note in _steps(history):
        life.add_row(at, step, Text(note))
    return Group(block, life, *(Text(line) for line in steps_as_lines(steps)))
