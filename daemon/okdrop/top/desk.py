"""What a person at the keys does: a selection, a question, a prompt.

Pure. The desk is a value; `pressed` gives the next one and an order, which whoever called it carries out.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.drop import UNFINISHED, State

if TYPE_CHECKING:
    from okdrop.top.model import Row, View

LONGEST_LIMIT: Final = 200
"""Characters that are taken at the prompt for a limit: a timetable has that many at most."""


class Key(enum.Enum):
    """What a terminal sends for a key that is no character."""

    UP = "up"
    DOWN = "down"
    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"


Pressed: TypeAlias = Key | str


class Mode(enum.Enum):
    """What the next key is for."""

    WATCHING = "watching"
    HELP = "help"
    CANCELLING = "cancelling"  #: "y" takes the upload out
    LIMITING = "limiting"  #: a limit is being typed


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the person is."""

    mode: Mode = Mode.WATCHING
    selected: int | None = None  #: an upload, by its id
    typed: str = ""
    notice: str = ""  #: what came of the latest order


@dataclasses.dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """Begin nothing new, or go on."""

    wanted: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Retry:
    """Hand a failed upload back."""

    upload: int


@dataclasses.dataclass(frozen=True, slots=True)
class Cancel:
    """Take an upload out."""

    upload: int


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """Limit what is sent; None: as it is configured."""

    limit: str | None


Order: TypeAlias = Quit | Pause | Retry | Cancel | Limit


def pressed(key: Pressed, desk: Desk, view: View) -> tuple[Desk, Order | None]:
    """What a key comes to: the next desk, and what is to be done."""
    match desk.mode:
        case Mode.HELP:
            return dataclasses.replace(desk, mode=Mode.WATCHING), Quit() if key == "q" else None
        case Mode.CANCELLING:
            return _answered(key, desk)
        case Mode.LIMITING:
            return _typed(key, desk)
        case Mode.WATCHING:
            return _watching(key, dataclasses.replace(desk, notice=""), view)


def selected(desk: Desk, view: View) -> Row | None:
    """The row that is selected, as long as it is shown."""
    return next((row for row in view.selectable if row.id == desk.selected), None)


def _watching(key: Pressed, desk: Desk, view: View) -> tuple[Desk, Order | None]:
    match key:
        case "q":
            return desk, Quit()
        case "p":
            return desk, Pause(view.status.paused_since is None)
        case "r":
            return _retry(desk, selected(desk, view))
        case "c":
            return _cancel(desk, selected(desk, view)), None
        case "b":
            return dataclasses.replace(desk, mode=Mode.LIMITING, typed=""), None
        case "?" | "h":
            return dataclasses.replace(desk, mode=Mode.HELP), None
        case _:
            return _moved(key, desk, view), None


def _moved(key: Pressed, desk: Desk, view: View) -> Desk:
    """The selection goes up or down, and stops at either end."""
    if key is Key.ESCAPE:
        return dataclasses.replace(desk, selected=None)
    step = {Key.UP: -1, "k": -1, Key.DOWN: 1, "j": 1}.get(key)
    numbers = [row.id for row in view.selectable]
    if step is None or not numbers:
        return desk
    if desk.selected not in numbers:
        return dataclasses.replace(desk, selected=numbers[0 if step > 0 else -1])
    at = min(max(numbers.index(desk.selected) + step, 0), len(numbers) - 1)
    return dataclasses.replace(desk, selected=numbers[at])


def _retry(desk: Desk, row: Row | None) -> tuple[Desk, Order | None]:
    if row is None or row.state is not State.FAILED:
        return dataclasses.replace(
            desk, notice="select a failed upload first, with the up and down keys"
        ), None
    return desk, Retry(row.id)


def _cancel(desk: Desk, row: Row | None) -> Desk:
    if row is None or row.state not in {*UNFINISHED, State.FAILED}:
        return dataclasses.replace(desk, notice="select an upload first, with the up and down keys")
    return dataclasses.replace(desk, mode=Mode.CANCELLING)


def _answered(key: Pressed, desk: Desk) -> tuple[Desk, Order | None]:
    """Only a plain yes is one."""
    after = dataclasses.replace(desk, mode=Mode.WATCHING)
    if key in {"y", "Y"} and desk.selected is not None:
        return after, Cancel(desk.selected)
    return dataclasses.replace(after, notice="nothing was cancelled"), None


def _typed(key: Pressed, desk: Desk) -> tuple[Desk, Order | None]:
    done = dataclasses.replace(desk, mode=Mode.WATCHING, typed="")
    match key:
        case Key.ESCAPE:
            return done, None
        case Key.ENTER:
            text = desk.typed.strip()
            return done, Limit(None if text == "reset" else text) if text else None
        case Key.BACKSPACE:
            return dataclasses.replace(desk, typed=desk.typed[:-1]), None
        case str() if len(desk.typed) < LONGEST_LIMIT:
            return dataclasses.replace(desk, typed=desk.typed + key), None
        case _:
            return desk, None
