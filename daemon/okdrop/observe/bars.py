"""Progress on a terminal: a bar for each file, drawn in place; what else is written goes above it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Self, TextIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from okdrop.observe.standing import ENDED, Stage, amount, duration

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from rich.console import RenderableType

    from okdrop.events import Event
    from okdrop.observe.board import Board, Row

REFRESH: Final = 4
"""Drawings a second."""

_ROOM_BELOW: Final = 2  #: lines of the screen that stay free
_LINES_EACH: Final = 2  #: lines that a file on its way takes

_BAR: Final = "magenta"
_DONE_BAR: Final = "green"
"""Colours that a terminal of sixteen has too: the library's own come out grey there."""

_STYLES: Final = {Stage.DONE: "green", Stage.STOPPED: "red", Stage.WAITING: "yellow", Stage.AGAIN: "yellow"}


class Bars:
    """Draws the board while the block lasts, and takes the drawing away at its end.

    Args:
        board: where the files stand.
        stream: the terminal.
    """

    def __init__(self, board: Board, stream: TextIO) -> None:
        self._board: Final = board
        self._console: Final = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live: Final = Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=REFRESH,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.above: Final = cast(
            "TextIO", _Above(self._console)
        )  #: what is written here stands above the bars

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # a terminal that hung up must not change what the run came to
            self._live.stop()

    def listen(self, event: Event) -> None:
        """Follow an event; the next drawing shows it."""
        self._board.listen(event)

    def _drawn(self) -> RenderableType:
        now = self._board.monotonic()
        rows = sorted(self._board.rows.values(), key=_importance)
        room = max(_LINES_EACH, self._console.height - _ROOM_BELOW)
        pieces: list[RenderableType] = []
        for shown, row in enumerate(rows):
            room -= 1 if _is_quiet(row) else _LINES_EACH
            if room < 0:
                pieces.append(Text(f"and {len(rows) - shown} more"))
                break
            pieces.extend(_pieces(row, now))
        return Group(*pieces)


def _importance(row: Row) -> int:
    """What moves stands first, then what has ended, then what waits for its turn."""
    if not _is_quiet(row):
        return 0
    return 1 if row.standing.stage in ENDED else 2


def _is_quiet(row: Row) -> bool:
    """Whether there is nothing to measure about it."""
    return row.standing.stage in {*ENDED, Stage.SETTLING, Stage.QUEUED}


def _pieces(row: Row, now: float) -> Iterable[RenderableType]:
    standing = row.standing
    # Text, never markup: names and reasons come from elsewhere.
    head = Text(row.label, no_wrap=True, overflow="ellipsis")
    words = Text(
        f"  {standing.says(now)}", _STYLES.get(standing.stage, "dim"), no_wrap=True, overflow="ellipsis"
    )
    line = Table.grid(expand=False)
    line.add_row(head, words)
    yield line
    if not _is_quiet(row):
        yield _bar(row, now)


def _bar(row: Row, now: float) -> Table:
    standing = row.standing
    left = row.time_left(now)
    speed = f"{amount(row.pace.speed(now))}/s" if left is not None else ""
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(ratio=1)
    for _ in range(4):
        line.add_column(justify="right", no_wrap=True)
    line.add_row(
        ProgressBar(
            total=max(standing.size, 1),
            completed=standing.done,
            complete_style=_BAR,
            finished_style=_DONE_BAR,
        ),
        f"{standing.percent} %",
        f"{amount(standing.done)} of {amount(standing.size)}",
        speed,
        f"{duration(left)} left" if left is not None else "",
    )
    return line


class _Above:
    """A text stream whose whole lines are printed above the bars."""

    def __init__(self, console: Console) -> None:
        self._console: Final = console
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._console.print(Text.from_ansi(line), soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Nothing waits but the beginning of a line."""

    def isatty(self) -> bool:
        return self._console.is_terminal
