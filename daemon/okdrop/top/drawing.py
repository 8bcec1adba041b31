"""A view as lines of a screen of any size. Pure: at most `height` lines, none wider than `width`.

Two rules:

1. The first line and the last one are always there: how the daemon stands, and what can be done.
2. What is between shares the room: each part has a line for its title and one upload before any has two.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from rich.text import Text

from okdrop.observe.standing import Stage, amount, duration
from okdrop.top.desk import Mode, selected
from okdrop.top.lines import bar, cut, line, two_sides
from okdrop.top.wording import counts, host, limit, pace, published, queued

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from okdrop.top.desk import Desk
    from okdrop.top.lines import Glyphs, Piece
    from okdrop.top.model import Moving, Row, View

HELP: Final = (
    ("up, down", "select an upload (k, j too); Esc selects none"),
    ("r", "hand the selected failed upload back"),
    ("c", "take the selected upload out, after a question"),
    ("p", "pause, or go on"),
    ("b", "limit what is sent"),
    ("q", "leave; the daemon goes on"),
    ("?", "this help"),
)
"""The keys, and what each does."""

_KEYS: Final = "q quit  p {pause}  up/down select  r retry  c cancel  b bandwidth  ? help"
_SHORT_KEYS: Final = "q quit  p {pause}  r retry  c cancel  b limit  ? help"
_ROOM_FOR_AMOUNTS: Final = 80
_NARROWEST_BAR: Final = 4
_MOST_TROUBLES: Final = 2
_STYLES: Final = {Stage.WAITING: "yellow", Stage.AGAIN: "yellow", Stage.STOPPED: "red", Stage.DONE: "green"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of a screen, in cells."""

    width: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """A title, and things below it that take as many lines each."""

    title: str
    things: Sequence[Sequence[Text]]
    at: int | None = None  #: which of them is selected

    @property
    def each(self) -> int:
        return len(self.things[0])


def screen(view: View, desk: Desk, size: Size, glyphs: Glyphs) -> list[Text]:
    """Everything, as lines."""
    width, height = max(size.width, 1), max(size.height, 1)
    top, foot = _head(view, width, glyphs), _foot(view, desk, width, glyphs)
    if desk.mode is Mode.HELP:
        middle = [line([(f"  {keys:<10}", "bold"), (words, "")], width, glyphs) for keys, words in HELP]
    else:
        parts = _parts(view, desk, width, glyphs)
        middle = _shared(parts, height - len(top) - 1, width, glyphs)
    above = [*top, *middle][: height - 1]
    lines = [*above, *[Text()] * (height - 1 - len(above)), foot]
    for text in lines:
        text.truncate(width, overflow="crop")  # a screen may be narrower than the margins
    return lines


def _head(view: View, width: int, glyphs: Glyphs) -> list[Text]:
    status = view.status
    style = (
        "bold red" if view.lost or status.reasons else "bold yellow" if status.paused_since else "bold green"
    )
    words = view.lost or status.words
    lines = [
        line([("okdrop ", "bold"), (words, style), (f"  {view.address}", "dim")], width, glyphs),
        line([(counts(status), "")], width, glyphs),
        line([(f"{pace(status.goodput)} now", "bold"), (f", {limit(status)}", "")], width, glyphs),
    ]
    return lines + [line([(one, "yellow")], width, glyphs) for one in status.troubles[:_MOST_TROUBLES]]


def _foot(view: View, desk: Desk, width: int, glyphs: Glyphs) -> Text:
    match desk.mode:
        case Mode.CANCELLING:
            row = selected(desk, view)
            name = f" ({row.name})" if row is not None else ""
            ask = f"cancel upload {desk.selected}? y/n"
            return line([(ask, "bold yellow"), (name, "")], width, glyphs)
        case Mode.LIMITING:
            ask = "limit (2MiB/s, off, reset): "
            room = max(width - len(ask) - 1, 0)
            return line([(ask, "bold yellow"), (desk.typed[-room:] if room else "", "")], width, glyphs)
        case _:
            pass
    if desk.notice:
        return line([(desk.notice, "bold")], width, glyphs)
    pause = "resume" if view.status.paused_since is not None else "pause"
    keys = _KEYS.format(pause=pause)
    if len(keys) > width:
        keys = _SHORT_KEYS.format(pause=pause)
    return line([(keys, "dim")], width, glyphs)


def _parts(view: View, desk: Desk, width: int, glyphs: Glyphs) -> list[_Part]:
    """What there is to see, in the order in which it stands on the screen."""
    rows, status = view.rows, view.status

    def listed(title: str, of: Sequence[Row], words: Callable[[Row], Piece]) -> _Part:
        things = [
            [_marked(two_sides((_label(row), ""), words(row), width - 2, glyphs), row, desk, glyphs)]
            for row in of
        ]
        return _Part(title, things, _index(of, desk))

    moving = [_moving(one, desk, width, glyphs) for one in view.moving]
    hosts = [[line([("  ", ""), (host(one), "")], width, glyphs)] for one in status.hosts]
    found = [
        _Part("hosts", hosts),
        _Part("on their way", moving, _index([one.row for one in view.moving], desk)),
        _unfinished(view, width, glyphs),
        listed("failed", rows.failed, lambda row: (row.cause, "red")),
        listed("queued, those found first", rows.queued, lambda row: (queued(row, view.now), "dim")),
        listed("published", rows.published, lambda row: (published(row), "green")),
    ]
    return [part for part in found if part.things]


def _unfinished(view: View, width: int, glyphs: Glyphs) -> _Part:
    """Files that have no upload yet."""
    if view.unfinished is None:
        return _Part("", [])
    things = [
        [
            Text("  ", no_wrap=True).append_text(
                two_sides((one.name, ""), (one.words, "dim"), width - 2, glyphs)
            )
        ]
        for one in view.unfinished.files
    ]
    return _Part(view.unfinished.words, things)


def _label(row: Row) -> str:
    return f"{row.id} {row.account}: {row.name}" if row.account else f"{row.id} {row.name}"


def _index(rows: Sequence[Row], desk: Desk) -> int | None:
    return next((at for at, row in enumerate(rows) if row.id == desk.selected), None)


def _marked(text: Text, row: Row, desk: Desk, glyphs: Glyphs) -> Text:
    """With a mark before it where it is selected; colour alone would not do."""
    if row.id != desk.selected:
        return Text("  ", no_wrap=True).append_text(text)
    chosen = Text(f"{glyphs.mark} ", "bold", no_wrap=True).append_text(text)
    chosen.stylize("reverse")
    return chosen


def _moving(one: Moving, desk: Desk, width: int, glyphs: Glyphs) -> list[Text]:
    """Two lines: what it is and what is being done; how far it is."""
    standing = one.standing
    words = (one.words, _STYLES.get(standing.stage, "dim"))
    head = _marked(two_sides((_label(one.row), "bold"), words, width - 2, glyphs), one.row, desk, glyphs)
    figures = [f"{standing.percent:3} %"]
    if width >= _ROOM_FOR_AMOUNTS:
        figures.append(f"{amount(standing.done)} of {amount(standing.size)}")
    if one.left is not None:
        figures += [f"{amount(one.speed)}/s", f"{duration(one.left)} left"]
    text = "  ".join(figures)
    room = max(width - 5 - len(text), _NARROWEST_BAR)
    drawn = bar(standing.done, standing.size, room, glyphs)
    return [head, line([("  ", ""), *drawn, (f"  {text}", "")], width, glyphs)]


def _shared(parts: Sequence[_Part], room: int, width: int, glyphs: Glyphs) -> list[Text]:
    """As much of each part as there is room for; one that has a selection is served first."""
    granted = [0] * len(parts)
    turns = sorted(range(len(parts)), key=lambda at: parts[at].at is None)
    while True:
        before = room
        for at in turns:
            price = parts[at].each + (granted[at] == 0)
            if granted[at] < len(parts[at].things) and price <= room:
                granted[at] += 1
                room -= price
        if room == before:
            break
    lines: list[Text] = []
    for part, count in zip(parts, granted, strict=True):
        if count:
            lines += _drawn(part, count, width, glyphs)
    return lines


def _drawn(part: _Part, count: int, width: int, glyphs: Glyphs) -> list[Text]:
    first = window(len(part.things), count, part.at)
    more = f" ({count} of {len(part.things)})" if count < len(part.things) else ""
    title = Text(cut(f"{part.title}{more}", width, glyphs), "bold cyan", no_wrap=True)
    return [title, *(text for thing in part.things[first : first + count] for text in thing)]


def window(total: int, count: int, at: int | None) -> int:
    """Which of `total` stands first where `count` are shown, so that the selected one is among them."""
    if at is None or at < count:
        return 0
    return min(at - count + 1, total - count)
