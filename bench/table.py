"""The figures on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from bench import words
from bench.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.figures import Finding

_COLOURS = {True: "green", False: "red", None: ""}


def table(findings: Iterable[Finding]) -> Table:
    """One line a figure."""
    shown = Table()
    for head in ("what", "value", "middle half", "aim", "reference"):
        shown.add_column(head)
    row = ""
    for figure in findings:
        if not isinstance(figure, Figure):
            continue
        if row not in ("", figure.row):
            shown.add_section()
        row = figure.row
        value = words.number(figure.value.median, figure.unit)
        shown.add_row(
            figure.name,
            value,
            words.spread(figure.value, figure.unit),
            words.aim(figure),
            figure.reference,
            style=_COLOURS[figure.holds],
        )
    return shown
