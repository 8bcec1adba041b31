"""A curve as an SVG drawing: light and dark pages both bear it, and a screen reader reads its title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from bench.axes import Axis, worded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.figures import Curve, Spread

WIDTH, HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 28, 64, 52
COLOURS: Final = ("#1f6feb", "#d1691b", "#2a9d5c", "#8250df")
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#6e7781}"
    ".title{font-size:15px;font-weight:600}"
    ".grid{stroke:#8c959f;stroke-opacity:.3}"
    ".line{fill:none;stroke-width:2}"
    ".spread{stroke-width:2;stroke-opacity:.45}"
)


def svg(curve: Curve) -> str:
    """The drawing of a curve."""
    points = [point for series in curve.series.values() for point in series]
    across = Axis.over(x for x, _ in points)
    up = Axis.over(value for _, spread in points for value in (spread.quarter, spread.three_quarters))
    canvas = _Canvas(across, up)
    title = escape(curve.name)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{title}: {escape(curve.y)} over {escape(curve.x)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="22">{title}</text>',
        *canvas.frame(curve.x, curve.y),
    ]
    for number, (name, series) in enumerate(curve.series.items()):
        parts += canvas.series(number, name, series)
    return "\n".join([*parts, "</svg>", ""])


class _Canvas:
    def __init__(self, across: Axis, up: Axis) -> None:
        self._across: Final = across
        self._up: Final = up
        self._named: float = _LEFT

    def _x(self, value: float) -> float:
        return round(_LEFT + self._across.place(value) * (WIDTH - _LEFT - _RIGHT), 1)

    def _y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - self._up.place(value) * (HEIGHT - _TOP - _BOTTOM), 1)

    def frame(self, x: str, y: str) -> Iterator[str]:
        """Lines, marks and what they count."""
        for mark in self._across.marks():
            place = self._x(mark)
            yield f'<path class="grid" d="M{place} {_TOP}V{HEIGHT - _BOTTOM}"/>'
            yield f'<text x="{place}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">{worded(mark)}</text>'
        for mark in self._up.marks():
            place = self._y(mark)
            yield f'<path class="grid" d="M{_LEFT} {place}H{WIDTH - _RIGHT}"/>'
            yield f'<text x="{_LEFT - 8}" y="{place + 4}" text-anchor="end">{worded(mark)}</text>'
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        yield f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x)}</text>'
        middle = (_TOP + HEIGHT - _BOTTOM) / 2
        yield (
            f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">'
            f"{escape(y)}</text>"
        )

    def series(self, number: int, name: str, points: list[tuple[float, Spread]]) -> Iterator[str]:
        """One line, the middle half of each point, and its name above the plot."""
        colour = COLOURS[number % len(COLOURS)]
        places = [(self._x(x), self._y(spread.median), spread) for x, spread in points]
        joined = "L".join(f"{x} {y}" for x, y, _ in places)
        yield f'<path class="line" stroke="{colour}" d="M{joined}"/>'
        for x, y, spread in places:
            low, high = self._y(spread.quarter), self._y(spread.three_quarters)
            yield f'<path class="spread" stroke="{colour}" d="M{x} {low}V{high}"/>'
            yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
        yield f'<circle cx="{self._named + 4}" cy="42" r="4" fill="{colour}"/>'
        yield f'<text x="{self._named + 14}" y="46">{escape(name)}</text>'
        self._named += 14 + 7 * len(name) + 20
