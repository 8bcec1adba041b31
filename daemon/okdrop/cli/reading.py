"""The commands that only look: `status`, `show` and `explain`."""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from okdrop.cli.answer import gathered, tell
from okdrop.cli.support import AsJson, ConfigFile, ledger_if_any, ledger_url, loaded
from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from okdrop.drop import State, Upload
    from okdrop.ledger import Override


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

    counts: dict[State, int]
    standing: list[Override] = []
    with ledger_if_any(ledger_url(config)) as ledger:
        if ledger is None:
            counts, held, orphans = {}, 0, report.NO_ORPHANS
        else:
            counts, held, orphans = ledger.counts(), ledger.held(), ledger.count_orphans()
            standing = ledger.overrides()
        whole = as_json or everything
        is_short = not whole or sum(counts.values()) <= report.LARGEST_TABLE
        if ledger is None:
            rows: Iterable[Upload] = ()
        else:
            rows = ledger.each() if whole else ledger.uploads(newest=report.NEWEST)
        if as_json:
            answer = gathered(report.status_as_json(counts, rows, orphans, standing))
        elif sys.stdout.isatty() and is_short:
            _draw(report.status_as_table(counts, [*rows], held=held, orphans=orphans))
            answer = gathered(f"{line}\n" for line in report.decisions(standing))
        else:
            lines = report.status_as_lines(counts, rows, held=held, orphans=orphans)
            answer = gathered(f"{line}\n" for line in itertools.chain(lines, report.decisions(standing)))
    tell(answer)


def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="The upload, by its id.")],
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show all of one upload, and its history."""
    from okdrop import documents, report  # noqa: PLC0415
    from okdrop.ledger import read_only  # noqa: PLC0415

    with read_only(ledger_url(config)) as ledger:
        row = ledger.get(number)
        if row is None:
            raise LedgerError(f"there is no upload {number}", hint="okdrop status lists them")
        history = ledger.history(number)
    if as_json:
        print(json.dumps(documents.upload_as_json(row) | {"history": documents.history_as_json(history)}))
    elif sys.stdout.isatty():
        _draw(report.upload_as_table(row, history))
    else:
        for line in report.upload_as_lines(row, history):
            print(line)


def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file in question.")],
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


def _draw(table: RenderableType) -> None:
    """Draw on a terminal."""
    from rich.console import Console  # noqa: PLC0415

    Console().print(table)
