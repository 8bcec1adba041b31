"""Progress where there is no terminal: plain lines, few of them, without control codes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, TextIO

from okdrop.observe.standing import MOVING, Stage, amount, duration

if TYPE_CHECKING:
    from okdrop.events import Event
    from okdrop.observe.board import Board, Row

EVERY_SECONDS: Final = 5.0
EVERY_PERCENT: Final = 10
"""A file that is being sent is worth a line after both, at least."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    stage: Stage | None = None
    words: str = ""
    percent: int = 0
    at: float = 0.0


class Lines:
    """Writes a line at each change of what is done about a file, and now and then while it is sent.

    Args:
        board: where the files stand.
        stream: where the lines go.
    """

    def __init__(self, board: Board, stream: TextIO) -> None:
        self._board: Final = board
        self._stream: Final = stream
        self._told: Final[dict[str, _Told]] = {}

    def listen(self, event: Event) -> None:
        """Follow an event."""
        row = self._board.listen(event)
        if row is None:
            return
        now = self._board.monotonic()
        told = self._told.get(row.label, _Told())
        if _is_news(row, told, now):
            standing = row.standing
            self._told[row.label] = _Told(standing.stage, standing.words, standing.percent, now)
            print(f"{row.label}: {_line(row, now)}", file=self._stream, flush=True)


def _is_news(row: Row, told: _Told, now: float) -> bool:
    standing = row.standing
    if standing.stage is not told.stage:
        return True
    if standing.stage not in MOVING:
        return standing.words != told.words
    return abs(standing.percent - told.percent) >= EVERY_PERCENT and now - told.at >= EVERY_SECONDS


def _line(row: Row, now: float) -> str:
    standing = row.standing
    parts = [standing.says(now)]
    if standing.stage in {*MOVING, Stage.WAITING}:
        parts.append(f"{standing.percent} % of {amount(standing.size)}")
    speed, left = row.pace.speed(now), row.time_left(now)
    if left is not None:
        parts += [f"{amount(speed)}/s", f"{duration(left)} left"]
    return ", ".join(parts)
