"""The commands that only look: `status`, `show` and `explain`."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from okdrop import words
from okdrop.cli.answer import gathered, tell
from okdrop.cli.support import AsJson, ConfigFile, ledger_if_any, loaded
from okdrop.drop import UNFINISHED
from okdrop.errors import LedgerError, OkdropError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from okdrop.config import Config
    from okdrop.drop import Halt, State, Upload
    from okdrop.ledger import Orphans, Override, Reader


def status(
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All uploads, not the newest alone; --json always has all.")
    ] = False,
) -> None:
    """Show uploads and where they stand.

    A table on a terminal; in a pipe a line for each, with tabs between its columns. A run may be going on.
    """
    from okdrop import report  # noqa: PLC0415

    settings = loaded(config, secrets=False)
    with ledger_if_any(settings.ledger.url.get_secret_value()) as ledger:
        seen = _seen(ledger, whole=as_json or everything)
        if as_json:
            answer = gathered(
                report.status_as_json(
                    seen.counts,
                    seen.rows,
                    seen.orphans,
                    seen.standing,
                    halts=seen.halts,
                    replaced=seen.replaced,
                )
            )
        else:
            _say_halted(seen.halts, settings)
            for line in report.pauses(seen.standing):
                print(line)
            answer = gathered(
                f"{line}\n" for line in itertools.chain(_drawn_or_lines(seen), _unfinished(config, settings))
            )
    tell(answer)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What `status` tells of a ledger; as good as empty where there is none."""

    counts: Mapping[State, int]
    rows: Iterable[Upload]
    is_short: bool  #: there are few enough rows for a table
    held: int
    orphans: Orphans
    standing: Sequence[Override]
    halts: Sequence[Halt]
    replaced: Callable[[int], int | None]


def _seen(ledger: Reader | None, *, whole: bool) -> _Seen:
    from okdrop import report  # noqa: PLC0415

    if ledger is None:
        return _Seen(
            counts={},
            rows=(),
            is_short=True,
            held=0,
            orphans=report.NO_ORPHANS,
            standing=(),
            halts=(),
            replaced=report.not_known,
        )
    counts = ledger.counts()
    return _Seen(
        counts=counts,
        rows=ledger.each() if whole else ledger.uploads(newest=report.NEWEST),
        is_short=not whole or sum(counts.values()) <= report.LARGEST_TABLE,
        held=ledger.held(),
        orphans=ledger.count_orphans(),
        standing=ledger.overrides(datetime.now(UTC)),
        halts=ledger.halts(),
        replaced=ledger.replaced_by,
    )


def _drawn_or_lines(seen: _Seen) -> Iterator[str]:
    """Draw the rows on a terminal, unless they are many; the lines that are left to be said."""
    from okdrop import report  # noqa: PLC0415

    if sys.stdout.isatty() and seen.is_short:
        _draw(
            report.status_as_table(
                seen.counts, [*seen.rows], held=seen.held, orphans=seen.orphans, replaced=seen.replaced
            )
        )
    else:
        yield from report.status_as_lines(
            seen.counts, seen.rows, held=seen.held, orphans=seen.orphans, replaced=seen.replaced
        )
    yield from report.decisions(seen.standing)


def _unfinished(config_file: Path | None, settings: Config) -> Iterator[str]:
    """Files that have no row yet: the running daemon alone knows them. Nothing where none is seen to run."""
    from okdrop.config import load  # noqa: PLC0415
    from okdrop.ledger import daemon_of  # noqa: PLC0415
    from okdrop.top import asking, unfinished  # noqa: PLC0415
    from okdrop.top.where import configured  # noqa: PLC0415

    try:
        if daemon_of(settings.ledger.url.get_secret_value()) is None:
            return
    except LedgerError:  # its lock may not be looked at
        return
    try:
        # Of all secrets the token alone, and without it there is the rest to be seen.
        web = load(config_file, os.environ, secrets_of=("web",)).web
        found = asking.unfinished(configured(web, None))
    except OkdropError as error:
        yield unfinished.not_known(error.message)
    else:
        yield from unfinished.lines(found)


def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="The upload, by its id.")],
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show all of one upload, and its history."""
    from okdrop import documents, report  # noqa: PLC0415
    from okdrop.ledger import read_only  # noqa: PLC0415

    settings = loaded(config, secrets=False)
    with read_only(settings.ledger.url.get_secret_value()) as ledger:
        row = ledger.get(number)
        if row is None:
            raise LedgerError(f"there is no upload {number}", hint="okdrop status lists them")
        history, halts = ledger.history(number), ledger.halts()
        replaced_by, steps = ledger.replaced_by(number), ledger.steps_of(number)
    its = [halt for halt in halts if halt.account == row.account]
    if as_json:
        more = {
            "history": documents.history_as_json(history),
            "steps": documents.steps_as_json(steps),
            "halted": documents.halt_as_json(next(iter(its), None)),
        }
        print(json.dumps(documents.upload_as_json(row, replaced_by) | more))
        return
    _say_halted(its if row.state in UNFINISHED or row.chore is not None else (), settings)
    if sys.stdout.isatty():
        _draw(report.upload_as_table(row, history, replaced_by, steps))
    else:
        for line in report.upload_as_lines(row, history, replaced_by, steps):
            print(line)


def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The file in question.")],
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say whether a file would be taken, and why.

    Or why not, or not yet; what the ledger knows of it; and where each piece of its metadata comes from.
    Nothing is changed or sent. The exit code is 0 whatever the answer.
    """
    from okdrop.explain import explain as explain_file  # noqa: PLC0415
    from okdrop.inbox.named import place  # noqa: PLC0415

    settings = loaded(config, secrets=False)
    with ledger_if_any(settings.ledger.url.get_secret_value()) as ledger:
        answer = explain_file(settings, place(os.fspath(file)), ledger)
    print(json.dumps(answer.as_json()) if as_json else answer.as_text())


def _say_halted(halts: Iterable[Halt], config: Config) -> None:
    """A line above everything else for each account of which everything waits."""
    for halt in halts:
        print(words.halted(halt, several=bool(config.account)))


def _draw(table: RenderableType) -> None:
    """Draw on a terminal."""
    from rich.console import Console  # noqa: PLC0415

    Console().print(table)
